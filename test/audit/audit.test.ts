/** The auditor against a real history: accepts it, and finds whatever is changed in it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Audit,
  audit,
  auditOffline,
  auditToJson,
  type ChainRecord,
  exitCodeOf,
  formatAudit,
  formatAuditBundle,
  judge,
  parseAuditBundle,
  writeAuditBundle,
} from '../../prover/audit/index.ts'
import { marketState } from '../../circuits/statements/index.ts'
import { CLOCK_SKEW_SECONDS } from '../../prover/audit/market/judgeBatch.ts'
import { missingConstant, withoutMetadata } from '../../prover/audit/verifierCode.ts'
import { ProverError } from '../../prover/errors.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { decodeSubmit, encodeSubmit, type SubmitCall } from '../../prover/registry/market/calldata.ts'
import type { MarketBatch } from '../../prover/statement/marketRisk.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { LiveEngine } from '../registry/liveEngine.ts'

/** In the year 2096. */
const FAR_AHEAD = 4_000_000_000n

let engine: LiveEngine
let whole: Audit
/** The record up to the first batch: enough to change, and quicker to judge. */
let short: ChainRecord
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'))
  engine = await LiveEngine.start(['marketRisk8x2'], { 'BTC-USD': 7_900n, 'ETH-USD': 194n })
  await engine.observe({ 'BTC-USD': 7_800n, 'ETH-USD': 190n }, 600n)
  await engine.observe({ 'BTC-USD': 7_700n }, 60n)
  const landed = await engine.client.submit(await engine.prove('marketRisk8x2'))
  await engine.observe({ 'BTC-USD': 6_900n }, 3_600n)
  await engine.client.submit(await engine.prove('marketRisk8x2'))
  await engine.observe({ 'ETH-USD': 180n }, 60n)
  whole = await auditNow()
  short = (await auditNow(landed.status === 'applied' ? landed.block : 0)).record
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await engine?.close()
})

function auditNow(toBlock?: number): Promise<Audit> {
  return audit({
    registry: engine.deployment.addresses.registry,
    provider: engine.chain.ethers.provider as never,
    keys: engine.auditKeys(),
    ...(toBlock === undefined ? {} : { toBlock }),
  })
}

/** A copy of the short record with something changed, judged. */
async function judged(change: (record: Mutable<ChainRecord>) => void, record = short) {
  const copy = structuredClone(record) as Mutable<ChainRecord>
  change(copy)
  return judge(copy)
}

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

/** Changes the calldata of the record's first batch. */
async function judgedCall(change: (call: Mutable<SubmitCall>) => void) {
  return judged((record) => {
    const batch = record.batches[0] as (typeof record.batches)[number]
    const call = decodeSubmit(batch.calldata as string) as Mutable<SubmitCall>
    const mutable = { ...call, updates: call.updates.map((update) => ({ ...update })) } as Mutable<SubmitCall>
    change(mutable)
    batch.calldata = encodeSubmit(mutable)
  })
}

