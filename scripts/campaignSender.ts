/**
 * Sends real proven batches through everything that may go wrong on the way to a chain, and counts what was lost or doubled.
 *
 *   npm run campaign:sender                                    kill -9 20 times at every boundary of sending, 50 times at any
 *                                                              moment, 25 reorganisations of each depth from 1 to 12 and of 32, 500
 *                                                              lost answers, 200 rises of the base fee to a hundred times what
 *                                                              it was, 200 batches that two and five services have with one key,
 *                                                              1,000 proofs with a bit changed, 100 SIGTERM, 60 s without a node
 *   npm run campaign:sender -- --kills 1 --random 5 --reorganisations 1 --answers 20 --stuck 5 --submitters 5 --corrupt 20
 *                              --stops 2 --outage 5            a small one
 *   npm run campaign:sender -- --json
 *
 * Exits 0 only if every batch landed once, by one nonce, and no proof was sent that is none.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProver } from '../prover/proof/index.ts'
import { Random } from './tools/cases/random.ts'
import { FaultProxy } from './tools/chains/faultProxy.ts'
import { type Boundary, boundaries, killAfter, killAndResume, type Landed } from './tools/chains/killedSending.ts'
import { ProvenBatches } from './tools/chains/provenBatches.ts'
import { SendingTrials } from './tools/chains/sendingTrials.ts'
import { stopAndResume } from './tools/chains/stoppedServing.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

const DEPTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 32]
/** A service that sends takes less from its start. */
const LONGEST_LIFE_MS = 5_000
/** One that also proves, from when it has begun. */
const LONGEST_PROVING_LIFE_MS = 6_000
const LONGEST_TO_SECOND_SIGNAL_MS = 1_000
/** What a service that is told to end may take: whoever stops it kills it after half a minute. */
const LONGEST_END_MS = 30_000
/** And may take to begin nothing more. */
const LONGEST_TO_BEGIN_MS = 1_000

type Count = { trials: number; lost: number; doubled: number }

const flags = readFlags({
  kills: whole(0, 10_000, 20),
  random: whole(0, 10_000, 50),
  reorganisations: whole(0, 10_000, 25),
  answers: whole(0, 100_000, 500),
  stuck: whole(0, 100_000, 200),
  submitters: whole(0, 100_000, 200),
  corrupt: whole(0, 100_000, 1_000),
  stops: whole(0, 100_000, 100),
  outage: whole(0, 86_400, 60),
  seed: whole(0, 2 ** 31, 20_261_129),
  json: isThere,
})
const folder = mkdtempSync(join(tmpdir(), 'campaign-sender-'))
const range = await ProvenBatches.start(folder)
const proxy = await FaultProxy.start(range.url)
const prover = createProver()
const trials = new SendingTrials(range, proxy, prover)
const random = new Random(BigInt(flags.seed))
const moment = (most: number): number => Number(random.below(BigInt(most)))
const counts: Record<string, Count> = {}
const stops = { longestMs: 0 }
const started = performance.now()
try {
  for (const boundary of Object.keys(boundaries) as Boundary[]) {
    await landOnce(`killed: ${boundary}`, flags.kills, () => killAndResume(range, proxy, boundary))
  }
  await landOnce('killed at any moment', flags.random, () => killAfter(range, proxy, moment(LONGEST_LIFE_MS)))
  for (const depth of DEPTHS) {
    await landOnce(`reorganised ${depth} deep`, flags.reorganisations, () => trials.reorganised(depth))
  }
  await landOnce('answer lost', flags.answers, () => trials.answerLost())
  await landOnce('base fee times 100', flags.stuck, () => trials.stuck())
  for (const services of [2, 5]) {
    await landOnce(`${services} services with one key`, flags.submitters, () => trials.submitters(services))
  }
  await run('a bit of the proof changed', flags.corrupt, async () => {
    const { landings, nonces, status } = await trials.corrupt(random)
    return { lost: status === 'superseded' ? 0 : 1, doubled: landings + nonces }
  })
  await run('SIGTERM', flags.stops, async (i) => {
    const second = i % 2 === 0 ? undefined : moment(LONGEST_TO_SECOND_SIGNAL_MS)
    const { code, milliseconds, begunAfterMs, lost, doubled } = await stopAndResume(
      range,
      moment(LONGEST_PROVING_LIFE_MS),
      second,
    )
    stops.longestMs = Math.max(stops.longestMs, milliseconds)
    const isLate = milliseconds > LONGEST_END_MS || begunAfterMs > LONGEST_TO_BEGIN_MS
    // A second signal ends it at once, with 1.
    const isWrong = code !== 0 && second === undefined
    return { lost: lost + Number(isLate) + Number(isWrong), doubled }
  })
  if (flags.outage > 0) {
    await landOnce(`no node for ${flags.outage} s`, 1, () => trials.withoutNode(flags.outage, 'fresh'))
    await run(`no node for ${flags.outage} s, too old by then`, 1, async () => {
      const { landings, nonces, status } = await trials.withoutNode(flags.outage, 'old')
      return { lost: status === 'superseded' ? 0 : 1, doubled: landings + nonces }
    })
  }
} finally {
  await prover.close()
  proxy.close()
  await range.close()
  rmSync(folder, { recursive: true, force: true })
}
const seconds = (performance.now() - started) / 1000
const total = Object.values(counts).reduce(sum, { trials: 0, lost: 0, doubled: 0 })
if (flags.json) console.log(JSON.stringify({ counts, total, stops, seconds }, undefined, 2))
else console.log(textOf(total, seconds))
process.exit(total.lost + total.doubled === 0 ? 0 : 1)

async function landOnce(name: string, wanted: number, trial: () => Promise<Landed>): Promise<void> {
  await run(name, wanted, async () => {
    const { landings, nonces, status } = await trial()
    return { lost: Number(landings < 1 || status !== 'confirmed'), doubled: Number(landings > 1 || nonces > 1) }
  })
}

async function run(name: string, wanted: number, trial: (i: number) => Promise<Omit<Count, 'trials'>>): Promise<void> {
  if (wanted === 0) return
  let count: Count = { trials: 0, lost: 0, doubled: 0 }
  for (let i = 0; i < wanted; i++) count = sum(count, { trials: 1, ...(await trial(i)) })
  counts[name] = count
  console.error(`${name}: ${count.trials} trials, ${count.lost} lost, ${count.doubled} doubled`)
}

function sum(a: Count, b: Count): Count {
  return { trials: a.trials + b.trials, lost: a.lost + b.lost, doubled: a.doubled + b.doubled }
}

function textOf({ trials, lost, doubled }: Count, seconds: number): string {
  return `${trials} batches sent: ${lost} lost, ${doubled} doubled, in ${(seconds / 60).toFixed(1)} min`
}
