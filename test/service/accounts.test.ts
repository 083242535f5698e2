/** What the service decides of accounts before anything is proven: who is due, over which arrays, of which rounds' words. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { roundWords } from '../../prover/statement/portfolioMargin.ts'
import { expiryWords } from '../../prover/statement/riskArray.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { roundOf, type RoundWords } from '../../prover/registry/index.ts'
import { expiryHashesOf, hashOfWords } from '../../prover/registry/portfolio/rounds.ts'
import { marginSizes, readAccount } from '../../prover/service/answers/margins.ts'
import { coverOf } from '../../prover/service/daemon/accounts/cover.ts'
import { byUrgency, defaultDuePolicy, type DueTerms, dueOf } from '../../prover/service/daemon/accounts/due.ts'
import type { AccountOnChain } from '../../prover/service/daemon/accounts/ledger.ts'
import {
  parseRoundFile,
  RoundBook,
  RoundFileError,
  RoundOfOthersError,
  roundFileName,
  roundFileOf,
} from '../../prover/service/daemon/accounts/roundBook.ts'
import { Refusals } from '../../prover/service/daemon/accounts/refusals.ts'
import { ShownBlocks } from '../../prover/service/daemon/accounts/shownBlocks.ts'
import { problemOf } from '../../prover/service/http/problems.ts'
import { temporaryFolder } from './zkrisk.ts'

const SPOT = 100_000n * 10n ** 8n

describe('an account is due', () => {
  const thresholds = {
    liquidationDownE8: 0n,
    liquidationUpE8: 0n,
    defaultDownE8: 0n,
    defaultUpE8: 0n,
    defaultProbabilityX32: 0n,
  }
  const account: AccountOnChain = {
    ...{ account: '0x01', sequence: 2n, words: { positions: [], holdings: 0n, collateralAmounts: [] } },
    ...{ reportedIn: 7, seenAt: 0, isUnhealthy: false },
    margin: {
      ...{ asOf: 1000n, sequence: 2n, thresholds },
      margins: { initialE8: 50n, maintenanceE8: 100n, worstScenario: 0n },
    },
  }
  const terms: DueTerms = {
    ...{ time: 1100n, maxMarginAgeSeconds: 1000n, asOf: 1060n, spotE8: SPOT, policy: defaultDuePolicy },
  }
  const margin = account.margin as NonNullable<AccountOnChain['margin']>
  const reason = (turned: Partial<AccountOnChain>, at: Partial<DueTerms> = {}, maintenanceE8 = 100n) =>
    dueOf({ ...account, ...turned }, { maintenanceE8 }, { ...terms, ...at })?.reason

  it('for a report without margins, of whatever round', () => {
    expect(reason({})).toBeUndefined()
    expect(reason({ sequence: 3n })).toBe('report')
    expect(reason({ sequence: 3n }, { asOf: 1000n })).toBe('report')
    expect(reason({ margin: undefined })).toBe('report')
  })

  it('for a renewal from a share of the age on at which nobody reads its margin', () => {
    expect([1599n, 1600n].map((time) => reason({}, { time }))).toEqual([undefined, 'renewal'])
    expect(reason({}, { time: 1600n, asOf: 1000n })).toBeUndefined()
  })

  it('near a threshold, on either side, to the per cent', () => {
    const at = (levels: Partial<typeof thresholds>) =>
      reason({ margin: { ...margin, thresholds: { ...thresholds, ...levels } } })
    const level = (percent: bigint): bigint => (SPOT * percent) / 1000n
    expect([979n, 981n, 1001n].map((down) => at({ liquidationDownE8: level(down) }))).toEqual([
      ...[undefined, 'near-threshold', 'near-threshold'],
    ])
    expect([999n, 1019n, 1021n].map((up) => at({ liquidationUpE8: level(up) }))).toEqual([
      ...['near-threshold', 'near-threshold', undefined],
    ])
  })

  it('when what it holds above maintenance has fallen by a quarter', () => {
    expect([76n, 75n].map((now) => reason({}, {}, now))).toEqual([undefined, 'moved'])
  })

  it('below maintenance only once it is above again, of a later round', () => {
    const below = { isUnhealthy: true, margin: { ...margin, margins: { ...margin.margins, maintenanceE8: -1n } } }
    expect(reason(below, { time: 5000n }, -1n)).toBeUndefined()
    expect(reason(below, {}, 0n)).toBe('recovered')
    expect(reason(below, { asOf: 1000n }, 0n)).toBeUndefined()
  })

  it('in the order of urgency, the nearest and the oldest first', () => {
    const one = (why: Parameters<typeof byUrgency>[0]['reason'], order: number) => ({
      account,
      reason: why,
      says: '',
      order,
    })
    const given = [
      one('count', 0),
      one('report', 9),
      one('report', 3),
      one('renewal', 1),
      one('near-threshold', 0.01),
      one('unhealthy', 0),
    ]
    const sorted = given.toSorted(byUrgency).map(({ reason: why, order }) => `${why} ${order}`)
    expect(sorted).toEqual(['unhealthy 0', 'near-threshold 0.01', 'renewal 1', 'report 3', 'report 9', 'count 0'])
  })
})

describe('arrays of accounts', () => {
  const at = (expiry: bigint, ...strikes: bigint[]) => strikes.map((strikeE8) => ({ expiry, strikeE8 }))

  it('have each strike once, five an array, the last one repeated where there are fewer', () => {
    const { missing, arrays } = coverOf([...at(1n, 3n, 1n, 2n, 6n, 5n, 4n), ...at(2n, 9n), ...at(1n, 3n)], [], [], 5)
    expect(missing).toEqual([
      { expiry: 1n, strikesE8: [1n, 2n, 3n, 4n, 5n] },
      { expiry: 1n, strikesE8: [6n, 6n, 6n, 6n, 6n] },
      { expiry: 2n, strikesE8: [9n, 9n, 9n, 9n, 9n] },
    ])
    expect(arrays).toEqual(missing)
  })

  it('S21: are not made again where they are at hand', () => {
    const held = [{ expiry: 1n, strikesE8: [1n, 2n, 3n, 4n, 5n] }]
    const { missing, arrays } = coverOf(at(1n, 2n, 4n, 7n), held, [], 5)
    expect(missing).toEqual([{ expiry: 1n, strikesE8: [7n, 7n, 7n, 7n, 7n] }])
    expect(arrays).toEqual([...held, ...missing])
    expect(coverOf(at(1n, 2n), held, [], 5)).toEqual({ arrays: held, missing: [] })
    expect(coverOf(at(2n, 2n), held, [], 5).missing).toHaveLength(1)
  })

  it('take strikes of others into places that are left, the nearest first, and none that is at hand', () => {
    const held = [{ expiry: 1n, strikesE8: [11n, 11n, 11n, 11n, 11n] }]
    const others = [...at(1n, 11n, 30n, 12n, 9n, 50n), ...at(2n, 10n)]
    expect(coverOf(at(1n, 10n, 8n), held, others, 5).missing).toEqual([
      { expiry: 1n, strikesE8: [8n, 9n, 10n, 12n, 30n] },
    ])
  })
})

describe('S74: what is remembered for as long as a service lives', () => {
  it('is of the last thousand pieces of work that the registry refused, those that it refuses again among them', () => {
    const refusals = new Refusals()
    for (let i = 0; i < 5000; i++) {
      refusals.add(`job ${i}`)
      if (i % 500 === 0) refusals.add('again')
    }
    expect([refusals.size, refusals.of('again'), refusals.of('job 4999'), refusals.of('job 0')]).toEqual([
      1000, 10, 1, 0,
    ])
    refusals.forget('again')
    expect(refusals.of('again')).toBe(0)
  })

  it('is of the last thousand accounts that were shown to be below maintenance, and the count of the last hour is exact', async () => {
    const shown = new ShownBlocks()
    const asked: number[] = []
    const timeOf = async (block: number): Promise<number> => {
      asked.push(block)
      return 12 * block
    }
    for (let block = 1; block <= 4000; block++) {
      shown.add(block)
      expect(await shown.since(BigInt(12 * (block - 300) + 1), timeOf)).toBe(Math.min(block, 300))
      expect(shown.size).toBeLessThanOrEqual(2000)
    }
    // Of each block once, and of the first that is too early with each look.
    expect(new Set(asked).size).toBe(4000)
    expect(asked.length).toBeLessThan(8000)
  })
})

describe('words of rounds', () => {
  const folder = temporaryFolder()
  const { market } = readAccount(join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json'), {})
  const { round: own } = provableMargin(
    readAccount(join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json'), {}),
    marginSizes,
  )
  const words: RoundWords = roundOf(marketIdOf('BTC-USD'), own.asOf, roundWords(own), market.expiries.map(expiryWords))
  const published = {
    ...{ asOf: words.asOf, roundId: '0x', marketHash: hashOfWords(words.market) },
    expiryHashes: expiryHashesOf(words),
  }
  const file = roundFileOf('BTC-USD', words)
  const bookOf = (name: string) => {
    const refused: RoundFileError[] = []
    const at = join(folder, name)
    return {
      at,
      refused,
      book: new RoundBook({ market: 'BTC-USD', folder: at, onRefused: (error) => refused.push(error) }),
    }
  }

  it('S27: are those of a file in the folder, if their hashes are the published ones', () => {
    const { at, book, refused } = bookOf('one')
    book.look()
    expect(book.wordsOf(published)).toBeUndefined()
    mkdirSync(at)
    writeFileSync(join(at, roundFileName(file)), JSON.stringify(file))
    book.look()
    expect(book.wordsOf(published)).toEqual(words)
    expect(book.wordsOf({ ...published, marketHash: `0x${'00'.repeat(32)}` })).toBeUndefined()
    expect(book.wordsOf({ ...published, expiryHashes: [...published.expiryHashes].reverse() })?.expiries).toEqual(
      words.expiries.toReversed(),
    )
    expect(refused).toEqual([])
  })

  it('are put together from what calls on the chain have shown', () => {
    const { book } = bookOf('two')
    book.learn({ market: words.market, expiries: words.expiries.slice(1) })
    expect(book.wordsOf(published)).toBeUndefined()
    book.learn({ market: words.market, expiries: words.expiries.slice(0, 1) })
    expect(book.wordsOf(published)).toEqual(words)
  })

  it('are on the disk once they were handed on, for the next service', async () => {
    const { at, book } = bookOf('three')
    await book.take(file)
    const next = new RoundBook({ market: 'BTC-USD', folder: at, onRefused: () => {} })
    next.look()
    expect([book, next].map((each) => each.wordsOf(published))).toEqual([words, words])
    await expect(book.take({ ...file, market: 'ETH-USD' })).rejects.toThrow(RoundOfOthersError)
  })

  it('S82: whose folder is replaced by a file are missed by name, and taken again when it is back', async () => {
    const { at, book, refused } = bookOf('eighteen')
    await book.take(file)
    book.look()
    rmSync(at, { recursive: true })
    writeFileSync(at, '')
    const told = { code: 'service.rounds-folder', message: expect.stringContaining(at) }
    expect(() => book.look()).toThrow(expect.objectContaining(told))
    const error = await book.take(file).catch((thrown: unknown) => thrown)
    expect([error, problemOf(error).status, book.fault()]).toEqual([
      ...[expect.objectContaining(told), 503, expect.stringContaining(at)],
    ])
    rmSync(at)
    expect(book.fault()).toBeUndefined()
    await book.take(file)
    book.look()
    expect([readdirSync(at).length, refused]).toEqual([1, []])
  })

  it('S60: are deleted once later rounds were published, but for those of rounds that are followed, and those that others wrote', async () => {
    const { at, book } = bookOf('ten')
    const atTime = (asOf: number) => ({ ...file, asOf })
    const publishedAt = (asOf: number) => ({ ...published, asOf: BigInt(asOf) })
    for (const asOf of [10, 20, 30, 40]) await book.take(atTime(asOf))
    const lie = { ...atTime(20), marketWords: [...file.marketWords.slice(1), '0x1'] }
    await book.take(lie)
    writeFileSync(join(at, roundFileName(atTime(10))), JSON.stringify(atTime(10)))
    expect(readdirSync(at).length).toBe(6)
    book.forget([publishedAt(30), publishedAt(20)])
    const times = () =>
      readdirSync(at)
        .map((name) => [Number(/-(\d+)/.exec(name.replace('BTC-USD', ''))?.[1]), name.length > 25] as const)
        .toSorted((a, b) => a[0] - b[0])
    expect(times()).toEqual([[10, false], ...[20, 30, 40].map((asOf) => [asOf, true])])
    book.forget([publishedAt(50)])
    expect(times()).toEqual([[10, false]])
  })

  it('S60: are refused by name when too many wait to be published, and taken again when these were', async () => {
    const { at, book } = bookOf('eleven')
    for (let asOf = 1; asOf <= 64; asOf++) await book.take({ ...file, asOf })
    await expect(book.take({ ...file, asOf: 65 })).rejects.toMatchObject({ code: 'service.rounds-full', most: 64 })
    expect(readdirSync(at).length).toBe(64)
    // The same words again are no more of them.
    await book.take({ ...file, asOf: 64 })
    book.forget([{ ...published, asOf: 1n }])
    await book.take({ ...file, asOf: 65 })
    // What nobody publishes is not waited for.
    const some = readdirSync(at).find((name) => name.startsWith('BTC-USD-30-')) ?? ''
    const before = new Date(Date.now() - 2 * 3_600_000)
    utimesSync(join(at, some), before, before)
    await expect(book.take({ ...file, asOf: 66 })).resolves.toBeUndefined()
    expect(readdirSync(at)).not.toContain(some)
  })

  it('S60: what nobody publishes is forgotten for good: as many others are taken in its place', async () => {
    const { at, book } = bookOf('sixteen')
    book.forget([{ ...published, asOf: 1n }])
    for (let round = 1; round <= 3; round++) {
      for (let asOf = 0; asOf < 60; asOf++) await book.take({ ...file, asOf: 1000 * round + asOf })
      const before = new Date(Date.now() - 2 * 3_600_000)
      for (const name of readdirSync(at)) utimesSync(join(at, name), before, before)
    }
    expect(readdirSync(at).length).toBeLessThanOrEqual(64)
  })

  it('S60: none that an earlier process was handed on is counted or deleted before the chain has told which rounds are followed', async () => {
    const { at, book } = bookOf('fourteen')
    const times = Array.from({ length: 70 }, (_, i) => i + 1)
    const rounds = times.map((asOf) => ({ ...published, asOf: BigInt(asOf) })).toReversed()
    for (const asOf of times) {
      await book.take({ ...file, asOf })
      book.forget(rounds.slice(-asOf))
    }
    const before = new Date(Date.now() - 2 * 3_600_000)
    for (const name of readdirSync(at)) utimesSync(join(at, name), before, before)
    const next = new RoundBook({ market: 'BTC-USD', folder: at, onRefused: () => {} })
    await next.take({ ...file, asOf: 71 })
    expect(readdirSync(at).length).toBe(71)
    next.forget(rounds)
    expect(readdirSync(at).length).toBe(71)
  })

  it('S60: of times that are past are no more than of those to come, also where they are handed on at once', async () => {
    const { at, book } = bookOf('fifteen')
    book.forget([{ ...published, asOf: 1000n }])
    const flood = Array.from({ length: 100 }, (_, asOf) => book.take({ ...file, asOf }))
    const refused = (await Promise.allSettled(flood)).filter(({ status }) => status === 'rejected')
    expect([refused.length, readdirSync(at).length]).toEqual([36, 64])
  })

  it('S60: of more files than are read the latest rounds’ are, which is told once', () => {
    const { at, book, refused } = bookOf('twelve')
    mkdirSync(at)
    for (let asOf = 1; asOf <= 1100; asOf++) writeFileSync(join(at, `ETH-USD-${asOf}.round.json`), 'no round')
    writeFileSync(join(at, roundFileName(file)), JSON.stringify(file))
    book.look()
    book.look()
    expect(book.wordsOf(published)).toEqual(words)
    expect(refused.filter(({ message }) => message.includes('it has 1101 files')).length).toBe(1)
    expect(refused.length).toBe(1 + 1023)
  })

  it('S60: are read of published rounds, however many files are of times to come', () => {
    const { at, book } = bookOf('seventeen')
    mkdirSync(at)
    for (let i = 1; i <= 1100; i++) writeFileSync(join(at, `BTC-USD-${Number(words.asOf) + i}.round.json`), 'no round')
    // By its name it is found by nobody.
    writeFileSync(join(at, `of-somebody-${words.asOf}.round.json`), JSON.stringify(file))
    book.forget([published])
    book.look()
    expect(book.wordsOf(published)).toEqual(words)
  })

  it('S74: are looked for without listing a folder in which nothing has come or gone, and none that comes is missed', async () => {
    const { at, book } = bookOf('thirteen')
    mkdirSync(at)
    for (let asOf = 1; asOf <= 20_000; asOf++) writeFileSync(join(at, `ETH-USD-${asOf}.round.txt`), '')
    const seconds = (times: number, work: () => unknown): number => {
      const began = performance.now()
      for (let i = 0; i < times; i++) work()
      return (performance.now() - began) / 1000
    }
    book.look()
    await sleep(3100)
    book.look()
    const listing = Math.min(...[1, 2, 3, 4, 5].map(() => seconds(1, () => readdirSync(at))))
    expect(seconds(200, () => book.look())).toBeLessThan(50 * listing)
    // While times may be the same, and after.
    const asOfs = [1, 2, 3, 4, 5, 6].map((after) => Number(words.asOf) + after)
    for (const [i, asOf] of asOfs.entries()) {
      await sleep(i === 4 ? 3100 : [0, 1, 10][i % 3])
      const word = `0x${asOf.toString(16)}`
      const round = { ...file, asOf, marketWords: [word, ...file.marketWords.slice(1)] }
      writeFileSync(join(at, roundFileName(round)), JSON.stringify(round))
      book.look()
      const hash = hashOfWords(round.marketWords.map(BigInt))
      // What a look has not found is found on the disk by its name, but for this.
      rmSync(join(at, roundFileName(round)))
      expect(book.wordsOf({ ...published, asOf: BigInt(asOf), marketHash: hash })).toBeDefined()
      book.look()
    }
  })

  it('S27: that are not the published ones are in no other’s way, whoever handed them on first or last', async () => {
    const { at, book } = bookOf('five')
    const [first = '', ...others] = file.marketWords
    const lie = { ...file, marketWords: [`${first.slice(0, -1)}${first.endsWith('0') ? 1 : 0}`, ...others] }
    await book.take(lie)
    writeFileSync(join(at, roundFileName(file)), JSON.stringify(file))
    book.look()
    expect(book.wordsOf(published)).toEqual(words)
    const second = bookOf('six')
    await second.book.take(file)
    await second.book.take(lie)
    const next = new RoundBook({ market: 'BTC-USD', folder: second.at, onRefused: () => {} })
    next.look()
    expect(next.wordsOf(published)).toEqual(words)
  })

  it('S27: are at hand however many others were handed on since, from the folder or over HTTP', async () => {
    const [handedOn, written] = [bookOf('seven'), bookOf('eight')]
    await handedOn.book.take(file)
    mkdirSync(written.at)
    writeFileSync(join(written.at, roundFileName(file)), JSON.stringify(file))
    written.book.look()
    for (const { book } of [handedOn, written]) {
      book.learn({ market: [0n], expiries: Array.from({ length: 20_001 }, (_, n) => [BigInt(n + 1)]) })
      expect(book.wordsOf(published)).toEqual(words)
      expect(
        book.wordsOf({ ...published, asOf: published.asOf + 1n, marketHash: `0x${'00'.repeat(32)}` }),
      ).toBeUndefined()
    }
  })

  it('are read from a file that has the name of one that is gone', () => {
    const { at, book } = bookOf('nine')
    mkdirSync(at)
    const name = join(at, roundFileName(file))
    const others = file.marketWords.map(() => '0x1')
    writeFileSync(name, JSON.stringify({ ...file, marketWords: others }))
    book.look()
    writeFileSync(name, JSON.stringify(file))
    book.look()
    rmSync(name)
    book.look()
    writeFileSync(name, JSON.stringify(file))
    book.look()
    rmSync(name)
    expect(book.wordsOf(published)).toEqual(words)
  })

  it('of a file that is no round are refused by name, once, and the others are read', () => {
    const { at, book, refused } = bookOf('four')
    mkdirSync(at)
    writeFileSync(join(at, 'a.round.json'), '{')
    writeFileSync(join(at, 'b.round.json'), JSON.stringify({ ...file, marketWords: file.marketWords.slice(1) }))
    writeFileSync(join(at, 'c.round.json'), JSON.stringify(file))
    book.look()
    book.look()
    expect(refused.map((error) => [error.file, error.code])).toEqual([
      [expect.stringContaining('a.round.json'), 'service.round-file'],
      [expect.stringContaining('b.round.json'), 'service.round-file'],
    ])
    expect(book.wordsOf(published)).toEqual(words)
  })

  it.each([
    ['another format', { format: 'zk-risk-engine/deployment' }, 'format'],
    ['another version', { version: 2 }, 'version'],
    ['a word that is no word', { marketWords: [...file.marketWords.slice(1), '12'] }, 'marketWords'],
    ['an entry that is unknown', { spot: 1 }, 'spot'],
    ['a time that is none', { asOf: -1 }, 'asOf'],
  ])('of a file with %s are refused with its place', (_, turned, at) => {
    expect(() => parseRoundFile(JSON.stringify(file), 'f')).not.toThrow()
    const parse = () => parseRoundFile(JSON.stringify({ ...file, ...turned }), 'f')
    expect(parse).toThrow(RoundFileError)
    expect(parse).toThrow(at)
  })
})