describe('an honest history', () => {
  it('is accepted, claim by claim', () => {
    const { report } = whole
    expect(report.failure).toBeUndefined()
    expect(report).toMatchObject({ accepted: true, pinned: true })
    expect(exitCodeOf(report)).toBe(0)
    expect(report.batches.map(({ markets, observations }) => ({ markets, observations }))).toEqual([
      { markets: ['BTC-USD', 'ETH-USD'], observations: 3 },
      { markets: ['BTC-USD'], observations: 1 },
    ])
    const claims = report.batches[0]?.claims.map(({ claim }) => claim)
    for (const claim of ['O1', 'O2', 'V1', 'C1', 'C2', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'Q2', 'Q3']) {
      expect(claims).toContain(claim)
    }
    expect(report.markets.map(({ name, sequence, waiting }) => ({ name, sequence, waiting }))).toEqual([
      { name: 'BTC-USD', sequence: 2n, waiting: 0 },
      { name: 'ETH-USD', sequence: 1n, waiting: 1 },
    ])
  })

  it('is told in a table and in JSON', () => {
    const table = formatAudit(whole.report)
    expect(table).toMatch(/batch 1 +block \d+ +BTC-USD ETH-USD at .* accepted/)
    const { length } = whole.report.batches[0]?.claims ?? []
    expect(table).toMatch(new RegExp(`batch 1 .* accepted +${length} of ${length} claims$`, 'm'))
    expect(table).toMatch(/^ACCEPTED: 2 of 2 batches; (\d+) of \1 claims hold\.$/m)
    // The words of claims once, ids beside batches on request only.
    expect(table.match(/speed of margins/g)).toHaveLength(1)
    expect(formatAudit(whole.report, { showClaims: true })).toMatch(/batch 1 .* claims +A2 R4 R2 R1 R3 /)
    expect(JSON.parse(auditToJson(whole.report)).accepted).toBe(true)
  })

  it('A3: says what was pinned, by whom, and how long it took', () => {
    const pins = [{ what: 'registry', value: whole.report.registry, by: 'deployment.json' }] as const
    const table = formatAudit(whole.report, { pins, elapsedSeconds: 1.234 })
    expect(table).toContain(`Pinned, and by whom:\n  registry  ${whole.report.registry}  deployment.json\n`)
    expect(table).toMatch(/claims hold, in 1\.2 s\.$/m)
    const unpinned = 'Not everything was pinned from outside'
    expect(table).not.toContain(unpinned)
    expect(formatAudit({ ...whole.report, pinned: false })).toContain(unpinned)
  })

  it('names the claim that fails beside its batch and in the verdict', async () => {
    const report = await judgedCall((call) => Object.assign(call, { commitment: call.commitment ^ 1n }))
    const table = formatAudit(report)
    const { length } = report.batches[0]?.claims ?? []
    const failed = report.batches[0]?.claims.filter(({ holds }) => !holds).length ?? 0
    expect(failed).toBeGreaterThan(0)
    expect(table).toMatch(new RegExp(`batch 1 .* REJECTED +${length - failed} of ${length} claims +claim `))
    expect(table).toMatch(/^REJECTED: 0 of 1 batch; (\d+) of (?!\1 )\d+ claims hold\.\nFirst failure: batch 1, claim /m)
  })

  it('is accepted again from its bundle without a chain, in another process', async () => {
    const file = join(folder, 'audit.json')
    await writeAuditBundle(file, whole.record)
    expect(await auditOffline(file)).toMatchObject({ accepted: true, pinned: false })
    const script = `import { auditOffline, exitCodeOf } from './prover/audit/index.ts'
      process.exitCode = exitCodeOf(await auditOffline(process.argv[1]))`
    execFileSync(process.execPath, ['--input-type=module', '-e', script, file], {
      cwd: join(import.meta.dirname, '..', '..'),
    })
  })

  it('A3: is refused when it is not the history that was pinned', async () => {
    const key = `0x${'ab'.repeat(32)}`
    expect(await judge(short, { verificationKeyHashes: [key] })).toMatchObject({
      accepted: false,
      failure: { of: 'model marketRisk8x2', claim: { claim: 'A3', field: 'models.key' } },
    })
    expect(await judge(short, { chainId: 1n })).toMatchObject({ failure: { claim: { field: 'context.chainId' } } })
  })

  it('is looked for at the right address', async () => {
    const registry = `0x${'12'.repeat(20)}`
    const nowhere = audit({ registry, provider: engine.chain.ethers.provider as never, keys: [] })
    await expect(nowhere).rejects.toMatchObject({ code: 'registry.registry-missing' })
  })

  it('is incomplete when the blocks start after the deployment', async () => {
    const late = audit({
      registry: engine.deployment.addresses.registry,
      provider: engine.chain.ethers.provider as never,
      keys: engine.auditKeys(),
      fromBlock: (await engine.chain.ethers.provider.getBlockNumber()) - 1,
    })
    await expect(late).rejects.toMatchObject({ code: 'audit.history-incomplete' })
  })
})

