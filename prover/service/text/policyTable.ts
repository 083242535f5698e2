/** Policies as people read them: what they are, what their entries mean, and how two of them did. */
import { changesOf, entriesOf, type StatedPolicy } from '../../parameters/policyFile.ts'
import { figureOf, type PolicyEntry, rangeOf } from '../../parameters/policyEntries.ts'
import type { CheckedPolicy, ComparedPolicy, PolicyComparison } from '../answers/policies.ts'
import { percent, utcTime } from './figures.ts'
import { formatTable } from './table.ts'

/** A policy, entry by entry. */
export function formatPolicy(policy: StatedPolicy): string {
  const rows = entriesOf(policy).map(({ entry, value }) => [
    entry.name,
    figureOf(entry, value),
    value === entry.start ? '' : figureOf(entry, entry.start),
    rangeOf(entry),
  ])
  const changes = changesOf(policy).length
  const against = changes === 0 ? 'where a deployment starts' : `${changes} of ${rows.length} entries are turned`
  return [
    `Policy for markets under ${policy.volatilityModel}: ${against}`,
    '',
    formatTable(['entry', 'value', 'default', 'may be'], rows),
    '',
    'zkrisk policy explain says what each means; --json prints a file for --policy.',
    '',
  ].join('\n')
}

/** What entries mean, and what raising them does. */
export function formatEntries(entries: readonly (PolicyEntry & { readonly flags: string })[]): string {
  const block = (entry: (typeof entries)[number]): string =>
    [
      `${entry.name}  (${entry.flags})`,
      `  ${entry.meaning}`,
      `  ${figureOf(entry, entry.start)} (in a file ${entry.start}); may be ${rangeOf(entry)} (${entry.least} to ${entry.greatest})`,
      `  higher: ${entry.raising}`,
    ].join('\n')
  return `${entries.map(block).join('\n\n')}\n`
}

/** That a policy file is in order, what it turns, and what looks odd. */
export function formatCheck(file: string, { policy, remarks }: CheckedPolicy): string {
  const changes = changesOf(policy).map(({ entry, value }) => [
    `  ${entry.name}`,
    figureOf(entry, value),
    `default ${figureOf(entry, entry.start)}`,
  ])
  return [
    `${file} is a policy for markets under ${policy.volatilityModel}; ${changes.length === 0 ? 'it turns nothing.' : 'it turns:'}`,
    ...changes.map((cells) => cells.join('  ')),
    ...remarks.map((remark) => `Look again: ${remark}`),
    '',
  ].join('\n')
}

/** Two policies side by side, then the horizons that moved furthest. */
export function formatComparison({ file, rows, policies, worst }: PolicyComparison): string {
  const [first, last] = [rows[0]?.asOf ?? 0n, rows.at(-1)?.asOf ?? 0n]
  const line = (label: string, figure: (each: ComparedPolicy) => string): readonly string[] => [
    label,
    ...policies.map(figure),
  ]
  const turned = ({ policy }: ComparedPolicy): string => {
    const changes = changesOf(policy).map(({ entry, value }) => `${entry.name} ${figureOf(entry, value)}`)
    return changes.length === 0 ? 'the default' : changes.join(', ')
  }
  return [
    `${file}: ${utcTime(first)} to ${utcTime(last)} UTC, ${rows.length} observations`,
    ...policies.map((each) => `  ${each.name}: under ${each.policy.volatilityModel}, ${turned(each)}`),
    '',
    formatTable(
      ['', ...policies.map(({ name }) => name)],
      [
        line('α promised, each side', ({ policy }) => percent(policy.engine.breachProbability, 3)),
        line('breached down', ({ score }) => percent(score.whole.down.breachRate, 3)),
        line('breached up', ({ score }) => percent(score.whole.up.breachRate, 3)),
        line('predictions', ({ score }) => String(score.whole.predictions)),
        line('quantile score down', ({ score }) => percent(score.whole.down.score, 3)),
        line('quantile score up', ({ score }) => percent(score.whole.up.score, 3)),
        line('mean initial margin', ({ initialMargin }) => percent(initialMargin.mean)),
        line('greatest', ({ initialMargin }) => percent(initialMargin.greatest)),
        line('mean maintenance margin', ({ maintenanceMargin }) => percent(maintenanceMargin.mean)),
        line('greatest', ({ maintenanceMargin }) => percent(maintenanceMargin.greatest)),
      ],
    ),
    '',
    ...noteOnScores(policies),
    worstTable({ policies, worst }),
    '',
  ].join('\n')
}

function noteOnScores(policies: readonly ComparedPolicy[]): readonly string[] {
  const kinds = new Set(
    policies.map(({ policy: { engine } }) => `${engine.breachProbability} ${engine.horizonSeconds}`),
  )
  return kinds.size === 1
    ? ['Scores are the price of margin and of what it fell short: lower is better.', '']
    : ['Scores of another α or another horizon are of another question and cannot be compared.', '']
}

function worstTable({ policies, worst }: Pick<PolicyComparison, 'policies' | 'worst'>): string {
  const hours = Number(((worst[0]?.seconds ?? 0) / 3600).toFixed(2))
  const headings = policies.flatMap(({ name }) => [`${name}: move`, 'initial', 'maintenance', 'uncovered'])
  const rows = worst.map(({ from, realised, inForce }) => [
    utcTime(from),
    percent(Math.expm1(realised)),
    ...inForce.flatMap(({ move, initialMargin, maintenanceMargin, uncovered }) => [
      percent(move),
      percent(initialMargin),
      percent(maintenanceMargin),
      uncovered === 0 ? '–' : percent(uncovered),
    ]),
  ])
  const title = `The ${worst.length} horizons of ${hours} h that moved furthest, what was in force when they began, and what the maintenance margin left uncovered:`
  return [title, formatTable(['from (UTC)', 'moved', ...headings], rows)].join('\n')
}
