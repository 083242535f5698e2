/** The auditor follows what governance did: a source was replaced, signers changed, something paused; and finds what is false in that. */
import { Contract, isAddress, ZeroAddress, ZeroHash } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { volatilityModels as modelRows } from '../../circuits/statements/index.ts'
import {
  type Audit,
  audit,
  type AuditReport,
  type ChainRecord,
  type Computations,
  formatAudit,
  formatAuditBundle,
  judge,
  parseAuditBundle,
} from '../../prover/audit/index.ts'
import { marketIdOf, shadowIdOf } from '../../prover/market/marketId.ts'
import {
  defaultPolicy,
  INITIAL_MULTIPLIER_X18,
  INITIAL_VOLATILITY_X24,
  withStartingWords,
} from '../../prover/parameters/defaultPolicy.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { addMarket, attestedFeedOf } from '../../prover/registry/index.ts'
import { idOfSource, placeToBegin } from '../../prover/registry/market/place.ts'
import { renderAuditReport } from '../../prover/service/report/auditReport.ts'
import { packState } from '../../prover/statement/marketState.ts'
import { pack } from '../../prover/statement/words.ts'
import { volatilityModels } from '../../prover/volatility/models.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { LiveEngine } from '../registry/liveEngine.ts'
import { appendTo, deployFeed } from './secondFeed.ts'

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T
type MutableRecord = Mutable<ChainRecord>

const [BTC, ETH] = [marketIdOf('BTC-USD'), marketIdOf('ETH-USD')]
const HOUR = 3_600n
const DAY = 24n * HOUR

let engine: LiveEngine
let first: string
let second: Contract
let whole: Audit
const computations: Computations = new Map()

beforeAll(async () => {
  engine = await LiveEngine.start(['marketRisk8x2'], { 'BTC-USD': 7_900n, 'ETH-USD': 194n })
  first = attestedFeedOf(engine.deployment).address
  second = await deployFeed(engine)
  await engine.observe({ 'BTC-USD': 7_800n, 'ETH-USD': 190n }, 600n)
  await land(['BTC-USD', 'ETH-USD'])
  await addShadow('BTC-USD', await placeOf('BTC-USD'))
  await marketAfterItsShadow()
  await pausesThatEnded()
  await rotation()
  await engine.observe({ 'ETH-USD': 188n })
  await land(['ETH-USD'])
  whole = await auditNow()
})

afterAll(() => engine?.close())

const land = async (names: readonly string[]) => engine.client.submit(await engine.prove('marketRisk8x2', names))

const signerOf = (name: 'council' | 'guardian') => engine.chain.signers[name === 'council' ? 0 : 1] as never
const contractOf = (name: 'RiskRegistry' | 'ModelRegistry', by: 'council' | 'guardian') => {
  const { registry, modelRegistry } = engine.deployment.addresses
  return new Contract(name === 'RiskRegistry' ? registry : modelRegistry, interfaceOf(name), signerOf(by))
}
const registry = (by: 'council' | 'guardian', method: string, ...args: readonly unknown[]) =>
  mined(contractOf('RiskRegistry', by).getFunction(method)(...args))
const models = (by: 'council' | 'guardian', method: string, ...args: readonly unknown[]) =>
  mined(contractOf('ModelRegistry', by).getFunction(method)(...args))
const modelId = () => engine.deployment.models[0]?.modelId as string
const addressOf = async (by: 'council' | 'guardian') => (signerOf(by) as { getAddress(): Promise<string> }).getAddress()

/** The other source attests a price of BTC-USD. */
const appendToSecond = (price: bigint) => appendTo(second, engine, 'BTC-USD', price)

async function placeOf(name: string): Promise<NonNullable<Awaited<ReturnType<typeof placeToBegin>>>> {
  const inbox = { source: first, marketId: marketIdOf(name), fromBlock: 0 }
  const begun = await placeToBegin(engine.chain.ethers.provider as never, inbox)
  if (begun === undefined) throw new Error('The source has nothing.')
  return begun
}

