/** How people read who governs, who attests, and which contracts are ours. */
import { alignColumns, countedText, type Telling, timeText, verdictCells } from '../report.ts'
import type { RoleReport } from './authority.ts'
import { type ContractReport, contractText, type DeployedReport } from './judge.ts'
import type { CommitteeChange } from './record.ts'

/** Everything that was judged of a deployment. */
export const judgedOf = ({ contracts, authority, reads }: DeployedReport) => [...contracts, authority, reads]

/** A line a contract, one of the council, one of what consumers read. */
export const deployedRows = (
  { contracts, authority, reads }: DeployedReport,
  telling: Telling,
): readonly (readonly string[])[] => [
  ...contracts.map((each) => [`contract ${contractText(each)}`, '', each.address, ...verdictCells(each, telling)]),
  ['council', '', authority.council, ...verdictCells(authority, telling)],
  ['reads', '', countedText(reads.asked, 'answer'), ...verdictCells(reads, telling)],
]

/** Who attests and who governs, by name. */
export function deployedText({ contracts, authority }: DeployedReport): readonly string[] {
  const committees = contracts.filter(({ committee }) => committee !== undefined).map(committeeText)
  return [
    ...(committees.length === 0 ? [] : ['', 'Who attests:', ...committees]),
    '',
    `Who governs, by the council ${authority.council}:`,
    ...cancelText(authority),
    ...authority.roles.filter(({ members, may }) => members.length > 0 || may.length > 0).map(roleText),
  ]
}

const committeeText = ({ name, address, committee }: ContractReport): string =>
  [
    `  ${name} ${address}: ${committee?.threshold} of ${committee?.signers.length}: ${committee?.signers.join(' ')}`,
    ...(committee?.changes ?? []).map((change) => `    ${committeeChangeText(change)}`),
  ].join('\n')

/**
 * One change of those who attest, as people read it.
 *
 * @example
 * const signer = '0x00000000000000000000000000000000000000A1'
 * const at = { block: 7, logIndex: 0, timestamp: 1_700_000_000, by: signer }
 * committeeChangeText({ kind: 'revoked', ...at, signer }).startsWith('revoked 0x') // → true
 */
export function committeeChangeText(change: CommitteeChange): string {
  const { block, timestamp, by } = change
  const what =
    change.kind === 'revoked'
      ? `revoked ${change.signer}`
      : `set to ${change.threshold} of ${change.signers.length}: ${change.signers.join(' ')}`
  return `${what}, in block ${block} at ${timeText(BigInt(timestamp))} by ${by}`
}

/** Who may cancel what administrators schedule of the council itself, a line for each role whose guardians may. */
const cancelText = ({ admin }: DeployedReport['authority']): readonly string[] =>
  [...Map.groupBy(admin, ({ cancelledBy }) => cancelledBy)].map(
    ([by, calls]) => `  its own ${calls.map(({ method }) => method).join(', ')}: cancelled by ${by}`,
  )

/** How a role comes about, a line a member, and what they may. */
function roleText({ name, members, may, grantedBy, cancelledBy, grantDelaySeconds }: RoleReport): string {
  const notice = grantDelaySeconds === 0 ? '' : ` with ${durationText(grantDelaySeconds)}’ notice`
  const rows = members.map(({ account, delaySeconds, ...granted }) => [
    `    ${account}`,
    delaySeconds === 0 ? 'at once' : `after ${durationText(delaySeconds)}`,
    `granted in block ${granted.grantedInBlock} by ${granted.grantedBy}`,
  ])
  return [
    `  ${name}, granted by ${grantedBy}${notice}, cancelled by ${cancelledBy}:`,
    members.length === 0 ? '    nobody' : alignColumns(rows),
    ...callsText(may),
  ].join('\n')
}

/** `may ModelRegistry: registerLayout, register`, a line a contract. */
const callsText = (may: readonly string[]): readonly string[] =>
  [...Map.groupBy(may, (call) => call.split('.')[0] ?? call)].map(
    ([contract, calls]) => `    may ${contract}: ${calls.map((call) => call.split('.')[1] ?? call).join(', ')}`,
  )

const durationText = (seconds: number): string =>
  seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
