/**
 * Words of rounds. A source keeps hashes alone, so whoever publishes a round has to hand its words on: as files of a folder, over
 * HTTP, or in calls that the chain has already. Whoever hands them on is not believed: words count if their hash is the published one.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { lists, words } from '../../../../circuits/statements/index.ts'
import { fixedWords, type WordList } from '../../../../circuits/statements/language.ts'
import { ProverError } from '../../../errors.ts'
import { marketIdOf } from '../../../market/marketId.ts'
import { whyUnreadable } from '../../../market/textFile.ts'
import { writeFileAtomic } from '../../../registry/atomicFile.ts'
import { hashOfWords, type RoundWords } from '../../../registry/portfolio/rounds.ts'
import { firstIssue } from '../../../registry/wordSchemas.ts'
import type { PublishedRound, ShownWords } from './ledger.ts'

/** Of a file or a request; a round of 100 expiries has 30 kB. */
const MOST_ROUND_BYTES = 1 << 18
const MOST_EXPIRIES = 256
/** Words that are remembered, of markets and expiries. */
const MOST_WORDS = 20_000

const wordSchema = z.string().regex(/^0x[0-9a-f]{1,64}$/, 'expected 0x and at most 64 lower-case hexadecimal digits')
const wordsOf = (list: WordList) => {
  const count = list.sections.reduce((sum, section) => sum + fixedWords(section, words), 0)
  return z.array(wordSchema).length(count, `expected ${count} words`)
}

/** A round as whoever published it writes it down. */
export const roundFileSchema = z.strictObject({
  format: z.literal('zk-risk-engine/round'),
  version: z.literal(1),
  market: z.string().min(1).max(66),
  /** Unix seconds. */
  asOf: z
    .int()
    .min(0)
    .max(2 ** 32),
  /** As its source hashes them. */
  marketWords: wordsOf(lists.roundMarket),
  /** Of each expiry, by increasing expiry. */
  expiries: z.array(wordsOf(lists.expiryMarket)).max(MOST_EXPIRIES),
})

export type RoundFile = z.infer<typeof roundFileSchema>

const hexOf = (word: bigint): string => `0x${word.toString(16)}`

/** A round for a file or a request. */
export const roundFileOf = (market: string, { asOf, market: own, expiries }: RoundWords): RoundFile => ({
  ...{ format: 'zk-risk-engine/round', version: 1, market, asOf: Number(asOf), marketWords: own.map(hexOf) },
  expiries: expiries.map((each) => each.map(hexOf)),
})

/** Under which a round of a folder is found again. */
export const roundFileName = ({ market, asOf }: Pick<RoundFile, 'market' | 'asOf'>): string =>
  `${market}-${asOf}.round.json`

type RoundHashes = Pick<PublishedRound, 'asOf' | 'marketHash' | 'expiryHashes'>

/** Of what somebody handed on: what they say decides, so that no words are in the place of others. */
function takenFileName(market: string, { asOf, marketHash, expiryHashes }: RoundHashes): string {
  const digest = createHash('sha256')
    .update([marketHash, ...expiryHashes].join(' '))
    .digest('hex')
  return `${market}-${asOf}-${digest.slice(0, 32)}.round.json`
}

export type RoundBookOptions = {
  /** Name of the market whose rounds the registry takes. */
  readonly market: string
  readonly folder: string
  /** Is told of files that are no rounds, once each. */
  readonly onRefused: (error: RoundFileError) => void
}

export class RoundBook {
  private readonly options: RoundBookOptions
  private readonly known = new Map<string, readonly bigint[]>()
  private readonly read = new Set<string>()

  constructor(options: RoundBookOptions) {
    this.options = options
  }

  get market(): string {
    return this.options.market
  }

  /** Takes over what is new in the folder. A file is read once: whoever writes it renames it when it is whole. */
  look(): void {
    const { folder, market, onRefused } = this.options
    const names = new Set(namesIn(folder))
    for (const name of this.read) if (!names.has(name)) this.read.delete(name)
    for (const name of names) {
      if (this.read.has(name)) continue
      this.read.add(name)
      try {
        const round = parseRoundFile(textIn(join(folder, name)), name)
        if (round.market === market) this.keep(round)
      } catch (error) {
        if (!(error instanceof RoundFileError)) throw error
        onRefused(error)
      }
    }
  }

