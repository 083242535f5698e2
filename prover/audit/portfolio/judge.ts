/**
 * Judges a {@link PortfolioRecord}: prices every array, folds every book and margins every account again with the twin,
 * verifies every proof twice, and says what differs.
 */
import { type PortfolioBuild, portfolioBuilds } from '../../../circuits/builds.ts'
import {
  type Fields,
  type PackedWordName,
  packedWords,
  type PortfolioStatementName,
} from '../../../circuits/statements.ts'
import type { PricedSurface, ProvableMargin } from '../../portfolio/accountMargin.ts'
import { type BookState, emptyBook, foldBook, type OptionPosition } from '../../portfolio/book.ts'
import type { AccountMargin, AccountState } from '../../portfolio/margin.ts'
import type { BookShard } from '../../portfolio/sharding.ts'
import type { VerificationKey } from '../../proof/index.ts'
import { compare } from '../../registry/claims.ts'
import {
  bookHashOf,
  type ClaimResult,
  hashOfHashes,
  hashOfWords,
  type ReportedAccount,
  roundIdOfHashes,
  subjectOf,
} from '../../registry/index.ts'
import { stateBook, stateRoot } from '../../statement/optionBook.ts'
import type { PortfolioContext, StatedPortfolio } from '../../statement/portfolio.ts'
import { type StatedMargins, stateMargins, stateWitness } from '../../statement/portfolioMargin.ts'
import { stateRiskArray } from '../../statement/riskArray.ts'
import { unpack } from '../../statement/words.ts'
import { failed, firstFailureOf, judgeProof, summarise } from '../findings.ts'
import { type AuditPins, isPinned, judgePlace } from '../pins.ts'
import { judgeModel, type UsableKey } from '../models.ts'
import { isBefore, type Place } from '../nodeReads.ts'
import {
  type AccountItem,
  type ArraysCall,
  type BooksArgument,
  decodeProvingCall,
  eventCount,
  expiryMarketOf,
  type HeldItem,
  holdingsOf,
  marginPolicyOf,
  type MarginsCall,
  pricingPolicyOf,
  type RoundArgument,
  roundMarketOf,
  strikesOf,
  strikeWordCount,
  type WitnessCall,
} from './calls.ts'
import { isLater, PortfolioLedger } from './ledger.ts'
import { auditedLegs, worstOf } from './legs.ts'
import type {
  ArrayEvent,
  BatchEvent,
  MarginEvent,
  PortfolioRecord,
  ProofEvent,
  TransactionRecord,
  WitnessEvent,
} from './record.ts'
import type {
  AccountReport,
  ArrayReport,
  BookReport,
  MarginReport,
  PortfolioAuditReport,
  WitnessReport,
} from './report.ts'

/** Judges a record. Never throws for a false one; says what is false first. */
export async function judgePortfolio(
  record: PortfolioRecord,
  pins: AuditPins = {},
  onProgress?: (done: number, total: number) => void,
): Promise<PortfolioAuditReport> {
  const { context } = record
  const { models, audited } = beginAudit(record, pins)
  const { ledger, found } = audited
  const transactions = [...record.transactions].sort((a, b) => (isBefore(placeIn(a), placeIn(b)) ? -1 : 1))
  for (const [i, transaction] of transactions.entries()) {
    await judgeTransaction(transaction, audited)
    onProgress?.(i + 1, transactions.length)
  }
  ledger.advanceTo({ block: Number.POSITIVE_INFINITY, logIndex: 0 })
  const policy = { ...summarise(judgePolicies(record)), versions: record.policies.length }
  const rounds = { ...summarise(judgeRounds(record)), published: record.rounds.length }
  const accounts = judgeAccounts(record, ledger)
  const emptyState = compare('place', 'context.emptyState', await stateRoot(emptyBook), context.emptyState)
  const failure = firstFailureOf([
    { of: 'the record', claims: [...judgePlace(context, pins), emptyState] },
    ...models.map(({ name, claims }) => ({ of: `model ${name}`, claims })),
    { of: 'policy', claims: policy.claims },
    { of: 'rounds', claims: rounds.claims },
    ...found.arrays.map(({ number, claims }) => ({ of: `array ${number}`, claims })),
    ...found.margins.flatMap((margin) => subjectsOf('margin of', margin)),
    ...found.witnesses.flatMap((witness) => subjectsOf('witness against', witness)),
    ...accounts.map(({ account, claims }) => ({ of: `account ${account}`, claims })),
  ])
  return {
    kind: 'portfolio',
    accepted: failure === undefined,
    chainId: context.chainId,
    registry: context.registry,
    fromBlock: context.fromBlock,
    toBlock: context.toBlock,
    pinned: isPinned(pins),
    models,
    policy,
    rounds,
    ...found,
    accounts,
    ...(failure === undefined ? {} : { failure }),
  }
}

