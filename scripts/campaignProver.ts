/**
 * A prover whose child process hangs, is ended and runs out of memory, and finished proofs of which a bit is changed before they are
 * verified: counts other proofs that were lost, and proofs that were let out and are none.
 *
 *   npm run campaign:prover                                     50 hangs, 50 ends, 20 without memory; 1,000 bits
 *   npm run campaign:prover -- --hangs 1 --ends 2 --memory 1 --bits 20        a small one
 *   npm run campaign:prover -- --json
 *
 * Exits 0 only if nothing was lost and nothing let out.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SnarkjsProver } from '../prover/proof/backends/snarkjsProver.ts'
import { Random } from './tools/cases/random.ts'
import { trialInput, trialKeys } from './tools/fleet/fleetCircuit.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'
import { failProver, letsOut, type ProverFault } from './tools/proverTrials.ts'

const TOLD_EACH = 10

const flags = readFlags({
  hangs: whole(0, 100_000, 50),
  ends: whole(0, 100_000, 50),
  memory: whole(0, 100_000, 20),
  bits: whole(0, 1_000_000, 1_000),
  seed: whole(0, 1_000_000_000, 1),
  json: isThere,
})

const folder = mkdtempSync(join(tmpdir(), 'campaign-prover-'))
const random = new Random(BigInt(flags.seed))
const wanted: readonly (readonly [ProverFault, number])[] = [
  ['hangs', flags.hangs],
  ['is ended', flags.ends],
  ['has no memory', flags.memory],
]
const lost: Record<string, number> = {}
let out = 0
const started = performance.now()
try {
  const keys = await trialKeys(folder)
  for (const [fault, times] of wanted) {
    lost[fault] = 0
    for (let i = 1; i <= times; i++) {
      const otherwise = await failProver(keys, fault, random)
      if (otherwise !== undefined) {
        lost[fault]++
        console.error(`${fault}, time ${i}: ${otherwise}`)
      }
      if (i % TOLD_EACH === 0 || i === times)
        console.error(`${fault}: ${i} of ${times} times, ${lost[fault]} other proofs lost`)
    }
  }
  const prover = new SnarkjsProver({ threads: 1 })
  const proven = await prover.prove(keys, trialInput(1))
  await prover.close()
  for (let i = 0; i < flags.bits; i++) if (await letsOut(keys, proven, random)) out++
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const seconds = (performance.now() - started) / 1000
const all = Object.values(lost).reduce((sum, each) => sum + each, 0)
const faults = flags.hangs + flags.ends + flags.memory
if (flags.json) console.log(JSON.stringify({ faults, lost, bits: flags.bits, letOut: out, seconds }, undefined, 2))
else
  console.log(
    `${faults} faults of the child process: ${all} other proofs lost; ${flags.bits} bits changed: ${out} let out; ${(seconds / 60).toFixed(1)} min`,
  )
process.exit(all + out === 0 ? 0 : 1)
