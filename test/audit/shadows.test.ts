/** The auditor against a history with shadows: scores, removals, promotions, and whatever is changed in them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Contract, ZeroHash } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { volatilityModels, type WordName, words } from '../../circuits/statements/index.ts'
import {
  type Audit,
  type AuditReport,
  auditOffline,
  auditToJson,
  type ChainRecord,
  type Computations,
  formatAudit,
  judge,
  writeAuditBundle,
} from '../../prover/audit/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { addLoss, meanScores } from '../../prover/parameters/shadowScore.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { attestedFeedOf, type Bundle, checkBundle } from '../../prover/registry/index.ts'
import { idOfSource } from '../../prover/registry/market/place.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { appendTo, deployFeed } from './secondFeed.ts'
import {
  advanceInbox,
  decodeSubmit,
  encodeSubmit,
  type SubmitCall,
  stateHashOf,
  submitCallOf,
} from '../../prover/registry/market/calldata.ts'
import { renderAuditReport } from '../../prover/service/report/auditReport.ts'
import { pack, unpack, wordBits } from '../../prover/statement/words.ts'
import { zkrisk } from '../service/zkrisk.ts'
import { type Held, MARKET, ShadowChain, shadow } from './shadowChain.ts'
import { packState, wordsBy } from '../../prover/statement/marketState.ts'

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T
type MutableRecord = Mutable<ChainRecord>

const MARKET_ID = marketIdOf(MARKET)
const EWMA = 1
const GARCH = 2
const [EWMA_ID, GARCH_ID, RANGE_ID] = (['ewma', 'garch', 'rangeMixture'] as const).map((model) =>
  marketIdOf(shadow(model)),
) as [string, string, string]

let chain: ShadowChain
/** Before the promotion that removed its control, and the true one. */
let uncontrolled: Audit
/** While the market's source was being replaced, of which the old one was paused. */
let rotating: Audit
let whole: Audit
let folder: string
/** What the prover believed at some moments after the promotion. */
const moments = new Map<'EWMA behind' | 'all level' | 'EWMA ahead', Moment>()
type Moment = { readonly held: Map<string, Held>; readonly batch: number }
/** Batches are recomputed and verified once, however often records with them are judged. */
const computations: Computations = new Map()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shadows-'))
  chain = await ShadowChain.start(50_000n)
  await chain.council('setPromotionPolicy', { leastPredictions: 24, maxMarginStepX24: 838_861 })
  for (const model of ['ewma', 'garch', 'rangeMixture'] as const) await chain.addShadow(model)
  await hour(0n)
  await chain.land('rangeMixture', [shadow('rangeMixture')])
  await chain.removeShadow('rangeMixture')
  await chain.addShadow('rangeMixture')
  // Two observations in one batch, of which the second tries the prediction.
  await chain.observe(50_100n, 60n)
  for (let i = 1n; i < 24n; i++) await hour(i)

  uncontrolled = await chain.undone(async () => {
    await chain.removeShadow('ewma')
    await chain.promote('garch')
    return chain.audit()
  })
  rotating = await chain.undone(promotionDuringRotation)
  await chain.promote('garch')
  await chain.observe(50_300n, 60n)
  let batch = 50
  const remember = (name: 'EWMA behind' | 'all level' | 'EWMA ahead') =>
    moments.set(name, { held: new Map(chain.held), batch: batch++ })
  await chain.land('garch', [MARKET, shadow('garch')])
  remember('EWMA behind')
  await chain.land('ewma', [shadow('ewma')])
  remember('all level')
  await chain.observe(50_200n, 60n)
  await chain.land('ewma', [shadow('ewma')])
  remember('EWMA ahead')
  // A day late.
  await chain.land('rangeMixture', [shadow('rangeMixture')])
  await chain.removeShadow('rangeMixture')
  whole = await chain.audit()
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await chain?.engine.close()
})

/** An hour passes in which the price goes up and down; EWMA moves the market and its own shadow in one batch. */
async function hour(i: bigint): Promise<void> {
  await chain.observe(50_000n + (i % 2n) * 700n, 3_600n)
  await chain.land('ewma', [MARKET, shadow('ewma')])
  await chain.land('garch', [shadow('garch')])
}

/** Both shadows follow; the market follows with the one that is promoted. */
async function promotionDuringRotation(): Promise<Audit> {
  const { engine } = chain
  const feed = await deployFeed(engine)
  await appendTo(feed, engine, MARKET, 50_100n)
  const { address } = attestedFeedOf(engine.deployment)
  const guardian = new Contract(
    engine.deployment.addresses.registry,
    interfaceOf('RiskRegistry'),
    engine.chain.signers[1] as never,
  )
  await mined(guardian.getFunction('pause')(idOfSource(address)))
  await chain.council('rotateSource', MARKET_ID, feed.target)
  await engine.client.followSource(shadow('garch'))
  await expect(chain.promote('garch')).rejects.toThrow()
  await engine.client.followSource(shadow('ewma'))
  await chain.promote('garch')
  await engine.chain.setTime((await engine.chain.now()) + 2n * 86_400n)
  return chain.audit()
}