it('R5: allows clocks to differ by as much as the registry does', async () => {
  const registry = new Contract(engine.deployment.addresses.registry, interfaceOf('RiskRegistry'))
  const ofChain = registry.connect(engine.chain.ethers.provider as never) as Contract
  expect(await ofChain.getFunction('CLOCK_SKEW_SECONDS')()).toBe(CLOCK_SKEW_SECONDS)
})

describe('R15: a batch of which a market was skipped', () => {
  let skipping: Audit

  beforeAll(async () => {
    await engine.observe({ 'BTC-USD': 7_000n, 'ETH-USD': 181n }, 60n)
    const both = await engine.prove('marketRisk8x2')
    await engine.client.submit(await engine.prove('marketRisk8x2', ['BTC-USD']))
    const landed = await engine.client.submit(both)
    expect(landed).toMatchObject({ status: 'applied', skipped: ['BTC-USD'] })
    skipping = await auditNow()
  })

  it('is accepted, and said to have moved the others', () => {
    expect(skipping.report).toMatchObject({ accepted: true })
    expect(skipping.report.batches.slice(-2)).toMatchObject([
      { markets: ['BTC-USD'], skipped: [] },
      { markets: ['ETH-USD'], skipped: ['BTC-USD'] },
    ])
    expect(formatAudit(skipping.report)).toMatch(/ETH-USD \(BTC-USD skipped\)/)
  })

  it('tells when it is of, and how much it took in, by what it moved: a skipped one may be proven from an invented state', async () => {
    await engine.observe({ 'BTC-USD': 7_100n, 'ETH-USD': 182n }, 60n)
    const { batch, inboxes, names } = await engine.next('marketRisk8x2')
    const [btc, eth] = batch.markets as readonly [MarketBatch, MarketBatch]
    const { volatility, anchor } = btc.previous
    const observation = { ...(btc.observations[0] as MarketBatch['observations'][number]), asOf: FAR_AHEAD + 60n }
    const invented: MarketBatch = {
      ...btc,
      sequence: 0n,
      previous: {
        ...btc.previous,
        volatility: { ...volatility, asOf: FAR_AHEAD },
        anchor: { ...anchor, anchorAsOf: FAR_AHEAD },
      },
      observations: [observation],
    }
    const bundle = await engine.proveStated({ batch: { ...batch, markets: [invented, eth] }, inboxes, names })
    const landed = await engine.client.submit(bundle)
    expect(landed).toMatchObject({ status: 'applied', skipped: ['BTC-USD'] })
    const { report } = await auditNow()
    expect(report.accepted).toBe(true)
    const { asOf } = eth.observations.at(-1) as MarketBatch['observations'][number]
    expect(report.batches.at(-1)).toMatchObject({ asOf, observations: eth.observations.length, skipped: ['BTC-USD'] })
  })

  it('is rejected when what it says of the skipped one was not proven, or was skipped without reason', async () => {
    const withSkipped = (change: (update: Mutable<SubmitCall>['updates'][number]) => void) =>
      judged((record) => {
        const batch = record.batches.at(-1) as (typeof record.batches)[number]
        const call = decodeSubmit(batch.calldata as string) as Mutable<SubmitCall>
        const updates = call.updates.map((update) => ({ ...update }))
        change(updates[0] as (typeof updates)[number])
        batch.calldata = encodeSubmit({ ...call, updates })
      }, skipping.record)
    const failure = (claim: string) => ({ accepted: false, failure: { of: 'batch 4', claim: { claim } } })
    expect(
      await withSkipped((update) => {
        update.parameters ^= 1n
      }),
    ).toMatchObject({ accepted: false, failure: { of: 'batch 4' } })
    expect(
      await withSkipped((update) => {
        update.sequence -= 1n
      }),
    ).toMatchObject(failure('Q3'))
    expect(
      await withSkipped((update) => {
        update.sequence += 1n
      }),
    ).toMatchObject(failure('A2'))
  })
})

