/** What consumers of a registry of markets must be answered: the twin of contracts/registry/ParameterReads.sol. */
import { ZeroAddress } from 'ethers'
import type { Fields } from '../../../circuits/statements/index.ts'
import { marketNameOf } from '../../market/marketId.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { idOfSource } from '../../registry/market/place.ts'
import { layoutHash } from '../../statement/layout.ts'
import { unpack } from '../../statement/words.ts'
import type { Place } from '../nodeReads.ts'
import { pauseAt, pausedSeconds } from '../pauses.ts'
import type { Question } from '../deployed/collect.ts'
import type { ExpectedRead } from '../deployed/judge.ts'
import { type ChainRecord, freshnessFields } from './chainRecord.ts'
import { isShadow } from './judgeShadows.ts'
import type { Ledger } from './ledger.ts'

const ONE_WAD = 10n ** 18n
const FRACTION_BITS = 24n
const HOUR = 3600n
const NOBODY = `0x${'00'.repeat(32)}`

const wadUp = (valueX24: bigint): bigint => (valueX24 * ONE_WAD + (1n << FRACTION_BITS) - 1n) >> FRACTION_BITS
const wadDown = (valueX24: bigint): bigint => (valueX24 * ONE_WAD) >> FRACTION_BITS

const wads = {
  initialMarginWad: ({ initialMarginX24 }: Held) => wadUp(initialMarginX24),
  maintenanceMarginWad: ({ maintenanceMarginX24 }: Held) => wadUp(maintenanceMarginX24),
  liquidationThresholdWad: ({ liquidationThresholdX24 }: Held) => wadDown(liquidationThresholdX24),
  maxLoanToValueWad: ({ maxLoanToValueX24 }: Held) => wadDown(maxLoanToValueX24),
  volatilityWad: ({ volatilityX24 }: Held) => wadUp(volatilityX24),
} as const

type Held = Fields<'parameters'> & { readonly sequence: bigint }

const ofMarkets = [
  'pausedUntil',
  'sourceOf',
  'parameters',
  'parametersForLiquidation',
  'unsafeParameters',
  'sequence',
  ...Object.keys(wads),
]
const ofAll = ['learningPolicy', 'marginPolicy', 'freshnessPolicy'] as const

/** Contracts that markets take observations from, or took. */
export const sourcesOf = ({ markets, rotations }: Pick<ChainRecord, 'markets' | 'rotations'>) =>
  [...new Set([...markets, ...rotations].map(({ source }) => source))].map((address) => ({
    part: 'source' as const,
    address,
  }))

/** What is asked of a registry with these markets and shadows. */
export const marketQuestions = (marketIds: readonly string[]): readonly Question[] => [
  ...ofAll.map((method) => ({ method, of: NOBODY })),
  ...[...new Set(marketIds)].flatMap((of) =>
    isShadow(of) ? [{ method: 'parameters', of }] : ['marketPolicy', ...ofMarkets].map((method) => ({ method, of })),
  ),
]

/** The answers that follow from a history, in the order of {@link marketQuestions}. */
export function expectedMarketReads(record: ChainRecord, ledger: Ledger): readonly ExpectedRead[] {
  const scene: Scene = { record, ledger, freshness: freshnessOf(ledger), time: record.deployed.time }
  return marketQuestions(record.markets.map(({ marketId }) => marketId)).map(({ method, of }) => {
    const answer = of === NOBODY ? policyAnswer(method, ledger) : marketAnswer(method, of, scene)
    return { method, of, name: of === NOBODY ? '' : marketNameOf(of), answer }
  })
}

type Scene = {
  readonly record: ChainRecord
  readonly ledger: Ledger
  readonly freshness: Freshness
  readonly time: bigint
}

const END: Place = { block: Number.POSITIVE_INFINITY, logIndex: 0 }

/** When the pause of a market ends, of its source, or of the one that its parameters come from; 0 if none is paused. */
function pausedUntil(marketId: string, { record: { pauses }, ledger, time }: Scene): bigint {
  const sources = [ledger.sources.get(marketId), ledger.sourceInForce(marketId)]
  const ids = [marketId, ...sources.map((source) => idOfSource(source ?? ZeroAddress))]
  const untils = ids.map((id) => pauseAt(pauses, id, END).until)
  const until = untils.reduce((latest, each) => (each > latest ? each : latest), 0n)
  return until > time ? until : 0n
}

