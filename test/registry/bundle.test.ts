/** The bundle file: every byte matters, and so does every claim behind it. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ewma } from '../../prover/volatility/ewma.ts'
import { ProverError } from '../../prover/errors.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPolicy, INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../prover/parameters/defaultPolicy.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
import { createProver, verificationKeyHash } from '../../prover/proof/index.ts'
import {
  type Bundle,
  type BundlePins,
  checkBundle,
  formatBundle,
  modelIdOf,
  parseBundle,
  readBundle,
  writeBundle,
} from '../../prover/registry/index.ts'
import { makeBundle } from '../../prover/registry/market/bundle.ts'
import { writeFileAtomic } from '../../prover/registry/atomicFile.ts'
import { formatVerdict } from '../../prover/service/answers/proofFlows.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { type MarketRiskBatch, stateBatch } from '../../prover/statement/marketRisk.ts'
import { buildOf, keysOf } from './liveEngine.ts'

const REGISTRY = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const SOURCE = '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512'

let bundle: Bundle
let text: string
let keyHash: string
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  const keys = await keysOf('marketRisk8x2')
  keyHash = `0x${verificationKeyHash(keys.verificationKey)}`
  const statement = await stateBatch(exampleBatch())
  const prover = createProver()
  const { proof } = await prover.prove(keys, statement.circuitInput as never)
  await prover.close()
  const inboxes = [5n, 9n].map((count) => ({ source: SOURCE, head: `0x${'ab'.repeat(32)}`, count }))
  bundle = makeBundle(statement, inboxes, ['BTC-USD', 'ETH-USD'], proof, keys.verificationKey)
  text = formatBundle(bundle)
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function exampleBatch(): MarketRiskBatch {
  const prices: [string, bigint][] = [
    ['BTC-USD', 7_900n],
    ['ETH-USD', 194n],
  ]
  return {
    build: buildOf('marketRisk8x2'),
    chainId: 31337n,
    registry: REGISTRY,
    modelId: modelIdOf('marketRisk8x2', keyHash, layoutHash('marketRisk')),
    learning: defaultPolicy.learning,
    margin: defaultPolicy.margin,
    markets: prices.map(([name, price]) => ({
      marketId: marketIdOf(name),
      sequence: 1n,
      previous: initialState(
        ewma,
        { priceE8: price * 10n ** 8n, asOf: 1_584_000_000n },
        INITIAL_VOLATILITY_X24,
        INITIAL_MULTIPLIER_X18,
        defaultPolicy,
      ),
      observations: [
        { priceE8: price * 95n * 10n ** 6n, asOf: 1_584_003_600n, impliedVolatilityX16: 0n, rangeCode: 0n },
      ],
      policy: defaultPolicy.market,
    })),
  }
}

function refusal(bytes: Uint8Array | string): ProverError | undefined {
  try {
    parseBundle(Buffer.from(bytes), 'bundle.json')
    return undefined
  } catch (error) {
    return error instanceof ProverError ? error : expect.fail(`An untyped error: ${String(error)}`)
  }
}

/** Text of the bundle with its parsed file changed and nothing sealed again. */
function withChange(change: (file: { content: Bundle } & Record<string, unknown>) => void): string {
  const file = JSON.parse(text)
  change(file)
  return `${JSON.stringify(file, undefined, 1)}\n`
}

type Leaf = { readonly path: readonly (string | number)[]; readonly value: unknown }

function leavesOf(value: unknown, path: readonly (string | number)[] = []): readonly Leaf[] {
  if (Array.isArray(value)) return value.flatMap((inner, i) => leavesOf(inner, [...path, i]))
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
  }
  return [{ path, value }]
}

function setAt(target: unknown, path: readonly (string | number)[], value: unknown): void {
  const [first, ...rest] = path as [string | number, ...(string | number)[]]
  const record = target as Record<string | number, unknown>
  if (rest.length === 0) record[first] = value
  else setAt(record[first], rest, value)
}

