/** The service in a process of its own, which dies at steps that it is told; its argument is a JSON object. */
import { runServe } from '../../../prover/service/daemon/serving.ts'

export type ServeAccountsOptions = {
  readonly rpc: string
  readonly deployment: string
  readonly keyFile: string
  readonly store: string
  readonly rounds: string
  /** kill -9 of itself right after any of these, each a step and the circuit that it is of. */
  readonly dieAt: readonly string[]
}

const { dieAt, rounds, ...options } = JSON.parse(process.argv[2] ?? '{}') as ServeAccountsOptions
const stopped = new AbortController()
process.on('SIGTERM', () => stopped.abort())
await runServe({
  ...{ ...options, pollMs: 20, accounts: { rounds }, signal: stopped.signal },
  triggers: { triggers: ['heartbeat'], heartbeatSeconds: 10 ** 9 },
  onEvent: ({ step, build, job, detail }) => {
    const at = `${step} ${build ?? ''}`
    console.log(JSON.stringify({ at, job, detail }))
    if (dieAt.includes(at)) process.kill(process.pid, 'SIGKILL')
  },
})
process.exit(0)
