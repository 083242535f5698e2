/** What pages of all audits have: the verdict first, what was pinned and by whom, every subject with its claims. */
import { claimName, type ClaimResult, countText, type Pin, type Telling } from '../../audit/index.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'
import type { Answer, Tile } from './page.ts'
import { type Cell, table } from './table.ts'

/** A cell of text, from the left. */
export const words = (content: string | Markup): Cell => ({ kind: 'words', content })

const pinTable = (pins: readonly Pin[]): Markup =>
  table(
    'What was pinned, and by whom',
    ['pinned', words('to'), words('by')],
    pins.map(({ what, value, by }) => [what, words(html`<code>${value}</code>`), words(by)]),
  )

/** Something that was judged, and what of. */
export type JudgedRow = readonly [what: string, of: string, judged: Judgement]

type Judgement = { readonly accepted: boolean; readonly claims: readonly ClaimResult[] }

/** Every subject with its count, and what the ids of claims stand for, once. */
function judgedTable(rows: readonly JudgedRow[]): Markup {
  const ids = [...new Set(rows.flatMap(([, , { claims }]) => claims.map(({ claim }) => claim)))]
  const names = ids.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).map(claimName)
  return html`<details><summary>Everything that was judged (${rows.length})</summary>
${table(
  'Everything that was judged',
  ['what', words('of'), words('verdict'), 'claims', words('which')],
  rows.map(([what, of, judged]) => [
    what,
    words(of),
    verdictCell(judged),
    countText(judged.claims).replace(' claims', ''),
    words(judged.claims.map(({ claim, holds }) => (holds ? claim : `${claim}✗`)).join(' ')),
  ]),
)}
<p class="note">${names.join(' · ')}</p></details>
`
}

export const verdictCell = ({ accepted }: { readonly accepted: boolean }): Cell =>
  accepted ? { kind: 'pass words', content: 'accepted' } : { kind: 'fail words', content: 'REJECTED' }

type Judged = {
  readonly accepted: boolean
  readonly pinned: boolean
  readonly chainId: bigint
  readonly fromBlock: number
  readonly toBlock: number
  readonly failure?: { readonly of: string; readonly claim: ClaimResult }
}

/** The verdict, why, and how much was judged. */
export function answer(report: Judged, rows: readonly JudgedRow[], tiles: readonly Tile[]): Answer {
  const claims = rows.flatMap(([, , judged]) => judged.claims)
  const { pinned, failure } = report
  const first = failure?.claim
  const values =
    first?.expected === undefined ? (first?.found ?? '') : `expected ${first.expected}, found ${first.found}`
  const [main, ...others] = tiles
  return {
    verdict: report.accepted ? { kind: 'pass', text: '✓ Accepted' } : { kind: 'fail', text: '✗ REJECTED' },
    remarks: [
      ...(first === undefined
        ? []
        : [`First failure: ${failure?.of ?? ''}, claim ${claimName(first.claim)} at ${first.field ?? ''}: ${values}`]),
      ...(pinned
        ? []
        : ['Not everything was pinned from outside: this shows only that the record agrees with itself.']),
    ],
    tiles: [
      ...(main === undefined ? [] : [main]),
      ['Claims that hold', countText(claims).replace(' claims', '')],
      ...others,
    ],
  }
}

/** What was judged, and what the verdict rests on. */
export function judgedSection(
  { chainId, fromBlock, toBlock }: Judged,
  rows: readonly JudgedRow[],
  { pins = [], elapsedSeconds }: Telling,
): Markup {
  const took = elapsedSeconds === undefined ? '' : `, judged in ${elapsedSeconds.toFixed(1)} s`
  return html`<section id="judged">
<h2>What was judged</h2>
<p class="note">Chain ${chainId.toString()}, blocks ${fromBlock} to ${toBlock}${took}.</p>
${pins.length === 0 ? [] : [pinTable(pins)]}
${judgedTable(rows)}
</section>
`
}
