/** Witnesses that an account is below maintenance, derived again from its books and the scenario they name. */
import type { Fields } from '../../../circuits/statements/index.ts'
import type { AccountState } from '../../portfolio/margin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { subjectOf } from '../../registry/portfolio/calldata.ts'
import { stateWitness } from '../../statement/portfolioMargin.ts'
import { unpack } from '../../statement/words.ts'
import { failed, summarise } from '../findings.ts'
import { foldAccount, judgeBookCount, readBooks } from './books.ts'
import { marginPolicyOf, roundMarketOf, type WitnessCall } from './calls.ts'
import { compareWord, holdsIf } from './comparisons.ts'
import { isLater } from './ledger.ts'
import type { ProofEvent, WitnessEvent } from './record.ts'
import { contextOf, judgeRound, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** Derives again how far below maintenance a scenario leaves an account. */
export async function judgeWitness(scene: Scene, call: WitnessCall, events: readonly ProofEvent[]): Promise<void> {
  const { ledger, transaction, found } = scene
  const { round, witness } = call
  const model = useModel(scene, witness.witnessModelId, 'unhealthyWitness')
  const scope = judgeRound(scene, round)
  const reader = readBooks(scene, call, witness.bookModelId)
  const folded = await foldAccount(scene, witness, scope.roundId, round.asOf, reader)
  const { account } = witness
  const sequence = ledger.reports.get(account)?.sequence ?? 0n
  const event = events[0]
  const emitted: Partial<WitnessEvent> = event?.name === 'AccountUnhealthy' ? event : {}
  const claims: ClaimResult[] = [
    ...folded.claims,
    ...model.claims,
    ...scope.claims,
    ...judgeBookCount(reader),
    compare('J1', 'AccountUnhealthy.account', account, emitted.account),
    compare('J1', 'AccountUnhealthy.asOf', round.asOf, emitted.asOf),
    compare('J1', 'AccountUnhealthy.bound', witness.bound, emitted.bound),
    compare('R30', 'AccountUnhealthy.sequence', sequence, emitted.sequence),
    holdsIf(
      isLater({ asOf: round.asOf, sequence }, ledger.witnesses.get(account)),
      'R30',
      'witness',
      'a later one',
      sequence,
    ),
  ]
  const bound = await judgeBound(
    scene,
    call,
    folded.account,
    model,
    subjectOf(scope.roundId, [{ account, sequence }]),
    claims,
  )
  ledger.witnesses.set(account, { asOf: round.asOf, sequence })
  found.witnesses.push({
    account,
    sequence,
    asOf: round.asOf,
    block: transaction.block,
    transactionHash: transaction.hash,
    books: folded.books,
    ...summarise(claims),
    ...(bound === undefined ? {} : { maintenanceE8: bound.maintenanceE8 }),
  })
}

/** States the witness with the twin and holds the call to it; undefined if it cannot be stated. */
async function judgeBound(
  scene: Scene,
  { round, witness, witnessProof }: WitnessCall,
  account: AccountState | undefined,
  { build, verificationKey }: UsedModel,
  subject: string,
  claims: ClaimResult[],
): Promise<Fields<'maintenanceBound'> | undefined> {
  const { policy } = scene.ledger
  if (account === undefined || build === undefined || verificationKey === undefined || policy === undefined) {
    claims.push(compare('J1', 'bound', 'a bound that can be derived', 'an account without a book, key or policy'))
    return undefined
  }
  let bound: Fields<'maintenanceBound'> | undefined
  try {
    const context = contextOf(scene, witness.witnessModelId, subject)
    const market = roundMarketOf(round.marketWords)
    const margins = marginPolicyOf(policy.words)
    const { stated } = await stateWitness(build, context, account, market, margins, Number(witness.scenario))
    bound = unpack('maintenanceBound', stated.sections.bound?.[0] ?? 0n)
    claims.push(
      ...compareWord('L12', 'bound', 'maintenanceBound', bound, witness.bound),
      ...(await judgeStatement('witness', stated, witness.commitment, witnessProof, verificationKey)),
    )
  } catch (error) {
    claims.push(failed('L12', 'scenario', error))
  }
  return bound
}
