/** `zkrisk doctor --deployment`: whether a deployment is where it says, and who may do what there, after how long. */
import { Contract, type Provider } from 'ethers'
import { isDevelopmentChain } from '../../proof/index.ts'
import { type RpcAddress, connectProvider, type Deployment, interfaceOf, readDeployment } from '../../registry/index.ts'
import {
  type Authority,
  type AuthorityPlace,
  LEAST_COUNCIL_DELAY_SECONDS,
  readAuthority,
  type Right,
  type RoleMember,
} from '../../registry/authority.ts'
import { ask } from '../../registry/contractErrors.ts'
import { policyEntries, rangeOf } from '../../parameters/policyEntries.ts'
import { idOfSource } from '../../registry/market/place.ts'
import { publicSignersOf } from '../deploying/config.ts'
import { duration, isoTime } from '../text/figures.ts'
import { formatTable } from '../text/table.ts'
import { isFault, type Finding } from './findings.ts'
import { UsageError } from '../text/usageError.ts'

export type DeploymentExamined = {
  readonly findings: readonly Finding[]
  readonly deployers: readonly string[]
  readonly rights: readonly {
    readonly contract: string
    readonly address: string
    readonly method: string
    readonly role: string
    readonly anybody: boolean
    readonly closed: boolean
    readonly accounts: readonly { readonly account: string; readonly delayHours: number }[]
    /** Who else may cancel a scheduled call of it. */
    readonly cancellers: readonly string[]
  }[]
}

/**
 * Examines what a deployment file says against its chain.
 *
 * @throws {@link DeploymentFieldError}, {@link WrongChainError}, {@link RpcUnreachableError}
 */
export async function examineDeployment(rpc: RpcAddress, file: string): Promise<DeploymentExamined> {
  const deployment = await readDeployment(file)
  const provider = await connectProvider(rpc, deployment.chainId)
  try {
    const isDevelopment = isDevelopmentChain(deployment.chainId)
    const kind = isDevelopment ? 'development' : 'no development chain'
    const chain: Finding = { check: 'chain', status: 'ok', found: `${deployment.chainId}, ${kind}` }
    const contracts = await contractFindings(provider, deployment)
    if (contracts.some(isFault)) return { findings: [chain, ...contracts], deployers: [], rights: [] }
    const { council } = deployment.addresses
    const authority = await readAuthority(provider, {
      council,
      contracts: governedBy(deployment),
      fromBlock: deployment.block,
    })
    return {
      findings: [
        ...[chain, ...contracts],
        ...(await signersFindings(provider, deployment, isDevelopment ? 'warning' : 'wrong')),
        ...governanceFindings(authority, isDevelopment),
        ...(await controlFindings(provider, deployment)),
      ],
      deployers: authority.deployers,
      rights: authority.rights.map(({ contract, address, method, role, isOpen, isClosed, members, cancellers }) => ({
        ...{ contract, address, method, role, anybody: isOpen, closed: isClosed },
        accounts: members.map(({ account, delaySeconds }) => ({ account, delayHours: delaySeconds / 3600 })),
        cancellers: cancellers.map(({ account }) => account),
      })),
    }
  } finally {
    provider.destroy()
  }
}

/** Contracts of a deployment that obey its council. */
export function governedBy({ addresses, sources, portfolio, cross }: Deployment): AuthorityPlace['contracts'] {
  return [
    { contract: 'ModelRegistry', address: addresses.modelRegistry },
    { contract: 'RiskRegistry', address: addresses.registry },
    ...sources
      .filter(({ kind }) => kind === 'attestedFeed')
      .map(({ address }) => ({ contract: 'AttestedFeed', address }) as const),
    ...(portfolio === undefined
      ? []
      : ([
          { contract: 'PortfolioRegistry', address: portfolio.registry },
          { contract: 'RiskArrays', address: portfolio.arrays },
          { contract: 'AttestedRounds', address: portfolio.rounds },
        ] as const)),
    ...(cross === undefined
      ? []
      : [
          { contract: 'CrossMarginRegistry', address: cross.registry } as const,
          ...cross.markets.map(({ arrays }) => ({ contract: 'RiskArrays', address: arrays }) as const),
          { contract: 'AttestedRounds', address: cross.rounds } as const,
        ]),
  ]
}