/** A shadow of a market under the model in force. */
async function addShadow(name: string, { place, observation }: Awaited<ReturnType<typeof placeOf>>): Promise<void> {
  const policy = withStartingWords(volatilityModels.ewma, defaultPolicy)
  const state = initialState(volatilityModels.ewma, observation, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, policy)
  const { id } = modelRows.ewma
  const marketId = marketIdOf(name)
  await registry('council', 'setMarketPolicy', shadowIdOf(marketId, id), pack('marketPolicy', policy.market))
  await registry('council', 'addShadow', marketId, id, packState(state), place)
}

/** SOL-USD begins at the second observation of three, its shadow at the first: calls that were scheduled at different times. */
async function marketAfterItsShadow(): Promise<void> {
  await engine.observe({ 'SOL-USD': 100n })
  const begun = await placeOf('SOL-USD')
  await engine.observe({ 'SOL-USD': 101n })
  const market = { name: 'SOL-USD', policy: defaultPolicy.market, volatilityModel: 'ewma' as const }
  engine.deployment = (await addMarket(engine.chain.signers[0] as never, engine.deployment, market)).deployment
  await engine.observe({ 'SOL-USD': 102n })
  await addShadow('SOL-USD', begun)
}

/** A market and a model are paused; the council holds the one, and lifts both. */
async function pausesThatEnded(): Promise<void> {
  await registry('guardian', 'pause', ETH)
  await registry('council', 'holdPause', ETH)
  await models('guardian', 'pause', modelId())
  await engine.chain.setTime((await engine.chain.now()) + HOUR)
  await registry('council', 'liftPause', ETH)
  await models('council', 'liftPause', modelId())
}

/** A week after its last pause a model may be paused again. */
async function pauseModelAnew(): Promise<void> {
  await engine.chain.setTime((await engine.chain.now()) + 8n * DAY)
  await appendToSecond(7_780n)
  await land(['BTC-USD'])
  await models('guardian', 'pause', modelId())
}

/** BTC-USD comes from the second source: two of its observations are not later than what is in force, two are. */
async function rotation(): Promise<void> {
  for (const price of [7_805n, 7_795n]) await appendToSecond(price)
  await engine.observe({ 'BTC-USD': 7_790n })
  await appendToSecond(7_785n)
  await registry('council', 'rotateSource', BTC, second.target)
  await registry('guardian', 'pause', idOfSource(first))
  await registry('council', 'liftPause', idOfSource(first))
  // On its way from the source before.
  await land(['BTC-USD'])
  await appendToSecond(7_780n)
  await engine.client.followSource('BTC-USD')
  await engine.client.followSource('BTC-USD~ewma')
  await land(['BTC-USD'])
}

function auditNow(): Promise<Audit> {
  const provider = engine.chain.ethers.provider as never
  return audit({ registry: engine.deployment.addresses.registry, provider, keys: engine.auditKeys() })
}

async function judged(change: (record: MutableRecord) => unknown, record = whole.record): Promise<AuditReport> {
  const copy = structuredClone(record) as MutableRecord
  change(copy)
  return judge(copy as ChainRecord, {}, undefined, computations)
}

/** What is false, in the order in which it is found. */
async function failureOf(change: (record: MutableRecord) => unknown, record = whole.record) {
  const { failure } = await judged(change, record)
  return failure === undefined ? 'none' : `${failure.of}: ${failure.claim.claim} ${failure.claim.field}`
}

