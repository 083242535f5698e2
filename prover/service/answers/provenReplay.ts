/** A price history replayed on a chain: every step attested, proven, submitted and read back. */
import type { Observation, Parameters, MarketState } from '../../parameters/marketRisk.ts'
import type { Verdict } from '../../parameters/confidence.ts'
import type { Backend, CircuitKeys, Prover } from '../../proof/index.ts'
import { RegistryClient } from '../../registry/market/client.ts'
import { ProverError } from '../../errors.ts'
import { appendObservations, type DevelopmentEngine, type NamedObservation } from '../development/engine.ts'
import { doorWords } from '../../registry/market/door.ts'
import { stateBatch } from '../../statement/marketRisk.ts'
import { keyHashOf, proveStatement } from '../daemon/proving.ts'
import { buildOf } from '../workspace.ts'

/** One market in one proven batch. */
export type ProvenMarket = {
  readonly name: string
  readonly sequence: bigint
  readonly observation: Observation
  readonly state: MarketState
  readonly parameters: Parameters
  readonly verdict: Verdict
}

export type ProvenStep = {
  /** Time of the newest observation. */
  readonly asOf: bigint
  readonly markets: readonly ProvenMarket[]
  readonly transactionHash: string
  readonly block: number
  readonly gasUsed: bigint
  /** What made the proof. */
  readonly backend: Backend
  readonly stages: StageTimings
  /** Milliseconds: witness and proof; and from the observation's arrival to the batch in a block. */
  readonly proofMs: number
  readonly totalMs: number
}

/** Where a batch's time went from the arrival of its observations to the block that it landed in, in milliseconds. */
export type StageTimings = {
  /** The next batch, from the chain. */
  readonly read: number
  /** The twin's answer, and the words and commitment that state it. */
  readonly state: number
  readonly witness: number
  readonly proof: number
  /** The finished proof's check, and what lies between processes. */
  readonly verify: number
  /** The trial of the transaction. */
  readonly simulate: number
  /** Signing, sending and waiting for the block. */
  readonly land: number
}

export type ProvenReplayOptions = {
  /** Called after every batch has landed, before the next is attested. */
  readonly onStep?: (step: ProvenStep, index: number) => Promise<void> | void
  /** Asked before every batch but the first; the replay ends where it says no. */
  readonly mayContinue?: () => boolean
}

/**
 * Replays steps, one batch each.
 *
 * @throws {@link BatchNotReadyError} if appended observations do not make a batch; what the registry refuses with
 */
export async function replayProven(
  engine: DevelopmentEngine,
  prover: Prover,
  keys: CircuitKeys,
  steps: readonly (readonly NamedObservation[])[],
  { onStep, mayContinue }: ProvenReplayOptions = {},
): Promise<readonly ProvenStep[]> {
  const { chain, deployment } = engine
  const signer = chain.account('prover')
  const client = await RegistryClient.connect({
    registry: deployment.addresses.registry,
    provider: chain.provider,
    signer,
    expectedChainId: deployment.chainId,
    fromBlock: deployment.block,
  })
  const done: ProvenStep[] = []
  for (const [index, observations] of steps.entries()) {
    if (index > 0 && mayContinue?.() === false) break
    const step = await provenStep(engine, client, prover, keys, observations)
    done.push(step)
    await onStep?.(step, index)
  }
  return done
}

async function provenStep(
  { chain, deployment }: DevelopmentEngine,
  client: RegistryClient,
  prover: Prover,
  keys: CircuitKeys,
  observations: readonly NamedObservation[],
): Promise<ProvenStep> {
  const events = await appendObservations(chain, deployment, observations)
  const started = performance.now()
  const next = await client.nextBatch(buildOf(keys.circuit), keyHashOf(keys))
  if (next.batch === undefined || next.names.length < observations.length) {
    const stopped = events.filter(({ kind }) => kind === 'held' || kind === 'refused')
    const reasons = next.leftOut.map(({ name, reason }) => `${name}: ${reason}`)
    throw new BatchNotReadyError([...stopped.map((event) => doorWords(event)), ...reasons])
  }
  const read = performance.now()
  const statement = await stateBatch(next.batch)
  const stated = performance.now()
  const { bundle, timings, backend } = await proveStatement(prover, keys, next, statement)
  const proven = performance.now()
  const { witness, proof } = timings
  const submitted = await client.submit(bundle)
  if (submitted.status !== 'applied') throw new BatchNotReadyError(['somebody else has landed this batch'])
  const markets = next.names.map((name, i): ProvenMarket => {
    const [market, update] = [next.batch.markets[i], statement.updates[i]]
    const [observation, verdict] = [market?.observations.at(-1), update?.verdicts.at(-1)]
    if (market === undefined || update === undefined || observation === undefined || verdict === undefined) {
      throw new BatchNotReadyError([`${name}: no observation`])
    }
    return { name, sequence: market.sequence, observation, verdict, state: update.state, parameters: update.parameters }
  })
  return {
    asOf: markets.reduce((latest, { observation }) => (observation.asOf > latest ? observation.asOf : latest), 0n),
    markets,
    transactionHash: submitted.transactionHash,
    block: submitted.block,
    gasUsed: submitted.gasUsed,
    backend,
    stages: {
      read: read - started,
      state: stated - read,
      witness,
      proof,
      verify: proven - stated - witness - proof,
      ...submitted.milliseconds,
    },
    proofMs: witness + proof,
    totalMs: performance.now() - started,
  }
}

/** Observations were appended, but the batch does not hold all of them. */
export class BatchNotReadyError extends ProverError {
  readonly code = 'service.batch-not-ready'
  readonly reasons: readonly string[]

  constructor(reasons: readonly string[]) {
    super(
      `Expected every appended observation in the next batch, but: ${reasons.join('; ')}. Look at the chain’s clock.`,
    )
    this.reasons = reasons
  }
}