const subjectsOf = (title: string, { account, books, claims }: MarginReport | WitnessReport) => [
  ...books.map((book) => ({ of: `book ${book.number} of ${account}`, claims: book.claims })),
  { of: `${title} ${account}`, claims },
]

type Found = { readonly arrays: ArrayReport[]; readonly margins: MarginReport[]; readonly witnesses: WitnessReport[] }

/** An audit under way: what the registry holds by now, and what has been found. */
export type Audited = {
  readonly record: PortfolioRecord
  readonly ledger: PortfolioLedger
  readonly keys: ReadonlyMap<string, UsableKey>
  readonly found: Found
}

/** Judges the models of a record, and stands before its first transaction. */
export function beginAudit(record: PortfolioRecord, pins: AuditPins = {}) {
  const keys = new Map<string, UsableKey>()
  const { chainId } = record.context
  const models = record.models.map((model) => judgeModel(model, chainId, pins.verificationKeyHashes, keys))
  const found: Found = { arrays: [], margins: [], witnesses: [] }
  return { models, audited: { record, ledger: PortfolioLedger.of(record), keys, found } satisfies Audited }
}

/** An audit that stands at the same place, has found nothing yet, and goes its own way from here. */
export const branchOf = ({ record, ledger, keys }: Audited): Audited => ({
  record,
  ledger: ledger.copy(),
  keys,
  found: { arrays: [], margins: [], witnesses: [] },
})

/** One call with the events it left, at its place. */
type Scene = Audited & { readonly transaction: TransactionRecord; readonly place: Place }

/** Versions count up from 1; the last one is in force. */
function judgePolicies({ policies, final }: PortfolioRecord): readonly ClaimResult[] {
  return [
    ...policies.map(({ version }, i) => compare('policy', `policies[${i}].version`, BigInt(i + 1), version)),
    compare('policy', 'final.policy.version', BigInt(policies.length), final.policy.version),
    ...compareLists('policy', 'final.policy.words', policies.at(-1)?.words ?? [], final.policy.words),
  ]
}

/** Each round's id is the hash of what its event says, and times go up. */
function judgeRounds({ rounds, context }: PortfolioRecord): readonly ClaimResult[] {
  return rounds.flatMap((round, i) => {
    const { chainId, marketId } = context
    const id = roundIdOfHashes(chainId, context.rounds, { ...round, marketId }, hashOfHashes(round.expiryHashes))
    const before = rounds[i - 1]?.asOf ?? 0n
    return [
      compare('round', `rounds[${i}].roundId`, id, round.roundId),
      holdsIf(round.asOf > before, 'round', `rounds[${i}].asOf`, `after ${before}`, round.asOf),
    ]
  })
}

/** Where accounts stand at the end: reports count up, the last ones and the last margins are what the registry holds. */
function judgeAccounts({ reports, final }: PortfolioRecord, ledger: PortfolioLedger): readonly AccountReport[] {
  return final.accounts.map(({ account, sequence, bookHash, margin }) => {
    const own = reports.filter((each) => each.account === account)
    const last = own.at(-1)
    const proven = ledger.margins.get(account)
    const claims = [
      ...own.map((each, i) => compare('sequence', `reports[${i}].sequence`, BigInt(i + 1), each.sequence)),
      compare('sequence', 'final.sequence', BigInt(own.length), sequence),
      last === undefined
        ? compare('report', 'final.bookHash', 'a report', 'none')
        : compare(
            'report',
            'final.bookHash',
            bookHashOf(last.positions, last.holdings, last.collateralAmounts),
            bookHash,
          ),
      compare('state', 'final.margin.asOf', proven?.asOf, margin?.asOf),
      compare('state', 'final.margin.sequence', proven?.sequence, margin?.sequence),
    ]
    if (proven !== undefined && margin !== null) {
      const { initialE8, maintenanceE8 } = margin
      claims.push(
        ...compareWord('state', 'final.margin', 'accountMargins', { initialE8, maintenanceE8 }, proven.margins),
      )
    }
    return { account, sequence, ...summarise(claims) }
  })
}