describe('keys', () => {
  it('made for development are rejected on any other chain', async () => {
    const report = await judged((record) => {
      record.context.chainId = 1n
    })
    expect(report.models[0]?.claims).toContainEqual(expect.objectContaining({ claim: 'T2', holds: false }))
  })

  it('that pass as production keys without a contribution are rejected', async () => {
    const report = await judged((record) => {
      const manifest = record.models[0]?.key?.manifest
      if (manifest) manifest.kind = 'production'
    })
    expect(report.failure).toMatchObject({ of: 'model marketRisk8x2', claim: { claim: 'T1' } })
    expect(report.models[0]?.claims).toContainEqual(expect.objectContaining({ claim: 'T2', holds: false }))
  })

  it('T2: straight from the set-up, with delta = gamma, are rejected', async () => {
    const report = await judged((record) => {
      const key = record.models[0]?.key?.verificationKey
      if (key) key.vk_delta_2 = structuredClone(key.vk_gamma_2)
    })
    expect(report.models[0]?.claims).toContainEqual(expect.objectContaining({ claim: 'T2', holds: false }))
    expect(report.accepted).toBe(false)
  })

  it('nobody brought make every batch of their model rejected', async () => {
    const { report } = await audit({
      registry: engine.deployment.addresses.registry,
      provider: engine.chain.ethers.provider as never,
      keys: [],
    })
    expect(report.failure).toMatchObject({ of: 'batch 1', claim: { claim: 'R1' } })
  })

  it("are found in the verifier's code, and no others", () => {
    const [key] = engine.auditKeys()
    const code = short.models[0]?.verifierCode as string
    if (key === undefined) throw new Error('There is no key.')
    const { verificationKey } = key
    expect(missingConstant(code, verificationKey)).toBeUndefined()
    const strange = { ...verificationKey, alpha1: { x: 1n, y: 2n } }
    expect(missingConstant(code, strange)).toBe('alpha1')
    expect(withoutMetadata(code).length).toBeLessThan(code.length)
  })

  it('under a verifier whose code differs are named', async () => {
    const report = await judged((record) => {
      const model = record.models[0]
      if (model) model.verifierCode = `${model.verifierCode.slice(0, 100)}00${model.verifierCode.slice(102)}`
    })
    expect(report.failure).toMatchObject({ claim: { claim: 'A1', field: 'models.verifierCode' } })
  })
})