describe('an honest history with a rotation, pauses and a shadow that followed', () => {
  it('R44: is accepted, by a node and offline, the same', async () => {
    expect(whole.report.failure).toBeUndefined()
    expect(whole.report).toMatchObject({
      accepted: true,
      markets: [{ sequence: 3n }, { sequence: 2n }, { sequence: 0n }],
    })
    const bundle = parseAuditBundle(Buffer.from(formatAuditBundle(whole.record)), 'audit.json')
    expect(bundle).toEqual(whole.record)
    expect((await judge(bundle, {}, undefined, computations)).failure).toBeUndefined()
  })

  it('R41, R44: is told, change by change: what, when and by whom', async () => {
    const [council, guardian] = [await addressOf('council'), await addressOf('guardian')]
    const told = whole.report.changes.map(({ kind, what, by }) => [kind, what, by])
    const until = expect.stringMatching(/ paused until \d{4}-\d\d-\d\d \d\d:\d\d$/)
    const prover = (await (
      engine.chain.signers[2] as never as { getAddress(): Promise<string> }
    ).getAddress()) as string
    const went = (name: string, count: number) => `${name} goes on behind observation ${count} of ${second.target}`
    expect(told).toEqual([
      ['pause', until, guardian],
      ['pause', 'market ETH-USD held', council],
      ['pause', until, guardian],
      ['pause', 'market ETH-USD lifted', council],
      ['pause', 'model marketRisk8x2 lifted', council],
      ['rotation', `BTC-USD from ${first} to ${second.target}`, council],
      ['pause', until, guardian],
      ['pause', `source ${first} lifted`, council],
      ['following', went('BTC-USD', 2), prover],
      ['following', went('BTC-USD~ewma', 0), prover],
    ])
    const page = renderAuditReport(whole.report)
    for (const { what } of whole.report.changes) expect(page).toContain(what)
    const table = formatAudit(whole.report)
    expect(table).toMatch(/^rotation +block \d+ +BTC-USD from 0x\w+ to 0x\w+ at \d{4}-.* by 0x\w{40} +accepted/m)
    expect(table).toMatch(/^contract AttestedFeed +0x\w+ +accepted.*\n(.*\n)*?contract AttestedFeed +0x\w+ +accepted/m)
  })
})

describe('R35: a shadow', () => {
  it('may begin at an earlier observation than the newest, or than its market did, and at no other than its state’s', async () => {
    const of = 'shadow SOL-USD~ewma: '
    const id = marketIdOf('SOL-USD~ewma')
    const at = whole.record.markets.findIndex(({ marketId }) => marketId === id)
    expect(whole.record.markets[at]?.inboxCount).toBe(1n)
    const added = (change: (market: MutableRecord['markets'][number]) => unknown) =>
      failureOf((record) => change(record.markets[at] as MutableRecord['markets'][number]))
    expect(await added((market) => market.inboxCount--)).toBe(`${of}R7 added.inboxCount`)
    expect(await added((market) => market.inboxCount++)).toBe(`${of}R35 added.volatilityState.asOf`)
    expect(await added((market) => Object.assign(market, { inboxHead: ZeroHash }))).toBe(`${of}R7 added.inboxHead`)
  })
})

describe('R44: a following', () => {
  const following = (record: MutableRecord, i = 0) => record.followings[i] as MutableRecord['followings'][number]

  it('to another place, head, source or state is rejected, and the field is named', async () => {
    const of = 'following of BTC-USD: R44 followed.'
    expect(await failureOf((record) => following(record).inboxCount++)).toBe(`${of}inboxCount`)
    expect(await failureOf((record) => following(record).inboxCount--)).toBe(`${of}inboxCount`)
    expect(await failureOf((record) => Object.assign(following(record), { inboxHead: ZeroHash }))).toBe(
      `${of}inboxHead`,
    )
    expect(await failureOf((record) => Object.assign(following(record), { source: first }))).toBe(`${of}source`)
    for (const word of ['volatilityState', 'anchorState'] as const) {
      expect(await failureOf((record) => (following(record)[word] ^= 1n))).toBe(`${of}${word}`)
    }
    expect(await failureOf((record) => Object.assign(following(record, 1), { inboxCount: 1n }))).toBe(
      'following of BTC-USD~ewma: R44 followed.inboxCount',
    )
  })

  it('that left observations out between is rejected: a record without any one of the new source’s', async () => {
    const ofSecond = whole.record.observations.flatMap(({ source }, i) => (source === second.target ? [i] : []))
    expect(ofSecond).toHaveLength(4)
    for (const i of ofSecond) {
      const report = await judged((record) => record.observations.splice(i, 1))
      expect(['R44', 'R7', 'A2']).toContain(report.failure?.claim.claim)
      expect(report.markets[0]?.claims).toContainEqual(expect.objectContaining({ claim: 'R7', holds: false }))
    }
    const between = await failureOf((record) => record.observations.splice(ofSecond[1] as number, 1))
    expect(between).toBe('following of BTC-USD: R44 followed.inboxCount')
  })

  it('without a rotation, and a rotation without a following, are rejected; so is one of another source', async () => {
    expect(await failureOf((record) => record.rotations.pop())).toBe('following of BTC-USD: R44 followed.source')
    const unfollowed = await judged((record) => record.followings.shift())
    expect(unfollowed.batches[2]?.claims).toContainEqual(expect.objectContaining({ claim: 'R3', holds: false }))
    const [rotated] = whole.record.rotations
    expect(await failureOf((record) => Object.assign(record.rotations[0] ?? {}, { previous: second.target }))).toBe(
      'rotation of BTC-USD: R44 rotated.previous',
    )
    expect(await failureOf((record) => Object.assign(record.rotations[0] ?? {}, { source: first }))).toContain(': R44 ')
    const unknown = { ...structuredClone(rotated), marketId: marketIdOf('DOGE-USD') }
    expect(await failureOf((record) => Object.assign(record.rotations[0] ?? {}, unknown))).toBe(
      'rotation of DOGE-USD: R44 rotated.previous',
    )
    expect(await failureOf((record) => (following(record).timestamp -= 100_000))).toBe(
      'the record: A2 followings[0].timestamp',
    )
  })
})

