/** Volatility models on price histories, for `zkrisk models`. */
import { DEFAULT_VOLATILITY_MODEL } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { historyMarkets, readExtract, readLongHistory } from '../../market/histories.ts'
import { ONE_UNIT, type Units, unitsJson, unitsText } from '../../market/priceScale.ts'
import { GAP_SPACINGS, gatherBars, joinPrices, type PriceBar } from '../../market/prices.ts'
import { againstEwma, bestByScore, compareModels, isEwma, type JudgedModel } from '../../parameters/compareModels.ts'
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import { spacingNotes } from '../text/priceNotes.ts'
import { type History, type HistoryOptions, readHistory, spacingSeconds } from './histories.ts'
import { timeOption } from './time.ts'
import { UsageError } from '../text/usageError.ts'

export type AssetHistory = {
  readonly name: string
  readonly sources: readonly string[]
  readonly rows: readonly PriceBar[]
  /** Of the asset, that the rows' prices are of; by default one. */
  readonly units?: Units
}

/** One asset's history under every model, the constant first. */
export type JudgedAsset = AssetHistory & { readonly judged: readonly JudgedModel[]; readonly ewma: JudgedModel }

const HORIZON_SECONDS = Number(defaultPolicy.learning.horizonSeconds)

export type AssetOptions = {
  /** Asset of each file, in order; none: every file is its own. */
  readonly names: readonly string[]
  readonly observeSeconds: number | undefined
  /** Leave highs and lows out, as a source does that attests no range. */
  readonly closesOnly?: boolean | undefined
  readonly prices: HistoryOptions
  /** Hears how each file was read. */
  readonly say: (line: string) => void
}

/**
 * Histories of the files, or of BTC and ETH where none is named.
 *
 * @throws the errors of {@link readHistory}; {@link AssetCountError}; {@link AssetGapError}
 */
export function readAssets(files: readonly string[], options: AssetOptions): readonly AssetHistory[] {
  const { names, observeSeconds } = options
  if (names.length > 0 && names.length !== files.length) throw new AssetCountError(names.length, files.length)
  const gathered = (rows: readonly PriceBar[]): readonly PriceBar[] => {
    const observed = observeSeconds === undefined ? rows : gatherBars(rows, observeSeconds)
    return options.closesOnly === true ? observed.map(withoutRange) : observed
  }

  if (files.length === 0) {
    const { fromText, toText } = options.prices
    const [from, to] = [timeOption('from', fromText) ?? 0n, timeOption('to', toText) ?? 1n << 32n]
    const within = ({ asOf }: PriceBar): boolean => from <= asOf && asOf < to
    return historyMarkets.map((market) => {
      const { sources, rows } = readLongHistory(market) ?? readExtract(market)
      return { name: market, sources, rows: gathered(rows.filter(within)) }
    })
  }
  const named = files.map((file, i) => ({ file, name: names[i] ?? file }))
  return [...Map.groupBy(named, ({ name }) => name)].map(([name, group]) => {
    const read = readAtOneScale(group, options)
    const files = read.toSorted((a, b) => Number(startOf(a) - startOf(b)))
    requireContinued(name, files, options.prices.maxGapSeconds)
    const rows = gathered(joinPrices(...files.map(({ rows }) => rows)))
    for (const line of spacingNotes(name, spacingSeconds(rows), HORIZON_SECONDS)) options.say(line)
    return { name, sources: files.map(({ file }) => file), rows, ...unitsOf(read) }
  })
}

/** Files of one asset: the scale that each takes by itself is that of the smallest prices, for all. */
function readAtOneScale(
  group: readonly { readonly file: string }[],
  options: Parameters<typeof readHistory>[2] & { readonly prices: HistoryOptions },
): readonly FileOfRows[] {
  const readAll = (prices: HistoryOptions) => group.map(({ file }) => ({ file, ...readHistory(file, prices, options) }))
  const read = readAll(options.prices)
  const units = read.map((each) => Number(unitsText(each.units)))
  const most = Math.max(...units)
  return units.every((each) => each === most) ? read : readAll({ ...options.prices, units: most })
}

/** What all files of an asset are read at. */
const unitsOf = ([first]: readonly FileOfRows[]): { readonly units?: Units } =>
  first === undefined ? {} : { units: first.units }

type FileOfRows = History & { readonly file: string }

const startOf = ({ rows }: FileOfRows): bigint => rows[0]?.asOf ?? 0n
const endOf = ({ rows }: FileOfRows): bigint => rows.at(-1)?.asOf ?? 0n

/** Files of one asset, oldest first, may overlap, but pause no longer than the rows of one file may. */
function requireContinued(name: string, files: readonly FileOfRows[], maxGapSeconds: number | undefined): void {
  const limit = maxGapSeconds ?? GAP_SPACINGS * Math.max(...files.map(({ rows }) => spacingSeconds(rows)))
  let [latest] = files
  for (const next of files.slice(1)) {
    if (latest === undefined) return
    const gap = Number(startOf(next) - endOf(latest))
    if (gap > limit) throw new AssetGapError(name, latest.file, next.file, gap, limit)
    if (endOf(next) > endOf(latest)) latest = next
  }
}

const withoutRange = ({ lowE8, highE8, ...row }: PriceBar): PriceBar => ({ ...row, rangeCode: 0n })

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
    defaultModel: DEFAULT_VOLATILITY_MODEL,
    bestByScore: bestByScore(assets.map(({ judged }) => judged)).name,
    assets: assets.map(({ name, sources, rows, units = ONE_UNIT, judged, ewma }) => ({
      name,
      sources,
      from: Number(rows[0]?.asOf),
      to: Number(rows.at(-1)?.asOf),
      observations: rows.length,
      spacingSeconds: spacingSeconds(rows),
      rangedShare: rangedShare(rows),
      ...unitsJson(units),
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

/** Files of one asset do not follow each other. */
export class AssetGapError extends ProverError {
  readonly code = 'service.asset-gap'
  readonly asset: string
  readonly before: string
  readonly after: string
  readonly gapSeconds: number
  readonly limitSeconds: number

  constructor(asset: string, before: string, after: string, gapSeconds: number, limitSeconds: number) {
    super(
      `${asset}: expected ${after} to begin at most ${limitSeconds} s after ${before} ends, got ${gapSeconds} s. ` +
        'Give each its own --asset, or allow more with --max-gap-seconds.',
    )
    this.asset = asset
    this.before = before
    this.after = after
    this.gapSeconds = gapSeconds
    this.limitSeconds = limitSeconds
  }
}

/** Every file has one asset. */
export class AssetCountError extends UsageError {
  readonly code = 'service.asset-count'
  readonly assets: number
  readonly files: number

  constructor(assets: number, files: number) {
    super(`Expected one --asset for each price file, or none at all, got ${assets} for ${files}.`)
    this.assets = assets
    this.files = files
  }
}
