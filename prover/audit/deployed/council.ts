/** Who governs, as the council's own events and answers have it. */
import { Contract, isError, type Provider, toBeHex } from 'ethers'
import { ProverError } from '../../errors.ts'
import { ADMIN_ROLE, adminFunctions, type RestrictedContract, restrictedFunctions } from '../../registry/authority.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { logsBetween } from '../../registry/chain.ts'
import { ask } from '../../registry/contractErrors.ts'
import { inTurns } from '../nodeReads.ts'
import type { DeployedRecord, Part, RoleRecord, TargetRecord } from './record.ts'

export type AddressOf<P extends Part> = { readonly part: P; readonly address: string }
type Governed = { readonly contract: RestrictedContract; readonly address: string }

type CouncilSource = {
  readonly provider: Provider
  /** That names the council. */
  readonly registry: string
  readonly fromBlock: number
  readonly end: number
}

/** Roles with whoever ever got them and still has them, and what each may call. @throws {@link NoCouncilError} */
export async function collectCouncil(
  source: CouncilSource,
  address: string,
  governed: readonly Governed[],
): Promise<DeployedRecord['council']> {
  const council = new CouncilReader(source, address)
  const grants = await council.grants()
  const targets = await inTurns(governed, (each) => council.target(each))
  const admin = await council.adminFunctions()
  const ids = new Set([
    ADMIN_ROLE,
    ...admin.map(({ role }) => role),
    ...grants.keys(),
    ...targets.flatMap(({ functions }) => functions.map((f) => f.role)),
  ])
  // A role that nobody was ever given may still govern another.
  for (const id of ids) for (const above of await council.above(id)) ids.add(above)
  const roles = await inTurns(
    [...ids].toSorted((a, b) => (a < b ? -1 : 1)),
    (id) => council.role(id, grants.get(id)),
  )
  return { address, roles, admin, targets }
}

type Grant = RoleRecord['members'][number]['granted']

class CouncilReader {
  private readonly source: CouncilSource
  private readonly address: string
  private readonly labels = new Map<bigint, string>()

  constructor(source: CouncilSource, address: string) {
    this.source = source
    this.address = address
  }

  /** The last grant of each role to each account. */
  async grants(): Promise<ReadonlyMap<bigint, ReadonlyMap<string, Grant>>> {
    const { provider, fromBlock, end } = this.source
    const events = interfaceOf('RiskCouncil')
    const topics = [['RoleGranted', 'RoleLabel'].map((event) => events.getEvent(event)?.topicHash ?? '')]
    const found = new Map<bigint, Map<string, Grant>>()
    for (const log of await logsBetween(provider, { address: this.address, topics }, fromBlock, end)) {
      const { roleId, account, label } = events.parseLog(log)?.args.toObject() ?? {}
      if (label !== undefined) {
        this.labels.set(roleId, label.slice(0, 64))
        continue
      }
      const sent = await ask('Reading a grant', () => provider.getTransaction(log.transactionHash))
      const { blockNumber: block, transactionHash } = log
      const of = found.get(roleId) ?? new Map<string, Grant>()
      found.set(roleId, of.set(account, { block, transactionHash, by: sent?.from ?? account }))
    }
    return found
  }

  /** Roles that govern a role. */
  above(id: bigint): Promise<readonly bigint[]> {
    return Promise.all([this.read<bigint>('getRoleAdmin', id), this.read<bigint>('getRoleGuardian', id)])
  }

  async role(id: bigint, granted: ReadonlyMap<string, Grant> = new Map()): Promise<RoleRecord> {
    const [admin = 0n, guardian = 0n] = await this.above(id)
    const members = await inTurns([...granted], async ([account, grant]) => {
      const [since, delay, pending, effect] = await this.read<readonly bigint[]>('getAccess', id, account)
      const delaySeconds = Number(effect === 0n || (delay ?? 0n) < (pending ?? 0n) ? delay : pending)
      return { account, delaySeconds, since: Number(since), granted: grant }
    })
    const held = members.filter(({ since }) => since !== 0)
    const grantDelaySeconds = Number(await this.read('getRoleGrantDelay', id))
    return { id, label: this.labels.get(id) ?? '', admin, guardian, grantDelaySeconds, members: held }
  }

  /** Whose guardians may cancel what administrators schedule of the council itself. */
  async adminFunctions(): Promise<DeployedRecord['council']['admin']> {
    const methods = [...adminFunctions.cancellable, ...adminFunctions.revoking]
    return inTurns(methods, async (method) => {
      const selector = interfaceOf('RiskCouncil').getFunction(method)?.selector
      return { method, role: await this.read<bigint>('getTargetFunctionRole', this.address, selector) }
    })
  }

  async target({ contract, address }: Governed): Promise<TargetRecord> {
    const code = interfaceOf(contract)
    const target = new Contract(address, code, this.source.provider)
    const blockTag = toBeHex(this.source.end)
    const functions: TargetRecord['functions'] = []
    for (const method of Object.keys(restrictedFunctions[contract])) {
      const selector = code.getFunction(method)?.selector
      functions.push({ method, role: await this.read('getTargetFunctionRole', address, selector) })
    }
    return {
      address,
      authority: await ask('Reading the authority', () => target.getFunction('authority')({ blockTag })),
      isClosed: await this.read('isTargetClosed', address),
      functions,
    }
  }

  private async read<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const council = new Contract(this.address, interfaceOf('RiskCouncil'), this.source.provider)
    const blockTag = toBeHex(this.source.end)
    return ask(`Reading ${method} of the council`, async () => {
      try {
        return await council.getFunction(method)(...args, { blockTag })
      } catch (error) {
        // Where no contract stands every call is answered, with nothing.
        const isSilent = isError(error, 'BAD_DATA') && error.value === '0x'
        throw isSilent ? new NoCouncilError(this.source.registry, this.address) : error
      }
    })
  }
}

/** A registry names something as its council that is none. */
export class NoCouncilError extends ProverError {
  readonly code = 'audit.no-council'
  readonly registry: string
  readonly council: string

  constructor(registry: string, council: string) {
    super(
      `Expected the council that ${registry} names to answer, got nothing from ${council}, where no council stands: what is at the ` +
        'registry’s address is no engine, such as a proxy of a registry, or a copy of its code without its state.',
    )
    this.registry = registry
    this.council = council
  }
}