  /** Keeps a round that somebody handed on, on the disk before it returns. @throws {@link RoundOfOthersError} */
  async take(round: RoundFile): Promise<void> {
    const { folder, market } = this.options
    if (round.market !== market) throw new RoundOfOthersError(round.market, market)
    mkdirSync(folder, { recursive: true })
    const name = takenFileName(market, hashesOf(round))
    await writeFileAtomic(join(folder, name), `${JSON.stringify(round)}\n`)
    this.read.add(name)
    this.keep(round)
  }

  /** Words that a call on the chain has shown. */
  learn({ market, expiries }: ShownWords): void {
    for (const each of [market, ...expiries]) {
      const hash = hashOfWords(each)
      this.known.delete(hash)
      this.known.set(hash, each)
    }
    for (const hash of this.known.keys()) {
      if (this.known.size <= MOST_WORDS) break
      this.known.delete(hash)
    }
  }

  /** The words of a published round, if all of them are at hand. */
  wordsOf(published: PublishedRound): RoundWords | undefined {
    return this.knownWordsOf(published) ?? (this.recall(published) ? this.knownWordsOf(published) : undefined)
  }

  private knownWordsOf({ asOf, marketHash, expiryHashes }: PublishedRound): RoundWords | undefined {
    const market = this.known.get(marketHash)
    const expiries = expiryHashes.map((hash) => this.known.get(hash))
    if (market === undefined || expiries.includes(undefined)) return undefined
    return { marketId: marketIdOf(this.market), asOf, market, expiries: expiries as (readonly bigint[])[] }
  }

  /** What others have pushed out is on the disk yet. @returns whether there is something */
  private recall(published: PublishedRound): boolean {
    const { folder, market } = this.options
    const { asOf } = published
    const names = [takenFileName(market, published), roundFileName({ market, asOf: Number(asOf) })]
    const found = names.map((name) => {
      try {
        const round = parseRoundFile(textIn(join(folder, name)), name)
        if (round.market === market) this.keep(round)
        return true
      } catch (error) {
        if (!(error instanceof RoundFileError)) throw error
        return false
      }
    })
    return found.includes(true)
  }

  private keep({ marketWords, expiries }: RoundFile): void {
    this.learn({ market: marketWords.map(BigInt), expiries: expiries.map((each) => each.map(BigInt)) })
  }
}

function hashesOf({ asOf, marketWords, expiries }: RoundFile): RoundHashes {
  const hashes = [marketWords, ...expiries].map((each) => hashOfWords(each.map(BigInt)))
  const [marketHash = '', ...expiryHashes] = hashes
  return { asOf: BigInt(asOf), marketHash, expiryHashes }
}

/** @throws {@link RoundFileError} */
export function parseRoundFile(text: string, name: string): RoundFile {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new RoundFileError(name, 'it is no JSON', error)
  }
  const parsed = roundFileSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const { path, reason } = firstIssue(parsed.error)
  throw new RoundFileError(name, path === '' ? reason : `${path}: ${reason}`)
}

/** A folder that is not there yet has no rounds. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.round.json'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new RoundFileError(folder, whyUnreadable(error), error)
  }
}

function textIn(file: string): string {
  try {
    const bytes = readFileSync(file)
    if (bytes.length > MOST_ROUND_BYTES) throw new RoundFileError(file, `it has more than ${MOST_ROUND_BYTES} bytes`)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof RoundFileError) throw error
    throw new RoundFileError(file, whyUnreadable(error), error)
  }
}

/** A file is no round. */
export class RoundFileError extends ProverError {
  readonly code = 'service.round-file'
  readonly file: string

  constructor(file: string, reason: string, cause?: unknown) {
    super(
      `Expected ${file} to be a round (docs/accounts.md says how it is written), but ${reason}. Write it again under another name.`,
      { cause },
    )
    this.file = file
  }
}

/** A round is of a market whose rounds the registry does not take. */
export class RoundOfOthersError extends ProverError {
  readonly code = 'service.round-of-others'
  readonly market: string

  constructor(market: string, expected: string) {
    super(`Expected a round of ${expected}, whose rounds the registry of margins takes, got one of ${market}.`)
    this.market = market
  }
}
