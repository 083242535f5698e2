/**
 * Proves of templates and builds that their outputs are unique in their inputs: for every choice of inputs, field elements of
 * any size, no two witnesses have different outputs. What is not proved counts as a failure.
 *
 *   npm run verify:circuits                  templates, then builds
 *   npm run verify:circuits -- --templates   templates alone
 *   npm run verify:circuits -- <name>…       templates and builds of these names
 */
import { builds } from '../../circuits/statements/index.ts'
import { mainSource } from '../buildCircuits.ts'
import type { MainComponent } from '../tools/circuits/circuit.ts'
import { mathMains } from '../tools/mains/math.ts'
import { optionMains } from '../tools/mains/options.ts'
import { portfolioMains } from '../tools/mains/portfolio.ts'
import { volatilityMains } from '../tools/mains/volatility.ts'
import { compileForProof } from './uniqueness/compiled.ts'
import { proveUnique } from './uniqueness/prove.ts'

/** Every template with a main of its own, by stage. */
const templates: Readonly<Record<string, readonly MainComponent[]>> = {
  'templates of circuits/math': mathMains,
  'templates of options, portfolios and volatility models': [...optionMains, ...portfolioMains, ...volatilityMains],
}
const buildMains: readonly MainComponent[] = builds.map((build) => ({ name: build.name, source: mainSource(build) }))

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const all = { ...templates, ...(process.argv.includes('--templates') ? {} : { builds: buildMains }) }
const unknown = wanted.filter((name) => !Object.values(all).some((mains) => mains.some((main) => main.name === name)))
if (unknown.length > 0) {
  console.error(
    `Nothing is named ${unknown.join(', ')}. A name is that of a build, or a template's as in test/snapshots.`,
  )
  process.exit(2)
}

const uses = new Map<string, number>()
const figures: string[] = []
let failed = 0
for (const [kind, mains] of Object.entries(all)) {
  const chosen = mains.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  let proved = 0
  for (const main of chosen) if (await prove(main)) proved++
  failed += chosen.length - proved
  if (chosen.length > 0) figures.push(`${proved} of ${chosen.length} ${kind}`)
}
console.log(`Outputs unique in inputs: ${figures.join(', ')}.`)
console.log(
  `Conclusions: ${[...uses].map(([lemma, count]) => `${count.toLocaleString('en')} by ${lemma}`).join(', ')}.`,
)
process.exitCode = failed === 0 ? 0 : 1

async function prove({ name, source }: MainComponent): Promise<boolean> {
  const { circuit, outputs, constraints, leftOut, nameOf } = await compileForProof(source, name)
  const started = performance.now()
  const { left, uses: ofThis } = proveUnique(circuit, outputs)
  for (const [lemma, count] of ofThis) if (lemma !== 'input') uses.set(lemma, (uses.get(lemma) ?? 0) + count)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const verdict = left.length === 0 ? 'unique    ' : 'NOT PROVED'
  console.log(`${verdict} ${name}: ${constraints.toLocaleString('en')} constraints, ${seconds} s`)
  if (left.length > 0) console.log(`           not proved: ${left.slice(0, 5).map(nameOf).join(', ')}`)
  if (leftOut > 0)
    console.log(`           ${leftOut} constraints with the linear ones left in do not follow, and were left out`)
  return left.length === 0
}
