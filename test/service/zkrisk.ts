/** Runs the `zkrisk` command, as a user's shell does or in a process that ran others before. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { runWarm } from './warm.ts'

const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')

/** A command sees no key and no database and tells no stacks, whatever the shell of the tests has. */
const plainEnv = { ZKRISK_DEBUG: '', ZKRISK_KEY: '', DATABASE_URL: '' }

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. Its process is not its own: for that there is {@link zkriskAlone}. */
export function zkrisk(...args: readonly string[]): Promise<Ended> {
  return runWarm(args, plainEnv)
}

/** As {@link zkrisk}, with the circuits and keys of a folder instead of the project's. */
export function zkriskWith(build: string, ...args: readonly string[]): Promise<Ended> {
  return runWarm(args, { ...plainEnv, ZKRISK_BUILD: build })
}

/** As {@link zkrisk}, in a process of its own: where it matters how one starts, ends, or is ended. */
export function zkriskAlone(...args: readonly string[]): Promise<Ended> {
  return run(process.execPath, [cli, ...args])
}

/** As {@link zkriskAlone}, in a shell that lets no file grow: as on a full disk. */
export function zkriskWithoutDisk(...args: readonly string[]): Promise<Ended> {
  return run('bash', ['-c', 'ulimit -f 0; exec "$@"', 'bash', process.execPath, cli, ...args])
}

export function run(
  command: string,
  args: readonly string[],
  where: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const env = { ...process.env, ...plainEnv, ...where.env }
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...where, env })
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, ...output }))
  })
}

/** The typed error of a command that was run with `--json`. */
export function errorOf({ stdout }: Ended): { readonly code: string; readonly [field: string]: unknown } {
  return JSON.parse(stdout).error
}

/** A folder that is gone after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zkrisk-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
