/** What a consumer contract reads once proofs have moved the registry. */
import { Contract } from 'ethers'
import { marketIdOf } from '../../market/marketId.ts'
import type { Parameters } from '../../parameters/marketRisk.ts'
import { interfaceOf } from '../../registry/index.ts'
import type { DevelopmentEngine } from '../development/engine.ts'
import { percent } from '../text/figures.ts'

export type ReadBack = { readonly market: string; readonly sequence: bigint } & Pick<
  Parameters,
  'initialMarginX24' | 'maintenanceMarginX24' | 'maxLoanToValueX24' | 'asOf'
>

/** Reads every market's parameters as contracts read them: the read that fails when the data behind them is old. */
export async function readBack({ chain, deployment }: DevelopmentEngine): Promise<readonly ReadBack[]> {
  const registry = new Contract(deployment.addresses.registry, interfaceOf('RiskRegistry'), chain.provider)
  return Promise.all(
    deployment.markets.map(async ({ name }) => {
      const held = await registry.getFunction('parameters')(marketIdOf(name))
      const { initialMarginX24, maintenanceMarginX24, maxLoanToValueX24, asOf, sequence } = held
      return { market: name, initialMarginX24, maintenanceMarginX24, maxLoanToValueX24, asOf, sequence }
    }),
  )
}

export function describeReadBack(held: readonly ReadBack[]): readonly string[] {
  const share = (valueX24: bigint): string => percent(Number(valueX24) / 2 ** 24)
  return held.map(
    ({ market, sequence, initialMarginX24, maintenanceMarginX24, maxLoanToValueX24 }) =>
      `  ${market}, update ${sequence}: initial margin ${share(initialMarginX24)}, maintenance ${share(maintenanceMarginX24)}, max LTV ${share(maxLoanToValueX24)}`,
  )
}
