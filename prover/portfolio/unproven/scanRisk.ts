import { ProverError } from '../../errors.ts'

/** Quantity of one instrument and what one unit of it gains under each scenario. */
export type ScannedPosition = { readonly quantity: bigint; readonly profits: readonly bigint[] }

export type ScanRisk = {
  /** What the portfolio gains under each scenario. */
  readonly profits: readonly bigint[]
  /** Index of the least profit; the lowest index wins. */
  readonly worst: number
  /** Largest loss, 0 where no scenario loses. */
  readonly requirement: bigint
}

/**
 * Risk-array margin: the largest loss of a portfolio over the scenarios that its instruments were priced under.
 *
 * Exact in whatever unit the profits have; the product of a quantity's scale and theirs is the result's.
 *
 * @param positions - shape [n], n ≥ 1, over the same scenarios in the same order
 * @throws {@link ScenarioCountError} if they differ in number, or there are none
 * @see CME Group, Standard Portfolio Analysis of Risk
 * @example
 * scanRisk([{ quantity: -2n, profits: [-100n, 50n] }, { quantity: 1n, profits: [-90n, 40n] }]).requirement // → 60n
 */
export function scanRisk(positions: readonly ScannedPosition[]): ScanRisk {
  const count = positions[0]?.profits.length ?? 0
  const odd = positions.find(({ profits }) => profits.length !== count)
  if (odd !== undefined || count === 0) throw new ScenarioCountError(count, odd?.profits.length ?? 0)

  const profits = Array.from({ length: count }, (_, i) =>
    positions.reduce((sum, position) => sum + position.quantity * position.profits[i]!, 0n),
  )
  const worst = profits.reduce((least, profit, i) => (profit < profits[least]! ? i : least), 0)
  const loss = -profits[worst]!
  return { profits, worst, requirement: loss > 0n ? loss : 0n }
}

/** Arrays of one portfolio must hold the same scenarios. */
export class ScenarioCountError extends ProverError {
  readonly code = 'portfolio.scenario-count'
  readonly expected: number
  readonly actual: number

  constructor(expected: number, actual: number) {
    super(
      `Expected at least one array, all of ${expected || 'one or more'} scenarios, got ${actual}. Price them on one grid.`,
    )
    this.expected = expected
    this.actual = actual
  }
}
