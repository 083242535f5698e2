/** Whether those who govern are those who should, and announce what they do. */
import { isDevelopmentChain } from '../../proof/index.ts'
import {
  ADMIN_ROLE,
  adminFunctions,
  holderOf,
  LEAST_COUNCIL_DELAY_SECONDS,
  PUBLIC_ROLE,
  type RestrictedContract,
  roleNames,
} from '../../registry/authority.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { type Judged, summarise } from '../findings.ts'
import type { AuditPins } from '../pins.ts'
import { contractsFor, restrictedIn } from './code.ts'
import type { DeployedRecord, RoleRecord, TargetRecord } from './record.ts'

/** A role as reports name it. */
export type RoleReport = {
  readonly name: string
  /** Role that grants it; role that cancels what its members schedule. */
  readonly grantedBy: string
  readonly cancelledBy: string
  readonly grantDelaySeconds: number
  /** What its members may call; undefined of a council's own functions. */
  readonly may: readonly string[]
  readonly members: readonly {
    readonly account: string
    readonly delaySeconds: number
    readonly grantedInBlock: number
    readonly grantedBy: string
  }[]
}

export type Authority = Judged & {
  readonly council: string
  readonly roles: readonly RoleReport[]
  /** The council's own functions, which administrators call, and who may cancel that. */
  readonly admin: readonly { readonly method: string; readonly cancelledBy: string }[]
}

/** A11: of every contract the council is the authority, and of whoever can set something, who it is and how long he waits. */
export function judgeAuthority(record: DeployedRecord, chainId: bigint, pins: AuditPins): Authority {
  const { council } = record
  const claims = [
    ...governed(record).flatMap((address) => {
      const target = council.targets.find((each) => each.address === address)
      return target === undefined
        ? [compare('A11', `council.targets`, address, 'left out')]
        : judgeTarget(target, record, chainId, pins)
    }),
    ...judgeSetters(record, chainId, pins),
    ...judgeCancellers(record, chainId, pins),
    ...judgeDeployers(record, chainId),
  ]
  return {
    council: council.address,
    roles: council.roles.map((role) => reportOf(role, record)),
    admin: council.admin.map(({ method, role }) => ({ method, cancelledBy: nameOf(guardianOf(role, record), record) })),
    ...summarise(claims),
  }
}

const governed = ({ contracts }: DeployedRecord): readonly string[] =>
  contracts.filter((each) => restrictedIn(each) !== undefined).map(({ address }) => address)

const guardianOf = (id: bigint, { council }: DeployedRecord): bigint =>
  council.roles.find((role) => role.id === id)?.guardian ?? ADMIN_ROLE

/** Nobody whom nobody chose may keep the council from acting. */
function judgeCancellers(record: DeployedRecord, chainId: bigint, pins: AuditPins): readonly ClaimResult[] {
  if (!mustBeGoverned(chainId, pins)) return []
  const { admin } = record.council
  const listed = compare('A11', 'council.admin', adminMethods.join(), admin.map(({ method }) => method).join())
  const roles = [
    ...admin.map(({ method, role }) => [`council.${method}`, role] as const),
    ...settingRoles(record).map((role) => [`council.${nameOf(role, record)}`, role] as const),
  ]
  return [
    listed,
    ...roles.map(([at, role]) =>
      compare(
        'A11',
        `${at}.cancelledBy`,
        'a role',
        guardianOf(role, record) === PUBLIC_ROLE ? 'anybody may cancel it' : 'a role',
      ),
    ),
  ]
}

const adminMethods: readonly string[] = [...adminFunctions.cancellable, ...adminFunctions.revoking]

const nameOf = (id: bigint, { council }: DeployedRecord): string =>
  council.roles.find((role) => role.id === id)?.label || (roleNames.get(id) ?? `role ${id}`)

/** `RiskRegistry.addMarket` of a function of a target. */
function callOf(target: TargetRecord, method: string, { contracts }: DeployedRecord): string {
  const part = contracts.find(({ address }) => address === target.address)?.part
  return `${part === undefined ? target.address : contractsFor[part][0]}.${method}`
}

