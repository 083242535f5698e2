import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../prover/audit/index.ts'
import { readExtract } from '../../prover/market/histories.ts'
import type { PriceRow } from '../../prover/market/prices.ts'
import { type CircuitKeys, createProver, type Prover, SnarkjsProver } from '../../prover/proof/index.ts'
import { RegistryClient } from '../../prover/registry/index.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { DEMO_START } from '../../prover/service/development/demo.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import {
  appendObservations,
  type DevelopmentEngine,
  deployDevelopmentEngine,
} from '../../prover/service/development/engine.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { type ServeEvent, serve } from '../../prover/service/daemon/serve.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../../prover/service/workspace.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

/** One more than a live batch has places for. */
const names = Array.from({ length: 9 }, (_, i) => `M${i}-USD`)
const rows = readExtract('BTC-USD').rows
const [first, second] = rows.filter(({ asOf }) => asOf > DEMO_START) as [PriceRow, PriceRow]
const folder = temporaryFolder()

let chain: DevelopmentChain
let engine: DevelopmentEngine
let client: RegistryClient
let keys: readonly [CircuitKeys, CircuitKeys]
beforeAll(async () => {
  chain = await startDevelopmentChain(DEMO_START)
  keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
  const warmUp = rows.filter(({ asOf }) => asOf <= DEMO_START)
  engine = await deployDevelopmentEngine(
    chain,
    keys,
    names.map((name) => ({ name, rows: warmUp })),
  )
  const { registry } = engine.deployment.addresses
  client = await RegistryClient.connect({ registry, provider: chain.provider, signer: chain.account('prover') })
})
afterAll(() => chain.close())

/** Appends a price of every market and serves until the two batches that it takes have landed. */
async function serveTwoBatches(
  price: PriceRow,
  prover: Prover,
  options: { readonly client?: RegistryClient; readonly onEvent?: (event: ServeEvent) => void } = {},
): Promise<readonly string[]> {
  await appendObservations(
    chain,
    engine.deployment,
    names.map((name) => ({ name, observation: price })),
  )
  const { registry } = engine.deployment.addresses
  const store = await SqliteJobStore.open(join(folder, `${price.asOf}.sqlite`), { chainId: chain.chainId, registry })
  const stopped = new AbortController()
  const steps: string[] = []
  try {
    await serve({
      client: options.client ?? client,
      account: chain.account('prover'),
      store,
      prover,
      families: [{ volatilityModel: 1, load: async () => ({ live: keys[0], catchUp: keys[1] }) }],
      triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.005 },
      pollMs: 50,
      signal: stopped.signal,
      onEvent: (event) => {
        steps.push(event.step)
        options.onEvent?.(event)
        if (steps.filter((step) => step === 'confirmed').length === 2) stopped.abort()
      },
    })
    const signed = await Promise.all((await store.jobs()).map(({ id }) => store.transactions(id)))
    const nonces = signed.flat().map(({ nonce }) => nonce)
    expect(new Set(nonces).size).toBe(2)
    expect(nonces).toHaveLength(2)
    return steps
  } finally {
    await store.close()
    await prover.close()
  }
}

const sequences = () => Promise.all(names.map(async (name) => (await client.market(name)).sequence))

describe('zkrisk serve with more markets than a batch', () => {
  it('plans a second batch beside the first, supersedes none that is proven meanwhile, and lands both once', async () => {
    // A look that takes until a proof has ended, as a slow node's may: what was planned before it is proven after it.
    const count = { planned: 0, proven: 0 }
    const slow = Object.create(client) as RegistryClient
    slow.markets = async () => {
      const [listed, proven] = [await client.markets(), count.proven]
      while (count.planned > proven && count.proven === proven) await sleep(10)
      return listed
    }
    const onEvent = ({ step }: ServeEvent): void => {
      if (step === 'planned' || step === 'proven') count[step]++
    }
    const steps = await serveTwoBatches(first, createProver(), { client: slow, onEvent })
    expect(steps.filter((step) => step === 'planned' || step === 'superseded')).toEqual(['planned', 'planned'])
    expect(steps).not.toContain('retrying')
    expect(await sequences()).toEqual(names.map(() => 1n))
  })

  it('plans a batch anew whose proof failed, and lands it once', async () => {
    const prover = new SnarkjsProver()
    let isKilled = false
    const onEvent = async ({ step }: ServeEvent): Promise<void> => {
      if (step !== 'planned' || isKilled) return
      isKilled = true
      while (prover.pid === undefined) await sleep(1)
      process.kill(prover.pid, 'SIGKILL')
    }
    const steps = await serveTwoBatches(second, prover, { onEvent: (event) => void onEvent(event) })
    expect(steps).toContain('retrying')
    expect(steps).not.toContain('superseded')
    expect(await sequences()).toEqual(names.map(() => 2n))
  })

  it('lands what an auditor accepts', async () => {
    const { registry } = engine.deployment.addresses
    const { report } = await audit({ registry, provider: chain.provider, keys: keys.map(auditKeyOf) })
    expect(report.accepted).toBe(true)
    expect(report.batches).toHaveLength(4)
  })
})