/** A copy of the record with something changed, judged. */
async function judged(change: (record: MutableRecord) => void, record = whole.record): Promise<AuditReport> {
  const copy = structuredClone(record) as MutableRecord
  change(copy)
  return judge(copy as ChainRecord, {}, undefined, computations)
}

const marketOf = (record: MutableRecord, marketId: string) =>
  record.markets.filter((market) => market.marketId === marketId).at(-1) as MutableRecord['markets'][number]
const batchesOf = (record: MutableRecord, marketId: string) =>
  record.batches.filter(({ updates }) => updates.some((update) => update.marketId === marketId))
const scoresOf = (record: MutableRecord, shadowId: string) =>
  record.scores.filter((scored) => scored.shadowId === shadowId)
const promotionOf = (record: MutableRecord) => record.promotions[0] as MutableRecord['promotions'][number]
const withField = (word: WordName, value: bigint, field: string) => {
  const fields: Readonly<Record<string, bigint>> = unpack(word, value)
  return pack(word, { ...fields, [field]: (fields[field] as bigint) ^ 1n } as never)
}
const fieldsOf = (word: WordName): readonly string[] => words[word].fields.map(({ name }) => name)
const numberOf = (record: ChainRecord, batch: { readonly block: number }): number =>
  record.batches.filter(({ block }) => block <= batch.block).length

