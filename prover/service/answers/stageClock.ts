/** Tells the stages of a run apart. */
export class StageClock<Stage extends string> {
  private readonly begun = performance.now()
  private stageBegun = this.begun
  private readonly stages: Record<Stage, number>

  /** @param stages - in any order; 0 seconds each until they end */
  constructor(stages: readonly Stage[]) {
    this.stages = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>
  }

  /** A stage has taken so long, and the next one begins. */
  passed(stage: Stage, seconds: number): void {
    this.stages[stage] = seconds
    this.stageBegun = this.begun + 1000 * this.sum()
  }

  end(stage: Stage): void {
    this.passed(stage, (performance.now() - this.stageBegun) / 1000)
  }

  /** Seconds of each stage, and of all. */
  read(): Record<Stage | 'total', number> {
    return { ...this.stages, total: this.sum() }
  }

  private sum(): number {
    return Object.values<number>(this.stages).reduce((sum, seconds) => sum + seconds, 0)
  }
}
