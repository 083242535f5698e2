/** Markets whose observations arrive an instant apart, in a running service. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProver } from '../../prover/proof/index.ts'
import { type ServeEvent, serve } from '../../prover/service/daemon/serve.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { first, type HistoryEngine, second, startHistoryEngine } from './historyEngine.ts'

const folder = temporaryFolder()

let engine: HistoryEngine
beforeAll(async () => {
  engine = await startHistoryEngine(['A-USD', 'B-USD'])
})
afterAll(() => engine.chain.close())

/** Serves until a batch has landed; what was planned. */
async function served(settleMs: number, onStarted: () => Promise<unknown>): Promise<readonly ServeEvent[]> {
  const { chain, keys } = engine
  const client = await engine.client()
  const store = await engine.store(join(folder, `${settleMs}.sqlite`))
  const prover = createProver()
  const stopped = new AbortController()
  const planned: ServeEvent[] = []
  try {
    await serve({
      ...{ client, account: chain.account('prover'), store, prover, pollMs: 20, settleMs },
      families: [{ volatilityModel: 1, load: async () => ({ live: keys }) }],
      triggers: { triggers: ['volatility', 'observations'] },
      signal: stopped.signal,
      onEvent: async (event) => {
        if (event.step === 'started') setTimeout(() => void onStarted(), 100)
        if (event.step === 'planned') planned.push(event)
        if (event.step === 'confirmed') stopped.abort()
      },
    })
    return planned
  } finally {
    await store.close()
    await prover.close()
  }
}

it('S26: are one batch, which is begun as soon as all markets have moved', async () => {
  await engine.append('A-USD', first)
  const planned = await served(600_000, () => engine.append('B-USD', first))
  expect(planned.map(({ detail }) => detail)).toEqual([expect.stringMatching(/A-USD #1.*B-USD #1|B-USD #1.*A-USD #1/)])
})

it('S26: a market that moves alone is proven alone when the time is over, and told by the name of what asked for it', async () => {
  await engine.append('A-USD', second)
  const planned = await served(300, async () => undefined)
  expect(planned.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^A-USD #2 \(/)])
  expect(planned[0]?.trigger).toMatch(/^(volatility|observations)$/)
  expect(planned[0]?.detail).toContain(`${planned[0]?.trigger}: A-USD: `)
})