const placeIn = ({ block, events }: TransactionRecord): Place => ({ block, logIndex: events[0]?.logIndex ?? 0 })

/** The calls of a transaction one after the other, each with its events; events that no call explains are told of. */
export async function judgeTransaction(transaction: TransactionRecord, audited: Audited): Promise<void> {
  const left = [...transaction.events]
  for (const calldata of transaction.calls ?? []) {
    const call = decodeProvingCall(calldata)
    if (call === undefined) continue
    const events = left.splice(0, eventCount(call))
    const place = { block: transaction.block, logIndex: events[0]?.logIndex ?? 0 }
    const scene: Scene = { ...audited, transaction, place }
    audited.ledger.advanceTo(place)
    if (call.method === 'submitArrays') await judgeArrays(scene, call, events)
    else if (call.method === 'submitPortfolio') await judgeMargins(scene, call, events)
    else await judgeWitness(scene, call, events)
  }
  tellUnexplained(left, transaction, audited)
}

/** Events whose calldata cannot be read, or is not what left them. */
function tellUnexplained(
  events: readonly ProofEvent[],
  transaction: TransactionRecord,
  { ledger, found }: Audited,
): void {
  const claims: readonly ClaimResult[] = [
    { claim: 'calldata', holds: false, field: 'calldata', expected: 'the call that left this event', found: 'none' },
  ]
  const landed = { block: transaction.block, transactionHash: transaction.hash, ...summarise(claims) }
  for (const event of events) {
    if (event.name === 'ArrayAccepted') {
      const { arrayRoot, asOf, expiry, policyVersion } = event
      ledger.arrays.set(arrayRoot, { asOf, expiry, policyVersion, priced: undefined })
      found.arrays.push({ ...landed, number: found.arrays.length + 1, arrayRoot, asOf, expiry, strikesE8: [] })
    } else if (event.name === 'MarginProven') {
      ledger.margins.set(event.account, event)
      found.margins.push({
        ...landed,
        account: event.account,
        sequence: event.sequence,
        asOf: event.asOf,
        books: [],
        legs: [],
      })
    } else if (event.name === 'AccountUnhealthy') {
      ledger.witnesses.set(event.account, event)
      found.witnesses.push({ ...landed, account: event.account, sequence: event.sequence, asOf: event.asOf, books: [] })
    }
  }
}

/** A model that proves what is needed here, in force at the time, with its key. */
type UsedModel = {
  readonly claims: readonly ClaimResult[]
  readonly build: PortfolioBuild | undefined
  readonly verificationKey: VerificationKey | undefined
}

function useModel({ keys, place }: Scene, modelId: string, statement: PortfolioStatementName): UsedModel {
  const key = keys.get(modelId)
  const build = portfolioBuilds.find(({ name }) => name === key?.build)
  if (key === undefined || build === undefined || build.statement !== statement) {
    const claim = compare('model', 'modelId', `a model of ${statement} whose key is at hand`, key?.build ?? modelId)
    return { claims: [claim], build: undefined, verificationKey: undefined }
  }
  const { registered, disabled } = key.model
  const isActive = isBefore(registered, place) && (disabled === null || isBefore(place, disabled))
  const claims = [compare('model', 'modelId', 'active', isActive ? 'active' : 'not active')]
  return { claims, build, verificationKey: key.verificationKey }
}

/** The round that words hash to was published, in time; its id is what statements are tied to. */
function judgeScope(
  { record, ledger, transaction }: Scene,
  asOf: bigint,
  marketHash: string,
  expiriesHash: string,
): { readonly claims: readonly ClaimResult[]; readonly roundId: string } {
  const { chainId, rounds, marketId } = record.context
  const roundId = roundIdOfHashes(chainId, rounds, { marketId, asOf, marketHash }, expiriesHash)
  const published = ledger.rounds.get(asOf)?.roundId ?? 'none'
  const oldest = BigInt(transaction.timestamp) - ledger.maxRoundAgeSeconds
  return {
    roundId,
    claims: [
      compare('round', 'roundId', published, roundId),
      holdsIf(asOf >= oldest, 'freshness', 'asOf', `from ${oldest}`, asOf),
      holdsIf(ledger.policy !== undefined, 'policy', 'policy', 'a policy in force', 'none'),
    ],
  }
}

