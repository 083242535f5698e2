/** Who governs and who attests, and which contracts are ours, as pages of audits have it. */
import { committeeChangeText, type DeployedReport, type RoleReport } from '../../audit/index.ts'
import { contractText } from '../../audit/deployed/judge.ts'
import { countedText } from '../../audit/report.ts'
import { duration } from '../text/figures.ts'
import { type JudgedRow, verdictCell, words } from './judged.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import { table } from './table.ts'

/** Everything that was judged of a deployment. */
export const deployedRows = ({ contracts, authority, reads }: DeployedReport): readonly JudgedRow[] => [
  ...contracts.map((each) => ['contract', `${contractText(each)} ${each.address}`, each] as const),
  ['council', authority.council, authority],
  ['reads', `${countedText(reads.asked, 'answer')} to consumers`, reads],
]

export function deployedSection({ contracts, authority }: DeployedReport): Markup {
  const committees = contracts.filter(({ committee }) => committee !== undefined)
  return html`<section id="deployed">
<h2>Who governs, who attests</h2>
<p class="note">The code of each contract was compared with what was compiled here, the values that its constructor chose by name.</p>
${table(
  'Contracts',
  ['contract', words('at'), words('verdict')],
  contracts.map((each) => [contractText(each), words(html`<code>${each.address}</code>`), verdictCell(each)]),
)}
${committees.length === 0 ? [] : [committeeTable(committees)]}
${changesTable(contracts)}
${table(
  `Roles of the council ${authority.council}`,
  ['role', words('member'), words('acts'), words('granted')],
  authority.roles.flatMap(memberRows),
)}
${authority.roles.filter(({ may }) => may.length > 0).map(roleText)}
${cancellersText(authority)}
</section>
`
}

/** A line a signer. */
const committeeTable = (contracts: DeployedReport['contracts']): Markup =>
  table(
    'Who attests',
    ['source', words('needs'), words('signer')],
    contracts.flatMap(({ name, committee }) =>
      (committee?.signers ?? []).map((signer) => [
        name,
        words(`${committee?.threshold} of ${committee?.signers.length}`),
        words(html`<code>${signer}</code>`),
      ]),
    ),
  )

/** A line a change. */
const changesTable = (contracts: DeployedReport['contracts']): readonly Markup[] => {
  const changes = contracts.flatMap(({ name, committee }) =>
    (committee?.changes ?? []).map((each) => [name, words(committeeChangeText(each))]),
  )
  return changes.length === 0 ? [] : [table('How who attests changed', ['source', words('change')], changes)]
}

const memberRows = ({ name, members }: RoleReport) =>
  members.map(({ account, delaySeconds, grantedInBlock, grantedBy }) => [
    name,
    words(html`<code>${account}</code>`),
    words(delaySeconds === 0 ? 'at once' : `after ${duration(delaySeconds)}`),
    words(html`in block ${grantedInBlock} by <code>${grantedBy}</code>`),
  ])

const cancellersText = ({ admin }: DeployedReport['authority']): Markup => {
  const calls = admin.map(({ method, cancelledBy }) => `${method} by ${cancelledBy}`).join(', ')
  return html`<p class="note">What administrators schedule of the council itself may be cancelled: ${calls}.</p>
`
}

const roleText = ({ name, may, grantedBy, cancelledBy }: RoleReport): Markup =>
  html`<p class="note">The role ${name}, granted by ${grantedBy} and cancelled by ${cancelledBy}, may call ${may.map((call, i) => html`${i === 0 ? '' : ', '}${call}`)}.</p>
`
