/** A deployment in a process of its own that kills itself with -9 at a moment; its argument is a JSON object of options. */
import { type DeployPlace, openPlan } from '../../prover/service/answers/deploying.ts'
import { describeError } from '../../prover/service/text/terminal.ts'

type Options = DeployPlace & {
  /** kill -9 of itself right after this, such as `signed 3`. */
  readonly dieAt: string
}

const { dieAt, ...place } = JSON.parse(process.argv[2] ?? '{}') as Options
try {
  const plan = await openPlan(place)
  await plan.carryOut(({ state, index }) => {
    console.log(`${state} ${index}`)
    if (`${state} ${index}` === dieAt) process.kill(process.pid, 'SIGKILL')
  })
  process.exit(0)
} catch (error) {
  console.error(describeError(error))
  process.exit(1)
}