async function judgeArrays(scene: Scene, call: ArraysCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger, transaction, found } = scene
  const model = useModel(scene, call.modelId, 'riskArray')
  const strikes = model.build?.sizes.strikes ?? 0
  const perArray = strikeWordCount(strikes)
  const scope = judgeScope(scene, call.asOf, call.marketHash, hashOfHashes(call.expiryHashes))
  const shared = [
    ...model.claims,
    ...scope.claims,
    compare('calldata', 'strikeWords.length', call.arrays.length * perArray, call.strikeWords.length),
    compare('calldata', 'proofs.length', call.arrays.length, call.proofs.length),
  ]
  for (const [i, item] of call.arrays.entries()) {
    const event = events[i]
    const at = `arrays[${i}]`
    const claims: ClaimResult[] = [...shared]
    let priced: PricedSurface | undefined
    let expiry = 0n
    try {
      const surface = expiryMarketOf(item.expiryWords)
      expiry = surface.expiry
      const listed = call.expiryHashes[Number(item.expiryIndex)] ?? 'none'
      claims.push(
        compare('round', `${at}.expiryWords`, listed, hashOfWords(item.expiryWords)),
        compare('round', `${at}.expiryWords.asOf`, call.asOf, surface.asOf),
        ...judgeArrayEvent(event, item.arrayRoot, call.asOf, expiry, ledger.policy?.version ?? 0n),
      )
      if (model.build !== undefined && model.verificationKey !== undefined && ledger.policy !== undefined) {
        const words = call.strikeWords.slice(i * perArray, (i + 1) * perArray)
        const context = contextOf(scene, call.modelId, scope.roundId)
        const strikesE8 = strikesOf(words, strikes)
        const policy = pricingPolicyOf(ledger.policy.words)
        const { stated, array, arrayRoot } = await stateRiskArray(model.build, context, surface, policy, strikesE8)
        claims.push(
          ...compareLists('words', `${at}.strikeWords`, stated.sections.strikes ?? [], words),
          compare('array', `${at}.arrayRoot`, arrayRoot, item.arrayRoot),
          ...(await judgeStatement(at, stated, item.commitment, call.proofs[i] ?? [], model.verificationKey)),
        )
        if (arrayRoot === item.arrayRoot) priced = { surface, strikesE8, array }
      }
    } catch (error) {
      claims.push(failed('array', at, error))
    }
    ledger.arrays.set(item.arrayRoot, { asOf: call.asOf, expiry, policyVersion: ledger.policy?.version ?? 0n, priced })
    found.arrays.push({
      number: found.arrays.length + 1,
      block: transaction.block,
      transactionHash: transaction.hash,
      arrayRoot: item.arrayRoot,
      asOf: call.asOf,
      expiry,
      strikesE8: priced?.strikesE8 ?? [],
      ...summarise(claims),
    })
  }
}

function judgeArrayEvent(
  event: ProofEvent | undefined,
  arrayRoot: bigint,
  asOf: bigint,
  expiry: bigint,
  policyVersion: bigint,
): readonly ClaimResult[] {
  const found: Partial<ArrayEvent> = event?.name === 'ArrayAccepted' ? event : {}
  return [
    compare('events', 'ArrayAccepted.arrayRoot', arrayRoot, found.arrayRoot),
    compare('events', 'ArrayAccepted.asOf', asOf, found.asOf),
    compare('events', 'ArrayAccepted.expiry', expiry, found.expiry),
    compare('policy', 'ArrayAccepted.policyVersion', policyVersion, found.policyVersion),
  ]
}

/** The commitment is to the words as computed here, and the proof is for exactly them. */
async function judgeStatement(
  at: string,
  stated: StatedPortfolio,
  commitment: bigint,
  proof: readonly bigint[],
  key: VerificationKey,
): Promise<readonly ClaimResult[]> {
  return [
    compare('statement', `${at}.commitment`, stated.commitment, commitment),
    await judgeProof('proof', proof, stated.publicSignals, key),
  ]
}

const contextOf = ({ record }: Scene, modelId: string, subject: string): PortfolioContext => ({
  chainId: record.context.chainId,
  registry: record.context.registry,
  modelId,
  subject,
})

/** An account's positions, folded again over arrays that were priced again. */
type Folded = {
  readonly claims: readonly ClaimResult[]
  readonly books: readonly BookReport[]
  /** Undefined if it cannot be derived. */
  readonly account: AccountState | undefined
  readonly shards: readonly BookShard[]
  readonly arrays: readonly PricedSurface[]
  readonly positions: readonly OptionPosition[]
}

/** How far the books of a submission have been read. */
type Reader = BooksArgument & { readonly model: UsedModel; readonly modelId: string; next: number }

