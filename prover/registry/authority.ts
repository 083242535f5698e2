/** Who may do what, after how long: the council's roles (OpenZeppelin's AccessManager) as a chain has them. */
import { Contract, type Provider } from 'ethers'
import { type ContractName, interfaceOf } from './artifacts.ts'
import { logsBetween } from './chain.ts'
import { ask, RpcError } from './contractErrors.ts'

/** Who is to call a function that only the authority lets call: the council after its delay, the others at once. */
export type Holder = 'council' | 'guardian' | 'venue'

/** Whoever leaks a key, or finds that a feed lies, can wait for nobody: what a guardian may do stops, and sets nothing. */
const committee = { setCommittee: 'council', revokeSigner: 'guardian' } as const
const pauses = { pause: 'guardian', holdPause: 'council', liftPause: 'council' } as const

/** Every function that only the authority lets call, by contract, and who is to call it. */
export const restrictedFunctions = {
  ModelRegistry: { registerLayout: 'council', register: 'council', disable: 'council', ...pauses },
  RiskRegistry: {
    setLearningPolicy: 'council',
    setMarginPolicy: 'council',
    setMarketPolicy: 'council',
    setFreshnessPolicy: 'council',
    addMarket: 'council',
    addShadow: 'council',
    removeShadow: 'council',
    promote: 'council',
    setPromotionPolicy: 'council',
    rotateSource: 'council',
    ...pauses,
  },
  RiskArrays: {
    setPortfolioPolicy: 'council',
    setPortfolioFreshness: 'council',
    setRoundPriceGap: 'council',
    setRounds: 'council',
    acceptPriceScale: 'venue',
  },
  PortfolioRegistry: { reportAccount: 'venue', reportCandidate: 'venue', replaceAccount: 'venue' },
  CrossMarginRegistry: { setCrossPolicy: 'council', reportCrossAccount: 'venue' },
  AttestedFeed: committee,
  AttestedRounds: committee,
} as const satisfies Partial<Record<ContractName, Readonly<Record<string, Holder>>>>

export type RestrictedContract = keyof typeof restrictedFunctions

/**
 * What only an administrator may call of the council itself. AccessManager asks for that whatever else is set, but lets a call be
 * cancelled by whoever guards the role that is set for it. Revoking is apart: who may cancel everything must not be able
 * to keep the role for ever by cancelling its own removal.
 */
export const adminFunctions = {
  cancellable: [
    'labelRole',
    'setRoleAdmin',
    'setRoleGuardian',
    'setGrantDelay',
    'setTargetAdminDelay',
    'updateAuthority',
    'setTargetClosed',
    'setTargetFunctionRole',
    'grantRole',
  ],
  revoking: ['revokeRole'],
} as const

const selectorOf = (contract: ContractName, method: string): string =>
  interfaceOf(contract).getFunction(method)?.selector ?? ''

/** Selectors of what a holder is to call of a contract. */
export const selectorsOf = (contract: RestrictedContract, holder: Holder): readonly string[] =>
  Object.entries<Holder>(restrictedFunctions[contract])
    .filter(([, of]) => of === holder)
    .map(([method]) => selectorOf(contract, method))

/** Selectors of the council's own functions. */
export const adminSelectors = (kind: keyof typeof adminFunctions): readonly string[] =>
  adminFunctions[kind].map((method) => selectorOf('RiskCouncil', method))

/** May do everything, grant roles above all. */
export const ADMIN_ROLE = 0n
/** May only pause, revoke a signer, and cancel the revocation of a role. */
export const GUARDIAN_ROLE = 1n
/** May only report accounts. */
export const VENUE_ROLE = 2n
/** May do what is restricted to the council, but grant no role. */
export const COUNCIL_ROLE = 3n
/** Nobody's: who guards it may cancel the revocation of a role. */
export const REVOCATION_ROLE = 4n
/** May only cancel what the council has scheduled, revocations aside. */
export const CANCELLER_ROLE = 5n
/** AccessManager's role that everybody has. */
export const PUBLIC_ROLE = (1n << 64n) - 1n