describe('R41: a pause', () => {
  const lifted = (pauses: MutableRecord['pauses'], id: string) =>
    pauses.findIndex((pause) => pause.kind === 'lifted' && pause.id === id)

  it('during which a batch landed is rejected, whatever was paused: market, source, model', async () => {
    const unlifted = (id: string) => judged((record) => record.pauses.splice(lifted(record.pauses, id), 1))
    const rejected = (field: string) =>
      expect.objectContaining({ claim: 'R41', holds: false, field, expected: 'not paused' })
    expect((await unlifted(ETH)).batches.at(-1)?.claims).toContainEqual(rejected('updates[0].marketId'))
    expect((await unlifted(idOfSource(first))).batches[1]?.claims).toContainEqual(rejected('updates[0].source'))
    const model = await judged((record) => record.models[0]?.pauses.pop())
    for (const batch of model.batches.slice(1)) expect(batch.claims).toContainEqual(rejected('modelId'))
    expect(model.batches[0]?.accepted).toBe(true)
  })

  it('that is left out, invented, longer, later or too soon again is rejected', async () => {
    expect(await failureOf((record) => record.pauses.splice(0))).toContain('the record: R41 inForce.pauses.since of')
    expect(await failureOf((record) => record.models[0]?.pauses.splice(0))).toBe(
      `model marketRisk8x2: R41 models.lastPauses.since of ${modelId()}`,
    )
    expect(await failureOf((record) => record.inForce.pauses.pop())).toContain(
      'the record: R41 inForce.pauses.since of',
    )
    const [pause] = whole.record.pauses
    const longer = await judged((record) => Object.assign(record.pauses[0] ?? {}, { until: (pause?.until ?? 0n) + 1n }))
    expect(longer.changes[0]?.claims).toContainEqual(expect.objectContaining({ field: 'paused.until', holds: false }))
    const again = await judged((record) =>
      Object.assign(record.pauses[1] ?? {}, { kind: 'paused', until: pause?.until }),
    )
    expect(again.changes[1]?.claims).toContainEqual(expect.objectContaining({ claim: 'R41', holds: false }))
    const never = await judged((record) => record.pauses.shift())
    expect(never.changes[0]?.claims).toContainEqual(expect.objectContaining({ field: 'held.id', holds: false }))
    for (const list of ['pauses', 'rotations', 'followings'] as const) {
      const elsewhere = await failureOf((record) => Object.assign(record[list][0] ?? {}, { block: 100_000 }))
      expect(elsewhere).toBe(`the record: A2 ${list}[0]`)
    }
  })
})

describe('A2: whatever the record says of sources and pauses', () => {
  it('is found when it is changed, field by field', async () => {
    const flipped = (value: unknown): unknown => {
      if (typeof value === 'bigint') return value ^ 1n
      if (typeof value === 'number') return value + 1
      const text = String(value)
      if (isAddress(value)) return ZeroAddress
      return `${text.slice(0, -1)}${text.endsWith('1') ? '2' : '1'}`
    }
    for (const list of ['rotations', 'followings', 'pauses'] as const) {
      for (const [i, event] of whole.record[list].entries()) {
        // Who sent it is told, not judged; a time is held between those of its neighbours.
        const fields = Object.keys(event).filter((field) => !['by', 'timestamp', 'kind', 'logIndex'].includes(field))
        for (const field of fields.filter((each) => event[each as 'block'] !== null)) {
          const report = await judged((record) => {
            const copy: Record<string, unknown> = record[list][i] as never
            copy[field] = flipped(copy[field])
          })
          expect([list, i, field, report.accepted]).toEqual([list, i, field, false])
        }
      }
    }
  })
})

