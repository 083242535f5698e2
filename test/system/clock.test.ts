/** A clock that is ten minutes off, and steps while the service works: real batches on a real chain. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { replayFeed } from '../../prover/service/development/tryOut.ts'
import { ProvenBatches } from '../../scripts/tools/chains/provenBatches.ts'
import { shiftClock } from '../../scripts/tools/shiftedClock.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

/** Ten minutes. */
const OFF_SECONDS = 600
const folder = temporaryFolder()
let range: ProvenBatches
beforeAll(async () => {
  range = await ProvenBatches.start(folder)
})
afterEach(() => shiftClock(0))
afterAll(() => range.close())

/** A service of one market. */
function serveMarket(store: string, market: string) {
  const ended = new AbortController()
  const events: ServeEvent[] = []
  const serving = runServe({
    ...{ rpc: range.url, deployment: join(folder, 'deployment.json'), keyFile: join(folder, 'prover.key'), store },
    triggers: { triggers: ['observations'] },
    ...{ market: [market], pollMs: 50, signal: ended.signal, onEvent: (event) => void events.push(event) },
  })
  return {
    events,
    confirmed: async (times: number) => {
      const patience = performance.now() + 60_000
      while (events.filter(({ step }) => step === 'confirmed').length < times) {
        if (performance.now() > patience) throw new Error(`Not confirmed within a minute: ${JSON.stringify(events)}`)
        await Promise.race([serving, sleep(20)])
      }
    },
    end: async () => {
      ended.abort()
      await serving
    },
  }
}

const feed = () =>
  replayFeed([], {
    ...{ rpc: range.url, deployment: join(folder, 'deployment.json'), market: [], pause: 0, count: 1, prices: {} },
    say: () => undefined,
  })

it('S69: a batch that ended while the clock was ahead is taken up at once when it was put back', async () => {
  const store = await range.storeFile('BTC-USD')
  shiftClock(OFF_SECONDS)
  const jobs = await SqliteJobStore.open(store, range.scope)
  await jobs.end(range.batches['BTC-USD'].id, 'superseded', 'ObservationStale')
  await jobs.close()
  shiftClock(-OFF_SECONDS)
  const { events, confirmed, end } = serveMarket(store, 'BTC-USD')
  await confirmed(1)
  await end()
  expect(events.find(({ step }) => step === 'confirmed')?.job).toBe(range.batches['BTC-USD'].id)
})

it('S69: ten minutes ahead, then ten behind, then right: each batch lands, none is refused, none is sent twice', async () => {
  const before = (await range.sequences())[1] ?? 0
  shiftClock(OFF_SECONDS)
  const { events, confirmed, end } = serveMarket(join(folder, 'steps.sqlite'), 'ETH-USD')
  await confirmed(1)
  for (const [i, off] of [-OFF_SECONDS, OFF_SECONDS, 0].entries()) {
    shiftClock(off)
    await feed()
    await confirmed(i + 2)
  }
  await end()
  expect(events.filter(({ step }) => step === 'superseded' || step === 'retrying')).toEqual([])
  expect((await range.sequences())[1]).toBe(before + 4)
  const jobs = await SqliteJobStore.open(join(folder, 'steps.sqlite'), range.scope)
  const signed = await Promise.all((await jobs.jobs()).map(({ id }) => jobs.transactions(id)))
  expect(signed.map(({ length }) => length)).toEqual([1, 1, 1, 1])
  await jobs.close()
})

it('S69: a service that is told to end while the clock steps finishes what it has begun', async () => {
  await feed()
  const { events, confirmed, end } = serveMarket(join(folder, 'ending.sqlite'), 'ETH-USD')
  while (!events.some(({ step }) => step === 'planned')) await sleep(5)
  const ended = end()
  shiftClock(OFF_SECONDS)
  await ended
  await confirmed(1)
})
