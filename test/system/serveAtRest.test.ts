/** What a service asks of a node while nothing happens: some are paid by the question. And what keeps it from serving, or ending. */
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { PriceRow } from '../../prover/market/prices.ts'
import type { MarketState } from '../../prover/parameters/marketRisk.ts'
import { createProver } from '../../prover/proof/index.ts'
import { readInForce } from '../../prover/registry/market/inForce.ts'
import { LOOK_ANEW_MS, type ServeControl, type ServeOptions, serve } from '../../prover/service/daemon/serve.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { first, type HistoryEngine, second, startHistoryEngine, warmUp } from './historyEngine.ts'
import { addUntaken } from './untakenMarket.ts'

const folder = temporaryFolder()
/** That a look at a registry of one market takes, and more. */
const CALLS_OF_A_LOOK = 30
const LONG = { timeout: 120_000 }

let engine: HistoryEngine
beforeAll(async () => {
  engine = await startHistoryEngine(['A-USD'])
})
afterAll(() => engine.chain.close())
afterEach(() => vi.restoreAllMocks())

type Own = Pick<ServeOptions, 'onEvent'> & Partial<ServeOptions>

/** Serves while some work is done, with a store of its own. */
async function serveWhile(name: string, own: Own, work: () => Promise<void>): Promise<void> {
  const { chain, keys } = engine
  const store = await engine.store(join(folder, `${name}.sqlite`))
  const prover = createProver()
  const stopped = new AbortController()
  const serving = serve({
    ...{ client: await engine.client(), account: chain.account('prover'), store, prover, pollMs: 5, settleMs: 0 },
    families: [{ volatilityModel: 1, load: async () => ({ live: keys }) }],
    // The first observation is an hour after the start, the second a minute after it: none that it would prove by itself.
    triggers: { triggers: ['heartbeat'], heartbeatSeconds: 3600 },
    signal: stopped.signal,
    ...own,
  })
  try {
    await Promise.race([work(), serving])
  } finally {
    stopped.abort()
    await serving.catch(() => undefined)
    await store.close()
    await prover.close()
  }
}

it('S83: asks a chain that stands still seldom, and sees a new block, and what somebody wants, all the same', async () => {
  const calls = vi.spyOn(engine.chain.provider, 'call')
  let wanted: readonly string[] = []
  let rounds = 0
  const control: ServeControl = {
    round: () => void rounds++,
    ended: () => undefined,
    pause: async () => undefined,
    resumedBy: () => undefined,
    wanted: async () => wanted,
    begun: async () => {
      wanted = []
    },
  }
  const triggers: (string | undefined)[] = []
  let landed = 0
  const onEvent: ServeOptions['onEvent'] = ({ step, trigger }) => {
    if (step === 'planned') triggers.push(trigger)
    if (step === 'confirmed') landed++
  }
  const asksSeldom = async (): Promise<void> => {
    const before = rounds
    await expect.poll(() => rounds, LONG).toBeGreaterThan(before + 5)
    calls.mockClear()
    const [from, began] = [rounds, performance.now()]
    await expect.poll(() => rounds, LONG).toBeGreaterThan(from + 100)
    const looks = 2 + (performance.now() - began) / LOOK_ANEW_MS
    expect(calls.mock.calls.length).toBeLessThanOrEqual(CALLS_OF_A_LOOK * looks)
  }
  await serveWhile('rest', { control, onEvent }, async () => {
    await asksSeldom()
    await engine.append('A-USD', first)
    await expect.poll(() => landed, LONG).toBe(1)
    await engine.append('A-USD', { ...second, asOf: first.asOf + 60n })
    await asksSeldom()
    wanted = ['A-USD']
    await expect.poll(() => landed, LONG).toBe(2)
    expect(triggers).toEqual(['heartbeat', 'asked for'])
  })
})

it('S83: looks at a new block twice, for behind one address a node that is asked next may be a block behind', async () => {
  const { provider } = engine.chain
  const behind = await provider.getBlockNumber()
  const { call } = provider
  let rounds = 0
  let ofTheBlock: number | undefined
  let planned: number | undefined
  vi.spyOn(provider, 'call').mockImplementation((asked) =>
    call.call(provider, ofTheBlock === rounds ? { ...asked, blockTag: behind } : asked),
  )
  const control: ServeControl = {
    round: () => void rounds++,
    ended: () => undefined,
    // Before a round asks anything: it is the first that knows of the block.
    resumedBy: () => undefined,
    pause: async () => {
      if (rounds !== 5) return undefined
      await engine.append('A-USD', { ...second, asOf: first.asOf + 3720n })
      ofTheBlock = rounds
      return undefined
    },
    wanted: async () => [],
    begun: async () => undefined,
  }
  const onEvent: ServeOptions['onEvent'] = ({ step }) => {
    if (step === 'planned') planned ??= rounds
  }
  await serveWhile('behind', { control, onEvent }, async () => {
    await expect.poll(() => planned, LONG).toBeDefined()
  })
  expect(planned).toBe((ofTheBlock ?? 0) + 1)
})

it('ends although a look at alarms hangs, for what no waiting mends and for a signal', async () => {
  const watch = { look: () => new Promise<never>(() => undefined) }
  const steps: string[] = []
  const onEvent: ServeOptions['onEvent'] = ({ step }) => void steps.push(step)
  await serveWhile('hangs', { watch, onEvent }, async () => {
    await expect.poll(() => steps, LONG).toContain('started')
  })
  expect(steps.at(-1)).toBe('stopped')
  const unknown = { watch, onEvent, markets: ['NOPE-USD'] }
  await expect(serveWhile('unknown', unknown, () => new Promise(() => undefined))).rejects.toMatchObject({
    code: 'registry.unknown-market',
  })
})

it('serves beside a market that governance gave a name that nothing here takes, says so, and reads the others', async () => {
  const { chain, deployment, states } = engine
  const [council, carrier] = [chain.account('council'), chain.account('feeder')]
  const [state, observation] = [states.get('A-USD') as MarketState, warmUp.at(-1) as PriceRow]
  await addUntaken('sol-usd', { deployment, council, carrier, state, observation })
  const unserved: (string | undefined)[] = []
  const inForce: (string | undefined)[] = []
  const onEvent: ServeOptions['onEvent'] = ({ step, detail }) => {
    if (step === 'unserved') unserved.push(detail)
    if (step === 'in-force') inForce.push(detail?.split(' ')[0])
  }
  await serveWhile('untaken', { onEvent }, async () => {
    await expect.poll(() => unserved, LONG).toHaveLength(1)
    await engine.append('A-USD', { ...second, asOf: first.asOf + 7380n })
    await expect.poll(() => inForce, LONG).toEqual(['A-USD'])
  })
  expect(unserved[0]).toBe('"sol-usd": governance gave it a name that nothing here takes')
  const { markets } = await readInForce(await engine.client())
  expect(markets.map(({ name }) => name)).toEqual(['A-USD'])
})