function judgeTarget(
  target: TargetRecord,
  record: DeployedRecord,
  chainId: bigint,
  pins: AuditPins,
): readonly ClaimResult[] {
  const authority = compare('A11', `${callOf(target, 'authority', record)}`, record.council.address, target.authority)
  if (!mustBeGoverned(chainId, pins)) return [authority]
  const open = target.functions.filter(({ role }) => role === PUBLIC_ROLE)
  return [
    authority,
    ...open.map(({ method }) => compare('A11', callOf(target, method, record), 'a role', 'anybody may call it')),
  ]
}

const mustBeGoverned = (chainId: bigint, pins: AuditPins): boolean =>
  leastDelay(chainId, pins) > 0 || pins.governors !== undefined

const leastDelay = (chainId: bigint, { leastDelaySeconds }: AuditPins): number =>
  leastDelaySeconds ?? (isDevelopmentChain(chainId) ? 0 : LEAST_COUNCIL_DELAY_SECONDS)

/** Whoever may set something, or make somebody one who may. */
function judgeSetters(record: DeployedRecord, chainId: bigint, pins: AuditPins): readonly ClaimResult[] {
  const least = leastDelay(chainId, pins)
  return settingRoles(record).flatMap((id) => {
    const role = record.council.roles.find((each) => each.id === id)
    const at = `council.${nameOf(id, record)}`
    return (role?.members ?? []).flatMap(({ account, delaySeconds }) => [
      delaySeconds >= least
        ? { claim: 'A11', holds: true }
        : {
            claim: 'A11',
            holds: false,
            field: `${at}.delaySeconds`,
            expected: `${least} or more`,
            found: `${delaySeconds} of ${account}`,
          },
      ...(pins.governors === undefined
        ? []
        : [
            compare(
              'A11',
              `${at}.members`,
              account,
              pins.governors.find((each) => each === account) ?? pins.governors.join(' or '),
            ),
          ]),
    ])
  })
}

/** Whoever put the contracts there has handed over; on a development chain nobody relies on anything. */
function judgeDeployers({ contracts, council }: DeployedRecord, chainId: bigint): readonly ClaimResult[] {
  if (isDevelopmentChain(chainId)) return []
  const deployers = new Set(contracts.flatMap(({ creation }) => (creation === null ? [] : [creation.from])))
  const kept = council.roles.flatMap(({ members }) => members.filter(({ account }) => deployers.has(account)))
  const found = kept.length === 0 ? 'no role' : `a role of ${kept[0]?.account}`
  return [compare('A11', 'council.deployer', 'no role', found)]
}

/** What is for the council to call; the rest stops something, or says what accounts hold, and may be done at once. */
function isSetter(target: TargetRecord, method: string, { contracts }: DeployedRecord): boolean {
  const part = contracts.find(({ address }) => address === target.address)?.part
  return part === undefined || holderOf(contractsFor[part][0] as RestrictedContract, method) === 'council'
}

/** Roles of functions that set something, and whoever grants those, up to the admin. */
function settingRoles(record: DeployedRecord): readonly bigint[] {
  const { roles, targets } = record.council
  const direct = targets.flatMap((target) =>
    target.functions.filter(({ method }) => isSetter(target, method, record)).map(({ role }) => role),
  )
  const all = new Set([ADMIN_ROLE, ...direct])
  for (const id of all) {
    const admin = roles.find((role) => role.id === id)?.admin
    if (admin !== undefined) all.add(admin)
  }
  return [...all].filter((id) => id !== PUBLIC_ROLE)
}

function reportOf(role: RoleRecord, record: DeployedRecord): RoleReport {
  const may = record.council.targets.flatMap((target) =>
    target.functions.filter((each) => each.role === role.id).map(({ method }) => callOf(target, method, record)),
  )
  return {
    name: nameOf(role.id, record),
    grantedBy: nameOf(role.admin, record),
    cancelledBy: nameOf(role.guardian, record),
    grantDelaySeconds: role.grantDelaySeconds,
    // Arrays of several markets are several contracts of one name.
    may: [...new Set(may)],
    members: role.members.map(({ account, delaySeconds, granted }) => ({
      ...{ account, delaySeconds },
      ...{ grantedInBlock: granted.block, grantedBy: granted.by },
    })),
  }
}
