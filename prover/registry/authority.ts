/** Who may do what, after how long: the council's roles (OpenZeppelin's AccessManager) as a chain has them. */
import { Contract, type Provider } from 'ethers'
import { type ContractName, interfaceOf } from './artifacts.ts'
import { logsBetween } from './chain.ts'
import { ask, RpcError } from './contractErrors.ts'

/** Every function that only the authority lets call, by contract. */
export const restrictedFunctions = {
  ModelRegistry: ['registerLayout', 'register', 'disable'],
  RiskRegistry: [
    'setLearningPolicy',
    'setMarginPolicy',
    'setMarketPolicy',
    'setFreshnessPolicy',
    'addMarket',
    'addShadow',
    'removeShadow',
    'promote',
    'setPromotionPolicy',
  ],
  PortfolioRegistry: ['setPortfolioPolicy', 'setPortfolioFreshness', 'reportAccount'],
} as const satisfies Partial<Record<ContractName, readonly string[]>>

export type RestrictedContract = keyof typeof restrictedFunctions

/** May do everything, grant roles above all. */
export const ADMIN_ROLE = 0n
/** May only disable models. */
export const GUARDIAN_ROLE = 1n
/** May only report accounts. */
export const VENUE_ROLE = 2n
/** AccessManager's role that everybody has. */
export const PUBLIC_ROLE = (1n << 64n) - 1n

/** Whoever governs money announces it this long before; development chains aside. */
export const LEAST_COUNCIL_DELAY_SECONDS = 48 * 3600

/** What may be done at once: it stops a model, or says what accounts hold, and sets nothing. */
export const atOnce: ReadonlySet<string> = new Set(['ModelRegistry.disable', 'PortfolioRegistry.reportAccount'])

export type RoleMember = {
  readonly account: string
  /** Between scheduling a call and making it; the lesser of the one in force and one that was set already. */
  readonly delaySeconds: number
  /** Unix seconds; later than now where the role was granted with a delay. */
  readonly since: number
}

/** Something that some may do. */
export type Right = {
  readonly contract: ContractName
  readonly address: string
  readonly method: string
  /** Name of the role that may. */
  readonly role: string
  readonly members: readonly RoleMember[]
  /** Anybody may. */
  readonly isOpen: boolean
  /** Nobody may: the council has closed the contract. */
  readonly isClosed: boolean
  /** Whether it may be done without a delay; see {@link LEAST_COUNCIL_DELAY_SECONDS}. */
  readonly mayBeAtOnce: boolean
}

export type Authority = {
  readonly council: string
  /** Who put the council on the chain, and whom it let begin. */
  readonly deployers: readonly string[]
  readonly roles: readonly { readonly name: string; readonly members: readonly RoleMember[] }[]
  readonly rights: readonly Right[]
  /** Contracts that obey another authority than this council. */
  readonly astray: readonly { readonly contract: RestrictedContract; readonly authority: string }[]
}

export type AuthorityPlace = {
  readonly council: string
  readonly contracts: Readonly<Partial<Record<RestrictedContract, string>>>
  /** Block before which there was no council. */
  readonly fromBlock: number
}

/**
 * Reads roles from events, and asks the council whether and how each still stands.
 *
 * @throws {@link RpcError}, {@link ContractRevertError}
 */
