/** Witnesses that an account is below maintenance, derived again from its books or arrays and the scenario they name. */
import type { Fields } from '../../../circuits/statements/index.ts'
import type { OptionPosition } from '../../portfolio/book.ts'
import { improvementAtMost } from '../../portfolio/improvement.ts'
import type { MarginPolicy, RoundMarket } from '../../portfolio/margin.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import { reportPresented, subjectOf } from '../../registry/portfolio/calldata.ts'
import type { StatementContext } from '../../statement/challenge.ts'
import { positionWord } from '../../statement/optionBook.ts'
import { stateWitness } from '../../statement/portfolioMargin.ts'
import { stateScenarioWitness } from '../../statement/scenarioWitness.ts'
import type { Stated } from '../../statement/state.ts'
import { unpack } from '../../statement/words.ts'
import { failed, summarise } from '../findings.ts'
import { compareReport, foldAccount, judgeBookCount, readArrays, readBooks } from './books.ts'
import {
  type ArraysWitnessCall,
  holdingsOf,
  marginPolicyOf,
  roundMarketOf,
  type WitnessArgument,
  type WitnessCall,
} from './calls.ts'
import { compareWord, holdsIf } from './comparisons.ts'
import { isLater } from './ledger.ts'
import type { ProofEvent, WitnessEvent } from './record.ts'
import type { BookReport } from './report.ts'
import { contextOf, judgeRound, judgeStatement, type Scene, type UsedModel, useModel } from './scene.ts'

/** What a witness is found to be about: the account as it is proven, and how its statement is made again. */
type Shown = {
  readonly claims: readonly ClaimResult[]
  readonly positions: readonly OptionPosition[]
  readonly books: readonly BookReport[]
  readonly model: UsedModel
  /** Undefined if it cannot be derived. */
  readonly state:
    | ((context: StatementContext, market: RoundMarket, policy: MarginPolicy) => Promise<Stated>)
    | undefined
}

/** Derives again how far below maintenance a scenario leaves an account. */
export async function judgeWitness(
  scene: Scene,
  call: WitnessCall | ArraysWitnessCall,
  events: readonly ProofEvent[],
): Promise<void> {
  const { ledger, transaction, found } = scene
  const { round, witness } = call
  const scope = judgeRound(scene, round)
  const shown = call.method === 'proveUnhealthy' ? await fromBooks(scene, call, scope.roundId) : fromArrays(scene, call)
  const { account, sequence } = witness
  const current = ledger.reports.get(account)?.sequence ?? 0n
  const provenAsOf = ledger.margins.get(account)?.asOf ?? 0n
  const event = events[0]
  const emitted: Partial<WitnessEvent> = event?.name === 'AccountUnhealthy' ? event : {}
  const claims: ClaimResult[] = [
    ...shown.claims,
    ...shown.model.claims,
    ...scope.claims,
    ...scope.freshness,
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
      : judgeChange(scene, call, shown.positions)),
  ]
  const subject = subjectOf(scope.roundId, [{ account, sequence }])
  const bound = await judgeBound(scene, call, shown, subject, claims)
  ledger.mark(account, { asOf: round.asOf, sequence: current })
  found.witnesses.push({
    account,
    sequence,
    asOf: round.asOf,
    block: transaction.block,
    transactionHash: transaction.hash,
    books: shown.books,
    ...summarise(claims),
    ...(bound === undefined ? {} : { maintenanceE8: bound.maintenanceE8 }),
  })
}

async function fromBooks(scene: Scene, call: WitnessCall, roundId: string): Promise<Shown> {
  const { round, witness } = call
  const model = useModel(scene, witness.witnessModelId, 'unhealthyWitness')
  const reader = readBooks(scene, call, witness.bookModelId)
  const { claims, positions, books, account } = await foldAccount(scene, witness, roundId, round.asOf, reader)
  const { build } = model
  const state: Shown['state'] =
    account === undefined || build === undefined
      ? undefined
      : async (context, market, policy) =>
          (await stateWitness(build, context, account, market, policy, Number(witness.scenario))).stated
  return { claims: [...claims, ...judgeBookCount(reader)], positions, books, model, state }
}

function fromArrays(scene: Scene, { round, witness, arrayWords }: ArraysWitnessCall): Shown {
  const model = useModel(scene, witness.witnessModelId, 'scenarioWitness')
  const { claims, positions, account } = readArrays(scene, witness, arrayWords, model, round.asOf)
  const report = scene.ledger.reports.get(witness.account)
  const met = positions.map((position) => positionWord(position))
  const isOfLast = witness.sequence === (report?.sequence ?? 0n)
  const { build } = model
  const state: Shown['state'] =
    account === undefined || build === undefined
      ? undefined
      : async (context, market, policy) =>
          (await stateScenarioWitness(build, context, account, market, policy, Number(witness.scenario))).stated
  return {
    claims: [...claims, ...(isOfLast ? compareReport(report, { ...witness, positions: met }) : [])],
    positions,
    books: [],
    model,
    state,
  }
}

/** What the account holds by now is worth less more than it was short of. */
function judgeChange(
  { ledger }: Scene,
  { round, witness, present }: WitnessArgument,
  positions: readonly OptionPosition[],
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
  { round, witness, witnessProof }: WitnessArgument,
  { state, model: { verificationKey } }: Shown,
  subject: string,
  claims: ClaimResult[],
): Promise<Fields<'maintenanceBound'> | undefined> {
  const { policy } = scene.ledger
  if (state === undefined || verificationKey === undefined || policy === undefined) {
    claims.push(compare('J1', 'bound', 'a bound that can be derived', 'an account without a book, key or policy'))
    return undefined
  }
  let bound: Fields<'maintenanceBound'> | undefined
  try {
    const context = contextOf(scene, witness.witnessModelId, subject)
    const stated = await state(context, roundMarketOf(round.marketWords), marginPolicyOf(policy.words))
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
