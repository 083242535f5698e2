/**
 * Writes the constraint counts that the tests compare with: test/snapshots/math.json, options.json, portfolio.json and
 * volatility.json (templates of those stages), builds.json (each build, with the hash of its constraints) and parts.json
 * (where the live build's constraints go). A change shows in the diff.
 *
 *   npm run snapshot
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builds } from '../circuits/statements/index.ts'
import { countConstraints } from './tools/circuits/circuit.ts'
import { mathMains } from './tools/mains/math.ts'
import { optionMains } from './tools/mains/options.ts'
import { portfolioMains } from './tools/mains/portfolio.ts'
import { volatilityMains } from './tools/mains/volatility.ts'
import { buildCircuit, summaryOf } from './buildCircuits.ts'
import { partsTable } from './tools/constraintParts.ts'
import { root } from './tools/sources.ts'

const summaries: Record<string, object> = {}
for (const build of builds) summaries[build.name] = summaryOf(await buildCircuit(build))

mkdirSync(join(root, 'test', 'snapshots'), { recursive: true })
for (const [name, counts] of Object.entries({
  math: await countConstraints(mathMains),
  options: await countConstraints(optionMains),
  portfolio: await countConstraints(portfolioMains),
  volatility: await countConstraints(volatilityMains),
  builds: summaries,
  parts: Object.fromEntries((await partsTable()).rows.map(({ part, total }) => [part, total])),
})) {
  const file = `test/snapshots/${name}.json`
  writeFileSync(join(root, file), `${JSON.stringify(counts, null, 2)}\n`)
  console.log(`${file}: ${Object.keys(counts).length} circuits`)
}