describe('A12: what consumers read around a pause', () => {
  const pausing: Readonly<Record<string, () => Promise<unknown>>> = {
    market: () => registry('guardian', 'pause', BTC),
    source: () => registry('guardian', 'pause', idOfSource(second.target as string)),
    model: pauseModelAnew,
    'source that the market left': async () => {
      await registry('guardian', 'pause', idOfSource(second.target as string))
      await engine.chain.setTime((await engine.chain.now()) + DAY)
      await registry('council', 'rotateSource', BTC, first)
      await engine.client.followSource('BTC-USD')
    },
  }
  const margin = ({ record }: Audit) =>
    record.deployed.reads
      .find(({ method, of }) => method === 'parametersForLiquidation' && of === BTC)
      ?.answer?.find(({ name }) => name === 'maintenanceMarginX24')?.value

  it.each(Object.keys(pausing))('is what the history gives: of a %s, before, while and after', async (what) => {
    const maxAge = whole.record.inForce.maxParameterAgeSeconds
    await engine.chain.undone(async () => {
      await pausing[what]?.()
      const paused = await auditNow()
      expect(paused.report.failure).toBeUndefined()
      for (const later of [DAY, 2n * DAY, maxAge, HOUR, 3n * DAY]) {
        await engine.chain.setTime((await engine.chain.now()) + later)
        expect((await auditNow()).report.failure).toBeUndefined()
      }
    })
  })

  it('stays while it is paused and moves where it is not; a clock that ran on is rejected, and so is a pause left out', async () => {
    const stood = margin(whole)
    const later = async () => engine.chain.setTime((await engine.chain.now()) + 2n * DAY)
    const [paused, running] = [
      await engine.chain.undone(async () => {
        await pausing.market?.()
        await later()
        return auditNow()
      }),
      await engine.chain.undone(async () => {
        await later()
        return auditNow()
      }),
    ]
    expect([paused.report.accepted, running.report.accepted]).toEqual([true, true])
    expect(margin(paused)).toBe(stood)
    expect(Number(margin(running))).toBeGreaterThan(Number(stood))
    expect(paused.record.deployed.reads.find(({ method, of }) => method === 'parameters' && of === BTC)?.reverted).toBe(
      'MarketPaused',
    )
    const ranOn = await failureOf(
      (record) => Object.assign(record.deployed, { reads: running.record.deployed.reads }),
      paused.record,
    )
    expect(ranOn).toBe('what consumers read: A12 reads.pausedUntil(BTC-USD).until')
    const onlyMargin = await failureOf((record) => {
      const at = record.deployed.reads.findIndex(
        ({ method, of }) => method === 'parametersForLiquidation' && of === BTC,
      )
      record.deployed.reads[at] = structuredClone(running.record.deployed.reads[at]) as never
    }, paused.record)
    expect(onlyMargin).toMatch(/^what consumers read: A12 reads\.parametersForLiquidation\(BTC-USD\)\.\w+$/)
    const untold = await judged((record) => {
      record.pauses = record.pauses.filter(({ id }) => id !== BTC)
      for (const pause of record.inForce.pauses) if (pause.id === BTC) Object.assign(pause, { since: 0n, until: 0n })
    }, paused.record)
    expect(untold.failure?.claim).toMatchObject({ claim: 'A12', holds: false })
  })
})

