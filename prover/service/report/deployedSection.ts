/** Who governs and who attests, and which contracts are ours, as pages of audits have it. */
import type { DeployedReport, RoleReport } from '../../audit/index.ts'
import { duration } from '../text/figures.ts'
import { type JudgedRow, verdictCell, words } from './judged.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { table } from './table.ts'

/** Everything that was judged of a deployment. */
export const deployedRows = ({ contracts, authority, reads }: DeployedReport): readonly JudgedRow[] => [
  ...contracts.map((each) => ['contract', `${each.name} ${each.address}`, each] as const),
  ['council', authority.council, authority],
  ['reads', `${reads.asked} answers to consumers`, reads],
]

export const deployedSection = ({ contracts, authority }: DeployedReport): Markup => html`<section id="deployed">
<h2>Who governs, who attests</h2>
<p class="note">The code of each contract was compared with what was compiled here, the values that its constructor chose by name.</p>
${table(
  'Contracts',
  ['contract', words('at'), words('attested by'), words('verdict')],
  contracts.map((each) => [
    each.name,
    words(html`<code>${each.address}</code>`),
    words(committeeText(each)),
    verdictCell(each),
  ]),
)}
${table(
  `Roles of the council ${authority.council}`,
  ['role', words('member'), words('waits'), words('granted'), words('cancelled by'), words('may')],
  authority.roles.flatMap(roleRows),
)}
</section>
`

const committeeText = ({ committee }: DeployedReport['contracts'][number]): string =>
  committee === undefined ? '' : `${committee.threshold} of ${committee.signers.length}: ${committee.signers.join(' ')}`

const roleRows = ({ name, members, may, cancelledBy }: RoleReport) =>
  members.map(({ account, delaySeconds, grantedInBlock, grantedBy }) => [
    name,
    words(html`<code>${account}</code>`),
    words(delaySeconds === 0 ? 'nothing' : duration(delaySeconds)),
    words(`in block ${grantedInBlock} by ${grantedBy}`),
    words(cancelledBy),
    words(may.join(', ')),
  ])