function readBooks(scene: Scene, { bookWords, bookProofs }: BooksArgument, modelId: string): Reader {
  const model: UsedModel =
    bookProofs.length === 0
      ? { claims: [], build: undefined, verificationKey: undefined }
      : useModel(scene, modelId, 'optionBook')
  return { bookWords, bookProofs, model, modelId, next: 0 }
}

/** Commitment, array roots, positions, state after the book. */
function bookSizes({ model }: Reader): { readonly segments: number; readonly strikes: number; readonly words: number } {
  const { segments = 0, strikes = 0 } = model.build?.sizes ?? {}
  return { segments, strikes, words: 1 + segments + segments * strikes + 1 }
}

async function foldAccount(
  scene: Scene,
  item: HeldItem,
  roundId: string,
  asOf: bigint,
  reader: Reader,
): Promise<Folded> {
  const report = scene.ledger.reports.get(item.account)
  const sequence = report?.sequence ?? 0n
  const size = bookSizes(reader)
  const count = Number(item.books)
  const subject = subjectOf(roundId, [{ account: item.account, sequence }])
  const books: BookReport[] = []
  const shards: BookShard[] = []
  const arrays = new Set<PricedSurface>()
  const positions: OptionPosition[] = []
  const claims: ClaimResult[] = [
    ...reader.model.claims,
    holdsIf(count <= reader.bookProofs.length - reader.next, 'calldata', 'books', 'a proof a book', item.books),
  ]
  const met: bigint[] = []
  let state: BookState | undefined = emptyBook
  for (let number = 1; number <= count && reader.next < reader.bookProofs.length; number++) {
    const from = reader.next * size.words
    const words = reader.bookWords.slice(from, from + size.words)
    const following = number < count ? reader.bookWords[from + size.words + 1 + size.segments] : undefined
    const folded = await foldOne(scene, { words, following, state, subject, asOf, reader })
    state = folded.shard?.after
    if (folded.shard !== undefined) shards.push(folded.shard)
    for (const array of folded.arrays) arrays.add(array)
    met.push(...folded.held)
    books.push({ number, positions: folded.held.length, ...summarise(folded.claims) })
    reader.next++
  }
  claims.push(
    ...compareLists('report', 'positions', report?.positions ?? [], met),
    compare('report', 'holdings', report?.holdings, item.holdings),
    ...compareLists('report', 'collateralAmounts', report?.collateralAmounts ?? [], item.collateralAmounts),
  )
  let account: AccountState | undefined
  try {
    positions.push(...met.map((word) => unpack('optionPosition', word)))
    if (state !== undefined) account = { book: state, holdings: holdingsOf(item) }
  } catch (error) {
    claims.push(failed('report', 'holdings', error))
  }
  return { claims, books, account, shards, arrays: [...arrays], positions }
}

type FoldOne = {
  readonly words: readonly bigint[]
  /** First position word of the account's next book. */
  readonly following: bigint | undefined
  readonly state: BookState | undefined
  readonly subject: string
  readonly asOf: bigint
  readonly reader: Reader
}

async function foldOne(scene: Scene, { words, following, state, subject, asOf, reader }: FoldOne) {
  const { segments, strikes } = bookSizes(reader)
  const [commitment = 0n] = words
  const roots = words.slice(1, 1 + segments)
  const places = words.slice(1 + segments, -1)
  const claims: ClaimResult[] = []
  const arrays: PricedSurface[] = []
  const held: bigint[] = []
  let shard: BookShard | undefined
  try {
    const positions = places.map((word) => unpack('optionPosition', word))
    held.push(...places.filter((_, i) => positions[i]?.callsE12 !== 0n || positions[i]?.putsE12 !== 0n))
    const expiries = roots.map((_, e) => positions[e * strikes]?.expiry ?? 0n)
    const after = following === undefined ? 0n : unpack('optionPosition', following).expiry
    for (const [e, root] of roots.entries()) {
      const { claim, priced } = judgeArrayUse(scene, root, asOf, expiries[e] ?? 0n, e)
      claims.push(claim)
      if (priced !== undefined) arrays.push(priced)
    }
    const { build, verificationKey } = reader.model
    if (state === undefined || arrays.length < segments || build === undefined || verificationKey === undefined) {
      claims.push(compare('book', 'stateOut', 'a state that follows from the arrays', words.at(-1)))
    } else {
      const folded = arrays.map(({ array }, e) => ({
        array,
        positions: positions.slice(e * strikes, (e + 1) * strikes),
        // As the contract decides it: an expiry is valued as a whole.
        continues: (expiries[e + 1] ?? after) === expiries[e],
      }))
      shard = { segments: folded, before: state, after: foldBook(state, folded) }
      const { stated, stateOut } = await stateBook(build, contextOf(scene, reader.modelId, subject), shard, roots)
      const proof = reader.bookProofs[reader.next] ?? []
      claims.push(
        compare('book', 'stateOut', stateOut, words.at(-1)),
        ...(await judgeStatement('book', stated, commitment, proof, verificationKey)),
      )
    }
  } catch (error) {
    claims.push(failed('book', 'positions', error))
  }
  return { claims, arrays, held, shard }
}

