/** What a service asks of a node while nothing happens: some are paid by the question. */
import { join } from 'node:path'
import { encodeBytes32String } from 'ethers'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
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
import { type ServeControl, serve } from '../../prover/service/daemon/serve.ts'
import { LIVE_BUILD, loadKeys } from '../../prover/service/workspace.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const rows = readExtract('BTC-USD').rows
const [first, second] = rows.filter(({ asOf }) => asOf > DEMO_START) as [PriceRow, PriceRow]
/** That a look at a registry of one market takes, and more. */
const CALLS_OF_A_LOOK = 30
const LOOK_ANEW_MS = 2000
const LONG = { timeout: 120_000 }

let chain: DevelopmentChain
let engine: DevelopmentEngine
let keys: CircuitKeys
beforeAll(async () => {
  chain = await startDevelopmentChain(DEMO_START)
  keys = await loadKeys(LIVE_BUILD)
  const warmUp = rows.filter(({ asOf }) => asOf <= DEMO_START)
  engine = await deployDevelopmentEngine(chain, [keys], [{ name: 'A-USD', rows: warmUp }])
})
afterAll(() => chain.close())

const append = (observation: PriceRow) => appendObservations(chain, engine.deployment, [{ name: 'A-USD', observation }])

it('S83: asks a chain that stands still seldom, sees a new block and what somebody wants all the same, and serves beside a market whose name it does not take', async () => {
  const { registry } = engine.deployment.addresses
  const client = await RegistryClient.connect({ registry, provider: chain.provider, signer: chain.account('prover') })
  const store = await SqliteJobStore.open(join(folder, 's.sqlite'), { chainId: chain.chainId, registry })
  const prover = createProver()
  const stopped = new AbortController()
  const calls = vi.spyOn(chain.provider, 'call')
  // Governance may call a market what fits 32 bytes.
  const listed = await client.markets()
  const nameless = listed.map((each) => ({ ...each, name: 'sol-usd', marketId: encodeBytes32String('sol-usd') }))
  vi.spyOn(client, 'markets').mockResolvedValue([...listed, ...nameless])
  let wanted: readonly string[] = []
  let rounds = 0
  const control: ServeControl = {
    round: () => void rounds++,
    ended: () => undefined,
    isPaused: async () => false,
    wanted: async () => wanted,
    begun: async () => {
      wanted = []
    },
  }
  const triggers: (string | undefined)[] = []
  let landed = 0
  const unserved: (string | undefined)[] = []
  const serving = serve({
    ...{ client, account: chain.account('prover'), store, prover, pollMs: 5, settleMs: 0, control },
    families: [{ volatilityModel: 1, load: async () => ({ live: keys }) }],
    // The first observation is an hour after the start, the second a minute after it: none that it would prove by itself.
    triggers: { triggers: ['heartbeat'], heartbeatSeconds: 3600 },
    signal: stopped.signal,
    onEvent: ({ step, trigger, detail }) => {
      if (step === 'unserved') unserved.push(detail)
      if (step === 'planned') triggers.push(trigger)
      if (step === 'confirmed') landed++
    },
  })
  const asksSeldom = async (): Promise<void> => {
    const before = rounds
    await expect.poll(() => rounds, LONG).toBeGreaterThan(before + 5)
    calls.mockClear()
    const [from, began] = [rounds, performance.now()]
    await expect.poll(() => rounds, LONG).toBeGreaterThan(from + 100)
    const looks = 2 + (performance.now() - began) / LOOK_ANEW_MS
    expect(calls.mock.calls.length).toBeLessThanOrEqual(CALLS_OF_A_LOOK * looks)
  }
  try {
    await asksSeldom()
    await append(first)
    await expect.poll(() => landed, LONG).toBe(1)
    await append({ ...second, asOf: first.asOf + 60n })
    await asksSeldom()
    wanted = ['A-USD']
    await expect.poll(() => landed, LONG).toBe(2)
    expect(triggers).toEqual(['heartbeat', 'asked for'])
    expect(unserved).toEqual(['"sol-usd": governance gave it a name that nothing here takes'])
  } finally {
    stopped.abort()
    await serving
    await store.close()
    await prover.close()
  }
})
