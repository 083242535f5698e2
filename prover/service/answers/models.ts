/** Volatility models on price histories, for `zkrisk models`. */
import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { historyMarkets, readExtract, readLongBars } from '../../market/histories.ts'
import { gatherBars, joinPrices, type PriceBar, type PriceOptions, readBars } from '../../market/prices.ts'
import { againstEwma, bestByScore, compareModels, isEwma, type JudgedModel } from '../../parameters/compareModels.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import { timeOption } from './params.ts'

export type AssetHistory = {
  readonly name: string
  readonly sources: readonly string[]
  readonly rows: readonly PriceBar[]
}

/** One asset's history under every model, the constant first. */
export type JudgedAsset = AssetHistory & { readonly judged: readonly JudgedModel[]; readonly ewma: JudgedModel }

export type AssetOptions = {
  /** Asset of each file, in order; none: every file is its own. */
  readonly names: readonly string[]
  readonly observeSeconds: number | undefined
  readonly prices: PriceOptions & { readonly fromText?: string; readonly toText?: string }
}

/**
 * Histories of the files, or of BTC and ETH where none is named.
 *
 * @throws the errors of {@link readBars}; {@link TimeOptionError}; {@link AssetCountError}
 */
export function readAssets(files: readonly string[], options: AssetOptions): readonly AssetHistory[] {
  const { names, observeSeconds } = options
  const { fromText, toText, ...prices } = options.prices
  const range = { from: timeOption('from', fromText), to: timeOption('to', toText) }
  if (names.length > 0 && names.length !== files.length) throw new AssetCountError(names.length, files.length)
  const gathered = (rows: readonly PriceBar[]): readonly PriceBar[] =>
    observeSeconds === undefined ? rows : gatherBars(rows, observeSeconds)

  if (files.length === 0) {
    const within = ({ asOf }: PriceBar): boolean => (range.from ?? 0n) <= asOf && asOf < (range.to ?? 1n << 32n)
    return historyMarkets.map((market) => {
      const { sources, rows } = readLongBars(market) ?? readExtract(market)
      return { name: market, sources, rows: gathered(rows.filter(within)) }
    })
  }
  const named = files.map((file, i) => ({ file, name: names[i] ?? file }))
  return [...Map.groupBy(named, ({ name }) => name)].map(([name, group]) => ({
    name,
    sources: group.map(({ file }) => file),
    rows: gathered(joinPrices(...group.map(({ file }) => readBars(file, { ...prices, ...range })))),
  }))
}

/** @throws the errors of {@link compareModels} */
export function judgeAssets(assets: readonly AssetHistory[]): readonly JudgedAsset[] {
  return assets.map((asset) => {
    const judged = compareModels(asset.rows, defaultPolicy)
    return { ...asset, judged, ewma: judged.find(isEwma) as JudgedModel }
  })
}

/** Share of the observations after the first that came with a range. */
export function rangedShare(rows: readonly PriceBar[]): number {
  return rows.slice(1).filter(({ lowE8 }) => lowE8 !== undefined).length / (rows.length - 1)
}

/** What `--json` prints. */
export function modelsJson(assets: readonly JudgedAsset[]) {
  return {
    inProduction: DEFAULT_VOLATILITY_MODEL,
    bestByScore: bestByScore(assets.map(({ judged }) => judged)).name,
    assets: assets.map(({ name, sources, rows, judged, ewma }) => ({
      name,
      sources,
      from: Number(rows[0]?.asOf),
      to: Number(rows.at(-1)?.asOf),
      observations: rows.length,
      rangedShare: rangedShare(rows),
      models: judged.map((each) => ({
        name: each.model.name,
        title: each.model.title,
        constraints: each.model.constraints,
        parameters: each.model.parameters,
        ...each.score,
        againstEwma: againstEwma(each, ewma),
      })),
    })),
  }
}

/** Every file has one asset. */
export class AssetCountError extends ProverError {
  readonly code = 'service.asset-count'
  readonly assets: number
  readonly files: number

  constructor(assets: number, files: number) {
    super(`Expected one --asset for each price file, or none at all, got ${assets} for ${files}.`)
    this.assets = assets
    this.files = files
  }
}