export async function readAuthority(provider: Provider, place: AuthorityPlace): Promise<Authority> {
  const reader = new AuthorityReader(provider, place.council)
  const { granted, labels, deployers } = await reader.history(place.fromBlock)
  const roles = new Map<bigint, readonly RoleMember[]>()
  for (const [role, accounts] of granted) roles.set(role, await reader.members(role, accounts))
  const nameOf = (role: bigint): string => labels.get(role) ?? roleNames.get(role) ?? `role ${role}`
  const of = (role: bigint): Pick<Right, 'role' | 'members' | 'isOpen'> => ({
    role: nameOf(role),
    members: roles.get(role) ?? [],
    isOpen: role === PUBLIC_ROLE,
  })
  const named = new Set(roles.keys())
  const rights: Right[] = []
  const astray: { contract: RestrictedContract; authority: string }[] = []
  for (const [contract, address] of Object.entries(place.contracts) as [RestrictedContract, string][]) {
    const { authority, isClosed, functionRoles } = await reader.target(contract, address)
    if (authority !== place.council) astray.push({ contract, authority })
    for (const [method, role] of functionRoles) {
      if (role !== PUBLIC_ROLE) named.add(role)
      const mayBeAtOnce = atOnce.has(`${contract}.${method}`)
      rights.push({ contract, address, method, ...of(role), isClosed, mayBeAtOnce })
    }
  }
  const own = { contract: 'RiskCouncil', address: place.council, isClosed: false, mayBeAtOnce: false } as const
  for (const role of [...named].toSorted((a, b) => Number(a - b))) {
    rights.push({ ...own, method: `grantRole, revokeRole of ${nameOf(role)}`, ...of(await reader.adminOf(role)) })
  }
  rights.push({ ...own, method: 'setTargetFunctionRole, updateAuthority and the rest', ...of(ADMIN_ROLE) })
  return {
    council: place.council,
    deployers,
    roles: [...roles].map(([role, members]) => ({ name: nameOf(role), members })),
    rights,
    astray,
  }
}

export const roleNames: ReadonlyMap<bigint, string> = new Map([
  [ADMIN_ROLE, 'admin'],
  [GUARDIAN_ROLE, 'guardian'],
  [VENUE_ROLE, 'venue'],
  [PUBLIC_ROLE, 'anybody'],
])

class AuthorityReader {
  private readonly provider: Provider
  private readonly council: Contract

  constructor(provider: Provider, council: string) {
    this.provider = provider
    this.council = new Contract(council, interfaceOf('RiskCouncil'), provider)
  }

  /** Accounts that ever got a role, what roles are called, and who began. */
  async history(fromBlock: number): Promise<{
    readonly granted: ReadonlyMap<bigint, ReadonlySet<string>>
    readonly labels: ReadonlyMap<bigint, string>
    readonly deployers: readonly string[]
  }> {
    const events = interfaceOf('RiskCouncil')
    const topics = [['RoleGranted', 'RoleLabel'].map((event) => events.getEvent(event)?.topicHash ?? '')]
    const address = this.council.target as string
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    const logs = await logsBetween(this.provider, { address, topics }, fromBlock, head)
    const granted = new Map<bigint, Set<string>>()
    const labels = new Map<bigint, string>()
    for (const log of logs) {
      const { roleId, account, label } = events.parseLog(log)?.args.toObject() ?? {}
      if (label !== undefined) labels.set(roleId, label)
      else granted.set(roleId, (granted.get(roleId) ?? new Set<string>()).add(account))
    }
    const [first] = logs
    if (first === undefined) throw new RpcError('Reading roles', new Error(`no role was ever granted at ${address}`))
    const receipt = await ask('Reading a receipt', () => this.provider.getTransactionReceipt(first.transactionHash))
    const admin: string = events.parseLog(first)?.args.getValue('account')
    return { granted, labels, deployers: [...new Set([receipt?.from ?? admin, admin])] }
  }

  async members(role: bigint, accounts: ReadonlySet<string>): Promise<readonly RoleMember[]> {
    const members: RoleMember[] = []
    for (const account of accounts) {
      const [since, delay, pending, effect] = await this.read('getAccess', role, account)
      const delaySeconds = Number(effect === 0n || delay < pending ? delay : pending)
      if (since !== 0n) members.push({ account, delaySeconds, since: Number(since) })
    }
    return members
  }

  async target(contract: RestrictedContract, address: string) {
    const code = interfaceOf(contract)
    const target = new Contract(address, code, this.provider)
    const authority: string = await ask(`Reading the authority of ${contract}`, () => target.getFunction('authority')())
    const isClosed: boolean = await this.read('isTargetClosed', address)
    const functionRoles: [string, bigint][] = []
    for (const method of restrictedFunctions[contract]) {
      const { selector } = code.getFunction(method) ?? {}
      functionRoles.push([method, await this.read('getTargetFunctionRole', address, selector)])
    }
    return { authority, isClosed, functionRoles }
  }

  adminOf(role: bigint): Promise<bigint> {
    return this.read('getRoleAdmin', role)
  }

  private read(method: string, ...args: readonly unknown[]) {
    return ask(`Reading ${method} of the council`, () => this.council.getFunction(method)(...args))
  }
}
