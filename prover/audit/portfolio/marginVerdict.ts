/** Whether a margin bundle holds: everything derived again from its policy, round and positions, every proof verified. */
import { type Build, builds, type WordName, words } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { marginOfParts, type ProvableMargin } from '../../portfolio/accountMargin.ts'
import {
  isDevelopmentChain,
  type KeyKind,
  parseVerificationKey,
  verificationKeyHash,
  verifyProof,
} from '../../proof/index.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { modelIdOf } from '../../registry/deployment.ts'
import { expiryWordsOf, roundIdOf } from '../../registry/portfolio/rounds.ts'
import { layoutHash } from '../../statement/layout.ts'
import { joinList } from '../../statement/lists.ts'
import { holdingsWords, marginPolicyWords, roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords, pricingWords } from '../../statement/riskArray.ts'
import { type WordPlace, wordPlaces } from '../../statement/state.ts'
import { unpack } from '../../statement/words.ts'
import { failed } from '../findings.ts'
import type { ClaimId } from '../claimTitles.ts'
import { expiryMarketOf, holdingsOf, marginPolicyOf, pricingPolicyOf, roundMarketOf } from './calls.ts'
import { compareLists, holdsIf, unpackSafely } from './comparisons.ts'
import type { MarginBundle } from './marginBundle.ts'
import { claimOfMargin } from './margins.ts'
import {
  type MarginModel,
  type MarginModels,
  type MarginStatementName,
  marginStatementNames,
  marginStatements,
  type NamedStatement,
  sizesOf,
} from './marginStatements.ts'

/** What a margin bundle must agree with; what is left out is what the bundle says, and is listed as unpinned. */
export type MarginPins = {
  /** sha256 of verification keys by build, 0x-hexadecimal. */
  readonly verificationKeyHashes?: ReadonlyMap<string, string>
  /** What the pinned keys are worth. */
  readonly keyKind?: KeyKind
  readonly chainId?: bigint
  readonly registry?: string
  readonly account?: string
  readonly roundId?: string
}

/** What can be brought along to hold a bundle to. */
export type MarginPin = 'keys' | 'chain' | 'registry' | 'account' | 'round'

export type MarginVerdict = {
  /** Every claim holds, and the keys were the caller's own. */
  readonly valid: boolean
  /** Every claim holds, whatever was pinned: without keys of the caller's own, only that it agrees with itself. */
  readonly consistent: boolean
  readonly pinned: readonly MarginPin[]
  /** What only the bundle says. */
  readonly unpinned: readonly MarginPin[]
  readonly claims: readonly ClaimResult[]
  /** The first claim that does not hold. */
  readonly failure?: ClaimResult
  /** What follows from the bundle's policy, round and positions; undefined if nothing does. */
  readonly margin?: {
    readonly initialE8: bigint
    readonly maintenanceE8: bigint
    readonly equityE8: bigint
    readonly worstScenario: number
  }
}

/**
 * Checks a margin bundle's every claim with the twin and both verifiers, without a chain.
 *
 * Never throws for a false bundle; says which claim fails first and where. Without pinned keys nothing is valid.
 *
 * @example
 * const bundle = await readMarginBundle('margin.json')
 * const keys = await Promise.all(bundle.models.map(({ build }) => loadVerifyingKeys(build)))
 * const verificationKeyHashes = new Map(keys.map(({ circuit, manifest }) => [circuit, `0x${manifest.verificationKeySha256}`]))
 * (await checkMarginBundle(bundle, { verificationKeyHashes })).valid // → true
 */
