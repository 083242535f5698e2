/**
 * `zkrisk demo`, which `npm start` runs: a whole engine on an embedded chain through the crash of March 2020. Real prices,
 * attested by development signers; real proofs, verified by the contract before a parameter changes; then an audit.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Audit, audit } from '../../audit/index.ts'
import { historyMarkets, readExtract } from '../../market/histories.ts'
import { parseTime } from '../../market/time.ts'
import { createProver, type Prover } from '../../proof/index.ts'
import { auditKeyOf } from '../answers/auditing.ts'
import { startDevelopmentChain } from './chain.ts'
import { type Circle, circleKeys, runCircle } from './circle.ts'
import {
  deployDevelopmentEngine,
  type DevelopmentEngine,
  type MarketHistory,
  type NamedObservation,
  stepsOf,
} from './engine.ts'
import type { StatementKeys } from './portfolio.ts'
import { percent, utcTime } from '../text/figures.ts'
import { type ProvenStep, replayProven } from '../answers/provenReplay.ts'
import { describeReadBack, type ReadBack, readBack } from '../answers/readBack.ts'
import { writeDemoReport } from '../answers/reports.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../workspace.ts'

export type DemoOptions = {
  /** Most hours to prove. */
  readonly batches?: number | undefined
  /** No further proof is begun after this time. */
  readonly proveSeconds?: number | undefined
  /** HTML report to write. */
  readonly report: string
  /** Whether the circle is shown, and built for if need be; by default where what it needs is built. */
  readonly circle?: boolean | undefined
  readonly say: (line: string) => void
}

export type DemoResult = {
  readonly steps: readonly ProvenStep[]
  readonly held: readonly ReadBack[]
  /** Undefined where it was not shown. */
  readonly circle: Circle | undefined
  readonly audit: Audit['report']
  readonly report: string
  readonly seconds: number
}

/** A quiet hour: within the next two BTC falls by a sixth, and within {@link DEMO_BATCHES} hours by almost half. */
export const DEMO_START: bigint = parseTime('2020-03-12 09:00:00') ?? 0n
export const DEMO_BATCHES = 17
export const DEMO_PROVE_SECONDS = 28

const CIRCLE_NOT_BUILT =
  'A venue, its hedge and a lender that follow are shown once their circuits are built: `npx zkrisk demo --circle` builds them, a few minutes, once.'

/**
 * @example
 * const { audit } = await runDemo({ batches: 1, circle: false, report: 'demo.html', say: console.error })
 * audit.accepted // → true
 */
export async function runDemo({
  say,
  report,
  batches = DEMO_BATCHES,
  proveSeconds = DEMO_PROVE_SECONDS,
  circle: wanted,
}: DemoOptions): Promise<DemoResult> {
  const began = performance.now()
  const studied = studyCrashes()
  const [live, catchUp] = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
  const keysOfCircle = wanted === false ? undefined : await circleKeys(wanted === true, say)
  const { warmUps, steps } = crashHistory(DEMO_START, batches)
  const prover = createProver()
  const chain = await startDevelopmentChain(DEMO_START)
  try {
    const warmed = prover.warm(live)
    say(`A chain of its own, its clock at ${utcTime(DEMO_START)} UTC.`)
    const engine = await deployDevelopmentEngine(chain, [live, catchUp], warmUps, (line) => say(`  ${line}`))
    await warmed
    say(`Proving up to ${steps.length} hours of the crash, one batch of ${warmUps.length} markets an hour:`)
    const deadline = performance.now() + 1000 * proveSeconds
    const proven = await replayProven(engine, prover, live, steps, {
      onStep: (step) => say(`  ${describeStep(step)}`),
      mayContinue: () => performance.now() < deadline,
    })
    if (proven.length < steps.length)
      say(`  ${proven.length} hours proven within ${proveSeconds} s; --seconds allows more.`)
    const held = await readBack(engine)
    say('Read back by contracts:')
    for (const line of describeReadBack(held)) say(line)
    const circle = await showCircle(engine, keysOfCircle, prover, { say, wanted })
    say(`Auditing ${proven.length} batches from chain data alone: twin, inbox, snarkjs and @noble/curves …`)
    const { registry } = engine.deployment.addresses
    const keys = [live, catchUp].map(auditKeyOf)
    const { report: audited } = await audit({
      registry,
      provider: chain.provider,
      expectedChainId: chain.chainId,
      keys,
    })
    const accepted = new Set(audited.batches.filter((batch) => batch.accepted).map((batch) => batch.transactionHash))
    say('Drawing the report …')
    await studied
    writeDemoReport(report, warmUps, proven, (hash) => (accepted.has(hash) ? 'pass' : 'fail'), circle)
    const seconds = (performance.now() - began) / 1000
    return { steps: proven, held, circle, audit: audited, report, seconds }
  } finally {
    await prover.close()
    await chain.close()
  }
}

async function showCircle(
  engine: DevelopmentEngine,
  keys: StatementKeys | undefined,
  prover: Prover,
  { say, wanted }: Pick<DemoOptions, 'say'> & { readonly wanted: boolean | undefined },
): Promise<Circle | undefined> {
  if (keys === undefined) {
    if (wanted === undefined) say(CIRCLE_NOT_BUILT)
    return undefined
  }
  say('The circle, over what is in force now:')
  return runCircle(engine, keys, prover, (line) => say(`  ${line}`))
}

/** Beside the proofs, which leave a processor idle now and then; the report itself computes what is missing after a failure. */
async function studyCrashes(): Promise<void> {
  // Node runs the .ts source directly; the published build has .js beside .js.
  const entry = new URL(`../answers/crashStudiesThread${import.meta.url.slice(-3)}`, import.meta.url)
  await once(new Worker(entry, { execArgv: [] }), 'exit').catch(() => undefined)
}

/** The extract's markets up to a time, from which the twin learns, and the hours from there. */
export function crashHistory(
  start: bigint,
  batches: number,
): { readonly warmUps: readonly MarketHistory[]; readonly steps: readonly (readonly NamedObservation[])[] } {
  const histories: readonly MarketHistory[] = historyMarkets.map((name) => ({ name, rows: readExtract(name).rows }))
  const part = (keep: (asOf: bigint) => boolean): readonly MarketHistory[] =>
    histories.map(({ name, rows }) => ({ name, rows: rows.filter(({ asOf }) => keep(asOf)) }))
  return {
    warmUps: part((asOf) => asOf <= start),
    steps: stepsOf(part((asOf) => asOf > start)).slice(0, batches),
  }
}

/** One line of progress. */
export function describeStep({ asOf, markets, gasUsed, proofMs }: ProvenStep): string {
  const margins = markets.map(
    ({ name, parameters }) => `${name} IM ${percent(Number(parameters.initialMarginX24) / 2 ** 24, 1)}`,
  )
  const cost = `${gasUsed.toLocaleString('en')} gas, proof ${(proofMs / 1000).toFixed(1)} s`
  return `${utcTime(asOf)}  ${margins.join('  ')}  (${cost})`
}
