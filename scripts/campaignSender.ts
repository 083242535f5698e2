/**
 * Sends real proven batches through everything that may go wrong on the way to a chain, and counts what was lost or doubled.
 *
 *   npm run campaign:sender                                    kill -9 20 times at every boundary of sending, 50 times at any
 *                                                              moment, 25 reorganisations of each depth from 1 to 12, 500
 *                                                              lost answers
 *   npm run campaign:sender -- --kills 1 --random 5 --reorganisations 1 --answers 20     a small one
 *   npm run campaign:sender -- --json
 *
 * Exits 0 only if every batch landed once, by one nonce.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProver, type Prover } from '../prover/proof/index.ts'
import type { JobStore } from '../prover/service/daemon/jobStore.ts'
import { serve } from '../prover/service/daemon/serve.ts'
import { defaultTriggerPolicy } from '../prover/service/daemon/triggers.ts'
import { FaultProxy } from './tools/chains/faultProxy.ts'
import { type Boundary, boundaries, killAfter, killAndResume, type Landed } from './tools/chains/killedSending.ts'
import { ProvenBatches } from './tools/chains/provenBatches.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

/** Reorganisations of each depth up to this one. */
const DEEPEST = 12
/** A service that sends takes less from its start. */
const LONGEST_LIFE_MS = 5_000
/** Seed of the moments of death. */
const SEED = 20_261_129

type Count = { trials: number; lost: number; doubled: number }

const flags = readFlags({
  kills: whole(0, 10_000, 20),
  random: whole(0, 10_000, 50),
  reorganisations: whole(0, 10_000, 25),
  answers: whole(0, 100_000, 500),
  json: isThere,
})
const folder = mkdtempSync(join(tmpdir(), 'campaign-sender-'))
const range = await ProvenBatches.start(folder)
const proxy = await FaultProxy.start(range.url)
const prover = createProver()
const counts: Record<string, Count> = {}
const started = performance.now()
try {
  for (const boundary of Object.keys(boundaries) as Boundary[]) {
    await trials(`killed: ${boundary}`, flags.kills, () => killAndResume(range, proxy, boundary))
  }
  const random = randomFrom(SEED)
  await trials('killed at any moment', flags.random, () =>
    killAfter(range, proxy, Math.floor(random() * LONGEST_LIFE_MS)),
  )
  for (let depth = 1; depth <= DEEPEST; depth++) {
    await trials(`reorganised ${depth} deep`, flags.reorganisations, () => reorganise(depth, prover))
  }
  await trials('answer lost', flags.answers, () => loseAnswer(prover))
} finally {
  await prover.close()
  proxy.close()
  await range.close()
  rmSync(folder, { recursive: true, force: true })
}
const seconds = (performance.now() - started) / 1000
const total = Object.values(counts).reduce(sum, { trials: 0, lost: 0, doubled: 0 })
if (flags.json) console.log(JSON.stringify({ counts, total, seconds }, undefined, 2))
else console.log(textOf(total, seconds))
process.exit(total.lost + total.doubled === 0 ? 0 : 1)

async function trials(name: string, wanted: number, trial: () => Promise<Landed>): Promise<void> {
  const count: Count = { trials: 0, lost: 0, doubled: 0 }
  for (let i = 0; i < wanted; i++) {
    const { landings, nonces, status } = await trial()
    count.trials++
    if (landings < 1 || status !== 'confirmed') count.lost++
    if (landings > 1 || nonces > 1) count.doubled++
  }
  if (wanted === 0) return
  counts[name] = count
  console.error(`${name}: ${count.trials} trials, ${count.lost} lost, ${count.doubled} doubled`)
}

/** A batch that landed, and whose block and those after it are then replaced by others. */
async function reorganise(depth: number, prover: Prover): Promise<Landed> {
  const store = await range.store('BTC-USD')
  return sent(store, prover, async (confirmed) => {
    const undo = await range.checkpoint()
    await confirmed(1)
    await range.mine(depth - 1)
    await undo()
    await range.mine(depth + 1)
    await confirmed(2)
  })
}

async function loseAnswer(prover: Prover): Promise<Landed> {
  proxy.fail('lost-reply', ['eth_sendRawTransaction'], 1)
  return sent(await range.store('BTC-USD'), prover, async (confirmed) => confirmed(1))
}

/** A service over a store, until what is to happen has; then the chain is put back. */
async function sent(
  store: JobStore,
  prover: Prover,
  happen: (confirmed: (times: number) => Promise<void>) => Promise<void>,
): Promise<Landed> {
  const undo = await range.checkpoint()
  const account = await range.account()
  const client = await range.client(proxy.url, account)
  const controller = new AbortController()
  let confirmations = 0
  let go = (): void => undefined
  const confirmed = async (times: number): Promise<void> => {
    while (confirmations < times) {
      await new Promise<void>((resolve) => {
        go = resolve
      })
    }
  }
  const service = serve({
    ...{ client, account, store, prover, families: [], triggers: defaultTriggerPolicy, pollMs: 15 },
    signal: controller.signal,
    onEvent: ({ step }) => {
      if (step === 'confirmed') confirmations++
      go()
    },
  })
  try {
    await Promise.race([happen(confirmed), service])
    const [landings = 0] = await range.sequences()
    const nonces = await range.chain.getTransactionCount(account.address)
    return { wasKilled: false, landings, nonces, status: (await store.jobs())[0]?.status }
  } finally {
    controller.abort()
    await service
    client.provider.destroy()
    await store.close()
    proxy.mend()
    await undo()
  }
}

/** Numbers from 0 to 1 that are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = BigInt(seed)
  return () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % (1n << 64n)
    return Number(state >> 11n) / 2 ** 53
  }
}

function sum(a: Count, b: Count): Count {
  return { trials: a.trials + b.trials, lost: a.lost + b.lost, doubled: a.doubled + b.doubled }
}

function textOf({ trials, lost, doubled }: Count, seconds: number): string {
  return `${trials} batches sent: ${lost} lost, ${doubled} doubled, in ${(seconds / 60).toFixed(1)} min`
}
