/** What a venue took of accounts that its registry of margins showed to be below maintenance; from its events. */
import type { Provider } from 'ethers'
import type { Deployment } from '../../registry/deployment.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import { isoTime } from '../text/figures.ts'
import { EventTail, type TailEvent } from './eventTail.ts'
import type { LiquidationEvent } from './accounts.ts'

/** Of a liquidation what the venue's receipt says; `zkrisk receipt` verifies it. */
export type LiquidationTaken = {
  readonly owner: string
  readonly liquidator: string
  /** Round of the evidence. */
  readonly asOf: string
  readonly evidence: 'margins' | 'witness'
  readonly fractionPercent: number
  readonly notionalQuote: string
  /** That went to the liquidator with the positions; negative: that it paid. */
  readonly cashQuote: string
  readonly bonusPercent: number
  readonly coveredQuote: string
  readonly badDebtQuote: string
}

/** A liquidation, or that an account may be liquidated, or no longer. */
export type LiquidationReading = Omit<LiquidationEvent, 'kind'> & {
  readonly kind: LiquidationEvent['kind'] | 'liquidated'
  /** Null of what is no liquidation. */
  readonly taken: LiquidationTaken | null
}

export type LiquidationsReading = {
  /** Newest first. */
  readonly liquidations: readonly LiquidationReading[]
  readonly venue: string | null
  /** Why no venue's liquidations are among them; null where a venue is named. */
  readonly says: string | null
}

const NO_VENUE =
  'The deployment names no venue, so that of its liquidations nothing is known: name an OptionsVenue under `venue` (docs/operations.md).'

/** Stands for the scenario of a witness. */
const OF_WITNESS = 255n
const E12 = 10n ** 12n

export class VenueLedger {
  private readonly tail: EventTail | undefined
  private readonly venue: string | undefined

  constructor(provider: Provider, { venue, block }: Pick<Deployment, 'venue' | 'block'>) {
    this.venue = venue?.address
    this.tail =
      venue &&
      new EventTail(provider, {
        ...{ contract: 'OptionsVenue', event: 'Liquidated', address: venue.address },
        fromBlock: venue.block ?? block,
      })
  }

  /** Liquidations among the others, newest first. @param others - of the registry, newest first */
  async among(others: readonly LiquidationEvent[]): Promise<LiquidationsReading> {
    const own = (await this.tail?.read()) ?? []
    const all = [...own.map(readingOf), ...others.map((each): LiquidationReading => ({ ...each, taken: null }))]
    return {
      liquidations: all.toSorted((a, b) => b.block - a.block),
      venue: this.venue ?? null,
      says: this.venue === undefined ? NO_VENUE : null,
    }
  }
}

function readingOf({ args, block, transactionHash }: TailEvent): LiquidationReading {
  const { key, asOf, scenario, fractionBps, notionalE12, cashE12, bonusBps, coveredE12, badDebtE12 } =
    args.receipt.toObject() as Record<string, bigint> & { readonly key: string }
  const quote = (value = 0n): string => decimalText(value, E12)
  return {
    ...{ kind: 'liquidated', account: key, block, transactionHash },
    taken: {
      ...{ owner: args.owner, liquidator: args.liquidator, asOf: isoTime(asOf ?? 0n) },
      evidence: scenario === OF_WITNESS ? 'witness' : 'margins',
      fractionPercent: Number(fractionBps) / 100,
      ...{ notionalQuote: quote(notionalE12), cashQuote: quote(cashE12), bonusPercent: Number(bonusBps) / 100 },
      ...{ coveredQuote: quote(coveredE12), badDebtQuote: quote(badDebtE12) },
    },
  }
}
