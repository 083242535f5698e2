/**
 * The circle on one chain: an account of a venue margined by proof, fallen below maintenance, liquidated and told why; vaults counted
 * and hedged; a market of Aave's that follows. Then an audit of both registries of margins.
 */
import { Contract } from 'ethers'
import { auditPortfolio, pinsOfKeys, type PortfolioAudit } from '../../audit/index.ts'
import { collectReceipt } from '../../audit/portfolio/receipt/collect.ts'
import { judgeReceipt, type ReceiptReport } from '../../audit/portfolio/receipt/judge.ts'
import { marketIdOf } from '../../market/marketId.ts'
import type { PortfolioStatementName } from '../../../circuits/statements/index.ts'
import type { Prover } from '../../proof/index.ts'
import { attestedFeedOf, type Deployment, interfaceOf } from '../../registry/index.ts'
import { artifactOf, ContractsNotBuiltError } from '../../registry/artifacts.ts'
import { auditKeyOf } from '../answers/auditing.ts'
import { type AaveMoved, followMargins } from './circleAave.ts'
import { AaveMissingError } from './aaveMarket.ts'
import { aaveText, auditsText, hedgedText, openedText, receiptText } from '../text/circleText.ts'
import { type Hedged, hedgeStatements, hedgeVaults } from './circleHedge.ts'
import { CircleVenue, type Liquidated, type Opened, venueStatements } from './circleVenue.ts'
import { consumer } from './contracts.ts'
import type { DevelopmentEngine } from './engine.ts'
import { buildPortfolioKeys, portfolioKeysIfBuilt, type StatementKeys } from './portfolio.ts'
import { UniswapMissingError } from './uniswapPool.ts'

const BTC = 'BTC-USD'
const statements = [...venueStatements, ...hedgeStatements] as const

/** Where a step would be that needs packages of a clone. */
export type LeftOut = { readonly leftOut: string }

/** Where the venue and its registry of margins are. */
export type CirclePlaces = Readonly<Record<'venue' | 'orders' | 'token' | 'registry', string>> & {
  readonly fromBlock: number
  readonly portfolio: NonNullable<Deployment['portfolio']>
}

export type Circle = {
  readonly places: CirclePlaces
  readonly opened: Opened
  readonly liquidated: Liquidated
  readonly receipt: ReceiptReport
  readonly hedged: Hedged | LeftOut
  readonly aave: AaveMoved | LeftOut
  readonly audits: readonly PortfolioAudit['report'][]
  readonly accepted: boolean
  readonly seconds: number
  /** What happened, a sentence each. */
  readonly lines: readonly string[]
}

/** Keys of what the circle proves; with `isWanted` built where they are missing, else undefined there. */
export async function circleKeys(isWanted: boolean, say: (line: string) => void): Promise<StatementKeys | undefined> {
  if (isWanted) return (await buildPortfolioKeys(statements, say)).keys
  const keys = await portfolioKeysIfBuilt(statements)
  return Object.keys(keys).length === statements.length && areContractsBuilt() ? keys : undefined
}

function areContractsBuilt(): boolean {
  try {
    artifactOf('PortfolioRegistry')
    artifactOf('RiskArrays')
    for (const name of ['OptionsVenue', 'HedgingAgent', 'AaveGate']) consumer(name)
    return true
  } catch (error) {
    if (error instanceof ContractsNotBuiltError) return false
    throw error
  }
}

/**
 * Runs the circle over an engine that has parameters in force.
 *
 * @param keys - of {@link circleKeys}
 * @param say - told what happened, step by step
 */
