/** Witnesses that an account is below maintenance, derived again from its books and the scenario they name. */
import type { Fields } from '../../../circuits/statements/index.ts'
import { improvementAtMost } from '../../portfolio/improvement.ts'
import type { AccountState } from '../../portfolio/margin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { reportPresented, subjectOf } from '../../registry/portfolio/calldata.ts'
import { stateWitness } from '../../statement/portfolioMargin.ts'
import { unpack } from '../../statement/words.ts'
import { failed, summarise } from '../findings.ts'
import { compareReport, foldAccount, type Folded, judgeBookCount, readBooks } from './books.ts'
import { holdingsOf, marginPolicyOf, roundMarketOf, type WitnessCall } from './calls.ts'
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
  const { account, sequence } = witness
  const folded = await foldAccount(scene, witness, scope.roundId, round.asOf, reader, sequence)
  const current = ledger.reports.get(account)?.sequence ?? 0n
  const provenAsOf = ledger.margins.get(account)?.asOf ?? 0n
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
    holdsIf(sequence > 0n && sequence <= current, 'R30', 'sequence', `1 to ${current}`, sequence),
    holdsIf(
      isLater({ asOf: round.asOf, sequence: current }, ledger.witnesses.get(account)) && round.asOf >= provenAsOf,
      'R30',
      'witness',
      'a later one',
      sequence,
    ),
    ...(sequence === current
      ? [compare('J1', 'present.length', 0, call.present.length)]
      : judgeChange(scene, call, folded)),
  ]
  const bound = await judgeBound(
    scene,
    call,
    folded.account,
    model,
    subjectOf(scope.roundId, [{ account, sequence }]),
    claims,
  )
  ledger.mark(account, { asOf: round.asOf, sequence: current })
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

/** What the account holds by now is worth less more than it was short of. */
function judgeChange(
  { ledger }: Scene,
  { round, witness, present }: WitnessCall,
  { positions }: Folded,
): readonly ClaimResult[] {
  const { policy } = ledger
  const said = reportPresented(present)
  const claims = [...compareReport(ledger.reports.get(witness.account), said)]
  if (policy === undefined) return claims
  try {
    const before = { positions, holdings: holdingsOf(witness) }
    const now = {
      positions: said.positions.map((word) => unpack('optionPosition', word)),
      holdings: holdingsOf(said),
    }
    const market = roundMarketOf(round.marketWords)
    const worth = improvementAtMost(Number(witness.scenario), market, marginPolicyOf(policy.words), before, now)
    const { maintenanceE8 } = unpack('maintenanceBound', witness.bound)
    const isStill = (maintenanceE8 + 1n) * 10n ** 12n + worth < 0n
    claims.push(holdsIf(isStill, 'R50', 'present', `worth less more than ${-maintenanceE8 - 1n} E8`, worth))
  } catch (error) {
    claims.push(failed('R50', 'present', error))
  }
  return claims
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
      ...(await judgeStatement(scene, 'witness', stated, witness.commitment, witnessProof, verificationKey)),
    )
  } catch (error) {
    claims.push(failed('L12', 'scenario', error))
  }
  return bound
}
