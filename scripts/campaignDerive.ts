/**
 * Proves Derive's own portfolio margin cases, lands every proof on a real chain, and compares what the contract then holds
 * with Derive's answers.
 *
 *   npm run campaign:derive -- --cases <folder>              all cases of a folder
 *   npm run campaign:derive -- --cases <folder> --only 12,84 those whose numbers are named
 *   npm run campaign:derive -- --json
 *
 * Without --cases it looks for ../shared/vectors/derive-pmrm2. Exits 0 only if every margin agrees within 1e-8, relative to
 * the answer or, where that is smaller, to one unit of the quote currency.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readDeriveCase } from '../prover/portfolio/input/deriveCase.ts'
import { createProver } from '../prover/proof/index.ts'
import { loadPortfolioKeys } from '../prover/service/workspace.ts'
import { type AnsweredCase, type CaseProven, proveCases } from '../prover/service/development/portfolioCampaign.ts'
import { root } from './tools/sources.ts'
import { isThere, named, present, readFlags } from './tools/flags.ts'

const TOLERANCE = 1e-8

const flags = readFlags({
  cases: present('a folder of cases'),
  only: named('accounts, by commas'),
  json: isThere,
})
const say = (line: string): void => console.error(line)

const folder = resolve(flags.cases ?? join(root, '..', 'shared', 'vectors', 'derive-pmrm2'))
if (!existsSync(folder)) {
  say(`No cases in ${folder}. Name a folder with --cases.`)
  process.exit(2)
}
const wanted = flags.only?.split(',')
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.json') && (wanted?.includes(file.split('_')[1] ?? '') ?? true))
  .map((file): AnsweredCase => {
    const text = readFileSync(join(folder, file), 'utf8')
    const { IM: initial, MM: maintenance } = JSON.parse(text).Result
    return { name: file.replace(/\.json$/, ''), portfolio: readDeriveCase(text, file), initial, maintenance }
  })

const started = performance.now()
const prover = createProver()
try {
  let done = 0
  const proven = await proveCases(cases, prover, await loadPortfolioKeys(), (one) => {
    done++
    say(`${String(done).padStart(3)} of ${cases.length}  ${describe(one)}`)
  })
  const worst = proven.reduce((a, b) => (b.error > a.error ? b : a))
  const proofs = proven.flatMap(({ landed }) => landed.proofs)
  const count = (statement: string): number => proofs.filter((made) => made.statement === statement).length
  const within = proven.filter(({ error }) => error <= TOLERANCE).length
  const figures = {
    cases: cases.length,
    within,
    worst: { name: worst.name, error: worst.error },
    proofs: { arrays: count('riskArray'), books: count('optionBook'), margins: count('portfolioMargin') },
    gas: {
      margins: proven.map(({ landed }) => landed.landed.margins.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0)),
    },
    seconds: (performance.now() - started) / 1000,
    megabytes: process.memoryUsage().rss / 2 ** 20,
  }
  if (flags.json) console.log(JSON.stringify(figures, null, 2))
  else {
    console.log(`${within} of ${cases.length} cases proven within ${TOLERANCE}, every proof accepted by the contract`)
    console.log(`worst error ${worst.error.toExponential(2)} in ${worst.name}`)
    const { arrays, books, margins } = figures.proofs
    console.log(`${arrays} arrays, ${books} books and ${margins} margins proven in ${figures.seconds.toFixed(0)} s`)
    const gas = figures.gas.margins.toSorted((a, b) => a - b)
    console.log(`gas of an account's margin: ${gas[0]?.toLocaleString('en')} to ${gas.at(-1)?.toLocaleString('en')}`)
  }
  process.exitCode = within === cases.length ? 0 : 1
} finally {
  await prover.close()
}

function describe({ name, landed, initial, maintenance, error, seconds }: CaseProven): string {
  const margins = `IM ${initial.toFixed(2)}, MM ${maintenance.toFixed(2)}, off by ${error.toExponential(1)}`
  return `${name}: ${margins}; ${landed.proofs.length} proofs, ${seconds.toFixed(1)} s`
}