/** Every address has code: what is missing is another chain's, or was never deployed. */
async function contractFindings(provider: Provider, deployment: Deployment): Promise<readonly Finding[]> {
  const { addresses, sources, models, portfolio, cross } = deployment
  const verifiers = new Map(
    [...models, ...(portfolio?.models ?? []), ...(cross?.models ?? [])].map(({ name, verifier }) => [
      `verifier ${name}`,
      verifier,
    ]),
  )
  const named = [
    ...Object.entries(addresses),
    ...sources.map(({ name, address }) => [`source ${name}`, address] as const),
    ...(portfolio === undefined
      ? []
      : ([
          ['portfolio registry', portfolio.registry],
          ['risk arrays', portfolio.arrays],
          ['rounds', portfolio.rounds],
        ] as const)),
    ...(cross === undefined
      ? []
      : [
          ['cross registry', cross.registry] as const,
          ...cross.markets.map(({ market, arrays }) => [`risk arrays ${market}`, arrays] as const),
          ['cross rounds', cross.rounds] as const,
        ]),
    ...verifiers,
  ]
  const findings: Finding[] = []
  for (const [check, address] of named) {
    const code = await ask(`Reading the code of ${check}`, () => provider.getCode(address))
    const mend = 'Check the address, and that the RPC is of the chain it was deployed to.'
    if (code === '0x') findings.push({ check, status: 'missing', found: `no contract at ${address}`, mend })
    else findings.push({ check, status: 'ok', found: `${address}, ${code.length / 2 - 1} bytes` })
  }
  if (findings.some(({ status }) => status === 'missing')) return findings
  return [...findings, ...(await modelsFindings(provider, deployment))]
}

/** A registry takes proofs of the models that its own code names, whatever a file says. */
async function modelsFindings(
  provider: Provider,
  { addresses, portfolio, cross }: Deployment,
): Promise<readonly Finding[]> {
  const registries = [
    ['registry', 'RiskRegistry', addresses.registry] as const,
    ...(portfolio === undefined
      ? []
      : ([
          ['portfolio registry', 'PortfolioRegistry', portfolio.registry],
          ['risk arrays', 'RiskArrays', portfolio.arrays],
        ] as const)),
    ...(cross === undefined
      ? []
      : [
          ['cross registry', 'CrossMarginRegistry', cross.registry] as const,
          ...cross.markets.map(({ market, arrays }) => [`risk arrays ${market}`, 'RiskArrays', arrays] as const),
        ]),
  ]
  const findings: Finding[] = []
  for (const [check, contract, address] of registries) {
    const registry = new Contract(address, interfaceOf(contract), provider)
    const models: string = await ask(`Reading the models of ${check}`, () => registry.getFunction('models')())
    if (models === addresses.modelRegistry) continue
    const mend = `Correct modelRegistry in the file, or find out who wrote it.`
    findings.push({
      check,
      status: 'wrong',
      found: `takes models of ${models}, not of the file's modelRegistry`,
      mend,
    })
  }
  return findings
}

/** What is paused, who attests, where markets stand, and how far policies may go. */
async function controlFindings(provider: Provider, deployment: Deployment): Promise<readonly Finding[]> {
  const { addresses, sources, models, markets } = deployment
  const registry = new Contract(addresses.registry, interfaceOf('RiskRegistry'), provider)
  const modelRegistry = new Contract(addresses.modelRegistry, interfaceOf('ModelRegistry'), provider)
  const block = await ask('Reading the latest block', () => provider.getBlock('latest'))
  const time = BigInt(block?.timestamp ?? 0)
  const pausable = [
    ...markets.map(({ name, marketId }) => [`market ${name}`, registry, marketId] as const),
    ...sources.map(({ name, address }) => [`source ${name}`, registry, idOfSource(address)] as const),
    ...models.map(({ name, modelId }) => [`model ${name}`, modelRegistry, modelId] as const),
  ]
  const paused: Finding[] = []
  for (const [what, contract, id] of pausable) {
    const { until } = await ask(`Reading the pause of ${what}`, () => contract.getFunction('pauseOf')(id))
    if (until <= time) continue
    const found = until === HELD ? 'paused until the council lifts it' : `paused until ${isoTime(until)}`
    paused.push({
      check: what,
      status: 'warning',
      found,
      mend: 'The council holds or lifts a pause (holdPause, liftPause).',
    })
  }
  const none: Finding = { check: 'pauses', status: 'ok', found: 'nothing is paused' }
  const standing: Finding[] = []
  for (const { name, marketId, source } of markets) {
    const now: string = await ask(`Reading the source of ${name}`, () => registry.getFunction('sourceOf')(marketId))
    if (now === source) continue
    const found = `observations come from ${now}, not from ${source} as the file says: the council has replaced the source`
    standing.push({
      check: `market ${name}`,
      status: 'warning',
      found,
      mend: 'Name the source that is in force in the file.',
    })
  }
  return [
    ...(paused.length === 0 ? [none] : paused),
    ...standing,
    ...(await signerFindings(provider, deployment)),
    boundsFinding,
  ]
}

