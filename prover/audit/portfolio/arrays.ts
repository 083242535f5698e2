/** Arrays of options, priced again from a round's words and the policy in force. */
import { sizeOf } from '../../../circuits/statements/index.ts'
import type { PricedSurface } from '../../portfolio/accountMargin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { hashOfHashes, hashOfWords } from '../../registry/portfolio/rounds.ts'
import { stateRiskArray } from '../../statement/riskArray.ts'
import { failed, summarise } from '../findings.ts'
import {
  type ArrayItem,
  type ArraysCall,
  expiryMarketOf,
  pricingPolicyOf,
  strikesOf,
  strikeWordCount,
} from './calls.ts'
import { compareLists, unpackSafely } from './comparisons.ts'
import type { ArrayEvent, ProofEvent } from './record.ts'
import { contextOf, judgePrice, judgeScope, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** Prices every array of a submission again, and keeps those that follow from their round and policy. */
export async function judgeArrays(scene: Scene, call: ArraysCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger, transaction, found } = scene
  const model = useModel(scene, call.modelId, 'riskArray')
  const perArray = strikeWordCount(model.build === undefined ? 0 : sizeOf(model.build, 'strikes'))
  const scope = judgeScope(scene, call.asOf, call.marketWords, hashOfHashes(call.expiryHashes))
  const shared = [
    ...model.claims,
    ...scope.claims,
    compare('J1', 'strikeWords.length', call.arrays.length * perArray, call.strikeWords.length),
    compare('J1', 'proofs.length', call.arrays.length, call.proofs.length),
  ]
  for (const [i, item] of call.arrays.entries()) {
    const { claims, priced, expiry } = await judgeArray(scene, call, i, model, scope.roundId, events[i])
    const { asOf, modelId } = call
    const policyVersion = ledger.policy?.version ?? 0n
    ledger.arrays.set(item.arrayRoot, { asOf, expiry, policyVersion, modelId, priced })
    found.arrays.push({
      number: found.arrays.length + 1,
      block: transaction.block,
      transactionHash: transaction.hash,
      arrayRoot: item.arrayRoot,
      asOf: call.asOf,
      expiry,
      strikesE8: priced?.strikesE8 ?? [],
      ...summarise([...shared, ...claims]),
    })
  }
}

/** One array; `priced` is undefined if it does not follow from its round and policy. */
async function judgeArray(
  scene: Scene,
  call: ArraysCall,
  i: number,
  { build, verificationKey }: UsedModel,
  roundId: string,
  event: ProofEvent | undefined,
): Promise<{
  readonly claims: readonly ClaimResult[]
  readonly priced: PricedSurface | undefined
  readonly expiry: bigint
}> {
  const { policy } = scene.ledger
  const item = call.arrays[i] as ArrayItem
  const at = `arrays[${i}]`
  const claims: ClaimResult[] = []
  let priced: PricedSurface | undefined
  let expiry = 0n
  try {
    const surface = expiryMarketOf(item.expiryWords)
    expiry = surface.expiry
    const listed = call.expiryHashes[Number(item.expiryIndex)] ?? 'none'
    claims.push(
      compare('R26', `${at}.expiryWords`, listed, hashOfWords(item.expiryWords)),
      compare('R26', `${at}.expiryWords.asOf`, call.asOf, surface.asOf),
      judgePrice(
        scene.ledger,
        `${at}.forward`,
        unpackSafely('roundPrices', call.marketWords[0] ?? 0n)?.spotE8 ?? 0n,
        surface.forwardVariableE8 + surface.forwardFixedE8,
      ),
      ...judgeArrayEvent(event, item.arrayRoot, call.asOf, expiry, policy?.version ?? 0n),
    )
    if (build !== undefined && verificationKey !== undefined && policy !== undefined) {
      const strikes = sizeOf(build, 'strikes')
      const perArray = strikeWordCount(strikes)
      const words = call.strikeWords.slice(i * perArray, (i + 1) * perArray)
      const context = contextOf(scene, call.modelId, roundId, scene.record.context.arrays)
      const strikesE8 = strikesOf(words, strikes)
      const pricing = pricingPolicyOf(policy.words)
      const { stated, array, arrayRoot } = await stateRiskArray(build, context, surface, pricing, strikesE8)
      claims.push(
        ...compareLists('Q1', `${at}.strikeWords`, stated.sections.strikes ?? [], words),
        compare('B1', `${at}.arrayRoot`, arrayRoot, item.arrayRoot),
        ...(await judgeStatement(at, stated, item.commitment, call.proofs[i] ?? [], verificationKey)),
      )
      if (arrayRoot === item.arrayRoot) priced = { surface, strikesE8, array }
    }
  } catch (error) {
    claims.push(failed('B1', at, error))
  }
  return { claims, priced, expiry }
}

function judgeArrayEvent(
  event: ProofEvent | undefined,
  arrayRoot: bigint,
  asOf: bigint,
  expiry: bigint,
  policyVersion: bigint,
): readonly ClaimResult[] {
  const found: Partial<ArrayEvent> = event?.name === 'ArrayAccepted' ? event : {}
  return [
    compare('J1', 'ArrayAccepted.arrayRoot', arrayRoot, found.arrayRoot),
    compare('J1', 'ArrayAccepted.asOf', asOf, found.asOf),
    compare('J1', 'ArrayAccepted.expiry', expiry, found.expiry),
    compare('R26', 'ArrayAccepted.policyVersion', policyVersion, found.policyVersion),
  ]
}
