/** Runs the `zkrisk` command as a user's shell does. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function zkrisk(...args: readonly string[]): Promise<Ended> {
  return run(process.execPath, [cli, ...args])
}

/** As {@link zkrisk}, in a shell that lets no file grow: as on a full disk. */
export function zkriskWithoutDisk(...args: readonly string[]): Promise<Ended> {
  return run('bash', ['-c', 'ulimit -f 0; exec "$@"', 'bash', process.execPath, cli, ...args])
}

export function run(
  command: string,
  args: readonly string[],
  where: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const env = { ...process.env, ZKRISK_DEBUG: '', ZKRISK_KEY: '', ...where.env }
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
