/** `zkrisk margin --prove`: the margin proven and held by a contract, its bundle, and what that took. */
import { MOST_POSITIONS, type PortfolioStatementName } from '../../../circuits/statements/index.ts'
import { isPackageAlone } from '../../config.ts'
import { makeMarginBundle, writeMarginBundle } from '../../audit/portfolio/marginBundle.ts'
import { ProverError } from '../../errors.ts'
import type { OptionPosition } from '../../portfolio/book.ts'
import { createProver, type Prover } from '../../proof/index.ts'
import {
  type RpcAddress,
  ContractRevertError,
  policyWordsOf,
  type PortfolioClient,
  type ProvenPortfolio,
  roundOf,
  type RoundWords,
} from '../../registry/index.ts'
import { roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords } from '../../statement/riskArray.ts'
import { buildPortfolioKeys } from '../development/portfolio.ts'
import { readOpenInterest } from '../../registry/portfolio/inForce.ts'
import { isoTime } from '../text/figures.ts'
import { openInterestLines } from '../text/inForceTable.ts'
import { type OpenInterestReading, openInterestReading } from './inForce.ts'
import type { MarginAnswer } from './margins.ts'
import {
  developmentSite,
  type ExistingRegistry,
  existingSite,
  marketIdAt,
  marketNameFor,
  type MarginSite,
  takesProofsOf,
} from './marginSite.ts'
import { ProofClock, type ProofSeconds, proofTimes, secondsText, secondsJson, gasOf } from './proofFigures.ts'
import type { ArraysWanted } from '../daemon/portfolios/arrays.ts'
import { apartFrom } from '../daemon/portfolios/arrayMargins.ts'
import { marginModelOf } from '../daemon/portfolios/place.ts'
import { type PortfolioLanded, provePortfolios } from '../daemon/portfolios/portfolios.ts'
import type { ProofMade } from '../daemon/portfolios/proofMaker.ts'
import { putInForce } from '../daemon/portfolios/putInForce.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import { portfolioBuildOf } from '../workspace.ts'

/** What proving a margin took, in plain numbers. */
export type MarginProof = {
  /** As the contract answers. */
  readonly held: { readonly initialE8: bigint; readonly maintenanceE8: bigint; readonly worstScenario: number }
  /** Where it is held. */
  readonly registry: string
  readonly account: string
  /** Where it can be read; undefined on a chain that ended with the command. */
  readonly place: { readonly rpc: RpcAddress; readonly deployment: string } | undefined
  /** File of the bundle, if one was asked for. */
  readonly bundle: string | undefined
  readonly proofs: readonly { readonly statement: string; readonly milliseconds: number }[]
  readonly gas: { readonly arrays: number; readonly margin: number }
  /** Where the count of the round has got to; undefined if there is none. */
  readonly count: OpenInterestReading | undefined
  readonly seconds: ProofSeconds
  readonly backend: string
}

export type MarginProofOptions = {
  /** Margins and nothing else of the account: thresholds that a registry holds of it are gone then. */
  readonly isAlone?: boolean | undefined
  /** Whether to open a count of the round, unless one is under way. */
  readonly isCounting?: boolean | undefined
  /** File of the bundle to write. */
  readonly out?: string | undefined
  /** Instead of a registry of its own on a development chain. */
  readonly existing?: ExistingRegistry | undefined
  readonly prover?: Prover
}

/**
 * Proves a margin: arrays of the strikes held, the account's book, its margin, of few options all that without a book; every proof
 * verified here and by a contract.
 *
 * @throws {@link CloneNeededError} in the package alone; {@link TooManyStrikesError}, {@link NothingHeldError}; what provers and the registry throw; a margin that the contract holds otherwise than the twin is an error
 * @example
 * const { held, gas } = await proveMargin(await marginOf(readAccount('portfolio.json', {})), console.error)
 * held.initialE8 // → -204_877_541_730n
 */