/** A book's array was proven for its round, expiry and policy, and follows from them. */
function judgeArrayUse({ ledger }: Scene, root: bigint, asOf: bigint, expiry: bigint, segment: number) {
  const held = ledger.arrays.get(root)
  const version = ledger.policy?.version
  const expected = `an array of round ${asOf}, expiry ${expiry}, policy ${version}`
  const fits = held?.asOf === asOf && held.expiry === expiry && held.policyVersion === version
  const found = held === undefined ? root : `round ${held.asOf}, expiry ${held.expiry}, policy ${held.policyVersion}`
  const claim = holdsIf(fits, 'arrays', `arrayRoots[${segment}]`, expected, found)
  return { claim, priced: fits ? held.priced : undefined }
}

/** What all accounts of a submission share. */
function judgeRound(scene: Scene, { asOf, marketWords, expiriesHash }: RoundArgument) {
  const scope = judgeScope(scene, asOf, hashOfWords(marketWords), expiriesHash)
  const inWord = unpackSafely('roundPrices', marketWords[0] ?? 0n)?.asOf
  return { roundId: scope.roundId, claims: [...scope.claims, compare('round', 'round.marketWords.asOf', asOf, inWord)] }
}

async function judgeMargins(scene: Scene, call: MarginsCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger, transaction, found } = scene
  const { batch, round, accounts } = call
  const model = useModel(scene, batch.marginModelId, 'portfolioMargin')
  const scope = judgeRound(scene, round)
  const reader = readBooks(scene, call, batch.bookModelId)
  const folded: Folded[] = []
  for (const item of accounts) folded.push(await foldAccount(scene, item, scope.roundId, round.asOf, reader))
  const reported = accounts.map(
    ({ account }): ReportedAccount => ({ account, sequence: ledger.reports.get(account)?.sequence ?? 0n }),
  )
  const subject = subjectOf(scope.roundId, reported)
  const shared: ClaimResult[] = [
    ...model.claims,
    ...scope.claims,
    compare('calldata', 'bookWords.length', reader.bookProofs.length * bookSizes(reader).words, call.bookWords.length),
    compare('calldata', 'bookProofs.length', reader.next, call.bookProofs.length),
    ...judgeBatchEvent(events.at(-1), round.asOf, subject, batch.batchWords),
    ...accounts.slice(1).map(({ account }, i) => {
      const before = accounts[i]?.account ?? ''
      return holdsIf(BigInt(account) > BigInt(before), 'order', `accounts[${i + 1}]`, `above ${before}`, account)
    }),
  ]
  const context = contextOf(scene, batch.marginModelId, subject)
  const stated = await stateBatch(scene, call, folded, model, context, shared)
  for (const [i, item] of accounts.entries()) {
    const { account, sequence } = reported[i] as ReportedAccount
    const own = folded[i] as Folded
    const margin = stated?.margins[i]
    const isNext = isLater({ asOf: round.asOf, sequence }, ledger.margins.get(account))
    const derived = margin === undefined ? undefined : deriveMargin(scene, round, own, margin)
    const judged = summarise([
      ...own.claims,
      ...judgeMarginEvent(events[i], round.asOf, sequence, item),
      holdsIf(isNext, 'sequence', 'margin', 'a later one', sequence),
      ...shared,
      ...(margin === undefined ? [] : compareMargin(margin, item)),
    ])
    found.margins.push({
      account,
      sequence,
      asOf: round.asOf,
      block: transaction.block,
      transactionHash: transaction.hash,
      books: own.books,
      ...judged,
      ...(margin === undefined ? {} : { initialE8: margin.initialE8, maintenanceE8: margin.maintenanceE8 }),
      ...(derived === undefined ? { legs: [] } : { ...worstOf(derived), legs: auditedLegs(account, derived) }),
    })
  }
  for (const [i, { account, margins }] of accounts.entries()) {
    ledger.margins.set(account, { asOf: round.asOf, sequence: reported[i]?.sequence ?? 0n, margins })
  }
}

