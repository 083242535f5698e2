/**
 * Words of rounds. A source keeps hashes alone, so whoever publishes a round has to hand its words on: as files of a folder, over
 * HTTP, or in calls that the chain has already. Whoever hands them on is not believed: words count if their hash is the published one.
 */
import { createHash } from 'node:crypto'
import { opendirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { lists, words } from '../../../../circuits/statements/index.ts'
import { fixedWords, type WordList } from '../../../../circuits/statements/language.ts'
import { ProverError } from '../../../errors.ts'
import { otherKindThan } from '../../../market/fileKind.ts'
import { marketIdOf } from '../../../market/marketId.ts'
import { whyUnreadable } from '../../../market/textFile.ts'
import { writeFileAtomic } from '../../../registry/atomicFile.ts'
import { hashOfWords, type RoundWords } from '../../../registry/portfolio/rounds.ts'
import { firstIssue } from '../../../registry/wordSchemas.ts'
import { FolderChanges } from './folderChanges.ts'
import { keepNewest } from '../../keepNewest.ts'
import type { PublishedRound, ShownWords } from './ledger.ts'
import { makeFolder } from '../../../folder.ts'

/** Of a file or a request; a round of 100 expiries has 30 kB. */
const MOST_ROUND_BYTES = 1 << 18
const MOST_EXPIRIES = 256
/** Files of words that whoever publishes rounds leaves, and that are kept of what was handed on: as many rounds as are followed. */
export const ROUND_FILES_KEPT = 256
/** Words that are remembered, of markets and expiries. */
const MOST_WORDS = 20_000
/** Files of a folder that are read: those of the latest rounds. */
const MOST_FILES = 1024
/** Rounds that were handed on here before they were published, and how long one is waited for. */
export const MOST_AHEAD = 64
const AHEAD_MS = 3_600_000
const DRAFT_MS = 3_600_000

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

/** Time of the round that a file is of, by its name; undefined if the name says nothing of it. */
function asOfIn(name: string): bigint | undefined {
  const [, asOf] = /-(\d{1,10})(?:-[0-9a-f]{32})?\.round\.json$/.exec(name) ?? []
  return asOf === undefined ? undefined : BigInt(asOf)
}

/** Whether a file was handed on to a service. */
const isTaken = (name: string): boolean => /-\d{1,10}-[0-9a-f]{32}\.round\.json$/.test(name)

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
  private readonly changes: FolderChanges
  private readonly known = new Map<string, readonly bigint[]>()
  private read = new Set<string>()
  private newest: bigint | undefined
  /** Files of words of the rounds that are followed; undefined until the chain has told of them. */
  private followed: ReadonlySet<string> | undefined
  /** Files that were handed on here since the chain last told of another round, those on their way to the disk among them. */
  private readonly taken = new Set<string>()
  private isOverfull = false

  constructor(options: RoundBookOptions) {
    this.options = options
    this.changes = new FolderChanges(options.folder)
  }

  get market(): string {
    return this.options.market
  }

  /** Why the folder is of no use at this moment; undefined if it is. */
  fault(): string | undefined {
    try {
      requireRoundsFolder(this.options.folder)
      return undefined
    } catch (error) {
      if (!(error instanceof RoundsFolderError)) throw error
      return error.message
    }
  }

  /** Takes over what is new in the folder. A file is read once: whoever writes it renames it when it is whole. */
  look(): void {
    const { folder, market, onRefused } = this.options
    const names = this.changes.since(() => this.latest(namesIn(folder)))
    if (names === undefined) return
    this.read = new Set(names.filter((name) => this.read.has(name)))
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

  /**
   * The latest rounds' files, as many as are read; that there are more is told once. Of times after the chain's newest round no more
   * come first than may wait for their publication: names of the future keep no published round's words from being read.
   */
  private latest(names: readonly string[]): readonly string[] {
    if (names.length <= MOST_FILES) this.isOverfull = false
    if (names.length <= MOST_FILES) return names
    const { folder, onRefused } = this.options
    const says = `it has ${names.length} files, of which those of the ${MOST_FILES} latest rounds are read`
    if (!this.isOverfull) onRefused(new RoundFileError(folder, `${says}: delete old ones`))
    this.isOverfull = true
    const dated = names.map((name) => ({ name, asOf: Number(asOfIn(name) ?? -1n) }))
    const newest = Number(this.newest ?? Number.POSITIVE_INFINITY)
    const ahead = dated.filter(({ asOf }) => asOf > newest).toSorted((a, b) => a.asOf - b.asOf)
    const past = dated.filter(({ asOf }) => asOf <= newest).toSorted((a, b) => b.asOf - a.asOf)
    const chosen = [...ahead.slice(0, MOST_AHEAD), ...past, ...ahead.slice(MOST_AHEAD)]
    return chosen.slice(0, MOST_FILES).map(({ name }) => name)
  }

  /**
   * Deletes what was handed on here and can count no more: of times up to the newest round, but for the words of the rounds that are
   * followed, and of rounds that nobody has published within an hour. Files that others wrote are theirs.
   *
   * @param published - newest first
   */
  forget(published: readonly PublishedRound[]): void {
    const newest = published[0]?.asOf ?? -1n
    if (newest === this.newest) return
    this.newest = newest
    const { folder, market } = this.options
    const followed = new Set(published.map((each) => takenFileName(market, each)))
    this.followed = followed
    this.taken.clear()
    forgetDrafts(folder)
    for (const name of namesIn(folder).filter(isTaken)) {
      const isPast = (asOfIn(name) ?? 0n) <= newest
      if (isPast ? !followed.has(name) : isOlder(join(folder, name), AHEAD_MS))
        rmSync(join(folder, name), { force: true })
    }
  }

  /** Keeps a round that somebody handed on, on the disk before it returns. @throws {@link RoundOfOthersError}, {@link RoundsFullError} */
  async take(round: RoundFile): Promise<void> {
    const { folder, market } = this.options
    if (round.market !== market) throw new RoundOfOthersError(round.market, market)
    makeOwnFolder(folder)
    const name = takenFileName(market, hashesOf(round))
    this.requireRoom(name)
    this.taken.add(name)
    try {
      await writeFileAtomic(join(folder, name), `${JSON.stringify(round)}\n`)
    } catch (error) {
      this.taken.delete(name)
      throw error
    }
    this.read.add(name)
    this.keep(round)
  }

  /**
   * For words of no round that is followed, whatever time they are of. Until the chain has told which are, any file of an earlier
   * process may be of one.
   *
   * @throws {@link RoundsFullError}
   */
  private requireRoom(name: string): void {
    const { folder } = this.options
    const { followed, taken } = this
    const onDisk = followed === undefined ? [] : namesIn(folder).filter((each) => isTaken(each) && !followed.has(each))
    const waiting = new Set([...onDisk, ...taken])
    if (waiting.has(name) || waiting.size < MOST_AHEAD) return
    for (const each of onDisk.filter((own) => isOlder(join(folder, own), AHEAD_MS))) {
      rmSync(join(folder, each), { force: true })
      waiting.delete(each)
      taken.delete(each)
    }
    if (waiting.size >= MOST_AHEAD) throw new RoundsFullError(MOST_AHEAD)
  }

  /** Words that a call on the chain has shown. */
  learn({ market, expiries }: ShownWords): void {
    for (const each of [market, ...expiries]) {
      const hash = hashOfWords(each)
      this.known.delete(hash)
      this.known.set(hash, each)
    }
    keepNewest(this.known, MOST_WORDS)
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
  const other = otherKindThan('round', json)
  if (other !== undefined) throw new RoundFileError(name, `by its format it is ${other}`)
  const { path, reason } = firstIssue(parsed.error)
  throw new RoundFileError(name, path === '' ? reason : `${path}: ${reason}`)
}

const namesIn = (folder: string): readonly string[] => entriesOf(folder).filter((name) => name.endsWith('.round.json'))

/** A folder that is not there yet has no rounds. */
function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw folderError(folder, error)
  }
}