/** 2^40 - 1: until further notice. */
const HELD = 2n ** 40n - 1n

const boundsFinding: Finding = {
  check: 'bounds of policies',
  status: 'ok',
  found: `held by the contract: ${policyEntries
    .filter(({ name }) => ['maintenanceMarginFloor', 'loosenPerHour', 'tightenPerHour'].includes(name))
    .map((entry) => `${entry.name} ${rangeOf(entry)}`)
    .join(', ')}; docs/deploying.md has all of them, with reasons`,
}

/** Who attests by now: signers are replaced and revoked. */
async function signerFindings(provider: Provider, { sources }: Deployment): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const source of sources) {
    if (source.kind !== 'attestedFeed') continue
    const feed = new Contract(source.address, interfaceOf('AttestedFeed'), provider)
    const read = (method: string) => ask(`Reading ${method} of ${source.name}`, () => feed.getFunction(method)())
    const [signers, threshold] = [[...(await read('signers'))] as string[], Number(await read('threshold'))]
    const left = signers.length - threshold
    const found = `${threshold} of ${signers.length} attest: ${signers.join(', ')}; ${left} may be revoked`
    const check = `signers of ${source.name}`
    const isAsFiled = signers.length === source.signers.length && signers.every((each) => source.signers.includes(each))
    if (isAsFiled && threshold === source.threshold) findings.push({ check, status: 'ok', found })
    else
      findings.push({ check, status: 'warning', found: `${found}; the file says otherwise`, mend: 'Correct the file.' })
  }
  return findings
}

/** What consumers must be able to rely on; on a development chain nobody relies on anything. */
export function governanceFindings(authority: Authority, isDevelopment: boolean): readonly Finding[] {
  const wrong = isDevelopment ? 'warning' : 'wrong'
  return [
    ...authority.astray.map(({ contract, authority: other }): Finding => {
      const found = `obeys ${other}, not the council ${authority.council}`
      return { check: contract, status: 'wrong', found, mend: 'Do not rely on it: what follows is not about it.' }
    }),
    deployerFinding(authority, wrong),
    ...delayFindings(authority.rights, wrong),
    cancellerFinding(authority.rights, wrong),
  ]
}

function deployerFinding({ deployers, roles }: Authority, wrong: Finding['status']): Finding {
  const check = 'deployer'
  const held = roles.filter(({ members }) => members.some(({ account }) => deployers.includes(account)))
  if (held.length === 0) return { check, status: 'ok', found: `${deployers.join(', ')} has no role` }
  const found = `${deployers.join(', ')} still has the role ${held.map(({ name }) => name).join(', ')}`
  const mend = 'Run `zkrisk deploy` to its end, or have the council revoke the role.'
  return { check, status: wrong, found, mend }
}

