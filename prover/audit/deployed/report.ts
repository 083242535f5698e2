/** How people read who governs, who attests, and which contracts are ours. */
import { alignColumns, type Telling, verdictCells } from '../report.ts'
import type { RoleReport } from './authority.ts'
import type { ContractReport, DeployedReport } from './judge.ts'

/** Everything that was judged of a deployment. */
export const judgedOf = ({ contracts, authority, reads }: DeployedReport) => [...contracts, authority, reads]

/** A line a contract, one of the council, one of what consumers read. */
export const deployedRows = (
  { contracts, authority, reads }: DeployedReport,
  telling: Telling,
): readonly (readonly string[])[] => [
  ...contracts.map((each) => [`contract ${each.name}`, '', each.address, ...verdictCells(each, telling)]),
  ['council', '', authority.council, ...verdictCells(authority, telling)],
  ['reads', '', `${reads.asked} answers`, ...verdictCells(reads, telling)],
]

/** Who attests and who governs, by name. */
export function deployedText({ contracts, authority }: DeployedReport): readonly string[] {
  const committees = contracts.filter(({ committee }) => committee !== undefined).map(committeeText)
  return [
    ...(committees.length === 0 ? [] : ['', 'Who attests:', ...committees]),
    '',
    `Who governs, by the council ${authority.council}:`,
    ...authority.roles.filter(({ members, may }) => members.length > 0 || may.length > 0).map(roleText),
  ]
}

const committeeText = ({ name, address, committee }: ContractReport): string =>
  `  ${name} ${address}: ${committee?.threshold} of ${committee?.signers.length}: ${committee?.signers.join(' ')}`

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