/** Every field of what was proven of an account. */
const compareMargin = (margin: AccountMargin, item: AccountItem): readonly ClaimResult[] => [
  ...compareWord('margins', 'margins', 'accountMargins', margin.margins, item.margins),
  ...compareWord('thresholds', 'thresholds', 'accountThresholds', margin.thresholds, item.thresholds),
  ...compareWord('greeks', 'spotGreeks', 'spotGreeks', margin.spotGreeks, item.spotGreeks),
  ...compareWord('greeks', 'timeGreeks', 'timeGreeks', margin.timeGreeks, item.timeGreeks),
]

/** All that explains a margin; undefined if it could not be derived. */
function deriveMargin(
  { ledger: { policy } }: Scene,
  { marketWords }: RoundArgument,
  { account, arrays, positions, shards }: Folded,
  margin: AccountMargin,
): ProvableMargin | undefined {
  if (account === undefined || policy === undefined) return undefined
  return {
    pricingPolicy: pricingPolicyOf(policy.words),
    marginPolicy: marginPolicyOf(policy.words),
    round: roundMarketOf(marketWords),
    arrays,
    positions,
    chain: { shards, final: account.book },
    account,
    margin,
  }
}

/** States the batch with the twin and holds what belongs to no single account to it; undefined if it cannot be stated. */
async function stateBatch(
  { ledger }: Scene,
  { batch, round, accounts, marginProof }: MarginsCall,
  folded: readonly Folded[],
  { build, verificationKey }: UsedModel,
  context: PortfolioContext,
  claims: ClaimResult[],
): Promise<StatedMargins | undefined> {
  const states = folded.flatMap(({ account }) => (account === undefined ? [] : [account]))
  const { policy } = ledger
  if (build === undefined || verificationKey === undefined || policy === undefined || states.length < folded.length) {
    claims.push(
      compare('margins', 'margins', 'margins that can be derived', 'an account without a book, key or policy'),
    )
    return undefined
  }
  try {
    const market = roundMarketOf(round.marketWords)
    const result = await stateMargins(build, context, states, market, marginPolicyOf(policy.words))
    const { batchRisk, spotGreeks, timeGreeks } = result.aggregates
    const [risk = 0n, spot = 0n, time = 0n] = batch.batchWords
    claims.push(
      ...compareWord('batch', 'batchRisk', 'batchRisk', batchRisk, risk),
      ...compareWord('batch', 'batchSpotGreeks', 'spotGreeks', spotGreeks, spot),
      ...compareWord('batch', 'batchTimeGreeks', 'timeGreeks', timeGreeks, time),
    )
    const empty = accounts.length
    if (empty < result.margins.length) {
      const names = ['margins', 'thresholds', 'spotGreeks', 'timeGreeks'] as const
      const expected = names.map((name) => result.stated.sections[name]?.[empty] ?? 0n)
      claims.push(...compareLists('batch', 'emptyMargins', expected, batch.emptyMargins))
    }
    claims.push(...(await judgeStatement('batch', result.stated, batch.commitment, marginProof, verificationKey)))
    return result
  } catch (error) {
    claims.push(failed('margins', 'margins', error))
    return undefined
  }
}

function judgeBatchEvent(
  event: ProofEvent | undefined,
  asOf: bigint,
  subject: string,
  batchWords: readonly bigint[],
): readonly ClaimResult[] {
  const found: Partial<BatchEvent> = event?.name === 'PortfolioAccepted' ? event : {}
  return [
    compare('events', 'PortfolioAccepted.asOf', asOf, found.asOf),
    compare('events', 'PortfolioAccepted.subject', subject, found.subject),
    ...compareLists('events', 'PortfolioAccepted.batchWords', batchWords, found.batchWords ?? []),
  ]
}

function judgeMarginEvent(
  event: ProofEvent | undefined,
  asOf: bigint,
  sequence: bigint,
  item: AccountItem,
): readonly ClaimResult[] {
  const found: Partial<MarginEvent> = event?.name === 'MarginProven' ? event : {}
  const names = ['account', 'margins', 'thresholds', 'spotGreeks', 'timeGreeks'] as const
  return [
    ...names.map((name) => compare('events', `MarginProven.${name}`, item[name], found[name])),
    compare('events', 'MarginProven.asOf', asOf, found.asOf),
    compare('sequence', 'MarginProven.sequence', sequence, found.sequence),
  ]
}