describe('A2: a false history', () => {
  const bump = <K extends string>(target: Record<K, bigint>, field: K): void => {
    target[field] = target[field] ^ 1n
  }

  it.each([
    ['previousVolatilityState', 'R3'],
    ['previousAnchorState', 'R3'],
    ['inboxCount', 'R3'],
    ['observationCount', 'R7'],
    ['volatilityState', 'O1'], // its lowest bits are the log price
    ['anchorState', 'C1'],
    ['parameters', 'A2'],
  ] as const)('with another %s is rejected by claim %s', async (field, claim) => {
    const report = await judgedCall((call) => bump(call.updates[0] as never, field))
    expect(report.accepted).toBe(false)
    expect(report.batches[0]?.claims).toContainEqual(expect.objectContaining({ claim, holds: false }))
    expect(report.failure?.claim.field).toBeDefined()
  })

  it('names every single field of the results that is off by one', async () => {
    for (const [at, word] of [...Object.entries(marketState), ['parameters', 'parameters'] as const]) {
      const [original] = (decodeSubmit(short.batches[0]?.calldata as string) as SubmitCall).updates
      for (const field of Object.keys(unpack(word, original?.[word] as bigint))) {
        const report = await judgedCall((call) => {
          const update = call.updates[0] as Mutable<SubmitCall['updates'][number]>
          const fields = { ...unpack(word, update[word]) } as Record<string, bigint>
          fields[field] = (fields[field] as bigint) ^ 1n
          update[word] = pack(word, fields as never)
        })
        const failures = report.batches[0]?.claims.filter(({ holds }) => !holds) ?? []
        expect(failures.map((failure) => failure.field)).toContain(`updates[0].${at}.${field}`)
      }
    }
  })

  it.each([
    ['commitment', (call: Mutable<SubmitCall>) => bump(call as never, 'commitment'), 'Q2'],
    ['an observation', (call: Mutable<SubmitCall>) => bump(call.observationWords as never, '0' as never), 'R7'],
    ['a proof word', (call: Mutable<SubmitCall>) => bump(call.proof as never, '0' as never), 'Q3'],
    ['the proof of swapped points', (call: Mutable<SubmitCall>) => call.proof.copyWithin(6, 0, 2), 'Q3'],
    [
      'markets in another order',
      (call: Mutable<SubmitCall>) => {
        call.updates.reverse()
      },
      'R2',
    ],
  ])('with %s changed is rejected', async (_, change, claim) => {
    const report = await judgedCall(change as never)
    expect(report.batches[0]?.claims).toContainEqual(expect.objectContaining({ claim, holds: false }))
  })

  it('whose policy was another is rejected by the proof', async () => {
    const report = await judged((record) => {
      const policy = record.policies.find(({ kind }) => kind === 'margin')
      if (policy) policy.value += 1n
    })
    expect(report.batches[0]?.accepted).toBe(false)
  })

  it('in which an observation was dropped, changed or slipped in is rejected', async () => {
    const dropped = await judged((record) => void record.observations.splice(1, 1))
    const changed = await judged((record) => bump(record.observations[1] as never, 'word'))
    const added = await judged((record) => {
      const last = record.observations.at(-1) as Mutable<ChainRecord['observations'][number]>
      record.observations.push({ ...last, count: last.count + 1n })
    })
    for (const report of [dropped, changed, added]) expect(report.failure?.claim.claim).toBe('R7')
  })

  it('A4: in which a batch is missing or repeated is rejected, by the sequence or by where the market ends', async () => {
    const missing = await judged((record) => void record.batches.shift(), whole.record)
    expect(missing.failure).toMatchObject({ of: 'batch 1', claim: { claim: 'R4' } })
    const last = await judged((record) => void record.batches.pop(), whole.record)
    expect(last.failure).toMatchObject({
      of: 'market BTC-USD',
      claim: { claim: 'A4', expected: '1', found: '2' },
    })
    const repeated = await judged((record) => void record.batches.push(structuredClone(record.batches[0]) as never))
    expect(repeated.accepted).toBe(false)
  })

  it('that ends elsewhere than the registry stands is rejected', async () => {
    const report = await judged((record) => {
      const market = record.markets[0]
      if (market) market.final.stateHash = `0x${'00'.repeat(32)}`
    })
    expect(report.failure).toMatchObject({ claim: { claim: 'R3', field: 'final.stateHash' } })
  })

  it('R34: in which a market moved by a model of another family is rejected', async () => {
    const rebound = await judged((record) => {
      const market = record.markets[0]
      if (market) market.volatilityModel = 2
    })
    // Nor is there a model of it.
    expect(rebound.failure).toMatchObject({ of: 'market BTC-USD', claim: { claim: 'R34', field: 'added.family' } })
    const field = { claim: 'R34', field: 'updates[0].volatilityModel', expected: '2', found: '1' }
    expect(rebound.batches[0]?.claims).toContainEqual(expect.objectContaining(field))
    const mislabelled = await judged((record) => {
      const model = record.models[0]
      if (model) model.volatilityModel = 2
    })
    expect(mislabelled.failure).toMatchObject({
      of: 'model marketRisk8x2',
      claim: { claim: 'R1', field: 'models.volatilityModel', expected: '1', found: '2' },
    })
  })

  it('that landed too old or out of an inactive model is rejected', async () => {
    const stale = await judged((record) => {
      const batch = record.batches[0]
      if (batch) batch.timestamp += 3_600
    })
    expect(stale.failure).toMatchObject({ of: 'batch 1', claim: { claim: 'R5' } })
    const disabled = await judged((record) => {
      const model = record.models[0]
      const last = record.markets.at(-1)
      if (model && last) model.disabled = { block: last.block, logIndex: last.logIndex + 1 }
    })
    expect(disabled.failure).toMatchObject({ of: 'batch 1', claim: { claim: 'R1' } })
  })

  it('of which a batch cannot be read is rejected', async () => {
    const report = await judged((record) => {
      const batch = record.batches[0]
      if (batch) batch.calldata = null
    })
    expect(report.failure).toMatchObject({ of: 'batch 1', claim: { claim: 'A2', field: 'calldata' } })
  })
})

