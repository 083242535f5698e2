/** The service in a process of its own that dies or stops at a step; its argument is a JSON object of options. */
import { readDeployment } from '../../prover/registry/index.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { describeError } from '../../prover/service/text/terminal.ts'

type Options = {
  readonly rpc: string
  readonly deployment: string
  readonly keyFile: string
  readonly store: string
  /** kill -9 of itself right after this step. */
  readonly dieAt?: string
  /** Stop as by SIGTERM after this step. */
  readonly stopAt?: string
}

const options = JSON.parse(process.argv[2] ?? '{}') as Options
await readDeployment(options.deployment)
const controller = new AbortController()
try {
  await runServe({
    ...options,
    pollMs: 50,
    triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.005 },
    signal: controller.signal,
    onEvent: ({ step, job, detail }) => {
      console.log(JSON.stringify({ step, job, detail }))
      if (step === options.dieAt) process.kill(process.pid, 'SIGKILL')
      if (step === options.stopAt) controller.abort()
    },
  })
  process.exit(0)
} catch (error) {
  console.error(describeError(error))
  process.exit(1)
}
