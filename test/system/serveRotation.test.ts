/** The drill: the council replaces the source of markets while the service runs; it follows, and no proof is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Contract, ContractFactory, type ContractTransactionResponse } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../prover/audit/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import type { Observation } from '../../prover/parameters/marketRisk.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { artifactOf, interfaceOf } from '../../prover/registry/artifacts.ts'
import { attestedFeedOf, connectProvider, type Deployment } from '../../prover/registry/index.ts'
import { marketAuditKeys } from '../../prover/service/answers/auditing.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { type DevelopmentChain, developmentChainBehind } from '../../prover/service/development/chain.ts'
import { crashHistory } from '../../prover/service/development/demo.ts'
import { appendObservations } from '../../prover/service/development/engine.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const store = `${folder}/serve.sqlite`
const MARKETS = ['BTC-USD', 'ETH-USD'] as const
const HOURS = 5n
/** Of the chain that is served. */
const START = 1_584_003_600n
/** The other source tells prices of ETH of a thousandth of it. */
const SCALE = -3
const parted = (observation: Observation): Observation => ({ ...observation, priceE8: observation.priceE8 / 1000n })

let tryOut: TryOut
let chain: DevelopmentChain
/** The deployment as if the other source were its feed. */
let second: Deployment
const events: { readonly step: string; readonly job?: string | undefined; readonly detail?: string | undefined }[] = []
/** What the council does right after a step, once. */
const orders = new Map<string, () => Promise<unknown>>()

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  chain = developmentChainBehind(await connectProvider(tryOut.rpc))
  const feed = attestedFeedOf(tryOut.deployment)
  const { abi, bytecode } = artifactOf('ScaledFeed')
  const { signers = [], threshold, maxConfidenceBps } = feed
  const { council } = tryOut.deployment.addresses
  const deployed = await new ContractFactory([...abi], bytecode, chain.account('council')).deploy(
    ...[council, signers, threshold, maxConfidenceBps, defaultPlausibility],
    [{ marketId: marketIdOf('ETH-USD'), scale: SCALE }],
  )
  await deployed.waitForDeployment()
  second = { ...tryOut.deployment, sources: [{ ...feed, address: await deployed.getAddress() }] }
})

afterAll(async () => {
  await chain?.close()
  await tryOut?.close()
})

/** The next hour, at both sources. */
async function feedBoth(): Promise<void> {
  const [step = []] = crashHistory(await chain.now(), 1).steps
  await appendObservations(chain, tryOut.deployment, step)
  await appendObservations(
    chain,
    second,
    step.map(({ name, observation }) => ({
      name,
      observation: name === 'ETH-USD' ? parted(observation) : observation,
    })),
  )
}

async function rotate(market: (typeof MARKETS)[number]): Promise<void> {
  const { registry } = tryOut.deployment.addresses
  const contract = new Contract(registry, interfaceOf('RiskRegistry'), chain.account('council'))
  const { address } = attestedFeedOf(second)
  const sent: ContractTransactionResponse = await contract.getFunction('rotateSource')(marketIdOf(market), address)
  await sent.wait()
}

async function sourceOf(market: string): Promise<string> {
  const contract = new Contract(tryOut.deployment.addresses.registry, interfaceOf('RiskRegistry'), chain.provider)
  return contract.getFunction('sourceOf')(marketIdOf(market))
}

async function volatilityOf(market: string): Promise<number> {
  const contract = new Contract(tryOut.deployment.addresses.registry, interfaceOf('RiskRegistry'), chain.provider)
  const { proven } = await contract.getFunction('unsafeParameters')(marketIdOf(market))
  return Number(proven.volatilityX24)
}

/** By the twin, from the same hours at the first source's scale. */
function volatilityAtOneScale(market: string): number {
  const { warmUps, steps } = crashHistory(START, Number(HOURS))
  const before = warmUps.find(({ name }) => name === market)?.rows ?? []
  const observed = steps.flatMap((step) => step.filter(({ name }) => name === market).map((each) => each.observation))
  const { points } = replay([...before, ...observed], defaultPolicy)
  return Number(points.at(-1)?.parameters.volatilityX24)
}

async function landedAll(count: bigint): Promise<void> {
  while (Object.values(await tryOut.sequences()).some((sequence) => sequence < count)) await sleep(100)
}

describe('zkrisk serve while sources are replaced', () => {
  it('R44, R111: follows, lands what was on its way, loses no proof, and an auditor accepts the history', async () => {
    const stop = new AbortController()
    const serving = runServe({
      ...{ rpc: tryOut.rpc, deployment: tryOut.deploymentFile, keyFile: tryOut.keyFile, store, pollMs: 20 },
      triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.01 },
      signal: stop.signal,
      onEvent: async (event) => {
        events.push(event)
        const order = orders.get(event.step)
        orders.delete(event.step)
        await order?.()
      },
    })
    for (let hour = 1n; hour <= HOURS; hour++) {
      // One while it is being proven, the other when its proof is made and not yet sent.
      if (hour === 2n) orders.set('planned', () => rotate('BTC-USD'))
      if (hour === 4n) orders.set('proven', () => rotate('ETH-USD'))
      await feedBoth()
      await landedAll(hour)
    }
    stop.abort()
    await serving

    const followed = events.filter(({ step }) => step === 'followed').map(({ detail = '' }) => detail.split(':')[0])
    expect(followed).toEqual(['BTC-USD', 'ETH-USD'])
    for (const market of MARKETS) expect(await sourceOf(market)).toBe(attestedFeedOf(second).address)
    const { chainId, addresses, block } = tryOut.deployment
    const jobs = await SqliteJobStore.open(store, { chainId, registry: addresses.registry })
    const proven = events.filter(({ step }) => step === 'proven').length
    const all = await jobs.jobs()
    await jobs.close()
    expect(all.map(({ status }) => status)).toEqual(new Array(proven).fill('confirmed'))
    expect(events.filter(({ step }) => ['superseded', 'retrying'].includes(step))).toEqual([])

    const told = await zkrisk('audit', '--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile)
    expect([told.code, told.stderr]).toEqual([0, ''])
    expect(told.stdout).toMatch(/^rotation +block \d+ +ETH-USD from 0x\w{40} to 0x\w{40} at .* by 0x\w{40} +accepted/m)
    const keys = await marketAuditKeys()
    const { report } = await audit({ rpcUrl: tryOut.rpc, registry: addresses.registry, fromBlock: block, keys })
    expect(report.failure).toBeUndefined()
    expect(report.batches).toHaveLength(proven)
    expect(report.markets.map(({ sequence, waiting }) => [sequence, waiting])).toEqual([
      [HOURS, 0],
      [HOURS, 0],
    ])
    expect(report.changes.map(({ kind }) => kind)).toEqual(['rotation', 'following', 'rotation', 'following'])
    expect(report.changes.at(-1)?.claims.map(({ claim }) => claim)).toContain('R111')
    // A thousandth of the price is no fall: what is in force is what one scale throughout would have come to.
    const [inForce, expected] = [await volatilityOf('ETH-USD'), volatilityAtOneScale('ETH-USD')]
    expect(inForce / expected).toBeCloseTo(1, 4)
    const blocks = report.changes.map((change) => change.block)
    const took = [(blocks[1] ?? 0) - (blocks[0] ?? 0), (blocks[3] ?? 0) - (blocks[2] ?? 0)]
    console.log(
      `two rotations under a running service: ${proven} proofs made, ${report.batches.length} landed, ` +
        `${proven - report.batches.length} lost; followed ${took.join(' and ')} blocks later`,
    )
  })
})
