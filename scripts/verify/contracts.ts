/**
 * Proves properties of the contracts for all inputs, each beside a wrong twin that must have a counterexample; then holds what a
 * static analyser finds against the list of findings that were looked at.
 *
 *   npm run verify:contracts                  all properties, and the analysis
 *   npm run verify:contracts -- --analysis    the analysis alone
 *   npm run verify:contracts -- <name>…       properties of these names
 */
import { type Property, proveProperties, readProperties } from './properties.ts'
import { compareFindings, findings, textOf } from './staticAnalysis.ts'
import { installTools, ToolNotInstalledError, type Tools } from './tools.ts'

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const isAnalysisAlone = process.argv.includes('--analysis')
const all = readProperties()
const unknown = wanted.filter((name) => !all.some((property) => property.name === name))
if (unknown.length > 0) {
  console.error(`No property is named ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}

try {
  const tools = installTools()
  const chosen = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const areProved = isAnalysisAlone || prove(tools, chosen)
  const areSorted = wanted.length > 0 || analyse(tools)
  process.exitCode = areProved && areSorted ? 0 : 1
} catch (error) {
  if (!(error instanceof ToolNotInstalledError)) throw error
  console.error(error.message)
  process.exitCode = 1
}

function prove(tools: Tools, chosen: readonly Property[]): boolean {
  const verdicts = proveProperties(tools, chosen, ({ name, isProved, isTwinCaught, seconds }) => {
    const twin = isTwinCaught ? 'its twin has a counterexample' : 'ITS TWIN HAS NO COUNTEREXAMPLE'
    console.log(`${isProved ? 'proved    ' : 'NOT PROVED'} ${name}; ${twin} (${seconds.toFixed(1)} s)`)
  })
  const proved = verdicts.filter((each) => each.isProved).length
  const caught = verdicts.filter((each) => each.isTwinCaught).length
  const count = verdicts.length
  console.log(`${proved} of ${count} properties proved for all inputs, ${caught} of ${count} wrong twins caught.`)
  return proved === count && caught === count
}

function analyse(tools: Tools): boolean {
  const { found, unsorted, gone } = compareFindings(findings(tools))
  for (const finding of unsorted) console.log(`NEW        ${textOf(finding)}`)
  for (const finding of gone) console.log(`GONE       ${textOf(finding)}`)
  console.log(
    `${found - unsorted.length} of ${found} findings of the static analysis are on the list of those looked at.`,
  )
  if (unsorted.length + gone.length > 0) {
    console.log('Mend what is new, or add it to scripts/verify/findings.ts with the reason; take off it what is gone.')
  }
  return unsorted.length + gone.length === 0
}