/** Whoever governs money announces it this long before; development chains aside. */
export const LEAST_COUNCIL_DELAY_SECONDS = 48 * 3600

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
  /** Who may cancel a scheduled call of it, besides those who may make it and administrators. */
  readonly cancellers: readonly RoleMember[]
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
  readonly contracts: readonly { readonly contract: RestrictedContract; readonly address: string }[]
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
  const proposers = new Set((roles.get(ADMIN_ROLE) ?? []).map(({ account }) => account))
  const cancellersOf = async (role: bigint): Promise<readonly RoleMember[]> => {
    const callers = new Set([...proposers, ...(roles.get(role) ?? []).map(({ account }) => account)])
    return (roles.get(await reader.guardianOf(role)) ?? []).filter(({ account }) => !callers.has(account))
  }
  for (const { contract, address } of place.contracts) {
    const { authority, isClosed, functionRoles } = await reader.target(contract, address)
    if (authority !== place.council) astray.push({ contract, authority })
    for (const [method, role] of functionRoles) {
      if (role !== PUBLIC_ROLE) named.add(role)
      const mayBeAtOnce = holderOf(contract, method) !== 'council'
      const cancellers = await cancellersOf(role)
      rights.push({ contract, address, method, ...of(role), isClosed, mayBeAtOnce, cancellers })
    }
  }
  const own = { contract: 'RiskCouncil', address: place.council, isClosed: false, mayBeAtOnce: false } as const
  for (const role of [...named].toSorted((a, b) => Number(a - b))) {
    for (const method of ['grantRole', 'revokeRole']) {
      const cancellers = await cancellersOf(await reader.roleOf(method))
      rights.push({ ...own, method: `${method} of ${nameOf(role)}`, ...of(await reader.adminOf(role)), cancellers })
    }
  }
  for (const method of adminFunctions.cancellable.filter((each) => each !== 'grantRole')) {
    const cancellers = await cancellersOf(await reader.roleOf(method))
    rights.push({ ...own, method, ...of(ADMIN_ROLE), cancellers })
  }
  return {
    council: place.council,
    deployers,
    roles: [...roles].map(([role, members]) => ({ name: nameOf(role), members })),
    rights,
    astray,
  }
}

/** Who is to call a function; undefined of one that anybody may. */
export const holderOf = (contract: RestrictedContract, method: string): Holder | undefined =>
  (restrictedFunctions[contract] as Readonly<Record<string, Holder>>)[method]

export const roleNames: ReadonlyMap<bigint, string> = new Map([
  [ADMIN_ROLE, 'admin'],
  [GUARDIAN_ROLE, 'guardian'],
  [VENUE_ROLE, 'venue'],
  [COUNCIL_ROLE, 'council'],
  [REVOCATION_ROLE, 'revocation'],
  [CANCELLER_ROLE, 'canceller'],
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
    for (const method of Object.keys(restrictedFunctions[contract])) {
      const { selector } = code.getFunction(method) ?? {}
      functionRoles.push([method, await this.read('getTargetFunctionRole', address, selector)])
    }
    return { authority, isClosed, functionRoles }
  }

  /** The role whose guardians may cancel a call of the council itself. */
  roleOf(method: string): Promise<bigint> {
    return this.read('getTargetFunctionRole', this.council.target, selectorOf('RiskCouncil', method))
  }

  guardianOf(role: bigint): Promise<bigint> {
    return this.read('getRoleGuardian', role)
  }

  adminOf(role: bigint): Promise<bigint> {
    return this.read('getRoleAdmin', role)
  }

  private read(method: string, ...args: readonly unknown[]) {
    return ask(`Reading ${method} of the council`, () => this.council.getFunction(method)(...args))
  }
}