/** Of each function that sets something: who may do it sooner than {@link LEAST_COUNCIL_DELAY_SECONDS} allows. */
function delayFindings(rights: readonly Right[], wrong: Finding['status']): readonly Finding[] {
  const least = duration(LEAST_COUNCIL_DELAY_SECONDS)
  const mend = `Have the council give it to a role whose members wait ${least} at least.`
  const findings = rights.flatMap((right): readonly Finding[] => {
    const check = `${right.contract}.${right.method}`
    if (right.isOpen) return [{ check, status: wrong, found: 'anybody may call it', mend }]
    if (right.mayBeAtOnce) return []
    const early = right.members.filter(({ delaySeconds }) => delaySeconds < LEAST_COUNCIL_DELAY_SECONDS)
    if (early.length === 0) return []
    return [{ check, status: wrong, found: `${early.map(memberText).join(', ')}: less than ${least}`, mend }]
  })
  if (findings.length > 1 && wrong === 'warning') return [atOnceForTrying(findings, least)]
  if (findings.length > 0) return findings
  return [{ check: 'delays', status: 'ok', found: `whoever sets something announces it ${least} before, or earlier` }]
}

/** Whatever is announced can be stopped by a key that has not announced it. */
function cancellerFinding(rights: readonly Right[], wrong: Finding['status']): Finding {
  const check = 'cancellers'
  const alone = rights.filter(
    ({ mayBeAtOnce, members, cancellers, isClosed }) =>
      !mayBeAtOnce && !isClosed && members.length > 0 && cancellers.length === 0,
  )
  if (alone.length === 0)
    return { check, status: 'ok', found: 'what is announced can be cancelled by an account that may not announce it' }
  const [first] = alone
  const found = `nobody else may cancel ${first?.contract}.${first?.method}${alone.length > 1 ? ` and ${alone.length - 1} more` : ''}`
  const mend =
    'Have the council give the role of canceller, and of guardian, to accounts whose keys are held apart from its own.'
  return { check, status: wrong, found, mend }
}

/** Nobody relies on a development chain, so that one line says enough; the table below has who may do what. */
const atOnceForTrying = (findings: readonly Finding[], least: string): Finding => ({
  check: 'delays',
  status: 'warning',
  found: `${findings.length} functions that set something wait less than ${least}: this is a development chain`,
  mend: 'Nothing, for trying. Elsewhere have `zkrisk deploy` hand over to a council that waits.',
})

/** Sources whose prices anybody can sign. */
async function signersFindings(
  provider: Provider,
  { sources, portfolio, cross }: Deployment,
  wrong: Finding['status'],
): Promise<readonly Finding[]> {
  const committees = [
    ...sources.map(({ name, address }) => [`source ${name}`, address] as const),
    ...(portfolio === undefined ? [] : [['rounds', portfolio.rounds] as const]),
    ...(cross === undefined ? [] : [['cross rounds', cross.rounds] as const]),
  ]
  const findings = await Promise.all(
    committees.map(async ([check, address]): Promise<readonly Finding[]> => {
      const known = await publicSignersOf(provider, address)
      if (known.length === 0) return []
      const found = `${known.length} of its signers are development accounts, whose keys anybody can read: ${known.join(', ')}`
      return [{ check, status: wrong, found, mend: 'Deploy a source with signers of your own.' }]
    }),
  )
  return findings.flat()
}

const memberText = ({ account, delaySeconds }: RoleMember): string =>
  `${account} ${delaySeconds === 0 ? 'at once' : `after ${duration(delaySeconds)}`}`

/** Who may do what, a line each. */
export function formatRights({ rights }: DeploymentExamined): string {
  const who = ({ anybody, closed, accounts }: DeploymentExamined['rights'][number]): string => {
    if (closed) return 'nobody: the council has closed the contract'
    if (anybody) return 'ANYBODY'
    const named = accounts.map(({ account, delayHours }) =>
      memberText({ account, delaySeconds: delayHours * 3600, since: 0 }),
    )
    return named.join(', ') || 'nobody'
  }
  if (rights.length === 0) return ''
  const rows = rights.map((right) => [
    ...[`${right.contract}.${right.method}`, right.role, who(right), right.cancellers.join(', ') || '–'],
  ])
  return `\n${formatTable(['function', 'role', 'who, after how long', 'who else may cancel'], rows)}`
}

/** A deployment can only be examined on its chain. */
export class RpcMissingError extends UsageError {
  readonly code = 'service.rpc-missing'

  constructor() {
    super('Expected --rpc <url> beside --deployment. Name a node of the chain it was deployed to.')
  }
}
