import { writeWholeFile } from '../wholeFile.ts'
import type { BacktestSection } from './backtestSection.ts'
import { drawBacktest } from './backtestSection.ts'
import { type CircleSection, drawCircle } from './circleSection.ts'
import type { Markup } from './markup.ts'
import type { Answer, Entry } from './page.ts'
import { page } from './page.ts'
import type { WindowSection } from './window.ts'
import { drawWindow, windowTiles } from './window.ts'

export type { ProvenPoint, WindowSection } from './window.ts'

export type ReportSection = WindowSection | BacktestSection | CircleSection

export type ReportOptions = {
  readonly title?: string | undefined
  /** Paragraphs below the title; by default how to read the charts. */
  readonly lead?: readonly string[] | undefined
}

const LEAD = [
  'Risk parameters as the engine’s exact integer model computes them from prices alone; a proof shows the same numbers to a contract. ' +
    'The band is where one horizon earlier the price was expected to stay; the multipliers learn from every time it did not.',
  'The initial margin rises at once and the maintenance margin on a ramp, so that the engine does not liquidate everybody in one step; ' +
    'both fall slowly. Dashed: what a venue with a fixed margin would have had to ask for, all the time, to be exceeded no more often in its worst year. ' +
    'Point at a chart, or use the arrow keys, to read a publication.',
]

/**
 * Writes a report with plots as one HTML file that needs nothing else: no network, no other file.
 *
 * @param file - written as a whole or not at all
 * @param sections - in the order in which they are shown; n ≥ 1
 * @throws {@link FileWriteError} if it cannot be written
 * @example
 * const series = replay(readBars('btc.csv'), defaultPolicy)
 * writeReport('report.html', [{ kind: 'window', title: 'March 2020', series }])
 */
export function writeReport(file: string, sections: readonly ReportSection[], options: ReportOptions = {}): void {
  writeWholeFile(file, renderReport(sections, options))
}

/** The page that {@link writeReport} writes. */
export function renderReport(sections: readonly ReportSection[], options: ReportOptions = {}): string {
  const entries = sections.map((section, i): Entry => {
    const id = `section-${i + 1}`
    return { id, title: section.title, body: drawSection(section, id) }
  })
  return page(options.title ?? 'Risk parameters through time', options.lead ?? LEAD, entries, answerOf(sections)).markup
}

function drawSection(section: ReportSection, id: string): Markup {
  if (section.kind === 'window') return drawWindow(section, id)
  return section.kind === 'circle' ? drawCircle(section, id) : drawBacktest(section, id)
}

/** How many proofs were accepted, then margins now and breaches of what was proven, or else of the first window. */
function answerOf(sections: readonly ReportSection[]): Answer {
  const windows = sections.filter((section) => section.kind === 'window')
  const withProofs = windows.filter(({ proven = [] }) => proven.length > 0)
  const tiles = (withProofs.length > 0 ? withProofs : windows.slice(0, 1)).flatMap(windowTiles)
  if (withProofs.length === 0) return { tiles }
  const verdicts = new Map(
    withProofs.flatMap(({ proven = [] }) => proven.map(({ transactionHash, verdict }) => [transactionHash, verdict])),
  )
  const accepted = [...verdicts.values()].filter((verdict) => verdict === 'pass').length
  const isAll = accepted === verdicts.size
  const text = `${isAll ? '✓' : '✗'} ${accepted} of ${verdicts.size} proofs accepted by the audit`
  return { verdict: { kind: isAll ? 'pass' : 'fail', text }, tiles }
}
