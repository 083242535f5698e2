/** `zkrisk margin --prove` of an account over several markets: its margins proven and held by a contract on a development chain. */
import { ZeroHash } from 'ethers'
import { type PortfolioStatementName, sizeOf } from '../../../circuits/statements/index.ts'
import { auditCrossMargins } from '../../audit/portfolio/crossAudit.ts'
import { isPackageAlone } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import type { PricedArray } from '../../portfolio/book.ts'
import type { ProvableCross } from '../../portfolio/crossAccount.ts'
import { createProver, type Prover } from '../../proof/index.ts'
import type { ProvenPortfolio, ReportedAccount } from '../../registry/index.ts'
import type { CrossBooks } from '../../registry/portfolio/cross.ts'
import type { ProvenCrossMargin } from '../../registry/portfolio/crossClient.ts'
import { stateCrossMargins } from '../../statement/crossMargins.ts'
import { stateBook } from '../../statement/optionBook.ts'
import { stateRiskArray } from '../../statement/riskArray.ts'
import { arrayKey, arraysOf } from '../daemon/portfolios/arrays.ts'
import { modelOf } from '../daemon/portfolios/place.ts'
import { ProofMaker, type ProofMade } from '../daemon/portfolios/proofMaker.ts'
import { MarginDiffersError } from '../daemon/portfolios/portfolios.ts'
import { type CrossSite, developmentCrossSite } from '../development/cross.ts'
import { buildPortfolioKeys } from '../development/portfolio.ts'
import { portfolioBuildOf } from '../workspace.ts'
import type { CrossAnswer } from './accountMargins.ts'
import { CloneNeededError, requireReportable } from './marginProof.ts'
import { ProofClock, type ProofSeconds, proofTimes, secondsText, secondsJson } from './proofFigures.ts'

/** What proving took, in plain numbers. */
export type CrossProof = {
  /** As the contract answers. */
  readonly held: ProvenCrossMargin
  readonly registry: string
  readonly account: string
  readonly proofs: readonly { readonly statement: string; readonly milliseconds: number }[]
  readonly gas: { readonly arrays: number; readonly margin: number }
  readonly seconds: ProofSeconds
  readonly backend: string
}

/**
 * Proves an account over several markets: arrays and a book of each, its margins; every proof verified here and by a contract.
 *
 * @throws {@link CloneNeededError}, {@link MarketsOfProofError}, {@link MarginDiffersError}, and what provers and the registry throw
 */
export async function proveCross(
  { portfolio, provable }: CrossAnswer,
  say: (line: string) => void,
  prover: Prover = createProver(),
): Promise<CrossProof> {
  if (isPackageAlone) throw new CloneNeededError()
  const built = sizeOf(portfolioBuildOf('crossMargins'), 'markets')
  if (provable.markets.length !== built) throw new MarketsOfProofError(provable.markets.length, built)
  for (const { positions } of provable.parts) requireReportable(positions)
  const clock = new ProofClock()
  let site: CrossSite | undefined
  try {
    const { keys, buildSeconds } = await buildPortfolioKeys(statementsOf(provable), say)
    clock.passed('build', buildSeconds)
    say('deploying a registry of several markets on a development chain')
    site = await developmentCrossSite(keys, portfolio, provable)
    clock.end('preparation')
    const maker = makerOf(prover, provable, say)
    const made = await prove(site, maker, provable)
    clock.end('proving')
    const gas = await land(site, made)
    const held = await site.client.margin(site.account)
    requireHeld(site.account, provable, held)
    await audit(site)
    clock.end('landing')
    return {
      held,
      registry: site.client.place.registry,
      account: site.account,
      proofs: proofTimes(maker.made),
      gas,
      seconds: clock.read(),
      backend: [...new Set(maker.made.map(({ backend }) => backend))].join(', '),
    }
  } finally {
    await Promise.all([prover.close(), site?.close()])
  }
}

const statementsOf = ({ parts }: ProvableCross): readonly PortfolioStatementName[] =>
  parts.every(({ positions }) => positions.length === 0)
    ? ['crossMargins']
    : ['riskArray', 'optionBook', 'crossMargins']

function makerOf(prover: Prover, { parts }: ProvableCross, say: (line: string) => void): ProofMaker {
  const books = parts.reduce((sum, { chain }) => sum + chain.shards.length, 0)
  const arrays = parts.reduce((sum, part) => sum + arraysOf([part]).size, 0)
  const onProof = ({ statement, timings }: ProofMade, done: number, total: number): void =>
    say(`proof ${done} of ${total}: ${statement} (${(timings.total / 1000).toFixed(1)} s)`)
  return new ProofMaker({ prover, onProof }, arrays + books + 1)
}

type Made = {
  /** By market. */
  readonly arrays: readonly (readonly ProvenPortfolio[])[]
  readonly account: CrossBooks
  readonly margin: ProvenPortfolio
}

async function prove(site: CrossSite, maker: ProofMaker, provable: ProvableCross): Promise<Made> {
  const { client, rounds, account } = site
  const reported = await client.account(account)
  const arrays: (readonly ProvenPortfolio[])[] = []
  const books: (readonly ProvenPortfolio[])[] = []
  for (const m of provable.parts.keys()) {
    const part = await provePart(site, maker, provable, reported, m)
    arrays.push(part.arrays)
    books.push(part.books)
  }
  const model = modelOf(site, 'crossMargins')
  const context = client.marginContext(rounds, model.modelId, [reported])
  const stated = await stateCrossMargins(model.build, context, [provable.account], provable.markets, provable.policy)
  return { arrays, account: { ...reported, books }, margin: await maker.make(model, stated) }
}