export async function proveMargin(
  answer: MarginAnswer,
  say: (line: string) => void,
  { isAlone = false, isCounting = false, out, existing, prover = createProver() }: MarginProofOptions = {},
): Promise<MarginProof> {
  if (isPackageAlone) throw new CloneNeededError()
  requireReportable(answer.provable.positions)
  const clock = new ProofClock()
  let site: MarginSite | undefined
  try {
    const { keys, buildSeconds } = await buildPortfolioKeys(await statementsOf(answer, isAlone, existing), say)
    clock.passed('build', buildSeconds)
    const market = marketNameFor(answer.portfolio)
    say(
      existing === undefined
        ? 'deploying a registry on a development chain'
        : `looking at the registry of ${existing.deployment}`,
    )
    site = await (existing === undefined
      ? developmentSite(keys, answer.provable, market)
      : existingSite(keys, existing, market))
    const round = roundAt(site, answer)
    await putInForce(site.client, site.hands, { account: site.account, provable: answer.provable, round }, say)
    if (isCounting) await openCount(site.client, round)
    await requireNew(site, round, isAlone)
    clock.end('preparation')
    const proofs = new Map<string, ProvenPortfolio>()
    const wanted = out === undefined ? 'missing' : 'all'
    const landed = await prove(site, answer, round, { prover, proofs, say, wanted, onLast: () => clock.end('proving') })
    clock.end('landing')
    if (out !== undefined) await writeBundle(out, site, answer, round, landed, proofs)
    return {
      ...summarise(landed),
      ...{ registry: site.client.registry, account: site.account },
      place: existing,
      bundle: out,
      count: await countOf(site.client, round),
      seconds: clock.read(),
    }
  } finally {
    await Promise.all([prover.close(), site?.close()])
  }
}

/** Opens a count of a round, unless one is under way. */
async function openCount(client: PortfolioClient, round: RoundWords): Promise<void> {
  if ((await client.countUnderWay()) !== undefined) return
  try {
    await client.openCount(round)
  } catch (error) {
    if (error instanceof ContractRevertError && error.reason === 'CountNotLater')
      throw new RoundCountedAlreadyError(round.asOf, error.arguments.lastAsOf as bigint)
    throw error
  }
}

/** Where the count of a round stands. */
async function countOf(client: PortfolioClient, { asOf }: RoundWords): Promise<OpenInterestReading | undefined> {
  const inForce = await readOpenInterest(client)
  const isOfRound = inForce.underWay?.asOf === asOf || inForce.figures?.asOf === asOf
  return isOfRound ? openInterestReading(inForce) : undefined
}

/** Of one round and report a registry takes one margin, and thresholds if it has none: that would be found out after the proofs. */
async function requireNew({ client, account }: MarginSite, { asOf }: RoundWords, isAlone: boolean): Promise<void> {
  const { sequence } = await client.account(account)
  const isCounted = (await client.countUnderWay())?.asOf === asOf && (await client.reportToCount(account)) === sequence
  if (isCounted && !isAlone) return
  const held = await answered(client.margin(account))
  if (held?.asOf !== asOf || held.sequence !== sequence) return
  if (isAlone || (await answered(client.thresholds(account))) !== undefined)
    throw new MarginHeldAlreadyError(account, client.registry)
}

/** What a contract answers; undefined if it refuses to. */
const answered = <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: unknown) => {
    if (error instanceof ContractRevertError) return undefined
    throw error
  })

/** An account without options needs neither arrays nor books, and one of few options no book, where that is taken. */
async function statementsOf(
  { provable }: MarginAnswer,
  isAlone: boolean,
  existing: ExistingRegistry | undefined,
): Promise<readonly PortfolioStatementName[]> {
  if (isAlone) return provable.positions.length === 0 ? ['marginsAlone'] : ['riskArray', 'optionBook', 'marginsAlone']
  if (provable.positions.length === 0) return ['portfolioMargin']
  const mayBeFromArrays = apartFrom({ arrayMargin: { build: portfolioBuildOf('arrayMargin') } }, [provable]) === 0
  const isFromArrays = mayBeFromArrays && (existing === undefined || (await takesProofsOf(existing, 'arrayMargin')))
  return isFromArrays ? ['riskArray', 'arrayMargin'] : ['riskArray', 'optionBook', 'portfolioMargin']
}

