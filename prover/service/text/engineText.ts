import { isMarketName } from '../../market/marketId.ts'
import { modelNames } from '../../volatility/models.ts'
import type { EngineFound } from '../takeover/takeOver.ts'
import type { Difference } from '../takeover/published.ts'
import { familyOf } from '../workspace.ts'
import { formatTable } from './table.ts'

/** What a chain says of an engine, as whoever takes it over judges it. */
export function formatEngine(found: EngineFound, written: string | undefined): string {
  const { deployment, models, findings, differences } = found
  const { addresses, sources, markets, portfolio } = deployment
  return [
    `Chain ${deployment.chainId}, everything from block ${deployment.block} on.`,
    `  registry            ${addresses.registry}`,
    `  model registry      ${addresses.modelRegistry}`,
    `  council             ${addresses.council}`,
    ...(portfolio === undefined
      ? []
      : [
          `  portfolio registry  ${portfolio.registry}, margins in ${portfolio.market}`,
          `  risk arrays         ${portfolio.arrays}`,
          `  rounds              ${portfolio.rounds}`,
        ]),
    '',
    formatTable(
      ['market', 'volatility model', 'observations from'],
      markets.map(({ name, volatilityModel, source }) => [name, volatilityModel, source]),
    ),
    '',
    formatTable(
      ['source', 'attested by'],
      sources.map((source) => [
        source.address,
        source.kind === 'attestedFeed'
          ? `${source.threshold} of ${source.signers.length} signers: whoever of them attests, anybody may carry it`
          : 'a contract, without signers',
      ]),
    ),
    '',
    formatTable(
      ['model', 'here'],
      models.map(({ name, modelId, status }) => [
        `${name}${name === modelId ? '' : ` ${modelId.slice(0, 10)}…`}`,
        status,
      ]),
    ),
    ...models.filter(({ says }) => says !== '').map(({ name, says }) => `${name}: ${says}.`),
    '',
    ...servedText(found),
    ...findings.map(({ severity, of, says }) => `${severity === 'refused' ? 'NOT OURS' : 'Note'}: ${of}: ${says}.`),
    ...differences.map((each) => `${differenceText(each)}.`),
    'Not on the chain: keys of signers and of the council, and names of sources, which are made up here.',
    ...(written === undefined ? [] : [`${written} written.`]),
  ].join('\n')
}

/** The chain wins. */
export const differenceText = ({ field, file, chain }: Difference): string =>
  `The file says ${field} ${file ?? 'nothing'}, the chain ${chain ?? 'nothing'}: the chain’s is taken`

/** Of which markets whoever runs this could go on with. */
export function servedText({ deployment, models }: Pick<EngineFound, 'deployment' | 'models'>): readonly string[] {
  const usable = new Set(models.filter(({ status }) => status === 'usable').map(({ name }) => name))
  const families = modelNames.filter((name) => usable.has(familyOf(name).live))
  const taken = deployment.markets.filter(({ name }) => isMarketName(name))
  const [served, left] = [true, false].map((isServed) =>
    taken.filter(({ volatilityModel }) => families.includes(volatilityModel) === isServed),
  )
  return [
    `Batches that can be proven here: of ${served?.map(({ name }) => name).join(', ') || 'no market'}.`,
    ...(left ?? []).map(
      ({ name, volatilityModel }) => `Not of ${name}: the keys of its model ${volatilityModel} are not here.`,
    ),
  ]
}