describe('an honest history with shadows', () => {
  it('is accepted, shadow by shadow', () => {
    const { report } = whole
    expect(report.failure).toBeUndefined()
    expect(report).toMatchObject({ accepted: true, pinned: true })
    expect(report.markets).toMatchObject([{ name: MARKET, sequence: 25n, waiting: 1, model: 'garch' }])
    expect(report.shadows).toMatchObject([
      { name: shadow('ewma'), sequence: 26n, waiting: 0, model: 'ewma', score: { predictions: 24 } },
      { name: shadow('garch'), sequence: 25n, waiting: 1, model: 'garch', score: { predictions: 24 } },
      { name: shadow('rangeMixture'), sequence: 2n, waiting: 0 },
    ])
    expect(report.shadows[2]).not.toHaveProperty('score')
    const claims = report.shadows[0]?.claims.map(({ claim }) => claim)
    for (const claim of ['R35', 'R36', 'R3', 'R7', 'A4']) expect(claims).toContain(claim)
    // The removed shadow's last batch was of observations a day old.
    expect(report.batches.at(-1)).toMatchObject({ markets: [shadow('rangeMixture')], observations: 2, accepted: true })
  })

  it('R36: has the scores that the registry holds, as means', () => {
    const { final } = marketOf(whole.record as MutableRecord, GARCH_ID)
    const means = meanScores(unpack('score', final.shadow?.score ?? 0n), defaultPolicy.learning)
    expect(whole.report.shadows[1]?.score).toEqual({ predictions: 24, ...means })
    expect(means.down).toBeGreaterThan(0.01)
  })

  it('R37: lists promotions with both scores, and says where there was no control', () => {
    const [promotion] = whole.report.promotions
    expect(promotion).toMatchObject({ number: 1, market: MARKET, from: 'ewma', to: 'garch', accepted: true })
    expect(promotion?.control?.down).toBeGreaterThan(promotion?.score.down as number)
    expect(uncontrolled.report).toMatchObject({ accepted: true, promotions: [{ from: 'ewma', to: 'garch' }] })
    expect(uncontrolled.report.promotions[0]).not.toHaveProperty('control')
    const [removed, , again] = uncontrolled.report.shadows
    expect(removed).not.toHaveProperty('score')
    // Added a second time and not moved since.
    expect(again).toMatchObject({ name: shadow('rangeMixture'), sequence: 1n, score: { predictions: 0 } })
    expect(formatAudit(uncontrolled.report)).toMatch(/promotion 1 of BTC-USD .* garch, without a control/)
  })

  it('is told in a table and in JSON', () => {
    const table = formatAudit(whole.report)
    expect(table).toMatch(/promotion 1 +block \d+ +BTC-USD from ewma to garch +accepted +1 of 1 claims/)
    expect(table).toMatch(/shadow BTC-USD~garch +moved 25 times +1 waiting +accepted/)
    expect(table).toMatch(/shadow BTC-USD~rangeMixture +moved 2 times +removed +accepted/)
    expect(table).toMatch(/ {2}BTC-USD~garch +24 predictions +\d\.\d{3} % down, \d\.\d{3} % up\n/)
    expect(table).toMatch(/promotion 1 of BTC-USD +24 predictions .* garch, against .* of ewma/)
    const { promotions, shadows } = JSON.parse(auditToJson(whole.report))
    expect(promotions).toMatchObject([{ market: MARKET, from: 'ewma', to: 'garch', score: { predictions: 24 } }])
    expect(shadows).toMatchObject([
      { name: shadow('ewma') },
      { name: shadow('garch') },
      { name: shadow('rangeMixture') },
    ])
  })

  it('is told on a page that needs nothing but itself', () => {
    const page = renderAuditReport(whole.report)
    expect(page).not.toMatch(/https?:|src=|href="(?!#)|@import|url\(/)
    expect(page).toContain('<td>BTC-USD~garch</td>')
    expect(page).toContain('<title>promoted from ewma to garch</title>')
    // Both shadows' means so far; the removed one's two as well.
    expect(page.match(/<path class="series/g)).toHaveLength(3)
    const moments: [number, string][] = JSON.parse(
      /<script type="application\/json">(.*?)<\/script>/s.exec(page)?.[1] ?? '',
    )
    expect(moments).toHaveLength(24)
    expect(moments.at(-1)?.[1]).toMatch(/ewma \d\.\d{3} % · garch \d\.\d{3} %/)
    expect(renderAuditReport(uncontrolled.report)).toContain('<td>no control</td>')
    const failure = {
      of: 'batch 1',
      claim: { claim: 'R36', holds: false, field: 'scores.<b>', expected: '1', found: '2' },
    }
    expect(renderAuditReport({ ...whole.report, accepted: false, failure })).toContain(
      'claim R36 score at scores.&lt;b&gt;',
    )
  })

  it('is accepted again from its bundle without a chain', async () => {
    const file = join(folder, 'audit.json')
    await writeAuditBundle(file, whole.record)
    expect(await auditOffline(file)).toMatchObject({ accepted: true, pinned: false })
    const page = join(folder, 'audit.html')
    const ended = await zkrisk('audit', '--bundle', file, '--html', page, '--json')
    expect(ended).toMatchObject({ code: 0, stderr: `Pictures: ${page}\n` })
    expect(JSON.parse(ended.stdout)).toMatchObject({ accepted: true, promotions: [{ from: 'ewma', to: 'garch' }] })
    const told = JSON.parse(ended.stdout)
    expect(told.pins).toContainEqual({
      what: 'registry',
      value: whole.report.registry,
      by: 'nobody: the bundle says so',
    })
    const { pins, elapsedSeconds } = told
    expect(readFileSync(page, 'utf8')).toBe(
      renderAuditReport({ ...whole.report, pinned: false }, { pins, elapsedSeconds }),
    )
  })
})

describe('R35: shadows', () => {
  it('that a batch moved by another model’s proofs are rejected', async () => {
    const report = await judged((record) => {
      const model = record.models.find(({ volatilityModel }) => volatilityModel === GARCH)
      if (model) model.volatilityModel = EWMA
    })
    expect(report.batches[1]?.claims).toContainEqual(expect.objectContaining({ claim: 'R1', holds: false }))
    const rebound = await judged((record) => {
      marketOf(record, GARCH_ID).volatilityModel = EWMA
    })
    expect(rebound.failure).toMatchObject({
      of: 'shadow BTC-USD~garch',
      claim: { claim: 'R35', field: 'added.volatilityModel', expected: '2', found: '1' },
    })
    expect(rebound.batches[1]?.claims).toContainEqual({
      claim: 'R35',
      holds: false,
      field: 'updates[0].volatilityModel',
      expected: '1',
      found: '2',
    })
  })

  it('that began elsewhere than beside their market are rejected', async () => {
    const added = { of: 'shadow BTC-USD~garch', claim: { claim: 'R35' } }
    const orphan = await judged((record) => {
      record.markets = record.markets.filter(({ marketId }) => marketId !== MARKET_ID)
    })
    expect(orphan.failure).toMatchObject({
      of: 'shadow BTC-USD~ewma',
      claim: { claim: 'R35', field: 'added.marketId' },
    })
    const twice = await judged((record) => {
      const { block, logIndex, ...rest } = structuredClone(marketOf(record, GARCH_ID))
      record.markets.push({ ...rest, block, logIndex: logIndex + 1 })
    })
    expect(twice.failure).toMatchObject({ ...added, claim: { field: 'added.marketId', found: 'one in force' } })
    const policy = await judged((record) => {
      const set = record.policies.find(({ kind, marketId }) => kind === 'market' && marketId === GARCH_ID)
      if (set) set.value = withField('marketPolicy', set.value, 'liquidationCostX16')
    })
    expect(policy.failure).toMatchObject({ ...added, claim: { field: 'added.policy.liquidationCostX16' } })
  })

  it('that began, or took a market over, under a family without an active model are rejected', async () => {
    /** Models of a family are said to be disabled right before a place, or registered right behind it. */
    const without = (id: number, at: (record: MutableRecord) => { block: number; logIndex: number }) =>
      Promise.all(
        (['disabled', 'registered'] as const).map((field) =>
          judged((record) => {
            const { block, logIndex } = at(record)
            const place = { block, logIndex: field === 'disabled' ? logIndex - 1 : logIndex + 1 }
            for (const model of record.models) if (model.volatilityModel === id) model[field] = place
          }),
        ),
      )
    for (const report of await without(GARCH, (record) => marketOf(record, GARCH_ID))) {
      const claims = report.shadows.find(({ name }) => name === shadow('garch'))?.claims
      expect(claims).toContainEqual(expect.objectContaining({ claim: 'R35', holds: false, field: 'added.family' }))
    }
    for (const report of await without(EWMA, (record) => marketOf(record, MARKET_ID))) {
      const claims = report.markets[0]?.claims
      expect(claims).toContainEqual(expect.objectContaining({ claim: 'R34', holds: false, field: 'added.family' }))
    }
    for (const report of await without(GARCH, promotionOf)) {
      const claims = report.promotions[0]?.claims
      expect(claims).toContainEqual(expect.objectContaining({ claim: 'R37', holds: false, field: 'family' }))
    }
  })

  it('that are gone without a removal, or removed without being there, are rejected', async () => {
    const kept = await judged((record) => void record.removals.pop())
    expect(kept.failure).toMatchObject({
      of: 'shadow BTC-USD~rangeMixture',
      claim: {
        claim: 'R35',
        field: 'final.volatilityModel',
        expected: String(volatilityModels.rangeMixture.id),
        found: '0',
      },
    })
    const again = await judged((record) => void record.removals.shift())
    expect(again.failure).toMatchObject({
      of: 'shadow BTC-USD~rangeMixture',
      claim: { claim: 'R35', field: 'added.marketId', found: 'one in force' },
    })
    const removed = await judged((record) => {
      const { block, logIndex } = record.batches.at(-1) as MutableRecord['batches'][number]
      record.removals.push({ block, logIndex: logIndex + 1, shadowId: `${GARCH_ID.slice(0, -2)}04` })
    })
    expect(removed.failure).toMatchObject({ claim: { claim: 'R35', field: 'removed.shadowId' } })
  })

  it('R5: may be proven late, but not ahead of time', async () => {
    const report = await judged((record) => {
      for (const batch of record.batches.slice(0, 2)) batch.timestamp -= 86_400
    })
    const [ofMarket, ofShadow] = report.batches.map(({ claims }) => claims.find(({ claim }) => claim === 'R5'))
    expect(ofMarket).toMatchObject({ holds: false, expected: expect.stringMatching(/^\d{10} to \d{10}$/) })
    expect(ofShadow).toMatchObject({ holds: false, expected: expect.stringMatching(/^0 to \d{10}$/) })
  })
})

describe('R36: scores', () => {
  it('of which any field was changed are rejected where they changed', async () => {
    for (const field of fieldsOf('score')) {
      for (const index of [0, 11, 23]) {
        const report = await judged((record) => {
          const scored = scoresOf(record, GARCH_ID)[index] as MutableRecord['scores'][number]
          scored.score = withField('score', scored.score, field)
        })
        const batch = scoresOf(whole.record as MutableRecord, GARCH_ID)[index] as { block: number }
        expect(report.failure).toMatchObject({
          of: `batch ${numberOf(whole.record, batch)}`,
          claim: { claim: 'R36', field: `scores.BTC-USD~garch.${field}` },
        })
        expect(report.batches.filter(({ accepted }) => !accepted)).toHaveLength(1)
      }
    }
  })

  it('that are missing, repeated, of another shadow or invented are rejected', async () => {
    const missing = await judged((record) => {
      record.scores = record.scores.filter((scored) => scored !== scoresOf(record, EWMA_ID)[4])
    })
    expect(missing.failure?.claim).toEqual({
      claim: 'R36',
      holds: false,
      field: 'scores.BTC-USD~ewma',
      expected: '5 predictions',
      found: 'no event',
    })
    const repeated = await judged((record) => {
      const scored = scoresOf(record, GARCH_ID)[4] as MutableRecord['scores'][number]
      record.scores.push({ ...scored, logIndex: scored.logIndex - 1 })
    })
    expect(repeated.accepted).toBe(false)
    const others = await judged((record) => {
      for (const scored of scoresOf(record, GARCH_ID).slice(4, 5)) scored.shadowId = RANGE_ID
    })
    expect(others.failure?.claim).toMatchObject({ claim: 'R36', field: 'scores.BTC-USD~garch', found: 'no event' })
    const invented = await judged((record) => {
      const last = record.batches.at(-1) as MutableRecord['batches'][number]
      const scored = scoresOf(record, GARCH_ID).at(-1) as MutableRecord['scores'][number]
      record.scores.push({ ...scored, block: last.block, logIndex: last.logIndex + 1 })
    })
    expect(invented.failure).toMatchObject({
      of: 'shadow BTC-USD~garch',
      claim: { claim: 'R36', field: 'scores.BTC-USD~garch', expected: 'no event', found: '24 predictions' },
    })
  })

  it('that the registry is said to hold otherwise are rejected', async () => {
    for (const field of fieldsOf('score')) {
      const report = await judged((record) => {
        const { shadow: held } = marketOf(record, EWMA_ID).final
        if (held) held.score = withField('score', held.score, field)
      })
      expect(report.failure).toMatchObject({
        of: 'shadow BTC-USD~ewma',
        claim: { claim: 'R36', field: `final.shadow.score.${field}` },
      })
    }
  })

  it('of a batch that passed over a due prediction, proven true by another circuit, are rejected', async () => {
    const name = shadow('ewma')
    const { record, bundle } = await chain.undone(async () => {
      await chain.observe(41_000n, 3_600n)
      await chain.observe(50_000n, 3_600n)
      const { record: before } = await chain.audit()
      return { record: before, bundle: await chain.prove('marketRisk1x48', [name], 2) }
    })
    expect(await checkBundle(bundle)).toMatchObject({ consistent: true })
    const [market] = bundle.markets
    if (market === undefined) throw new Error('The bundle has no market.')
    const report = await judged((copy) => append(copy, bundle, market), record)
    expect(report.failure).toEqual({
      of: 'batch 54',
      claim: {
        claim: 'R36',
        holds: false,
        field: 'updates[0].anchorState.anchorAsOf',
        expected: String(market.observations[0]?.asOf),
        found: String(market.observations[1]?.asOf),
      },
    })
    // All else of it is true: the twin's words, the proof, its score, and where it leads.
    expect(report.batches.at(-1)?.claims.filter(({ holds }) => !holds)).toHaveLength(1)
    expect(report.shadows.every(({ accepted }) => accepted)).toBe(true)
  })

  /** A batch at the end of a record, told as a registry would that takes it. */
  function append(record: MutableRecord, bundle: Bundle, market: Bundle['markets'][number]): void {
    const { toBlock: block } = record.context
    const call = submitCallOf(bundle)
    const [update] = call.updates
    const parametersAndSequence = (update?.parameters ?? 0n) | (market.sequence << BigInt(wordBits('parameters')))
    record.batches.push({
      ...{
        block,
        logIndex: 12,
        transactionHash: `0x${'12'.repeat(32)}`,
        timestamp: Number(market.observations[1]?.asOf),
      },
      ...{ submitter: record.context.registry, modelId: call.modelId, commitment: call.commitment },
      ...{ calldata: encodeSubmit(call).toLowerCase(), updates: [{ marketId: EWMA_ID, parametersAndSequence }] },
    })
    const before = unpack('score', scoresOf(record, EWMA_ID).at(-1)?.score as bigint)
    const score = pack('score', addLoss(before, market.previous.anchor, market.state.anchor, defaultPolicy.learning))
    record.scores.push({ block, logIndex: 11, shadowId: EWMA_ID, score })
    const after = advanceInbox(market.inbox, market.observations)
    const { final } = marketOf(record, EWMA_ID)
    final.parametersAndSequence = parametersAndSequence
    final.stateHash = stateHashOf(market.state, after, EWMA)
    final.shadow = {
      ...packState(market.state),
      ...{ score, inboxHead: after.head, inboxCount: after.count },
    }
  }

  it('A4: of a batch that is missing are rejected: by its events, by the sequence, by the end', async () => {
    const leftEvents = await judged((record) => {
      record.batches = record.batches.filter((batch) => batch !== batchesOf(record, GARCH_ID)[4])
    })
    expect(leftEvents.failure).toMatchObject({
      of: 'shadow BTC-USD~garch',
      claim: { claim: 'R36', field: 'scores.BTC-USD~garch', expected: 'no event', found: '5 predictions' },
    })
    const sequence = await judged((record) => {
      const { block } = batchesOf(record, GARCH_ID)[4] as MutableRecord['batches'][number]
      record.batches = record.batches.filter((batch) => batch.block !== block)
      record.scores = record.scores.filter((scored) => scored.block !== block)
    })
    expect(sequence.failure).toMatchObject({ claim: { claim: 'R4', field: 'updates[0].sequence', expected: '5' } })
    const end = await judged((record) => {
      const { block } = batchesOf(record, RANGE_ID)[1] as MutableRecord['batches'][number]
      record.batches = record.batches.filter((batch) => batch.block !== block)
      record.scores = record.scores.filter((scored) => scored.block !== block)
    })
    expect(end.failure).toMatchObject({
      of: 'shadow BTC-USD~rangeMixture',
      claim: { claim: 'A4', field: 'final.sequence', expected: '1', found: '2' },
    })
  })
})

describe('R37: promotions', () => {
  const first = 'promotion 1'

  it('whose event says another state, score, control or model are rejected, field by field', async () => {
    const words = {
      ...wordsBy((word) => word),
      score: 'score',
      controlScore: 'score',
    } as const
    for (const [part, word] of Object.entries(words) as [keyof typeof words, WordName][]) {
      for (const field of fieldsOf(word)) {
        const report = await judged((record) => {
          const promotion = promotionOf(record)
          promotion[part] = withField(word, promotion[part], field)
        })
        expect(report.failure).toMatchObject({ of: first, claim: { claim: 'R37', field: `${part}.${field}` } })
        expect(report.failure?.claim.expected).not.toBe(report.failure?.claim.found)
      }
    }
    const models = await judged((record) => {
      promotionOf(record).previousModel = 3
    })
    expect(models.failure).toMatchObject({ of: first, claim: { field: 'previousModel', expected: '1', found: '3' } })
    const other = await judged((record) => {
      promotionOf(record).volatilityModel = 255
    })
    expect(other.failure).toMatchObject({ of: first, claim: { claim: 'R37', field: 'volatilityModel' } })
  })

  it('before as many predictions as the policy then in force asked for are rejected', async () => {
    const report = await judged((record) => {
      for (const { current } of record.promotionPolicies) current.leastPredictions = 25n
      record.inForce.promotionPolicy.leastPredictions = 25n
    })
    expect(report.failure).toEqual({
      of: first,
      claim: { claim: 'R37', holds: false, field: 'score.predictions', expected: 'at least 25', found: '24' },
    })
    // The policy that a registry starts with.
    const unset = await judged((record) => {
      record.promotionPolicies = []
      record.inForce.promotionPolicy = { leastPredictions: 168n, maxMarginStepX24: 838_861n }
    })
    expect(unset.failure).toMatchObject({ of: first, claim: { field: 'score.predictions', expected: 'at least 168' } })
  })

  it('that moved a margin further than allowed, or came when the shadow was out of date, are rejected', async () => {
    const step = await judged((record) => {
      for (const { current } of record.promotionPolicies) current.maxMarginStepX24 = 1n
      record.inForce.promotionPolicy.maxMarginStepX24 = 1n
    })
    expect(step.failure).toMatchObject({
      of: first,
      claim: { claim: 'R37', field: 'initialMarginX24, step', expected: 'at most 1' },
    })
    const stale = await judged((record) => {
      const { block } = promotionOf(record)
      for (const each of [...record.batches, ...record.promotions]) if (each.block >= block) each.timestamp += 4_000
    })
    expect(stale.failure).toMatchObject({ of: first, claim: { claim: 'R37', field: 'shadow.asOf' } })
  })

  it('under a policy that differed in what all models read, or that the market did not take over, are rejected', async () => {
    const differed = await judged((record) => {
      const { block } = promotionOf(record)
      const own = record.policies.find(({ kind, marketId }) => kind === 'market' && marketId === MARKET_ID)
      const value = withField('marketPolicy', own?.value ?? 0n, 'liquidationCostX16')
      record.policies.push({ block: block - 1, logIndex: 999, kind: 'market', marketId: MARKET_ID, value })
    })
    expect(differed.failure).toMatchObject({ of: first, claim: { field: 'shadow.policy.liquidationCostX16' } })
    const kept = await judged((record) => {
      const { block } = promotionOf(record)
      record.policies = record.policies.filter((policy) => policy.block !== block)
    })
    expect(kept.failure).toMatchObject({ of: first, claim: { field: 'policy', found: 'none' } })
    const other = await judged((record) => {
      const { block } = promotionOf(record)
      for (const policy of record.policies.filter((each) => each.block === block)) {
        policy.value = withField('marketPolicy', policy.value, 'longRunVolatilityX16')
      }
    })
    expect(other.failure).toMatchObject({ of: first, claim: { claim: 'R37', field: 'policy.longRunVolatilityX16' } })
  })

  it('that are left out of the record are found by the model in force', async () => {
    const report = await judged((record) => void record.promotions.pop())
    expect(report.failure).toMatchObject({
      of: 'batch 50',
      claim: { claim: 'R3', field: 'updates[0].previousVolatilityState' },
    })
    expect(report.batches[49]?.claims).toContainEqual(expect.objectContaining({ claim: 'R34', holds: false }))
  })

  it.each([
    ['EWMA behind', 'shadow.asOf'],
    ['all level', 'lossX44'],
    // What came after the last prediction that both tried counts for neither.
    ['EWMA ahead', 'lossX44'],
  ] as const)('of a worse shadow are rejected, %s, by %s', async (moment, field) => {
    const report = await judged((record) => forge(record, moments.get(moment) as Moment))
    expect(report.failure).toMatchObject({ of: 'promotion 2', claim: { claim: 'R37', field } })
    // Nothing else is false in it.
    const rest = [...report.batches, ...report.markets, ...report.shadows, ...report.models]
    expect(rest.every(({ accepted }) => accepted)).toBe(true)
  })

  it('whose control began elsewhere, was tried up to another observation, or less often, are rejected', async () => {
    const controlsLast = (record: MutableRecord) => {
      const { block } = promotionOf(record)
      return batchesOf(record, EWMA_ID).findLast((batch) => batch.block < block) as MutableRecord['batches'][number]
    }
    const elsewhere = await judged((record) => {
      const last = controlsLast(record)
      const call = decodeSubmit(last.calldata ?? '') as SubmitCall
      const updates = call.updates.map((update) =>
        update.marketId === EWMA_ID
          ? { ...update, anchorState: withField('anchorState', update.anchorState, 'anchorAsOf') }
          : update,
      )
      last.calldata = encodeSubmit({ ...call, updates })
    })
    const failed = (field: string) => expect.objectContaining({ claim: 'R37', holds: false, field })
    expect(elsewhere.promotions[0]?.claims).toContainEqual(failed('control.anchorAsOf'))
    const seldom = await judged((record) => {
      record.batches.splice(record.batches.indexOf(controlsLast(record)), 1)
      const promotion = promotionOf(record)
      const [before] = scoresOf(record, EWMA_ID)
        .filter(({ block }) => block < promotion.block)
        .slice(-2)
      promotion.controlScore = before?.score as bigint
    })
    expect(seldom.promotions[0]?.claims).toContainEqual(failed('control.predictions'))
    const later = await judged((record) => {
      marketOf(record, EWMA_ID).inboxHead = ZeroHash
    })
    expect(later.promotions[0]?.claims).toContainEqual(failed('control.beginning.inboxHead'))
    const before = await judged((record) => {
      const control = marketOf(record, EWMA_ID)
      control.anchorState = withField('anchorState', control.anchorState, 'anchorAsOf')
    })
    expect(before.promotions[0]?.claims).toContainEqual(failed('control.beginning.anchorAsOf'))
  })

  it('R44: put a market into its new source with the shadow, and a control must have followed', async () => {
    expect(rotating.report.failure).toBeUndefined()
    expect(rotating.report.promotions).toMatchObject([{ from: 'ewma', to: 'garch', accepted: true }])
    const ofMarket = (record: MutableRecord) => record.deployed.reads.filter(({ of }) => of === MARKET_ID)
    expect(
      ofMarket(rotating.record as MutableRecord).find(({ method }) => method === 'sourceOf')?.answer?.[0]?.value,
    ).toBe(rotating.record.rotations[0]?.source)
    const behind = await judged((record) => record.followings.splice(1, 1), rotating.record)
    expect(behind.promotions[0]?.claims).toContainEqual(
      expect.objectContaining({ claim: 'R37', holds: false, field: 'control.source' }),
    )
  })

  it('without a control have no score of one', async () => {
    const report = await judged((record) => {
      promotionOf(record).controlScore = 1n
    }, uncontrolled.record)
    expect(report.failure).toMatchObject({ of: first, claim: { claim: 'R37', field: 'controlScore', expected: '0' } })
  })

  /** EWMA's shadow, which lost more than the control, put in force again right after a batch, as a registry would tell it. */
  function forge(record: MutableRecord, { held, batch: number }: Moment): void {
    const { block, logIndex, timestamp } = record.batches[number - 1] as MutableRecord['batches'][number]
    const [own, promoted] = [MARKET, shadow('ewma')].map((name) => held.get(name)) as [Held, Held]
    const { initialMarginX24, maintenanceMarginX24 } = own.state.anchor
    const state = {
      ...promoted.state,
      anchor: { ...promoted.state.anchor, initialMarginX24, maintenanceMarginX24 },
    }
    const value = pack('marketPolicy', promoted.policy)
    record.policies.push({ block, logIndex: logIndex + 1, kind: 'market', marketId: MARKET_ID, value })
    record.promotions.push({
      ...{ block, logIndex: logIndex + 2, timestamp, marketId: MARKET_ID },
      ...{ volatilityModel: EWMA, previousModel: GARCH },
      ...packState(state),
      ...{ inboxHead: promoted.inbox.head, inboxCount: promoted.inbox.count },
      score: scoresOf(record, EWMA_ID).at(-1)?.score as bigint,
      controlScore: scoresOf(record, GARCH_ID).at(-1)?.score as bigint,
    })
    const { final } = marketOf(record, MARKET_ID)
    final.volatilityModel = EWMA
    final.stateHash = stateHashOf(state, promoted.inbox, EWMA)
  }
})

describe('A2: whatever the record says of shadows', () => {
  type Leaf = { readonly path: string; readonly flip: (record: MutableRecord) => void }

  const claimsOf: Readonly<Record<string, readonly string[]>> = {
    scores: ['R36', 'A2'],
    removals: ['R35', 'R3', 'A2'],
    promotions: ['R37', 'A2'],
    promotionPolicies: ['R37', 'A2'],
    inForce: ['R37', 'R41'],
  }

  it('is found when it is changed, field by field', async () => {
    const found = new Map<string, number>()
    const harmless: string[] = []
    for (const { path, flip } of leaves(whole.record)) {
      const copy = structuredClone(whole.record) as MutableRecord
      flip(copy)
      const report = await judge(copy as ChainRecord, {}, undefined, computations)
      const claim = report.failure?.claim
      if (claim === undefined) {
        expect(isHarmless(path, copy as ChainRecord), path).toBe(true)
        harmless.push(path)
      } else {
        expect(claim.field, path).toBeDefined()
        const part = path.split('.')[0] ?? ''
        if (part in claimsOf) expect(claimsOf[part], path).toContain(claim.claim)
        found.set(claim.claim, (found.get(claim.claim) ?? 0) + 1)
      }
    }
    console.log('flipped fields, found by', Object.fromEntries(found), 'harmless:', harmless)
    expect(harmless.length).toBeLessThan(12)
  })

  /** Every field of the parts that tell of shadows, each once a list. */
  function leaves(record: ChainRecord): readonly Leaf[] {
    // The shadow that was promoted, and the second life of the one that was removed.
    const [garch, range] = [GARCH_ID, RANGE_ID].map((id) =>
      record.markets.findLastIndex((each) => each.marketId === id),
    )
    const age = record.policies.findIndex(({ kind }) => kind === 'maxParameterAgeSeconds')
    return [
      ...leavesOf(record, ['scores', 0]),
      ...leavesOf(record, ['scores', record.scores.length - 1]),
      ...record.removals.flatMap((_, i) => leavesOf(record, ['removals', i])),
      ...leavesOf(record, ['promotions', 0]),
      ...leavesOf(record, ['promotionPolicies', 0]),
      ...leavesOf(record, ['inForce']),
      ...leavesOf(record, ['policies', age]),
      ...leavesOf(record, ['markets', garch as number]),
      ...leavesOf(record, ['markets', range as number]),
      ...leavesOf(record, ['markets', record.markets.findIndex(({ marketId }) => marketId === MARKET_ID), 'final']),
    ]
  }

  type Path = readonly (string | number)[]
  const at = (record: unknown, path: Path): unknown =>
    path.reduce((value, key) => (value as Record<string | number, unknown>)[key], record)
  const wordsAt: Readonly<Record<string, WordName>> = {
    ...wordsBy((word) => word),
    score: 'score',
    controlScore: 'score',
    parametersAndSequence: 'parameters',
  }

  function leavesOf(record: ChainRecord, path: Path): readonly Leaf[] {
    const value = at(record, path)
    if (value === null) return []
    if (typeof value === 'object') return Object.keys(value).flatMap((key) => leavesOf(record, [...path, key]))
    return changesOf(String(path.at(-1)), value).map(([name, changed]) => ({
      path: `${path.join('.')}${name}`,
      flip: (copy) => {
        const parent = at(copy, path.slice(0, -1)) as Record<string | number, unknown>
        parent[path.at(-1) as string] = changed
      },
    }))
  }

  function changesOf(key: string, value: unknown): readonly (readonly [name: string, changed: unknown])[] {
    const word = wordsAt[key]
    if (typeof value === 'bigint' && word !== undefined) {
      const above = (value >> BigInt(wordBits(word))) << BigInt(wordBits(word))
      const fields = fieldsOf(word).map((f) => [`.${f}`, withField(word, value - above, f) + above] as const)
      return key === 'parametersAndSequence' ? [...fields, ['.sequence', value ^ (1n << 230n)] as const] : fields
    }
    if (typeof value === 'bigint') return [['', value ^ 1n]]
    if (typeof value === 'number') return [['', value ^ 1]]
    if (key === 'kind') return [['', 'learning']]
    const text = value as string
    if (text.length === 42) return [['', `0x${'12'.repeat(20)}`]]
    const digit = (place: number) => {
      const changed = (Number.parseInt(text.charAt(place), 16) ^ 1).toString(16)
      return text.slice(0, place) + changed + text.slice(place + 1)
    }
    return [
      [' first', digit(2)],
      [' last', digit(65)],
    ]
  }

  /** Nothing comes before or after another than it did, and no promotion is earlier or later than what it must be. */
  function isHarmless(path: string, changed: ChainRecord): boolean {
    if (/\.(block|logIndex)$/.test(path)) return orderOf(changed) === orderOf(whole.record)
    const { timestamp, block } = changed.promotions[0] as ChainRecord['promotions'][number]
    const before = whole.record.batches.filter((batch) => batch.block < block).at(-1)?.timestamp ?? 0
    const after = whole.record.batches.find((batch) => batch.block > block)?.timestamp ?? 0
    return path === 'promotions.0.timestamp' && timestamp >= before && timestamp <= after
  }

  /** Everything that a verdict takes in order, in the order in which it is taken. */
  function orderOf(record: ChainRecord): string {
    const { policies, promotionPolicies, markets, observations, batches, scores, removals, promotions } = record
    const lists = { policies, promotionPolicies, markets, observations, batches, scores, removals, promotions }
    const events = Object.entries(lists).flatMap(([name, list]) => list.map((event, i) => ({ ...event, name, i })))
    const sorted = events.sort((a, b) => a.block - b.block || a.logIndex - b.logIndex)
    return sorted.map(({ name, i }) => `${name} ${i}`).join('\n')
  }
})
