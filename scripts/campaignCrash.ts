/**
 * Proves and lands consecutive hourly batches of BTC and ETH through the crash of 12 and 13 March 2020 on a real chain, then
 * audits every one of them from chain data, and says what it cost.
 *
 *   npm run campaign:crash                    60 hours
 *   npm run campaign:crash -- --batches 6     a small one
 *   npm run campaign:crash -- --json
 *
 * Exits 0 only if no batch was refused and the audit accepts all of them.
 */
import { audit } from '../prover/audit/index.ts'
import { createProver } from '../prover/proof/index.ts'
import { auditKeyOf } from '../prover/service/answers/auditing.ts'
import { crashHistory, describeStep } from '../prover/service/development/demo.ts'
import { startDevelopmentChain } from '../prover/service/development/chain.ts'
import { deployDevelopmentEngine } from '../prover/service/development/engine.ts'
import { type ProvenStep, replayProven } from '../prover/service/answers/provenReplay.ts'
import { describeError } from '../prover/service/text/terminal.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../prover/service/workspace.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

/** Midnight of the day of the crash; 60 hours end at noon on the 14th. */
const START = BigInt(Date.UTC(2020, 2, 12) / 1000)

const flags = readFlags({ batches: whole(1, 10_000, 60), json: isThere })
const wanted = flags.batches
const say = (line: string): void => console.error(line)

const keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
const { warmUps, steps } = crashHistory(START, wanted)
const prover = createProver()
const chain = await startDevelopmentChain(START)
try {
  const engine = await deployDevelopmentEngine(chain, keys, warmUps)
  await prover.warm(keys[0])
  const proven: ProvenStep[] = []
  const refusals: string[] = []
  await replayProven(engine, prover, keys[0], steps, {
    onStep: (step, index) => {
      proven.push(step)
      say(`${String(index + 1).padStart(3)}  ${describeStep(step)}`)
    },
  }).catch((error: unknown) => refusals.push(describeError(error).message))

  const started = performance.now()
  const { registry } = engine.deployment.addresses
  const { report } = await audit({ registry, provider: chain.provider, keys: keys.map(auditKeyOf) })
  const auditSeconds = (performance.now() - started) / 1000
  const accepted = report.batches.filter((batch) => batch.accepted).length
  const figures = {
    batches: proven.length,
    wanted,
    refusals,
    markets: warmUps.map(({ name }) => name),
    from: timeOf(proven.at(0)),
    to: timeOf(proven.at(-1)),
    secondsPerBatch: spread(proven.map(({ totalMs }) => totalMs / 1000)),
    secondsPerProof: spread(proven.map(({ proofMs }) => proofMs / 1000)),
    // The first batch of a market writes to empty slots.
    gasPerBatch: spread(proven.slice(1).map(({ gasUsed }) => Number(gasUsed))),
    gasOfFirstBatch: Number(proven.at(0)?.gasUsed ?? 0n),
    auditAccepted: accepted,
    auditVerdict: report.accepted ? 'accepted' : 'rejected',
    auditSeconds,
  }
  if (flags.json) console.log(JSON.stringify(figures, undefined, 2))
  else console.log(textOf(figures))
  const passed = proven.length === wanted && refusals.length === 0 && report.accepted && accepted === proven.length
  process.exitCode = passed ? 0 : 1
} finally {
  await prover.close()
  await chain.close()
}
process.exit()

function timeOf(step: ProvenStep | undefined): string {
  return step === undefined ? '' : new Date(Number(step.asOf) * 1000).toISOString()
}

function spread(values: readonly number[]): { median: number; least: number; greatest: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(3))
  return { median: at(0.5), least: at(0), greatest: at(1) }
}

function textOf(figures: {
  readonly batches: number
  readonly wanted: number
  readonly refusals: readonly string[]
  readonly markets: readonly string[]
  readonly from: string
  readonly to: string
  readonly secondsPerBatch: ReturnType<typeof spread>
  readonly secondsPerProof: ReturnType<typeof spread>
  readonly gasPerBatch: ReturnType<typeof spread>
  readonly gasOfFirstBatch: number
  readonly auditAccepted: number
  readonly auditVerdict: string
  readonly auditSeconds: number
}): string {
  const range = ({ median, least, greatest }: ReturnType<typeof spread>): string =>
    `${median.toLocaleString('en')} (${least.toLocaleString('en')} to ${greatest.toLocaleString('en')})`
  return [
    `${figures.batches} of ${figures.wanted} hourly batches of ${figures.markets.join(' and ')}, ${figures.from} to ${figures.to}`,
    `refusals            ${figures.refusals.length}${figures.refusals.map((reason) => `\n  ${reason}`).join('')}`,
    `seconds a batch     ${range(figures.secondsPerBatch)}, observation in block to batch in block`,
    `seconds a proof     ${range(figures.secondsPerProof)}, witness and proof`,
    `gas a batch         ${range(figures.gasPerBatch)}, the first ${figures.gasOfFirstBatch.toLocaleString('en')}`,
    `audit               ${figures.auditVerdict}, ${figures.auditAccepted} batches in ${figures.auditSeconds.toFixed(1)} s`,
  ].join('\n')
}