/** Arrays and books of one market. */
async function provePart(
  site: CrossSite,
  maker: ProofMaker,
  { parts }: ProvableCross,
  reported: ReportedAccount,
  m: number,
): Promise<{ readonly arrays: readonly ProvenPortfolio[]; readonly books: readonly ProvenPortfolio[] }> {
  const part = parts[m] as ProvableCross['parts'][number]
  const round = site.rounds[m] as CrossSite['rounds'][number]
  if (part.positions.length === 0) return { arrays: [], books: [] }
  const [model, bookModel] = [modelOf(site, 'riskArray'), modelOf(site, 'optionBook')]
  const roots = new Map<string, bigint>()
  const arrays: ProvenPortfolio[] = []
  const context = site.client.arrayContext(m, round, model.modelId)
  for (const [key, { surface, strikesE8, pricingPolicy }] of arraysOf([part])) {
    const stated = await stateRiskArray(model.build, context, surface, pricingPolicy, strikesE8)
    roots.set(key, stated.arrayRoot)
    arrays.push(await maker.make(model, stated))
  }
  const rootOf = ({ header, leaves }: PricedArray): bigint =>
    roots.get(
      arrayKey(
        header.expiry,
        leaves.map(({ strikeE8 }) => strikeE8),
      ),
    ) ?? 0n
  const books: ProvenPortfolio[] = []
  const bookContext = site.client.partContext(round, bookModel.modelId, reported)
  for (const shard of part.chain.shards) {
    const rootsOfShard = shard.segments.map(({ array }) => rootOf(array))
    books.push(await maker.make(bookModel, await stateBook(bookModel.build, bookContext, shard, rootsOfShard)))
  }
  return { arrays, books }
}

async function land(site: CrossSite, { arrays, account, margin }: Made): Promise<CrossProof['gas']> {
  let ofArrays = 0n
  for (const [m, proven] of arrays.entries()) {
    if (proven.length === 0) continue
    const round = site.rounds[m] as CrossSite['rounds'][number]
    ofArrays += await site.client.submitArrays(m, round, modelOf(site, 'riskArray').modelId, proven)
  }
  const hasBooks = account.books.some(({ length }) => length > 0)
  const bookModelId = hasBooks ? modelOf(site, 'optionBook').modelId : ZeroHash
  const marginModelId = modelOf(site, 'crossMargins').modelId
  const ofMargin = await site.client.submit(site.rounds, bookModelId, marginModelId, [account], margin)
  return { arrays: Number(ofArrays), margin: Number(ofMargin) }
}

function requireHeld(account: string, { margin: { margins } }: ProvableCross, held: ProvenCrossMargin): void {
  for (const field of ['initialE8', 'maintenanceE8', 'worstScenarios'] as const) {
    if (margins[field] !== held[field]) throw new MarginDiffersError(account, field, margins[field], held[field])
  }
}

/** Derives what was landed again from the chain alone: the report, the rounds, the policies. @throws {@link CrossAuditError} */
async function audit(site: CrossSite): Promise<void> {
  const { build, keys } = modelOf(site, 'crossMargins')
  const { provider, client } = site
  const { registry } = client.place
  const { margins } = await auditCrossMargins({
    ...{ provider, registry, build },
    verificationKey: keys.verificationKey,
  })
  const claim = margins.flatMap(({ claims }) => claims).find(({ holds }) => !holds)
  if (margins.length !== 1 || claim !== undefined) throw new CrossAuditError(registry, claim?.claim, claim?.field)
}

/** The proof as the JSON answer has it. */
export const crossProofJson = ({ held, registry, account, proofs, gas, seconds, backend }: CrossProof): object => ({
  proven: true,
  audited: true,
  held: { im: Number(held.initialE8) / 1e8, mm: Number(held.maintenanceE8) / 1e8 },
  ...{ registry, account, proofs, gas },
  ...secondsJson(seconds),
  backend,
})

/** The proof as people read it. */
export function formatCrossProof({ proofs, gas, seconds, backend, registry, account }: CrossProof): string {
  const of = (statement: string, word: string): string => {
    const count = proofs.filter((each) => each.statement === statement).length
    return `${count} ${word}${count === 1 ? '' : 's'}`
  }
  const number = (value: number): string => value.toLocaleString('en')
  const counts = [of('riskArray', 'risk array'), of('optionBook', 'book'), of('crossMargins', 'margin')].join(', ')
  return [
    `Proven (${backend}): ${counts} over all markets. A contract verified every proof and holds both margins to the last digit.`,
    'An audit derived them again from the report, the rounds and the policies on the chain alone.',
    secondsText(seconds),
    `Gas: ${number(gas.margin)} for the account, ${number(gas.arrays)} for arrays that all accounts of the rounds share.`,
    `Held as crossMarginOf(${account}) at ${registry}, on a chain that ended with this command.`,
  ].join('\n')
}

/** Circuits prove accounts over another number of markets. */
export class MarketsOfProofError extends ProverError {
  readonly code = 'service.prove-over-markets'
  readonly markets: number

  constructor(markets: number, built: number) {
    super(
      `Expected an account over ${built} markets, which is what circuits prove together, got one over ${markets}. ` +
        'Prove some of its markets as an account of their own; without --prove the margin is computed all the same.',
    )
    this.markets = markets
  }
}

/** What a contract took does not follow from what its chain says. */
export class CrossAuditError extends ProverError {
  readonly code = 'service.cross-audit'
  readonly claim: string | undefined

  constructor(registry: string, claim: string | undefined, field: string | undefined) {
    const found = claim === undefined ? 'no margin, or several' : `${claim} that does not hold of ${field ?? 'it'}`
    super(
      `Expected one margin at ${registry} that follows from its report and rounds, found ${found}. Keep it and report it.`,
    )
    this.claim = claim
  }
}
