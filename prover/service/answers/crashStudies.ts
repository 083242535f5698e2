/**
 * The report's sections on past crashes, kept between runs: the twin takes seconds to follow years of hours, and neither
 * they nor it change from one demo to the next.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { longHistoryFolder } from '../../market/histories.ts'
import type { Policy } from '../../parameters/marketRisk.ts'
import { crashSections } from '../report/crashes.ts'
import type { ReportSection, WindowSection } from '../report/report.ts'
import { writeWholeFile } from '../wholeFile.ts'
import { buildFolder } from '../../config.ts'

type Kept = { readonly key: string; readonly sections: readonly ReportSection[] }

/** What the sections are computed from and with. */
const COMPUTED_WITH = ['../../math', '../../market', '../../volatility', '../../parameters', '../report']

/** {@link crashSections}, computed once for the same policy, prices and code. */
export function keptCrashSections(
  policy: Policy,
  file = join(buildFolder, 'reports', 'crashes.bin'),
): readonly ReportSection[] {
  const key = keyOf(policy)
  const kept = read(file)
  if (kept?.key === key) return kept.sections
  const sections = crashSections(policy).map((section) => (section.kind === 'window' ? trimmed(section) : section))
  writeWholeFile(file, serialize({ key, sections } satisfies Kept))
  return sections
}

/** Anything unreadable is computed afresh. */
function read(file: string): Kept | undefined {
  try {
    return deserialize(readFileSync(file)) as Kept
  } catch {
    return undefined
  }
}

function keyOf(policy: Policy): string {
  const hash = createHash('sha256').update(serialize(policy))
  for (const folder of COMPUTED_WITH.map((name) => join(import.meta.dirname, name))) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)))
    }
  }
  for (const name of listed(longHistoryFolder)) {
    const { size, mtimeMs } = statSync(join(longHistoryFolder, name))
    hash.update(`${name} ${size} ${mtimeMs}`)
  }
  return hash.digest('hex')
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** The same section without the years around its window. */
function trimmed(section: WindowSection): WindowSection {
  const { series, from = 0n, to = 1n << 32n } = section
  const first = series.points.findIndex(({ asOf }) => asOf >= from)
  const before = series.points[first - 1]
  if (before === undefined) return section
  const points = series.points.slice(first).filter(({ asOf }) => asOf < to)
  const start = { asOf: before.asOf, priceE8: before.priceE8, impliedVolatilityX16: 0n, rangeCode: 0n }
  return { ...section, series: { ...series, start, initial: before.state, points } }
}
