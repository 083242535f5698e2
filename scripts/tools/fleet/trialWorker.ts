/**
 * A worker in a process of its own that has the trial's key alone; its argument is a JSON object. It tells its steps as JSON
 * lines, and a job that is poison kills its prover as soon as it is taken.
 */
import { createProver, type Prover } from '../../../prover/proof/index.ts'
import type { SnarkjsProver } from '../../../prover/proof/backends/snarkjsProver.ts'
import { openQueue } from '../../../prover/service/daemon/fleet/openFleet.ts'
import { queueOf } from '../../../prover/service/daemon/fleet/proofJob.ts'
import { work, type WorkerEvent } from '../../../prover/service/daemon/fleet/worker.ts'
import { parseDatabaseAddress } from '../../../prover/service/daemon/stores/databaseAddress.ts'
import { trialKeys } from './fleetCircuit.ts'

export type TrialWorkerOptions = {
  readonly database: string
  readonly keys: string
  readonly name: string
  /** Challenges of jobs that kill their prover. */
  readonly poison: readonly string[]
  /** After which a proof that was made is handed on: a longer one than the circuit's. */
  readonly lingerMs: number
}

const options = JSON.parse(process.argv[2] ?? '{}') as TrialWorkerOptions
const address = parseDatabaseAddress(options.database)
const keys = await trialKeys(options.keys)
const controller = new AbortController()
process.once('SIGTERM', () => controller.abort())
const real = createProver({ threads: 1 }, 'snarkjs') as SnarkjsProver
const prover: Prover = {
  prove: async (circuit, input) => {
    const made = real.prove(circuit, input)
    if (options.poison.includes(String(input.challenge))) {
      const isThere = setInterval(() => {
        if (real.pid !== undefined) process.kill(real.pid, 'SIGKILL')
      }, 1)
      await made.finally(() => clearInterval(isThere))
    }
    const proven = await made
    await new Promise((resolve) => setTimeout(resolve, options.lingerMs))
    return proven
  },
  warm: (circuit) => real.warm(circuit),
  close: () => real.close(),
}
const onEvent = (event: WorkerEvent): void => console.log(JSON.stringify(event))
const opened = await openQueue(address, { signal: controller.signal, onEvent })
if (opened === undefined) process.exit(0)
const { queue, workers } = opened
await work({
  ...{ queue, workers, prover, name: options.name, atOnce: 2, signal: controller.signal },
  keys: [{ queue: queueOf(keys.circuit, keys.manifest.verificationKeySha256), load: async () => keys }],
  onEvent,
})
await prover.close()
await queue.close()
await workers.close()
process.exit(0)