export async function runCircle(
  engine: DevelopmentEngine,
  keys: StatementKeys,
  prover: Prover,
  say: (line: string) => void,
): Promise<Circle> {
  const began = performance.now()
  const lines: string[] = []
  const tell = (line: string): void => {
    lines.push(line)
    say(line)
  }
  const { chain, deployment } = engine
  const ofVenue = chosen(keys, venueStatements)
  const spotE8 = await spotOf(engine)
  // Keys are read beside the deployment, which leaves a processor idle.
  const warmed = Promise.all(Object.values(ofVenue).map((each) => prover.warm(each)))
  const venue = await CircleVenue.open(chain, ofVenue, prover, deployment.addresses, spotE8)
  await warmed
  const opened = await venue.openAccount(spotE8)
  tell(openedText(opened))
  const liquidated = await venue.fallAndLiquidate(opened)
  const receipt = await receiptOf(venue, liquidated, keys)
  for (const line of receiptText(receipt)) tell(line)
  const hedged = await orLeftOut(() => hedgeVaults(chain, chosen(keys, hedgeStatements), prover, liquidated.spotE8))
  for (const line of hedgedText(hedged)) tell(line)
  const aave = await orLeftOut(() => followMargins(engine))
  tell(aaveText(aave))
  const audits = await Promise.all(registriesOf(venue, hedged).map((each) => auditOf(engine, keys, each)))
  const accepted = receipt.accepted && audits.every((each) => each.accepted)
  tell(auditsText(audits, receipt))
  const seconds = (performance.now() - began) / 1000
  return { places: placesOf(venue), opened, liquidated, receipt, hedged, aave, audits, accepted, seconds, lines }
}

const chosen = (keys: StatementKeys, names: readonly PortfolioStatementName[]): StatementKeys =>
  Object.fromEntries(names.map((name) => [name, keys[name]]))

async function spotOf({ chain, deployment }: DevelopmentEngine): Promise<bigint> {
  const { address } = attestedFeedOf(deployment)
  const feed = new Contract(address, interfaceOf('IObservationSource'), chain.provider)
  const { lastWord } = await feed.getFunction('latest')(marketIdOf(BTC))
  return lastWord & ((1n << 48n) - 1n)
}

const auditKeysOf = (keys: StatementKeys) => Object.values(keys).map(auditKeyOf)

async function receiptOf(
  { venue, development }: CircleVenue,
  { transactionHash }: Liquidated,
  keys: StatementKeys,
): Promise<ReceiptReport> {
  const { chain, deployment } = development
  const known = { provider: chain.provider, chainId: chain.chainId, venue: venue.target as string }
  const trusted = auditKeysOf(keys)
  const record = await collectReceipt({ ...known, transactionHash, fromBlock: deployment.block, keys: trusted })
  const { chainId, venue: address } = known
  return judgeReceipt(record, { ...pinsOfKeys(trusted), chainId, venue: address, registry: deployment.registry })
}

type Registry = Pick<Hedged, 'registry' | 'fromBlock'>

const registriesOf = ({ development: { deployment } }: CircleVenue, hedged: Hedged | LeftOut): readonly Registry[] => [
  { registry: deployment.registry, fromBlock: deployment.block },
  ...('leftOut' in hedged ? [] : [hedged]),
]

async function auditOf(
  { chain: { provider, chainId } }: DevelopmentEngine,
  keys: StatementKeys,
  { registry, fromBlock }: Registry,
): Promise<PortfolioAudit['report']> {
  const known = { provider, expectedChainId: chainId, registry, fromBlock, keys: auditKeysOf(keys) }
  return (await auditPortfolio(known)).report
}

const placesOf = ({ venue, orders, token, development: { deployment } }: CircleVenue): CirclePlaces => ({
  ...{ venue: venue.target as string, orders: orders.target as string, token: token.target as string },
  ...{ registry: deployment.registry, fromBlock: deployment.block },
  portfolio: {
    ...{ registry: deployment.registry, arrays: deployment.arrays, rounds: deployment.rounds, market: BTC },
    models: Object.values(deployment.models),
  },
})

/** A step, or what it needs where its packages are not installed. */
async function orLeftOut<T>(step: () => Promise<T>): Promise<T | LeftOut> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof UniswapMissingError || error instanceof AaveMissingError) return { leftOut: error.message }
    throw error
  }
}
