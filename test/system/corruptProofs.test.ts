/** A proof that is none although it was verified: what comes of it between the store and the chain. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { ProvenBatches } from '../../scripts/tools/chains/provenBatches.ts'
import { SendingTrials, withBitFlipped } from '../../scripts/tools/chains/sendingTrials.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const random = new Random(20_261_130n)
let range: ProvenBatches
let proxy: FaultProxy
let prover: Prover
beforeAll(async () => {
  range = await ProvenBatches.start(folder)
  proxy = await FaultProxy.start(range.url)
  prover = createProver()
})
afterAll(async () => {
  await prover?.close()
  proxy?.close()
  await range?.close()
})

it('S70: a proof of which a bit was changed in memory or in the store is never sent', async () => {
  const trials = new SendingTrials(range, proxy, prover)
  proxy.sent.length = 0
  for (let i = 0; i < 20; i++) {
    expect(await trials.corrupt(random)).toMatchObject({ landings: 0, nonces: 0, status: 'superseded' })
  }
  expect(proxy.sent).toEqual([])
})

it('S70: it is no answer for ever: the batch is proven anew and lands', async () => {
  const store = await range.storeFileOf(withBitFlipped(range.batches['BTC-USD'], random))
  const ended = new AbortController()
  const events: ServeEvent[] = []
  const serving = runServe({
    ...{ rpc: range.url, deployment: join(folder, 'deployment.json'), keyFile: join(folder, 'prover.key'), store },
    triggers: { triggers: ['observations'] },
    ...{ market: ['BTC-USD'], pollMs: 50, signal: ended.signal, onEvent: (event) => void events.push(event) },
  })
  const patience = performance.now() + 60_000
  while (!events.some(({ step }) => step === 'confirmed') && performance.now() < patience) await sleep(50)
  ended.abort()
  await serving
  const { id: job } = range.batches['BTC-USD']
  const own = events.filter((event) => event.job === job).map(({ step }) => step)
  expect(own).toEqual(['superseded', 'planned', 'proven', 'signed', 'sent', 'confirmed', 'in-force'])
  expect((await range.sequences())[0]).toBe(1)
})