export async function checkMarginBundle(bundle: MarginBundle, pins: MarginPins = {}): Promise<MarginVerdict> {
  const claims: ClaimResult[] = [...judgePlace(bundle, pins), ...judgeModels(bundle, pins)]
  let provable: ProvableMargin | undefined
  const models = modelsOf(bundle)
  if (models === undefined) {
    claims.push(
      compare('R1', 'models', 'models of arrays, books and the margin, each once, as they are used', 'others'),
    )
  } else {
    try {
      claims.push(...judgeRound(bundle))
      provable = derive(bundle, models)
      const statements = await marginStatements(provable, bundle.context, models)
      claims.push(...judgeLists(bundle, provable))
      claims.push(...judgeUsed(bundle, statements), ...judgeStatements(bundle, statements))
    } catch (error) {
      claims.push(failed('R28', 'held', error))
    }
  }
  for (const [i] of bundle.proofs.entries()) claims.push(await judgeProofOf(bundle, i))
  const failure = claims.find(({ holds }) => !holds)
  const pinned = pinsOf(pins)
  const margin = provable?.margin
  return {
    valid: failure === undefined && pinned.includes('keys'),
    consistent: failure === undefined,
    pinned,
    unpinned: ALL_PINS.filter((pin) => !pinned.includes(pin)),
    claims,
    ...(failure === undefined ? {} : { failure }),
    ...(margin === undefined
      ? {}
      : {
          margin: {
            initialE8: margin.initialE8,
            maintenanceE8: margin.maintenanceE8,
            equityE8: margin.equityE8,
            worstScenario: margin.worstScenario,
          },
        }),
  }
}

const ALL_PINS: readonly MarginPin[] = ['keys', 'chain', 'registry', 'account', 'round']

function pinsOf({ verificationKeyHashes, chainId, registry, account, roundId }: MarginPins): readonly MarginPin[] {
  const given = { keys: verificationKeyHashes, chain: chainId, registry, account, round: roundId }
  return ALL_PINS.filter((pin) => given[pin] !== undefined)
}

/** The bundle is of the chain, registry, account and round that were meant, and keys made for trying prove nothing elsewhere. */
function judgePlace({ context }: MarginBundle, pins: MarginPins): readonly ClaimResult[] {
  const { chainId, registry, account, roundId } = context
  const isFit = pins.keyKind !== 'development' || isDevelopmentChain(chainId)
  return [
    compare('A3', 'context.chainId', pins.chainId ?? chainId, chainId),
    compare('A3', 'context.registry', pins.registry ?? registry, registry),
    compare('A3', 'context.account', pins.account ?? account, account),
    compare('A3', 'context.roundId', pins.roundId ?? roundId, roundId),
    holdsIf(isFit, 'A3', 'context.chainId', 'a development chain, as the keys are development keys', chainId),
  ]
}

function judgeModels({ models }: MarginBundle, { verificationKeyHashes }: MarginPins): readonly ClaimResult[] {
  return models.flatMap((model, i) => {
    const at = `models[${i}]`
    const keyHash = keyHashOf(model.verificationKey)
    const pinned = verificationKeyHashes === undefined ? keyHash : (verificationKeyHashes.get(model.build) ?? 'none')
    const layout = layoutHash(buildNamed(model.build).statement)
    return [
      compare('A3', `${at}.verificationKeyHash`, pinned, model.verificationKeyHash),
      compare('R1', `${at}.verificationKey`, model.verificationKeyHash, keyHash),
      compare('R1', `${at}.layoutHash`, layout, model.layoutHash),
      compare('R1', `${at}.modelId`, modelIdOf(model.build, model.verificationKeyHash, layout), model.modelId),
    ]
  })
}

const buildNamed = (name: string): Build => (builds as readonly Build[]).find((build) => build.name === name) as Build

/** By statement, if they stand in order, each once, and the margin's is there. */
function modelsOf({ models }: MarginBundle): MarginModels | undefined {
  const named = models.map(({ build, modelId }): MarginModel => ({ build: buildNamed(build), modelId }))
  const places = named.map(({ build }) => (marginStatementNames as readonly string[]).indexOf(build.statement))
  const isOrdered = places.every((place, i) => place >= 0 && place > (places[i - 1] ?? -1))
  const found: Partial<Record<MarginStatementName, MarginModel>> = Object.fromEntries(
    named.map((model) => [model.build.statement, model]),
  )
  const { portfolioMargin, marginsAlone, arrayMargin, riskArray, optionBook } = found
  const [margin, second] = [portfolioMargin, marginsAlone, arrayMargin].filter((model) => model !== undefined)
  if (!isOrdered || margin === undefined || second !== undefined) return
  if (arrayMargin !== undefined) return riskArray && optionBook === undefined ? { riskArray, margin } : undefined
  if ((riskArray === undefined) !== (optionBook === undefined)) return
  return riskArray === undefined || optionBook === undefined ? { margin } : { riskArray, optionBook, margin }
}

