/** Where rounds of a market go: the source that a registry of margins takes them from, its committee, and the folder of their words. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Contract, type Provider, type Signer } from 'ethers'
import { marginPolicyOf } from '../../audit/portfolio/calls.ts'
import { ProverError } from '../../errors.ts'
import { parseDecimal, scaleDecimal } from '../../market/decimal.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import { ask } from '../../registry/contractErrors.ts'
import type { Deployment } from '../../registry/deployment.ts'
import {
  attestRound,
  PortfolioClient,
  publishRound,
  roundIdOf,
  roundsDomain,
  type RoundWords,
} from '../../registry/index.ts'
import { checkSigners } from '../answers/attesting.ts'
import {
  forgetDrafts,
  MOST_AHEAD,
  requireRoundsFolder,
  ROUND_FILES_KEPT,
  type RoundFile,
  roundFileName,
  roundFileOf,
} from '../daemon/accounts/roundBook.ts'
import type { MarketEntry } from './feedConfig.ts'
import { CollateralPriceError, isUsed, type RoundTerms } from './roundOfOptions.ts'
import { makeFolder } from '../../folder.ts'

/** Signed when it is sent, a round may be published until so long after. */
const DEADLINE_SECONDS = 3600n

export class RoundSource {
  readonly market: string
  readonly terms: RoundTerms
  private readonly chainId: bigint
  private readonly source: Contract
  private readonly address: string
  private readonly folder: string
  private readonly signers: readonly Signer[]
  private readonly payer: Signer

  private constructor(
    parts: Pick<RoundSource, 'market' | 'terms'>,
    place: { readonly chainId: bigint; readonly source: Contract; readonly address: string; readonly folder: string },
    hands: { readonly signers: readonly Signer[]; readonly payer: Signer },
  ) {
    const { market, terms } = parts
    this.market = market
    this.terms = terms
    this.chainId = place.chainId
    this.source = place.source
    this.address = place.address
    this.folder = place.folder
    this.signers = hands.signers
    this.payer = hands.payer
  }

  /**
   * @throws {@link RoundsFolderError}; {@link NoRoundsError} if the deployment has no registry of margins, {@link SignersError} if these are not its source's
   * @throws {@link CollateralPriceError} if the policy in force has a collateral that nobody stated a price of
   */
  static async open(
    provider: Provider,
    { portfolio, chainId, block }: Deployment,
    hands: { readonly signers: readonly (Signer & { readonly address: string })[]; readonly payer: Signer },
    wanted: { readonly folder: string; readonly rounds: MarketEntry['rounds'] },
  ): Promise<RoundSource> {
    if (portfolio === undefined) throw new NoRoundsError()
    requireRoundsFolder(wanted.folder)
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
    return new RoundSource({ market, terms }, { chainId, source, address, folder: wanted.folder }, hands)
  }

  /** Time of the newest round that the source has, whoever published it; 0 if none. @throws {@link RpcError} */
  latestAsOf(): Promise<bigint> {
    const { source, terms } = this
    return ask('Reading the newest round', () => source.getFunction('latestAsOf')(terms.marketId))
  }

  /** Whether a round was published, by whomever. @throws {@link RpcError} */
  async has(round: RoundWords): Promise<boolean> {
    const { source, chainId, address } = this
    const id = await ask('Reading a round', () => source.getFunction('roundOf')(round.marketId, round.asOf))
    return id === roundIdOf(chainId, address, round)
  }

  /** Of a round's words. */
  fileOf(round: RoundWords): string {
    return join(this.folder, roundFileName(roundFileOf(this.market, round)))
  }

  /**
   * Words first, so that whoever sees the round has them; then the round.
   *
   * @throws {@link RoundWordsKeptError} if words of another round of its time are there
   */
  async publish(round: RoundWords): Promise<void> {
    await keepWords(this.fileOf(round), roundFileOf(this.market, round))
    const domain = roundsDomain(this.chainId, this.address)
    const now = BigInt(Math.floor(Date.now() / 1000))
    const deadline = (round.asOf > now ? round.asOf : now) + DEADLINE_SECONDS
    await publishRound(this.payer, this.address, await attestRound(domain, this.signers, round, deadline))
  }
}

/**
 * Words in the folder before their round is published. Those of rounds that were not taken, too, are kept no longer than of others.
 *
 * @throws {@link RoundWordsKeptError}
 */
export async function keepWords(file: string, words: RoundFile): Promise<void> {
  const [folder, text] = [dirname(file), `${JSON.stringify(words)}\n`]
  makeFolder(folder)
  const there = textOf(file)
  // Its round may be on its way, from a process that was killed.
  if (there !== undefined && there !== text) throw new RoundWordsKeptError(file)
  if (there === undefined) await writeFileAtomic(file, text)
  forgetOldRounds(folder, words.market, words.asOf)
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Deletes words that were written of rounds that nothing rests on any more, and drafts of processes that were killed. Those of later
 * times than the newest round are counted for themselves: however many there are, they are in the place of none.
 *
 * @param newest - time of the round that is about to be published
 */
export function forgetOldRounds(folder: string, market: string, newest: number): void {
  forgetDrafts(folder)
  const own = readdirSync(folder).flatMap((name) => {
    const asOf = Number(/-(\d+)\.round\.json$/.exec(name)?.[1] ?? Number.NaN)
    return roundFileName({ market, asOf }) === name ? [{ name, asOf }] : []
  })
  const byTime = own.toSorted((a, b) => a.asOf - b.asOf)
  const old = byTime.filter(({ asOf }) => asOf <= newest).slice(0, -ROUND_FILES_KEPT)
  const ahead = byTime.filter(({ asOf }) => asOf > newest).slice(MOST_AHEAD)
  for (const { name } of [...old, ...ahead]) rmSync(join(folder, name), { force: true })
}

/** What an account has is worth no more than was stated. */
function priceE12Down(price: number): bigint | undefined {
  const decimal = parseDecimal(String(price))
  if (decimal === undefined || decimal.negative) return undefined
  const { numerator, denominator } = scaleDecimal(decimal, 10n ** 12n)
  return numerator / denominator
}

/** Words of another round of the same second are in the folder. */
export class RoundWordsKeptError extends ProverError {
  readonly code = 'service.round-words-kept'
  readonly file: string

  constructor(file: string) {
    super(
      `Expected no words of another round of this time, but ${file} has some, whose round may be on its way: ` +
        'they are kept, and the next quotes are published.',
    )
    this.file = file
  }
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
