/** A process that runs one command after another for tests: to start one costs more than most commands do. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { runCommand } from '../../prover/service/program.ts'

export type Asked = { readonly id: number; readonly args: readonly string[] }
export type Answered = {
  readonly id: number
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const speaking = new AsyncLocalStorage<{ stdout: string; stderr: string }>()

// What is said past a command's streams would be in its output too, had it a process of its own.
for (const name of ['stdout', 'stderr'] as const) {
  const own = process[name].write.bind(process[name])
  process[name].write = ((text: string, ...rest: never[]) => {
    const output = speaking.getStore()
    if (output === undefined) return own(text, ...rest)
    output[name] += text
    return true
  }) as typeof own
}

process.on('disconnect', () => process.exit())
// An error that a command does not report ends this process: the test is told so.
process.on('message', async ({ id, args }: Asked) => {
  const output = { stdout: '', stderr: '' }
  const streams = {
    out: (text: string) => {
      output.stdout += text
    },
    err: (text: string) => {
      output.stderr += text
    },
  }
  const code = await speaking.run(output, () => runCommand(args, streams))
  process.send?.({ id, code, ...output } satisfies Answered)
})
