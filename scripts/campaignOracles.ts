/**
 * Changed payloads of oracles, brought to our adapters over the oracles' own contracts: none may be taken, and each is refused by
 * name.
 *
 *   npm run campaign:oracles                    10,000 of each oracle, of recorded payloads
 *   npm run campaign:oracles -- --mutants 500   fewer
 *   npm run campaign:oracles -- --seed 7        others
 *   npm run campaign:oracles -- --json
 *
 * Without ../shared/data/oracle the payloads are signed by keys of our own, over the same contracts. Exits 0 only if every payload
 * itself was taken, no changed one was, and all refusals had a name.
 */
import { formatTable } from '../prover/service/text/table.ts'
import { runMutationCampaign } from './tools/oracles/mutationCampaign.ts'
import { hasRecordings } from './tools/oracles/recordings.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

const flags = readFlags({ mutants: whole(1, 10_000_000, 10_000), seed: whole(0, 1_000_000_000, 1), json: isThere })
const { mutants, seed } = flags

const started = performance.now()
const counted = await runMutationCampaign(mutants, seed)
const seconds = (performance.now() - started) / 1_000
if (flags.json) console.log(JSON.stringify({ recorded: hasRecordings, seed, oracles: counted }, undefined, 2))
else {
  const rows = counted.map((one) => [
    one.oracle,
    `${one.payloads}`,
    `${one.mutants}`,
    `${one.accepted}`,
    `${one.unnamed}`,
  ])
  console.log(
    formatTable(['oracle', hasRecordings ? 'recorded' : 'our own', 'changed', 'taken', 'without a name'], rows),
  )
  for (const { oracle, refusals } of counted) {
    const byCount = Object.entries(refusals).sort(([, a], [, b]) => b - a)
    console.log(`${oracle}: ${byCount.map(([name, times]) => `${name} ${times}`).join(', ')}`)
  }
  console.log(`Seed ${seed}, ${seconds.toFixed(0)} s.`)
}
process.exitCode = counted.every(({ accepted, unnamed }) => accepted === 0 && unnamed === 0) ? 0 : 1
