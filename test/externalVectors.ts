/**
 * Answers computed by other people's software, read in place from ../shared/vectors (their licences differ, so nothing of
 * them is copied). docs/vectors.md says what is covered and how.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { nearest } from '../prover/portfolio/input/exact.ts'
import { parseExactJson } from '../prover/portfolio/input/exactJson.ts'
import { root } from '../scripts/tools/sources.ts'

/** Numbers are kept as they were written; `inputs` and `expected` hold them as text. */
export type ExternalVector = {
  readonly id: string
  readonly kind: string
  readonly source_repo: string
  readonly tolerance_note: string
  // biome-ignore lint/suspicious/noExplicitAny: every kind has inputs of its own
  readonly inputs: Readonly<Record<string, any>>
  // biome-ignore lint/suspicious/noExplicitAny: and answers of its own
  readonly expected: Readonly<Record<string, any>>
}

const FILE = join(root, '..', 'shared', 'vectors', 'external.json')
export const vectorsPresent = existsSync(FILE)
if (!vectorsPresent) console.log(`No ${FILE}: other people's answers are not compared`)
/** For titles: says why the tests below are skipped. */
export const whereVectors = vectorsPresent ? '' : ` (no ${FILE})`

/** Reads JSON with every number as the text it was written as. */
export const readExactJson = (file: string): unknown => parseExactJson(readFileSync(file, 'utf8'), file)

export const externalVectors = vectorsPresent ? (readExactJson(FILE) as readonly ExternalVector[]) : []

/** Entries of the kinds that one test file is about. */
export function vectorsOf(...kinds: readonly string[]): readonly ExternalVector[] {
  return externalVectors.filter(({ kind }) => kinds.includes(kind))
}

/** A decimal number times a scale, rounded to the nearest integer, halves away from zero. */
export const scaled = (value: string | number, scale: bigint): bigint => nearest(String(value), scale, 'vector')

export const toE8 = (value: string | number): bigint => scaled(value, 10n ** 8n)
export const toE12 = (value: string | number): bigint => scaled(value, 10n ** 12n)
export const toX = (value: string | number, fractionBits: number): bigint => scaled(value, 1n << BigInt(fractionBits))
/** Integer to double, for comparing and printing only. */
export const fromX = (value: bigint, fractionBits: number): number => Number(value) / 2 ** fractionBits
export const fromE = (value: bigint, decimals: number): number => Number(`${value}e-${decimals}`)

/** Prints inputs, expected, calculated, error and tolerance, and holds the error to the tolerance. */
export function compare(
  { id, kind, source_repo, inputs }: ExternalVector,
  quantity: string,
  expected: number,
  calculated: number,
  tolerance: number,
): void {
  const error = calculated - expected
  console.log(
    `${id} ${source_repo} ${kind}, ${quantity} of ${JSON.stringify(inputs)}: ` +
      `expected ${expected}, calculated ${calculated}, error ${error.toExponential(2)}, tolerance ${tolerance}`,
  )
  expect(Math.abs(error), `${id} ${quantity}`).toBeLessThanOrEqual(tolerance)
}

/** Which test file checks each kind. */
export const coverage: Readonly<Record<string, string>> = {
  fixed_point_ln: 'test/math/external.vectors.test.ts',
  fixed_point_exp: 'test/math/external.vectors.test.ts',
  fixed_point_sqrt: 'test/math/external.vectors.test.ts',
  fixed_point_stdNormalCDF: 'test/math/external.vectors.test.ts',
  fixed_point_stdNormalPDF: 'test/math/external.vectors.test.ts',
  fixed_point_pow: 'test/options/external.vectors.test.ts',
  black76_price_delta: 'test/options/external.vectors.test.ts',
  svi_vol: 'test/options/external.vectors.test.ts',
  svi_vol_wing_cap: 'test/options/external.vectors.test.ts',
  bsm_price: 'test/options/external.vectors.test.ts',
  bsm_price_full_precision: 'test/options/external.vectors.test.ts',
  bsm_greek_delta: 'test/options/external.vectors.test.ts',
  bsm_greek_elasticity: 'test/options/external.vectors.test.ts',
  bsm_greek_gamma: 'test/options/external.vectors.test.ts',
  bsm_greek_vega: 'test/options/external.vectors.test.ts',
  bsm_greek_theta: 'test/options/external.vectors.test.ts',
  bsm_greek_rho: 'test/options/external.vectors.test.ts',
  bsm_greek_dividendRho: 'test/options/external.vectors.test.ts',
  garch11_recursion: 'test/volatility/external.vectors.test.ts',
  garch11_update: 'test/volatility/external.vectors.test.ts',
  ewma_update: 'test/volatility/external.vectors.test.ts',
  scenario_grid: 'test/portfolio/external.vectors.test.ts',
  lognormal_var_es: 'test/portfolio/external.vectors.test.ts',
  neg_lognormal_var_es: 'test/portfolio/external.vectors.test.ts',
  perp_margin_risk_factor_es: 'test/portfolio/external.vectors.test.ts',
  perp_maintenance_margin: 'test/portfolio/external.vectors.test.ts',
  oi_scaled_initial_margin: 'test/portfolio/external.vectors.test.ts',
  oi_scaled_imf_ppm: 'test/portfolio/external.vectors.test.ts',
  size_weight_asset: 'test/portfolio/external.vectors.test.ts',
  size_weight_liability: 'test/portfolio/external.vectors.test.ts',
  perp_initial_margin_requirement: 'test/portfolio/external.vectors.test.ts',
  perps_available_margin: 'test/portfolio/external.vectors.test.ts',
  naked_put_margin: 'test/portfolio/external.vectors.test.ts',
  naked_put_excess: 'test/portfolio/external.vectors.test.ts',
  spread_margin_put_usdc: 'test/portfolio/external.vectors.test.ts',
  spread_margin_call_weth: 'test/portfolio/external.vectors.test.ts',
  span_risk_array_future: 'test/portfolio/external.vectors.test.ts',
  span_risk_array_call: 'test/portfolio/external.vectors.test.ts',
  span_portfolio_scan: 'test/portfolio/external.vectors.test.ts',
}
