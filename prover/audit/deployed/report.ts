/** How people read who governs, who attests, and which contracts are ours. */
import { alignColumns, type Telling, verdictCells } from '../report.ts'
import type { Authority, RoleReport } from './authority.ts'
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
    alignColumns(authorityRows(authority)),
  ]
}

const committeeText = ({ name, address, committee }: ContractReport): string =>
  `  ${name} ${address}: ${committee?.threshold} of ${committee?.signers.length}: ${committee?.signers.join(' ')}`

/** A line a member; a role that nobody has, and that may do something, is told of too. */
const authorityRows = ({ roles }: Authority): readonly (readonly string[])[] =>
  roles
    .filter(({ members, may }) => members.length > 0 || may.length > 0)
    .flatMap((role) => {
      const members = role.members.map(({ account, delaySeconds, grantedInBlock, grantedBy }) => [
        account,
        delaySeconds === 0 ? 'at once' : `after ${durationText(delaySeconds)}`,
        `granted in block ${grantedInBlock} by ${grantedBy}`,
      ])
      return (members.length === 0 ? [['nobody', '', '']] : members).map((cells) => [
        `  ${role.name}`,
        ...cells,
        roleText(role),
      ])
    })

const roleText = ({ may, grantedBy, cancelledBy, grantDelaySeconds }: RoleReport): string =>
  [
    `granted by ${grantedBy}${grantDelaySeconds === 0 ? '' : ` with ${durationText(grantDelaySeconds)}’ notice`}`,
    `cancelled by ${cancelledBy}`,
    ...(may.length === 0 ? [] : [`may ${may.join(', ')}`]),
  ].join('; ')

const durationText = (seconds: number): string =>
  seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