/** The whole round of the account's market, with expiries that it holds nothing of: a source publishes one for all. */
export function roundAt(site: MarginSite, { portfolio, provable }: MarginAnswer): RoundWords {
  const expiries = portfolio.market.expiries.toSorted((a, b) => Number(a.expiry - b.expiry)).map(expiryWords)
  return roundOf(marketIdAt(site), provable.round.asOf, roundWords(provable.round), expiries)
}

async function prove(
  { client, models, account }: MarginSite,
  { provable }: MarginAnswer,
  round: RoundWords,
  given: {
    readonly prover: Prover
    readonly proofs: Map<string, ProvenPortfolio>
    readonly say: (line: string) => void
    readonly wanted: ArraysWanted
    readonly onLast: () => void
  },
): Promise<PortfolioLanded & { readonly backend: string }> {
  const backends = new Set<string>()
  const onProof = ({ statement, timings, backend }: ProofMade, done: number, total: number): void => {
    backends.add(backend)
    given.say(`proof ${done} of ${total}: ${statement} (${(timings.total / 1000).toFixed(1)} s)`)
    if (done === total) given.onLast()
  }
  const proving = { prover: given.prover, onProof, known: given.proofs }
  const landed = await provePortfolios({ client, models, round }, proving, [{ account, provable }], given.wanted)
  return { ...landed, backend: [...backends].join(', ') }
}

async function writeBundle(
  file: string,
  { client, models, market, rounds, account }: MarginSite,
  { provable }: MarginAnswer,
  round: RoundWords,
  { accounts }: PortfolioLanded,
  proofs: ReadonlyMap<string, ProvenPortfolio>,
): Promise<void> {
  const { chainId, registry } = client
  const sequence = accounts[0]?.held.sequence ?? 0n
  const verificationKeys = new Map(
    Object.values(models).map(({ build, keys }) => [build.name, keys.verificationKey] as const),
  )
  const bundle = await makeMarginBundle({
    scope: { chainId, registry, arrays: await client.arrays(), rounds, market, account, sequence },
    models: { ...models, margin: models.arrayMargin ?? marginModelOf({ models }) },
    verificationKeys,
    policy: policyWordsOf(policyOf(provable)),
    round,
    provable,
    proofs,
  })
  await writeMarginBundle(file, bundle)
}

function summarise({ proofs, accounts, landed, backend }: PortfolioLanded & { readonly backend: string }) {
  const [account] = accounts
  if (account === undefined) throw new Error('A run of one account has one account.')
  return {
    held: account.held,
    proofs: proofTimes(proofs),
    gas: { arrays: gasOf(landed.arrays), margin: gasOf(landed.margins) },
    backend,
  }
}

/** The proof as the JSON answer has it. */
export const proofJson = ({
  held,
  registry,
  account,
  place,
  bundle,
  proofs,
  gas,
  count,
  seconds,
  backend,
}: MarginProof): object => ({
  proven: true,
  held: {
    im: Number(held.initialE8) / 1e8,
    mm: Number(held.maintenanceE8) / 1e8,
    worstScenario: held.worstScenario,
  },
  registry,
  account,
  ...(place === undefined ? {} : { rpc: place.rpc, deployment: place.deployment }),
  ...(bundle === undefined ? {} : { bundle }),
  proofs,
  gas,
  ...(count === undefined ? {} : { openInterest: count }),
  ...secondsJson(seconds),
  backend,
})

