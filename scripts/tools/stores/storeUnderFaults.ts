/**
 * Takes a store through its steps in a process of its own, whose disk somebody else lets fail: a step that fails is tried again, so
 * many times. Its argument is a JSON object; a line a step says what was answered.
 */
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { describeError } from '../../../prover/service/text/terminal.ts'
import { stepScope, storeSteps, tellJobs } from './storeSteps.ts'

export type UnderFaults = { readonly store: string; readonly tries: number }
/** `told`: all that the store tells after a step that it has answered. */
export type StepAnswer = { readonly step: number; readonly told?: string; readonly code?: string }

const { store: file, tries } = JSON.parse(process.argv[2] ?? '{}') as UnderFaults
const say = (answer: StepAnswer): void => console.log(JSON.stringify(answer))
const store = await SqliteJobStore.open(file, stepScope).catch((error: unknown) => {
  say({ step: -1, code: describeError(error).code })
  process.exit(0)
})
for (const [step, work] of storeSteps.entries()) {
  for (let left = tries; left > 0; left--) {
    try {
      await work(store)
      say({ step, told: await tellJobs(store, 'without') })
      break
    } catch (error) {
      say({ step, code: describeError(error).code })
      if (left === 1) process.kill(process.pid, 'SIGKILL')
    }
  }
}
process.kill(process.pid, 'SIGKILL')
