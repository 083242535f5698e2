/** Makers' vaults in a registry of their own: what each holds is reported and proven, and counted once all of them are. */
import type { RoundWords } from '../../../prover/registry/index.ts'
import { positionWord } from '../../../prover/statement/optionBook.ts'
import { holdingsWords } from '../../../prover/statement/portfolioMargin.ts'
import type { Contracts } from './contracts.ts'
import { exposureOf, marginAt, type Priced } from './holders.ts'
import type { CrashVenue } from './venue.ts'

/** Counts made since it was last set. */
export class Vaults {
  counts = 0
  readonly #contracts: Contracts
  readonly #venue: CrashVenue

  constructor(contracts: Contracts, venue: CrashVenue) {
    this.#contracts = contracts
    this.#venue = venue
  }

  /** Net delta of all, in assets, as a count of this market would come to. */
  deltaAt(market: Priced): number {
    return this.#venue.makers.reduce((sum, maker) => sum + exposureOf(maker, market).delta, 0)
  }

  /** Reports every vault as the venue has it, opens a count of the newest round, and proves all of them. */
  async count(): Promise<void> {
    const { clerk, vaults, countedModels } = this.#contracts
    const { makers, market, round, proofs } = this.#venue
    for (const maker of makers) {
      const { account, positions } = marginAt(maker, market as Priced)
      const { holdings = [], collateralAmounts = [] } = holdingsWords(account.holdings)
      await clerk.reportAccount(maker.owner, positions.map(positionWord), holdings[0] as bigint, collateralAmounts)
    }
    await vaults.openCount(round as RoundWords)
    const keyed = makers.map((book) => ({ key: book.owner, book }))
    await proofs.land({ client: vaults, models: countedModels }, keyed)
    this.counts++
  }
}