describe('reading', () => {
  it('returns what was written', async () => {
    const file = join(folder, 'bundle.json')
    await writeBundle(file, bundle)
    expect(await readBundle(file)).toEqual(bundle)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('A6: catches every single changed byte', () => {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ (1 << (at % 8))
      if (refusal(changed) === undefined) expect.fail(`Byte ${at} may be changed.`)
    }
    console.log(`${bytes.length} of ${bytes.length} changed bytes caught`)
  })

  it('names the section of every changed value', () => {
    for (const { path, value } of leavesOf(bundle)) {
      const section = typeof path[1] === 'number' ? `${path[0]}[${path[1]}]` : path[0]
      const other = String(value) === '7' ? '8' : '7'
      const error = refusal(withChange((file) => setAt(file.content, path, other)))
      expect(error, path.join('.')).toMatchObject({ code: 'registry.section-changed', section })
    }
  })

  it.each([
    ['an unknown field', (file: Record<string, unknown>) => setAt(file, ['extra'], 1), 'registry.file-field'],
    ['another format', (file: Record<string, unknown>) => setAt(file, ['format'], 'x'), 'registry.file-field'],
    ['another version', (file: Record<string, unknown>) => setAt(file, ['version'], 2), 'registry.file-field'],
    ['no content', (file: Record<string, unknown>) => setAt(file, ['content'], null), 'registry.file-field'],
    [
      'a digest too many',
      (file: Record<string, unknown>) => setAt(file, ['sha256', 'other'], 'ab'.repeat(32)),
      'registry.section-changed',
    ],
  ])('refuses %s', (_, change, code) => {
    expect(refusal(withChange(change as never))?.code).toBe(code)
  })

  it.each([
    ['spaces', () => text.replace('{', '{ ')],
    ['no last line break', () => text.trimEnd()],
    ['an escape', () => text.replace('BTC-USD', '\\u0042TC-USD')],
    ['a repeated field', () => text.replace('"version": 1,', '"version": 1,\n "version": 1,')],
    [
      'fields in another order',
      () => {
        const { format, version, sha256, content } = JSON.parse(text)
        return `${JSON.stringify({ version, format, sha256, content }, undefined, 1)}\n`
      },
    ],
  ])('refuses the same content with %s, naming the line', (_, change) => {
    expect(refusal(change())).toMatchObject({ code: 'registry.not-canonical', line: expect.any(Number) })
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a million brackets', '['.repeat(1_000_000)],
    ['two megabytes', `"${'x'.repeat(2_000_000)}"`],
  ])('A5: refuses %s quickly', (_, bytes) => {
    const started = process.cpuUsage()
    expect(refusal(bytes)?.code).toBe('registry.unreadable-file')
    // Processor time: other work on the machine does not count.
    expect(process.cpuUsage(started).user).toBeLessThan(1_000_000)
  })

  it('refuses a file that is not there, or is a folder, by its name and in words', async () => {
    const file = join(folder, 'nothing.json')
    const refused = { code: 'registry.unreadable-file', file }
    await expect(readBundle(file)).rejects.toMatchObject(refused)
    await expect(readBundle(file)).rejects.toThrow(`${file} cannot be read: there is no such file. `)
    await expect(readBundle(folder)).rejects.toThrow(`${folder} cannot be read: it is a folder. `)
  })

  it('says at which line and column a file stops being JSON', () => {
    expect(refusal('{\n  "format": ')?.message).toContain('line 2, column 13: found the end of the file')
    expect(refusal("{\n  'format': 1}")?.message).toContain('line 2, column 3: found a single quote')
  })
})

describe('checking', () => {
  it('accepts an honest bundle', async () => {
    expect(await checkBundle(bundle, { verificationKeyHash: keyHash })).toMatchObject({ valid: true, pinned: true })
  })

  it('A3: calls no bundle valid whose key nobody pinned, and says what is missing', async () => {
    const all = { verificationKeyHash: keyHash, chainId: bundle.context.chainId, registry: bundle.context.registry }
    expect(await checkBundle(bundle)).toMatchObject({
      ...{ valid: false, consistent: true, pinned: false },
      missing: ['verificationKeyHash', 'chainId', 'registry'],
    })
    const { chainId, registry } = all
    expect(await checkBundle(bundle, { chainId, registry })).toMatchObject({
      ...{ valid: false, consistent: true },
      missing: ['verificationKeyHash'],
    })
    expect(await checkBundle(bundle, all)).toMatchObject({ valid: true, consistent: true, missing: [] })
  })

  it('A3: says that it agrees with itself where nothing more can be said, and never that it is not valid', async () => {
    const lastLine = async (pins: BundlePins) => {
      const verdict = { ...(await checkBundle(bundle, pins)), key: 'unpinned' as const }
      return formatVerdict(verdict).split('\n').at(-1)
    }
    const { chainId, registry } = bundle.context
    expect(await lastLine({})).toMatch(/^AGREES WITH ITSELF, and nothing of it is pinned/)
    expect(await lastLine({ chainId, registry })).toMatch(/^AGREES WITH ITSELF, and its keys are not pinned/)
    expect(await lastLine({ chainId: chainId + 1n })).toBe('NOT VALID')
    expect(await lastLine({ verificationKeyHash: keyHash })).toBe('VALID')
  })

  it('A3: refuses another key, chain or registry than pinned', async () => {
    const other = `0x${'cd'.repeat(32)}`
    expect((await checkBundle(bundle, { verificationKeyHash: other })).failure?.field).toBe(
      'context.verificationKeyHash',
    )
    expect((await checkBundle(bundle, { chainId: 1n })).failure?.field).toBe('context.chainId')
    expect((await checkBundle(bundle, { registry: SOURCE })).failure?.field).toBe('context.registry')
  })

  it('A2: finds every changed value that the proof or the twin knows, even if sealed again', async () => {
    // Where the inbox stands is known to the chain only; `verify` says so, `submit` checks it.
    // The second market's fields are found as the first's are, and every look takes two pairings.
    const skipped = /^markets\.0\.inbox|^markets\.1/
    const paths = leavesOf(bundle).filter(
      ({ path, value }) => typeof value === 'bigint' && !skipped.test(path.join('.')),
    )
    for (const { path, value } of paths) {
      const changed = structuredClone(bundle)
      setAt(changed, path, (value as bigint) ^ 1n)
      const verdict = await checkBundle(changed)
      expect(verdict.valid, path.join('.')).toBe(false)
      expect(verdict.failure?.field ?? verdict.failure?.found, path.join('.')).toBeDefined()
    }
    console.log(`${paths.length} values changed by one and sealed again, all found`)
  })

  it('names the first differing field of a false result', async () => {
    const changed = structuredClone(bundle)
    const [, second] = changed.markets
    if (second) setAt(second, ['parameters', 'initialMarginX24'], second.parameters.initialMarginX24 + 1n)
    expect((await checkBundle(changed)).failure).toMatchObject({
      claim: 'P5',
      field: 'markets[1].parameters.initialMarginX24',
      expected: bundle.markets[1]?.parameters.initialMarginX24.toString(),
    })
  })
})

describe('writing', () => {
  it('leaves nothing behind when the folder is missing', async () => {
    const file = join(folder, 'missing', 'bundle.json')
    await expect(writeBundle(file, bundle)).rejects.toMatchObject({ code: 'registry.file-write', file })
  })

  it('replaces a file as a whole', async () => {
    const file = join(folder, 'replaced.json')
    writeFileSync(file, 'old')
    await writeFileAtomic(file, 'new')
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(readdirSync(folder).filter((name) => name.endsWith('.draft'))).toEqual([])
  })

  it('H3: says that the disk is full, keeps the old file and leaves no part of the new one', () => {
    const file = join(folder, 'full.json')
    writeFileSync(file, 'old')
    // A limit of 8 kB on file sizes stands for a full disk; the signal that comes with it is ignored.
    const script = `import { writeFileAtomic } from './prover/registry/atomicFile.ts'
      process.on('SIGXFSZ', () => {})
      const error = await writeFileAtomic(process.argv[1], 'x'.repeat(100_000)).catch((error) => error)
      console.log(error?.code)`
    const command = `ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"`
    const output = execFileSync('bash', ['-c', command, process.execPath, script, file], {
      cwd: join(import.meta.dirname, '..', '..'),
      encoding: 'utf8',
    })
    expect(output.trim()).toBe('registry.disk-full')
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(readdirSync(folder).filter((name) => name.endsWith('.draft'))).toEqual([])
    expect(existsSync(file)).toBe(true)
  })
})
