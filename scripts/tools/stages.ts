/** Runs the stages of a build side by side and says what each of them does. */

export type Stage = {
  readonly name: string
  /** Names of the stages that must be done first. */
  readonly after?: readonly string[]
  /** Says what it did, or undefined when there was nothing to do. */
  readonly run: (say: (line: string) => void) => Promise<string | undefined>
}

/** Between two signs of life. */
const SIGN_MS = 10_000

/**
 * Starts each stage as soon as those it comes after are done.
 *
 * @throws {@link StageError} as soon as one fails; the others are still at work then
 */
export async function runStages(stages: readonly Stage[], print: (line: string) => void): Promise<void> {
  const begun = performance.now()
  const running = new Set<string>()
  const done = new Map<string, Promise<void>>()
  const sign = setInterval(() => print(`  ${secondsSince(begun)}: ${[...running].join(', ')} …`), SIGN_MS)
  const run = async ({ name, after = [], run: work }: Stage): Promise<void> => {
    await Promise.all(after.map((each) => done.get(each)))
    const started = performance.now()
    running.add(name)
    try {
      const result = await work((line) => print(`[${name}] ${line}`))
      print(`[${name}] ${result === undefined ? 'up to date' : `done: ${result}`} (${secondsSince(started)})`)
    } catch (error) {
      throw new StageError(name, error)
    } finally {
      running.delete(name)
    }
  }
  for (const stage of stages) done.set(stage.name, run(stage))
  try {
    await Promise.all(done.values())
  } finally {
    clearInterval(sign)
  }
}

export const secondsSince = (started: number): string => `${((performance.now() - started) / 1000).toFixed(1)} s`

/** A stage failed; its words are the cause's. */
export class StageError extends Error {
  readonly stage: string

  constructor(stage: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.stage = stage
  }
}
