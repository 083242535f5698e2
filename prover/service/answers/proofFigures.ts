/** What proving something for a registry took: time by stage, gas, and how both are told. */
import type { Landed } from '../../registry/index.ts'
import type { ProofMade } from '../daemon/portfolios/proofMaker.ts'

/** Where the time went. */
export type ProofSeconds = {
  /** Circuits, keys and contracts that were missing; 0 if none were. */
  readonly build: number
  /** Keys loaded, a registry deployed or read, policy, round and report put in force. */
  readonly preparation: number
  readonly proving: number
  /** Transactions, and what they leave read back. */
  readonly landing: number
  readonly total: number
}

type Stage = Exclude<keyof ProofSeconds, 'total'>

/** Tells the stages of a run apart. */
export class ProofClock {
  private readonly begun = performance.now()
  private stageBegun = this.begun
  private readonly stages: Record<Stage, number> = { build: 0, preparation: 0, proving: 0, landing: 0 }

  /** A stage has taken so long, and the next one begins. */
  passed(stage: Stage, seconds: number): void {
    this.stages[stage] = seconds
    this.stageBegun = this.begun + 1000 * this.sum()
  }

  end(stage: Stage): void {
    this.passed(stage, (performance.now() - this.stageBegun) / 1000)
  }

  /** Seconds of each stage, and of all. */
  read(): ProofSeconds {
    return { ...this.stages, total: this.sum() }
  }

  private sum(): number {
    return Object.values(this.stages).reduce((sum, seconds) => sum + seconds, 0)
  }
}

/** Statements that were proven, and how long each took. */
export const proofTimes = (made: readonly ProofMade[]) =>
  made.map(({ statement, timings }) => ({ statement, milliseconds: Math.round(timings.total) }))

export const gasOf = (landed: readonly Landed[]): number =>
  landed.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0)

/** Entries of an answer in JSON. */
export const secondsJson = ({ build, preparation, proving, landing, total }: ProofSeconds) => ({
  buildSeconds: build,
  preparationSeconds: preparation,
  provingSeconds: proving,
  landingSeconds: landing,
  seconds: total,
})

/** The line of an answer that people read. */
export function secondsText({ build, preparation, proving, landing, total }: ProofSeconds): string {
  const time = (value: number): string => `${value.toFixed(1)} s`
  return `Time: ${time(build)} building, ${time(preparation)} preparing, ${time(proving)} proving, ${time(landing)} landing; ${time(total)} in all.`
}
