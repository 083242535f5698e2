/** Where rounds of a market go: the source that a registry of margins takes them from, its committee, and the folder of their words. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, type Provider, type Signer } from 'ethers'
import { marginPolicyOf } from '../../audit/portfolio/calls.ts'
import { ProverError } from '../../errors.ts'
import { parseDecimal, scaleDecimal } from '../../market/decimal.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import { ask } from '../../registry/contractErrors.ts'
import type { Deployment } from '../../registry/deployment.ts'
import { attestRound, PortfolioClient, publishRound, roundsDomain, type RoundWords } from '../../registry/index.ts'
import { checkSigners } from '../answers/attesting.ts'
import { ROUND_FILES_KEPT, roundFileName, roundFileOf } from '../daemon/accounts/roundBook.ts'
import type { MarketEntry } from './feedConfig.ts'
import { CollateralPriceError, isUsed, type RoundTerms } from './roundOfOptions.ts'

/** Signed when it is sent, a round may be published until so long after. */
const DEADLINE_SECONDS = 3600n

export class RoundSource {
  readonly market: string
  readonly terms: RoundTerms
  /** Of the newest round that the source has, 0 if none. */
  readonly latestAsOf: bigint
  private readonly chainId: bigint
  private readonly address: string
  private readonly folder: string
  private readonly signers: readonly Signer[]
  private readonly payer: Signer

  private constructor(
    parts: Pick<RoundSource, 'market' | 'terms' | 'latestAsOf'>,
    place: { readonly chainId: bigint; readonly address: string; readonly folder: string },
    hands: { readonly signers: readonly Signer[]; readonly payer: Signer },
  ) {
    const { market, terms, latestAsOf } = parts
    this.market = market
    this.terms = terms
    this.latestAsOf = latestAsOf
    this.chainId = place.chainId
    this.address = place.address
    this.folder = place.folder
    this.signers = hands.signers
    this.payer = hands.payer
  }

  /**
   * @throws {@link NoRoundsError} if the deployment has no registry of margins, {@link SignersError} if these are not its source's
   * @throws {@link CollateralPriceError} if the policy in force has a collateral that nobody stated a price of
   */
  static async open(
    provider: Provider,
    { portfolio, chainId, block }: Deployment,
    hands: { readonly signers: readonly (Signer & { readonly address: string })[]; readonly payer: Signer },
    wanted: { readonly folder: string; readonly rounds: MarketEntry['rounds'] },
  ): Promise<RoundSource> {
    if (portfolio === undefined) throw new NoRoundsError()
    const { registry, market } = portfolio
    const client = await PortfolioClient.connect({ registry, provider, expectedChainId: chainId, fromBlock: block })
    const { rounds: address, marketId } = await client.roundSource()
    const source = new Contract(address, interfaceOf('AttestedRounds'), provider)
    const read = <Answer>(method: string, ...args: readonly unknown[]): Promise<Answer> =>
      ask(`Reading ${method} of the source of rounds`, () => source.getFunction(method)(...args))
    const committee = {
      signers: [...(await read<Iterable<string>>('signers'))],
      threshold: Number(await read('threshold')),
    }
    checkSigners(
      committee,
      hands.signers.map((signer) => signer.address),
    )
    const { collateralPrices = [], stablePrice = 1 } = wanted.rounds ?? {}
    const { collaterals } = marginPolicyOf((await client.policy()).words)
    const collateralPricesE12 = collateralPrices.map((price) => (price === null ? undefined : priceE12Down(price)))
    const missing = collaterals.findIndex(
      (rule, place) => isUsed(rule) && rule.movesWithSpot === 0n && collateralPricesE12[place] === undefined,
    )
    if (missing >= 0) throw new CollateralPriceError(missing)
    const priceScale = await client.priceScale()
    const terms = { marketId, priceScale, collaterals, collateralPricesE12, stablePrice: String(stablePrice) }
    const latestAsOf = await read<bigint>('latestAsOf', marketId)
    return new RoundSource({ market, terms, latestAsOf }, { chainId, address, folder: wanted.folder }, hands)
  }

  /** Words first, so that whoever sees the round has them; then the round. @returns the file of its words */
  async publish(round: RoundWords): Promise<string> {
    const words = roundFileOf(this.market, round)
    const file = join(this.folder, roundFileName(words))
    mkdirSync(this.folder, { recursive: true })
    await writeFileAtomic(file, `${JSON.stringify(words)}\n`)
    const domain = roundsDomain(this.chainId, this.address)
    const now = BigInt(Math.floor(Date.now() / 1000))
    const deadline = (round.asOf > now ? round.asOf : now) + DEADLINE_SECONDS
    await publishRound(this.payer, this.address, await attestRound(domain, this.signers, round, deadline))
    forgetOldRounds(this.folder, this.market)
    return file
  }
}

/** Deletes words that were written of rounds that nothing rests on any more. */
export function forgetOldRounds(folder: string, market: string): void {
  const own = readdirSync(folder).flatMap((name) => {
    const asOf = Number(/-(\d+)\.round\.json$/.exec(name)?.[1] ?? Number.NaN)
    return roundFileName({ market, asOf }) === name ? [{ name, asOf }] : []
  })
  const old = own.toSorted((a, b) => b.asOf - a.asOf).slice(ROUND_FILES_KEPT)
  for (const { name } of old) rmSync(join(folder, name), { force: true })
}

/** What an account has is worth no more than was stated. */
function priceE12Down(price: number): bigint | undefined {
  const decimal = parseDecimal(String(price))
  if (decimal === undefined || decimal.negative) return undefined
  const { numerator, denominator } = scaleDecimal(decimal, 10n ** 12n)
  return numerator / denominator
}

/** Rounds are wanted where nothing takes them. */
export class NoRoundsError extends ProverError {
  readonly code = 'service.no-rounds'

  constructor() {
    super(
      'Expected a deployment with a registry of margins, which --rounds publishes rounds for, got one without. ' +
        'Deploy one (docs/portfolio.md), or leave --rounds out.',
    )
  }
}
