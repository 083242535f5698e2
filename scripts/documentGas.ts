/**
 * Writes docs/generated/gas.md, what actions on the chain cost, from the snapshots that tests compare with what they measure.
 *
 *   node scripts/documentGas.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePage } from './generators/page.ts'
import { filesBelow, root } from './tools/sources.ts'

/** What each snapshot of gas is of, and which test measures it. */
const subjects: Readonly<Record<string, readonly [title: string, test: string]>> = {
  integrateGas: ['A venue of your own, docs/examples/OwnVenue.sol', 'test/package/integrate.test.ts'],
  gas: ['Submitting eight markets, and its parts', 'test/registry/gas.test.ts'],
  portfolioGas: ['Arrays, margins, witnesses and reports', 'test/registry/portfolioGas.test.ts'],
  venueGas: ['The venue that comes along', 'test/consumers/venueGas.test.ts'],
  hedgeGas: ['Hedging, the pool’s swap included', 'test/consumers/hedgeGas.test.ts'],
  aaveGas: ['Moving an Aave market', 'test/consumers/aaveGas.test.ts'],
  oracleGas: ['Carrying prices of oracles', 'test/market/oracles/oracleGas.test.ts'],
  doorGas: ['An observation at a source’s door', 'test/market/doorGas.test.ts'],
}

const introduction = `# Gas

What actions cost, from the snapshots in \`test/snapshots/\` that the tests named here hold: transactions whole, with their 21,000 and
calldata.

Written by \`node scripts/documentGas.ts\`.
`

function sectionOf(name: string): string {
  const [title, test] = subjects[name] ?? [name, '']
  const snapshot = JSON.parse(readFileSync(join(root, 'test/snapshots', `${name}.json`), 'utf8'))
  const rows = Object.entries(snapshot).map(([action, gas]) => `| ${action} | ${Number(gas).toLocaleString('en')} |`)
  return `\n## ${title}\n\n\`${test}\`\n\n| action | gas |\n|---|---|\n${rows.join('\n')}\n`
}

const snapshots = filesBelow('test/snapshots', 'as.json')
  .map((file) => file.replace(/^.*\/|\.json$/g, ''))
  .filter((name) => /^gas$|Gas$/.test(name))
const faults = [
  ...snapshots.filter((name) => subjects[name] === undefined).map((name) => `nothing says what ${name} is of`),
  ...Object.values(subjects)
    .filter(([, test]) => !existsSync(join(root, test)))
    .map(([, test]) => `there is no ${test}`),
]
for (const fault of faults) console.error(`scripts/documentGas.ts: ${fault}.`)
if (faults.length > 0) process.exitCode = 1
const sections = Object.keys(subjects)
  .filter((name) => snapshots.includes(name))
  .map(sectionOf)
writePage('gas.md', introduction + sections.join(''), 'scripts/documentGas.ts')
