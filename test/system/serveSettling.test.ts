/** Markets whose observations arrive an instant apart, in a running service. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readExtract } from '../../prover/market/histories.ts'
import type { PriceRow } from '../../prover/market/prices.ts'
import { type CircuitKeys, createProver } from '../../prover/proof/index.ts'
import { RegistryClient } from '../../prover/registry/index.ts'
import { DEMO_START } from '../../prover/service/development/demo.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import {
  appendObservations,
  type DevelopmentEngine,
  deployDevelopmentEngine,
} from '../../prover/service/development/engine.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { type ServeEvent, serve } from '../../prover/service/daemon/serve.ts'
import { LIVE_BUILD, loadKeys } from '../../prover/service/workspace.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const rows = readExtract('BTC-USD').rows
const [first, second] = rows.filter(({ asOf }) => asOf > DEMO_START) as [PriceRow, PriceRow]

let chain: DevelopmentChain
let engine: DevelopmentEngine
let keys: CircuitKeys
beforeAll(async () => {
  chain = await startDevelopmentChain(DEMO_START)
  keys = await loadKeys(LIVE_BUILD)
  const warmUp = rows.filter(({ asOf }) => asOf <= DEMO_START)
  const markets = ['A-USD', 'B-USD'].map((name) => ({ name, rows: warmUp }))
  engine = await deployDevelopmentEngine(chain, [keys], markets)
})
afterAll(() => chain.close())

const append = (name: string, observation: PriceRow) =>
  appendObservations(chain, engine.deployment, [{ name, observation }])

/** Serves until a batch has landed; what was planned. */
async function served(settleMs: number, onStarted: () => Promise<unknown>): Promise<readonly ServeEvent[]> {
  const { registry } = engine.deployment.addresses
  const client = await RegistryClient.connect({ registry, provider: chain.provider, signer: chain.account('prover') })
  const file = join(folder, `${settleMs}.sqlite`)
  const store = await SqliteJobStore.open(file, { chainId: chain.chainId, registry })
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
  await append('A-USD', first)
  const planned = await served(600_000, () => append('B-USD', first))
  expect(planned.map(({ detail }) => detail)).toEqual([expect.stringMatching(/A-USD #1.*B-USD #1|B-USD #1.*A-USD #1/)])
})

it('S26: a market that moves alone is proven alone when the time is over, and told by the name of what asked for it', async () => {
  await append('A-USD', second)
  const planned = await served(300, async () => undefined)
  expect(planned.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^A-USD #2 \(/)])
  expect(planned[0]?.trigger).toMatch(/^(volatility|observations)$/)
  expect(planned[0]?.detail).toContain(`${planned[0]?.trigger}: A-USD: `)
})