/** The proof as people read it. */
export function formatProof(proof: MarginProof): string {
  const { proofs, gas, count: counted, seconds, backend, registry, account, place, bundle } = proof
  const count = (statement: string): number => proofs.filter((each) => each.statement === statement).length
  const number = (value: number): string => value.toLocaleString('en')
  const of = (statement: string, word: string): string =>
    `${count(statement)} ${word}${count(statement) === 1 ? '' : 's'}`
  const isAlone = count('marginsAlone') > 0
  const ofBook = [of('optionBook', 'book'), of(isAlone ? 'marginsAlone' : 'portfolioMargin', 'margin')]
  const margins =
    count('arrayMargin') > 0 ? [`${of('arrayMargin', 'margin')} straight from them, without a book`] : ofBook
  const counts = [of('riskArray', 'risk array'), ...margins].join(', ')
  return [
    `Proven (${backend}): ${counts}. A contract verified every proof and holds both margins to the last digit.`,
    ...(isAlone
      ? [
          'Margins alone: thresholds and Greeks above are in no proof, and the contract holds no thresholds of the account.',
        ]
      : []),
    secondsText(seconds),
    `Gas: ${number(gas.margin)} for the account, ${number(gas.arrays)} for ${gas.arrays === 0 ? 'arrays, of which none was missing' : 'arrays that all accounts of the round share'}.`,
    ...(counted === undefined ? [] : openInterestLines(counted)),
    ...(place === undefined
      ? []
      : [
          `Read it: zkrisk read --rpc ${place.rpc} --deployment ${place.deployment} --account ${account}, or marginOf(${account}) at ${registry}.`,
        ]),
    ...(bundle === undefined ? [] : [`Bundle: ${bundle}; check it with \`zkrisk verify ${bundle}\`.`]),
  ].join('\n')
}

/** A count of this round, or of a later one, was opened before. */
export class RoundCountedAlreadyError extends ProverError {
  readonly code = 'service.round-counted-already'
  readonly asOf: bigint
  readonly lastAsOf: bigint

  constructor(asOf: bigint, lastAsOf: bigint) {
    super(
      `Expected a round later than that of ${isoTime(lastAsOf)}, of which the last count was opened, got one of ${isoTime(asOf)}. ` +
        'Read what was counted with `zkrisk read --open-interest`, leave --count out, or state a later time and its prices.',
    )
    this.asOf = asOf
    this.lastAsOf = lastAsOf
  }
}

/** The registry holds the account's margin of this round and report. */
export class MarginHeldAlreadyError extends ProverError {
  readonly code = 'service.margin-held-already'
  readonly account: string

  constructor(account: string, registry: string) {
    super(
      `Expected a round or positions of ${account} that ${registry} has no margin of yet, it holds this one already. ` +
        'Read it with `zkrisk read --account`, or prove a later round.',
    )
    this.account = account
  }
}

/** Whether a registry takes a report of these. @throws {@link TooManyStrikesError}, {@link NothingHeldError} */
export function requireReportable(positions: readonly OptionPosition[]): void {
  if (positions.length > MOST_POSITIONS) throw new TooManyStrikesError(positions.length)
  const nothing = positions.find(({ callsE12, putsE12 }) => callsE12 === 0n && putsE12 === 0n)
  if (nothing !== undefined) throw new NothingHeldError(nothing)
}

/** Legs of a strike come to nothing, which no report lists. */
export class NothingHeldError extends ProverError {
  readonly code = 'service.nothing-held'
  readonly expiry: bigint
  readonly strikeE8: bigint

  constructor({ expiry, strikeE8 }: Pick<OptionPosition, 'expiry' | 'strikeE8'>) {
    const day = new Date(Number(expiry) * 1000).toISOString().slice(0, 10)
    super(
      `Options at ${Number(strikeE8) / 1e8} of ${day} come to a quantity of 0, and a registry takes a report of what is held alone. ` +
        'Leave these legs out.',
    )
    this.expiry = expiry
    this.strikeE8 = strikeE8
  }
}

/** An account holds options at more strikes than a registry takes. */
export class TooManyStrikesError extends ProverError {
  readonly code = 'service.too-many-strikes'
  readonly strikes: number

  constructor(strikes: number) {
    super(
      `Expected options at no more than ${MOST_POSITIONS} strikes of all expiries together, which is what a registry takes of an account, got ${strikes}. ` +
        'Divide them between accounts; without --prove the margin is computed all the same.',
    )
    this.strikes = strikes
  }
}

/** The package brings neither circuits nor a development chain. */
export class CloneNeededError extends ProverError {
  readonly code = 'service.clone-needed'

  constructor() {
    super(
      '`zkrisk margin --prove` needs a clone of zk-risk-engine itself: it proves with circuits and starts a development chain, ' +
        'and the package has neither. Run `npm ci` in the clone, then this command there; without --prove it computes here. ' +
        'With ZKRISK_BUILD naming the clone’s build folder it proves here for a registry that stands already: --rpc and --deployment.',
    )
  }
}