/** The round's id follows from its words, its time stands in them, and its expiries ascend. */
function judgeRound({ context, round }: MarginBundle): readonly ClaimResult[] {
  const { chainId, rounds, market, roundId } = context
  const derived = roundIdOf(chainId, rounds, { marketId: marketIdOf(market), ...round })
  const expiries = round.expiries.map((words) => expiryMarketOf(words))
  return [
    compare('R24', 'round.market.asOf', round.asOf, roundMarketOf(round.market).asOf),
    ...expiries.flatMap(({ asOf, expiry }, i) => [
      compare('R26', `round.expiries[${i}].asOf`, round.asOf, asOf),
      holdsIf(
        expiry > (expiries[i - 1]?.expiry ?? 0n),
        'R24',
        `round.expiries[${i}].expiry`,
        'ascending expiries',
        expiry,
      ),
    ]),
    compare('R24', 'context.roundId', derived, roundId),
  ]
}

/** The margin again, from nothing but policy, round and what the account holds. */
function derive({ policy, round, held }: MarginBundle, models: MarginModels): ProvableMargin {
  const surfaces = round.expiries.map((words) => expiryMarketOf(words))
  const positions = held.positions.map((word) => unpack('optionPosition', word))
  if (positions.length > 0 && models.riskArray === undefined) throw new ModelOfOptionsMissingError(positions.length)
  return marginOfParts(
    {
      pricingPolicy: pricingPolicyOf(policy),
      marginPolicy: marginPolicyOf(policy),
      round: roundMarketOf(round.market),
      surfaces: new Map(surfaces.map((surface) => [surface.expiry, surface])),
      positions,
      holdings: holdingsOf(held),
    },
    sizesOf(models),
  )
}

/** Lists of words say what was read from them, and nothing besides. */
function judgeLists({ policy, round, held }: MarginBundle, provable: ProvableMargin): readonly ClaimResult[] {
  const { pricingPolicy, marginPolicy, account } = provable
  const policyWords = { ...pricingWords(pricingPolicy), ...marginPolicyWords(marginPolicy) }
  const { holdings = [], collateralAmounts = [] } = holdingsWords(account.holdings)
  return [
    ...compareLists('R25', 'policy', joinList('portfolioPolicy', policyWords), policy),
    ...compareLists('R24', 'round.market', joinList('roundMarket', roundWords(provable.round)), round.market),
    ...round.expiries.flatMap((words, i) =>
      compareLists('R24', `round.expiries[${i}]`, expiryWordsOf(expiryWords(expiryMarketOf(words))), words),
    ),
    ...compareLists('R28', 'held.holdings', holdings, [held.holdings]),
    ...compareLists('R28', 'held.collateralAmounts', collateralAmounts, held.collateralAmounts),
  ]
}

/** No proof is missing or too many, and no model stands by that proves nothing here. */
function judgeUsed({ models, proofs }: MarginBundle, statements: readonly NamedStatement[]): readonly ClaimResult[] {
  const used = models.map(({ build }) => statements.some(({ stated }) => stated.build.name === build))
  return [
    compare('R28', 'proofs.length', statements.length, proofs.length),
    ...used.map((is, i) => holdsIf(is, 'R1', `models[${i}]`, 'a model that proves something here', models[i]?.build)),
  ]
}

/** Every public word and signal is the twin's, in the twin's order. */
function judgeStatements(bundle: MarginBundle, statements: readonly NamedStatement[]): readonly ClaimResult[] {
  return bundle.proofs.flatMap(({ build, words: given, publicSignals }, i) => {
    const expected = statements[i]
    if (expected === undefined) return []
    const { name, stated } = expected
    const at = `proofs[${i}]`
    const isSame = (other: NamedStatement): boolean => String(other.stated.words) === String(given)
    const misplaced = isSame(expected) ? undefined : statements.find(isSame)
    const [commitment, evaluation, challenge] = stated.publicSignals
    return [
      compare('R28', at, name, misplaced?.name ?? name),
      compare('R1', `${at}.build`, stated.build.name, build),
      compare('Q1', `${at}.words.length`, stated.words.length, given.length),
      ...wordPlaces(stated.build).flatMap((place, w) => judgeWord(at, place, stated.words[w] ?? 0n, given[w] ?? -1n)),
      compare('Q2', `${at}.publicSignals.commitment`, commitment, publicSignals.commitment),
      compare('Q3', `${at}.publicSignals.challenge`, challenge, publicSignals.challenge),
      compare('Q3', `${at}.publicSignals.evaluation`, evaluation, publicSignals.evaluation),
    ]
  })
}