async function judgeWitness(scene: Scene, call: WitnessCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger, transaction, found } = scene
  const { round, witness, witnessProof } = call
  const { build, verificationKey, claims: modelClaims } = useModel(scene, witness.witnessModelId, 'unhealthyWitness')
  const scope = judgeRound(scene, round)
  const reader = readBooks(scene, call, witness.bookModelId)
  const folded = await foldAccount(scene, witness, scope.roundId, round.asOf, reader)
  const { account } = witness
  const sequence = ledger.reports.get(account)?.sequence ?? 0n
  const event = events[0]
  const emitted: Partial<WitnessEvent> = event?.name === 'AccountUnhealthy' ? event : {}
  const claims: ClaimResult[] = [
    ...folded.claims,
    ...modelClaims,
    ...scope.claims,
    compare('calldata', 'bookWords.length', reader.bookProofs.length * bookSizes(reader).words, call.bookWords.length),
    compare('calldata', 'bookProofs.length', reader.next, call.bookProofs.length),
    compare('events', 'AccountUnhealthy.account', account, emitted.account),
    compare('events', 'AccountUnhealthy.asOf', round.asOf, emitted.asOf),
    compare('events', 'AccountUnhealthy.bound', witness.bound, emitted.bound),
    compare('sequence', 'AccountUnhealthy.sequence', sequence, emitted.sequence),
    holdsIf(
      isLater({ asOf: round.asOf, sequence }, ledger.witnesses.get(account)),
      'sequence',
      'witness',
      'a later one',
      sequence,
    ),
  ]
  let bound: Fields<'maintenanceBound'> | undefined
  if (
    folded.account === undefined ||
    build === undefined ||
    verificationKey === undefined ||
    ledger.policy === undefined
  ) {
    claims.push(compare('witness', 'bound', 'a bound that can be derived', 'an account without a book, key or policy'))
  } else {
    try {
      const market = roundMarketOf(round.marketWords)
      const policy = marginPolicyOf(ledger.policy.words)
      const context = contextOf(scene, witness.witnessModelId, subjectOf(scope.roundId, [{ account, sequence }]))
      const { stated } = await stateWitness(build, context, folded.account, market, policy, Number(witness.scenario))
      bound = unpack('maintenanceBound', stated.sections.bound?.[0] ?? 0n)
      claims.push(
        ...compareWord('witness', 'bound', 'maintenanceBound', bound, witness.bound),
        ...(await judgeStatement('witness', stated, witness.commitment, witnessProof, verificationKey)),
      )
    } catch (error) {
      claims.push(failed('witness', 'scenario', error))
    }
  }
  ledger.witnesses.set(account, { asOf: round.asOf, sequence })
  found.witnesses.push({
    account,
    sequence,
    asOf: round.asOf,
    block: transaction.block,
    transactionHash: transaction.hash,
    books: folded.books,
    ...summarise(claims),
    ...(bound === undefined ? {} : { maintenanceE8: bound.maintenanceE8 }),
  })
}

function holdsIf(holds: boolean, claim: string, field: string, expected: string, found: unknown): ClaimResult {
  return holds ? { claim, holds } : { claim, holds, field, expected, found: String(found) }
}

/** Lists of words, length first. */
function compareLists(
  claim: string,
  field: string,
  expected: readonly unknown[],
  found: readonly unknown[],
): readonly ClaimResult[] {
  return [
    compare(claim, `${field}.length`, expected.length, found.length),
    ...expected.slice(0, found.length).map((each, i) => compare(claim, `${field}[${i}]`, each, found[i])),
  ]
}

/** The fields of a word by name; bits beyond them are a difference, too. */
function compareWord<W extends PackedWordName>(
  claim: string,
  at: string,
  word: W,
  expected: Partial<Fields<W>>,
  found: bigint,
): readonly ClaimResult[] {
  const given = unpackSafely(word, found) as Readonly<Record<string, bigint>> | undefined
  if (given === undefined) return [compare(claim, at, packedWords[word].title, found)]
  return Object.entries(expected).map(([name, value]) => compare(claim, `${at}.${name}`, value, given[name]))
}

function unpackSafely<W extends PackedWordName>(word: W, packed: bigint): Fields<W> | undefined {
  try {
    return unpack(word, packed)
  } catch {
    return undefined
  }
}
