/**
 * Proves properties of the contracts for all inputs, each beside a wrong twin that must have a counterexample.
 *
 *   npm run verify:contracts                all properties
 *   npm run verify:contracts -- <name>…     properties of these names
 */
import { proveProperties, readProperties } from './properties.ts'
import { installTools, ToolNotInstalledError } from './tools.ts'

const wanted = process.argv.slice(2)
const all = readProperties()
const unknown = wanted.filter((name) => !all.some((property) => property.name === name))
if (unknown.length > 0) {
  console.error(`No property is named ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}
const chosen = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name))

try {
  const verdicts = proveProperties(installTools(), chosen, ({ name, isProved, isTwinCaught, seconds }) => {
    const twin = isTwinCaught ? 'its twin has a counterexample' : 'ITS TWIN HAS NO COUNTEREXAMPLE'
    console.log(`${isProved ? 'proved    ' : 'NOT PROVED'} ${name}; ${twin} (${seconds.toFixed(1)} s)`)
  })
  const [proved, caught] = [verdicts.filter((each) => each.isProved), verdicts.filter((each) => each.isTwinCaught)]
  console.log(
    `${proved.length} of ${verdicts.length} properties proved for all inputs, ${caught.length} of ${verdicts.length} wrong twins caught.`,
  )
  process.exitCode = proved.length === verdicts.length && caught.length === verdicts.length ? 0 : 1
} catch (error) {
  if (!(error instanceof ToolNotInstalledError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