/** Seconds since the observation behind parameters that governance kept a market from moving: by pauses of models, too. */
function secondsPaused(marketId: string, from: bigint, { record, ledger, freshness, time }: Scene): bigint {
  const { pauses, models } = record
  const { previous, followedAt } = ledger.rotations.get(marketId) ?? { previous: ZeroAddress, followedAt: 0n }
  const before = pauseAt(pauses, idOfSource(previous), END)
  const left = followedAt !== 0n && before.until > followedAt ? { ...before, until: followedAt } : before
  const family = ledger.markets.get(marketId)?.volatilityModel
  const ofFamily = models.filter(
    (model) => model.layoutHash === layoutHash('marketRisk') && model.volatilityModel === family,
  )
  const all = [
    ...ofFamily.map((model) => pauseAt(model.pauses, model.modelId, END)),
    pauseAt(pauses, marketId, END),
    pauseAt(pauses, idOfSource(ledger.sources.get(marketId) ?? ZeroAddress), END),
    left,
  ]
  return pausedSeconds(all, { from, now: time, graceSeconds: freshness.maxParameterAgeSeconds })
}

type Freshness = Record<(typeof freshnessFields)[number], bigint>
const freshnessOf = (ledger: Ledger): Freshness =>
  Object.fromEntries(freshnessFields.map((field) => [field, ledger.policy(field) ?? 0n])) as Freshness

function policyAnswer(method: string, ledger: Ledger): ExpectedRead['answer'] {
  if (method === 'freshnessPolicy') return inOrderOf(method, freshnessOf(ledger))
  const value = ledger.policy(method === 'learningPolicy' ? 'learning' : 'margin')
  return inOrderOf(method, { word: value ?? 0n })
}

function marketAnswer(method: string, marketId: string, scene: Scene): ExpectedRead['answer'] {
  const { ledger, freshness, time } = scene
  if (isShadow(marketId)) return 'ShadowNotInForce'
  if (method === 'marketPolicy') return inOrderOf(method, { word: ledger.policy('market', marketId) ?? 0n })
  const sequence = ledger.sequenceOf(marketId)
  if (method === 'sourceOf') return only(method, ledger.sources.get(marketId) ?? ZeroAddress)
  if (method === 'pausedUntil') return only(method, pausedUntil(marketId, scene))
  if (method === 'sequence') return only(method, sequence)
  const { parameters = 0n } = ledger.markets.get(marketId) ?? {}
  if (parameters === 0n && sequence === 0n) return 'NotYetProven'
  const held = { ...unpack('parameters', parameters), sequence }
  const ageSeconds = time > held.asOf ? time - held.asOf : 0n
  if (method === 'unsafeParameters') return inOrderOf(method, { ...held, ageSeconds })
  const staleSeconds = ageSeconds - freshness.maxParameterAgeSeconds
  const stale = staleSeconds > 0n
  if (method === 'parametersForLiquidation') {
    const counted = stale ? staleSeconds - secondsPaused(marketId, held.asOf, scene) : 0n
    return inOrderOf(method, { ...(counted > 0n ? tightened(held, counted, freshness) : held), stale })
  }
  if (pausedUntil(marketId, scene) !== 0n) return 'MarketPaused'
  if (stale) return 'ParametersStale'
  return method === 'parameters' ? inOrderOf(method, held) : only(method, wads[method as keyof typeof wads](held))
}

/** Only ever tightens: a maintenance margin above the cap stays where it is. */
function tightened(
  held: Held,
  staleSeconds: bigint,
  { stalenessAddOnPerHourX24, maintenanceMarginCapX24 }: Freshness,
): Held {
  const { initialMarginX24, maintenanceMarginX24, liquidationThresholdX24, maxLoanToValueX24 } = held
  const wanted = maintenanceMarginX24 + (stalenessAddOnPerHourX24 * staleSeconds + HOUR - 1n) / HOUR
  const raised = wanted > maintenanceMarginCapX24 ? maintenanceMarginCapX24 : wanted
  if (raised <= maintenanceMarginX24) return held
  const rise = raised - maintenanceMarginX24
  const threshold = liquidationThresholdX24 > rise ? liquidationThresholdX24 - rise : 0n
  return {
    ...held,
    maintenanceMarginX24: raised,
    initialMarginX24: initialMarginX24 < raised ? raised : initialMarginX24,
    liquidationThresholdX24: threshold,
    maxLoanToValueX24: maxLoanToValueX24 > threshold ? threshold : maxLoanToValueX24,
  }
}

/** The one value that a method returns, whether it names it or not. */
function only(method: string, value: bigint | string): ExpectedRead['answer'] {
  const [output] = interfaceOf('RiskRegistry').getFunction(method)?.outputs ?? []
  return [{ name: output?.name ?? '', value }]
}

/** Values in the order in which a method returns them. */
function inOrderOf(
  method: string,
  values: Readonly<Record<string, bigint | boolean | string>>,
): ExpectedRead['answer'] {
  const outputs = interfaceOf('RiskRegistry').getFunction(method)?.outputs ?? []
  return outputs.flatMap(({ name, components }) =>
    (components ?? [{ name }]).map((each) => ({ name: each.name, value: values[each.name] })),
  )
}