describe('an audit bundle', () => {
  const refusal = (bytes: Uint8Array): ProverError | undefined => {
    try {
      parseAuditBundle(bytes, 'audit.json')
      return undefined
    } catch (error) {
      return error instanceof ProverError ? error : expect.fail(`An untyped error: ${String(error)}`)
    }
  }

  it('A6: is caught and named at 1,000 flipped bytes', () => {
    const bytes = Buffer.from(formatAuditBundle(whole.record))
    let seed = 20200312
    const random = (bound: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return Math.floor((seed / 2 ** 32) * bound)
    }
    const codes = new Map<string, number>()
    for (let i = 0; i < 1_000; i++) {
      const changed = Buffer.from(bytes)
      const at = random(bytes.length)
      changed[at] = (changed[at] as number) ^ (1 << random(8))
      const error = refusal(changed)
      expect(error, `byte ${at}`).toBeDefined()
      const { section, field, line } = error as { section?: string; field?: string; line?: number }
      const isNamed = section !== undefined || field !== undefined || line !== undefined
      expect(isNamed || error?.code === 'registry.unreadable-file').toBe(true)
      codes.set(error?.code ?? '', (codes.get(error?.code ?? '') ?? 0) + 1)
    }
    console.log('1000 flipped bytes, caught by', Object.fromEntries(codes))
  })

  it('is caught when cut, lengthened or indented otherwise', () => {
    const text = formatAuditBundle(short)
    for (const changed of [text.slice(0, -1), `${text} `, JSON.stringify(JSON.parse(text)), `\uFEFF${text}`, '']) {
      expect(refusal(Buffer.from(changed))).toBeDefined()
    }
  })

  it('names the section of every field of a batch', () => {
    const text = formatAuditBundle(short)
    const { batches } = JSON.parse(text).content as { batches: Record<string, unknown>[] }
    for (const field of Object.keys(batches[0] as object)) {
      const file = JSON.parse(text)
      file.content.batches[0][field] = typeof batches[0]?.[field] === 'number' ? 7 : '7'
      const error = refusal(Buffer.from(`${JSON.stringify(file, undefined, 1)}\n`))
      expect(error).toMatchObject({ code: 'registry.section-changed', section: 'batches[0]' })
    }
  })

  it('A5: of a hostile author costs little', () => {
    const hostile = [
      `{"content":${'['.repeat(1_000_000)}`,
      `{"format":"zk-risk-engine/audit","version":3,"sha256":{},"content":{"__proto__":{"x":1}}}`,
      `{"content":{"context":{"chainId":"${'9'.repeat(1_000_000)}"}}}`,
    ]
    for (const text of hostile) {
      const started = process.cpuUsage()
      expect(refusal(Buffer.from(text))).toBeDefined()
      // Processor time: other work on the machine does not count.
      expect(process.cpuUsage(started).user).toBeLessThan(1_000_000)
    }
    writeFileSync(join(folder, 'hostile.json'), hostile[0] as string)
    return expect(auditOffline(join(folder, 'hostile.json'))).rejects.toMatchObject({
      code: 'registry.unreadable-file',
    })
  })
})