describe('R41, R44: rotations that were taken back or overtaken, and pauses of what a market leaves', () => {
  const idOf = (feed: Contract | string) => idOfSource(typeof feed === 'string' ? feed : (feed.target as string))
  const pause = (feed: Contract | string) => registry('guardian', 'pause', idOf(feed))
  const hold = (feed: Contract | string) => registry('council', 'holdPause', idOf(feed))
  const rotate = (to: Contract | string) =>
    registry('council', 'rotateSource', BTC, typeof to === 'string' ? to : to.target)
  const wait = async (seconds: bigint) => engine.chain.setTime((await engine.chain.now()) + seconds)
  const answerOf = ({ record }: Audit, name: string) =>
    record.deployed.reads.find(({ method, of }) => method === name && of === BTC)
  const marginOf = (told: Audit) =>
    answerOf(told, 'parametersForLiquidation')?.answer?.find(({ name }) => name === 'maintenanceMarginX24')?.value
  const isPaused = (told: Audit) => answerOf(told, 'parameters')?.reverted === 'MarketPaused'
  const maxAge = () => whole.record.inForce.maxParameterAgeSeconds

  async function accepted(): Promise<Audit> {
    const told = await auditNow()
    expect(told.report.failure).toBeUndefined()
    return told
  }

  it('taken back before the market followed: its source’s pauses count, those of the other count for nothing', async () => {
    await engine.chain.undone(async () => {
      await wait(8n * DAY)
      await appendToSecond(7_782n)
      await land(['BTC-USD'])
      await rotate(first)
      await accepted()
      await pause(first)
      await hold(first)
      expect(isPaused(await accepted())).toBe(true)
      await rotate(second)
      expect(isPaused(await accepted())).toBe(false)
      await wait(maxAge() + HOUR)
      const running = await accepted()
      expect(Number(marginOf(running))).toBeGreaterThan(Number(marginOf(whole)))
      await appendToSecond(7_781n)
      await land(['BTC-USD'])
      const landed = await accepted()
      await pause(second)
      await wait(maxAge() + DAY)
      expect(marginOf(await accepted())).toBe(marginOf(landed))
    })
  })

  it('overtaken by another before the market followed: the source that it stands in counts until then', async () => {
    await engine.chain.undone(async () => {
      await pause(second)
      await hold(second)
      await rotate(first)
      const third = await deployFeed(engine)
      await appendTo(third, engine, 'BTC-USD', 7_783n)
      await rotate(third)
      await wait(maxAge() + 5n * DAY)
      const overtaken = await accepted()
      expect([isPaused(overtaken), marginOf(overtaken)]).toEqual([true, marginOf(whole)])
      const untrue = await judged((record) => record.rotations.splice(-2, 1), overtaken.record)
      expect(untrue.failure?.claim).toMatchObject({ claim: 'R44', field: 'rotated.previous' })
      await engine.client.followSource('BTC-USD')
      expect(isPaused(await accepted())).toBe(true)
      await appendTo(third, engine, 'BTC-USD', 7_784n)
      await land(['BTC-USD'])
      await appendTo(third, engine, 'BTC-USD', 7_785n)
      await land(['BTC-USD'])
      expect(isPaused(await accepted())).toBe(false)
    })
  })

  it('a pause of its source that began after the market left spares its clock nothing', async () => {
    await engine.chain.undone(async () => {
      await rotate(first)
      await engine.client.followSource('BTC-USD')
      // Within the grace that a pause up to then would have had.
      await wait(HOUR / 2n)
      await pause(second)
      await wait(maxAge() + HOUR / 2n)
      const late = await accepted()
      expect(Number(marginOf(late))).toBeGreaterThan(Number(marginOf(whole)))
      await engine.observe({ 'BTC-USD': 7_783n })
      await land(['BTC-USD'])
      const landed = await accepted()
      expect([isPaused(late), isPaused(landed)]).toEqual([true, false])
    })
  })

  it('lifted of a model that was disabled meanwhile is accepted; begun or held of such a one is not', async () => {
    await engine.chain.undone(async () => {
      await wait(8n * DAY)
      await models('guardian', 'pause', modelId())
      await models('council', 'holdPause', modelId())
      await models('council', 'disable', modelId())
      await models('council', 'liftPause', modelId())
      const told = await accepted()
      const begun = told.record.models[0]?.pauses.at(-3)?.block ?? 0
      const sooner = { paused: begun - 1, held: begun }
      for (const [kind, block] of Object.entries(sooner)) {
        const disabled = { block, logIndex: 100 }
        const report = await judged((record) => Object.assign(record.models[0] ?? {}, { disabled }), told.record)
        expect(report.models[0]?.claims).toContainEqual(
          expect.objectContaining({ claim: 'R41', field: `${kind}.modelId`, found: 'a disabled one', holds: false }),
        )
      }
    })
  })
})
