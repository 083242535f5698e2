/** Which kind of registry stands at an address: by its code, or by what only that kind refuses, and how. */
import { encodeBytes32String, Interface, type Provider, zeroPadValue } from 'ethers'
import { RegistryMissingError } from '../registry/connection.ts'
import { ask, revertDataOf, typedCallError } from '../registry/contractErrors.ts'
import { ProverError } from '../errors.ts'
import { contractWithCode } from './deployed/code.ts'
import { isVerifier } from './verifierCode.ts'

export type RegistryKind = 'markets' | 'portfolio' | 'cross'

const kindOfContract: Readonly<Record<string, RegistryKind>> = {
  RiskRegistry: 'markets',
  PortfolioRegistry: 'portfolio',
  CrossMarginRegistry: 'cross',
}

/** A market and an account that nobody has. */
const NO_MARKET = encodeBytes32String('zkrisk asks of no market')
const NO_ACCOUNT = zeroPadValue('0x6e6f626f6479', 20)

/**
 * What each kind is asked of nobody, and the error that it refuses with. Whoever answers everything refuses nothing, and whoever has
 * no such function says no name. Not the compiled interfaces: a build for markets alone has no registries of margins, and audits.
 */
const questions: Readonly<
  Record<RegistryKind, { readonly asked: string; readonly refusal: string; readonly of: string }>
> = {
  markets: { asked: 'parameters(bytes32)', refusal: 'NotYetProven(bytes32)', of: NO_MARKET },
  portfolio: { asked: 'marginOf(address)', refusal: 'MarginNotYetProven(address)', of: NO_ACCOUNT },
  cross: { asked: 'crossMarginOf(address)', refusal: 'CrossMarginNotYetProven(address)', of: NO_ACCOUNT },
}

/**
 * The kind of registry at an address. One whose code is not the one compiled here is told by how it refuses: that it is another's is
 * for the verdict to say.
 *
 * @throws {@link RegistryMissingError}, {@link NoRegistryError}; {@link RpcError} if the node does not answer
 */
export async function registryKindAt(provider: Provider, registry: string): Promise<RegistryKind> {
  const code = await ask('Reading the code', () => provider.getCode(registry))
  if (code === '0x') throw new RegistryMissingError(registry, (await provider.getNetwork()).chainId)
  const contract = contractWithCode(code)
  const known = contract === undefined ? undefined : kindOfContract[contract]
  if (known !== undefined) return known
  if (contract !== undefined) throw new NoRegistryError(registry, `the contract ${contract}`)
  const kinds: readonly RegistryKind[] = ['portfolio', 'cross', 'markets']
  for (const kind of kinds) if (await refusesAs(provider, registry, kind)) return kind
  if (isVerifier(code)) throw new NoRegistryError(registry, 'a verifier of proofs, which registries call')
  throw new NoRegistryError(
    registry,
    'a contract that refuses nothing as a registry does, and whose code is not known here',
  )
}

/** Whether the contract at an address refuses what it is asked of nobody as this kind of registry does. */
export async function refusesAs(provider: Provider, registry: string, kind: RegistryKind): Promise<boolean> {
  const { asked, refusal, of } = questions[kind]
  const contract = new Interface([`function ${asked} view`, `error ${refusal}`])
  const name = refusal.slice(0, refusal.indexOf('('))
  try {
    await provider.call({ to: registry, data: contract.encodeFunctionData(asked, [of]) })
    return false
  } catch (error) {
    const data = revertDataOf(error)
    if (data === undefined) {
      // A node that failed has refused nothing.
      const typed = typedCallError(error, 'Asking what the registry is')
      if (typed.code === 'registry.reverted') return false
      throw typed
    }
    return data === contract.encodeErrorResult(name, [of])
  }
}

/** What stands at an address is no registry. */
export class NoRegistryError extends ProverError {
  readonly code = 'audit.no-registry'
  readonly registry: string

  constructor(registry: string, what: string) {
    super(
      `Expected a registry of markets, or of margins, at ${registry}, got ${what}. deployment.json has the ` +
        'addresses under addresses.registry, portfolio.registry and cross.registry.',
    )
    this.registry = registry
  }
}