/** One word; where it differs the first of its fields that does is named. */
function judgeWord(
  at: string,
  { name, section, word }: WordPlace,
  expected: bigint,
  found: bigint,
): readonly ClaimResult[] {
  const claim = (field?: string): ClaimId => claimOf(section, field)
  if (expected === found) return fieldsOf(word).map((field) => ({ claim: claim(field), holds: true }))
  const [wanted, given] = [expected, found].map((value) =>
    word === 'root' ? undefined : (unpackSafely(word as WordName, value) as Record<string, bigint> | undefined),
  )
  const field = Object.keys(wanted ?? {}).find((key) => given !== undefined && wanted?.[key] !== given[key])
  if (field === undefined) return [compare(claim(), `${at}.${name}`, expected, found)]
  return [compare(claim(field), `${at}.${name}.${field}`, wanted?.[field], given?.[field])]
}

/** Names of a word's fields; a root has none. */
const fieldsOf = (word: string): readonly (string | undefined)[] =>
  word === 'root' ? [undefined] : words[word as WordName].fields.map(({ name }) => name)

const ofRound: ReadonlySet<string> = new Set([
  'expiryForward',
  'expirySurface',
  'expirySurfaceShape',
  'roundPrices',
  'roundConfidences',
  'collateralPrices',
])
const ofAccount: ReadonlySet<string> = new Set(['positions', 'arrayRoots', 'flags', 'holdings', 'collateralAmounts'])
const ofResults: ReadonlySet<string> = new Set(['margins', 'thresholds', 'risk'])

/** What a word rests on: the round, the account's report, arithmetic, or else the policy. */
function claimOf(section: string, field?: string): ClaimId {
  if (ofRound.has(section)) return 'R24'
  if (ofAccount.has(section)) return 'R28'
  if (section === 'strikes') return 'Q1'
  if (section === 'arrayRoot') return 'B1'
  if (section === 'stateIn' || section === 'stateOut') return 'L2'
  if (section === 'spotGreeks') return 'L4'
  return ofResults.has(section) ? claimOfMargin(field ?? '') : 'R25'
}

function keyHashOf(verificationKey: MarginBundle['models'][number]['verificationKey']): string {
  try {
    return `0x${verificationKeyHash(parseVerificationKey(verificationKey))}`
  } catch (error) {
    if (error instanceof ProverError) return error.code
    throw error
  }
}

/** By both verifiers, under the key of the proof's model. */
async function judgeProofOf({ models, proofs }: MarginBundle, i: number): Promise<ClaimResult> {
  const { build, proof, publicSignals } = proofs[i] as MarginBundle['proofs'][number]
  const model = models.find((each) => each.build === build)
  const field = `proofs[${i}].proof`
  if (model === undefined) return compare('Q3', field, `one of ${models.map((each) => each.build).join(', ')}`, build)
  try {
    const { commitment, evaluation, challenge } = publicSignals
    const claim = { proof, publicSignals: [commitment, evaluation, challenge] }
    const verdict = await verifyProof(parseVerificationKey(model.verificationKey), claim)
    return verdict.accepted ? { claim: 'Q3', holds: true } : failed('Q3', field, verdict.reason)
  } catch (error) {
    return failed('Q3', field, error)
  }
}

/** An account holds options, and the bundle has no model that proves their prices. */
export class ModelOfOptionsMissingError extends ProverError {
  readonly code = 'audit.model-of-options-missing'
  readonly positions: number

  constructor(positions: number) {
    super(`Expected models of arrays and books for ${positions} positions, the bundle has none. Do not act on it.`)
    this.positions = positions
  }
}