/** Refuses what is no folder; one that is not there yet is made when it is needed. @throws {@link RoundsFolderError} */
export function requireRoundsFolder(folder: string): void {
  try {
    opendirSync(folder).closeSync()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw folderError(folder, error)
  }
}

function makeOwnFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    throw folderError(folder, error)
  }
}

function folderError(folder: string, error: unknown): RoundsFolderError {
  const { code } = error as NodeJS.ErrnoException
  const isOther = code === 'ENOTDIR' || code === 'EEXIST'
  return new RoundsFolderError(folder, isOther ? 'it, or what it lies in, is none' : whyUnreadable(error), error)
}

/** Deletes what processes had begun to write of rounds that were killed an hour ago or longer. */
export function forgetDrafts(folder: string): void {
  const drafts = entriesOf(folder).filter((name) => /^\..+\.round\.json\.\d+\.\d+\.draft$/.test(name))
  for (const name of drafts.filter((each) => isOlder(join(folder, each), DRAFT_MS)))
    rmSync(join(folder, name), { force: true })
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

/** Whether a file was written longer ago; one that is gone was not. */
function isOlder(file: string, milliseconds: number): boolean {
  try {
    return Date.now() - statSync(file).mtimeMs > milliseconds
  } catch {
    return false
  }
}

/** More rounds were handed on ahead of their publication than are kept. */
export class RoundsFullError extends ProverError {
  readonly code = 'service.rounds-full'
  readonly most: number

  constructor(most: number) {
    super(
      `Expected no more than ${most} rounds that are yet to be published, as many were handed on already. ` +
        'Publish them first; what nobody publishes is forgotten after an hour.',
    )
    this.most = most
  }
}

/** What is named as the folder of rounds is none, or cannot be used. */
export class RoundsFolderError extends ProverError {
  readonly code = 'service.rounds-folder'
  readonly folder: string

  constructor(folder: string, reason: string, cause: unknown) {
    super(
      `Expected a folder of words of rounds at ${folder}, but ${reason}. Name another with --rounds, or put it right.`,
      {
        cause,
      },
    )
    this.folder = folder
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
