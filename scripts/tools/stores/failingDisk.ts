/**
 * A store whose disk fails at its n-th write: by strace, which has the kernel answer a system call with an error, or by a limit on
 * the size of files, at which writes end in the middle as they do on a disk that is full.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ProverError } from '../../../prover/errors.ts'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { stepScope, storeSteps, tellJobs } from './storeSteps.ts'
import type { StepAnswer, UnderFaults } from './storeUnderFaults.ts'

/** One call alone, or every one from there on. */
export type DiskFault = { readonly error: 'ENOSPC' | 'EIO'; readonly nth: number; readonly isLasting: boolean }

export type DiskTrial = {
  /** Whether a call was made to fail. */
  readonly hasFailed: boolean
  /** Steps that were answered. */
  readonly answered: number
  /** What is not as it should be. */
  readonly wrong: string | undefined
}

const CALLS = 'pwrite64,fdatasync,fsync,ftruncate'
/** A step is tried so often: once more than one fault can fail it. */
const TRIES = 3
const script = join(import.meta.dirname, 'storeUnderFaults.ts')

/** Whether this machine can make calls fail. */
export const canInject = (): boolean =>
  spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=none', 'true']).status === 0

/** Takes a new store through its steps while the disk fails; then reads it where the disk is well again. */
export async function failWrite(folder: string, { error, nth, isLasting }: DiskFault): Promise<DiskTrial> {
  const when = `when=${nth}${isLasting ? '+' : ''}`
  const inject = ['-e', `trace=${CALLS}`, '-e', `inject=${CALLS}:error=${error}:${when}`]
  const store = emptyIn(folder)
  const command = ['-f', '-qq', '--seccomp-bpf', '-o', '/dev/null', ...inject, process.execPath]
  return judge(store, run('strace', [...command, script, argumentOf({ store, tries: isLasting ? 1 : TRIES })]))
}

/** As {@link failWrite}, where no file may grow beyond so many bytes. */
export async function limitSize(folder: string, bytes: number): Promise<DiskTrial> {
  const store = emptyIn(folder)
  return judge(store, run('prlimit', [`--fsize=${bytes}`, process.execPath, script, argumentOf({ store, tries: 1 })]))
}

const argumentOf = (of: UnderFaults): string => JSON.stringify(of)

function emptyIn(folder: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return join(folder, 'serve.sqlite')
}

function run(command: string, args: readonly string[]): readonly StepAnswer[] {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (stderr !== '') throw new Error(stderr)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StepAnswer)
}

/** What was answered is there, with the step after it or without; nothing is there by half; and the store can go on. */
async function judge(file: string, answers: readonly StepAnswer[]): Promise<DiskTrial> {
  const told = answers.flatMap((answer) => (answer.told === undefined ? [] : [answer.told]))
  const codes = answers.flatMap(({ code }) => (code === undefined ? [] : [code]))
  const trial = { hasFailed: codes.length > 0, answered: told.length }
  const strange = codes.find((code) => code !== 'service.store-failed' && code !== 'service.store-unusable')
  if (strange !== undefined) return { ...trial, wrong: `it failed with ${strange}` }
  try {
    const store = await SqliteJobStore.open(file, stepScope)
    const found = await tellJobs(store, 'without')
    // One that failed when it was to be synced may be there all the same.
    if (found !== (told.at(-1) ?? found)) await storeSteps[told.length]?.(store).catch(() => undefined)
    const isKept = told.length === 0 || found === told.at(-1) || found === (await tellJobs(store, 'without'))
    for (const step of storeSteps.slice(told.length)) await step(store).catch(ignoreKnown)
    const all = await tellJobs(store, 'without')
    await store.close()
    const end = await complete()
    if (!isKept) return { ...trial, wrong: `it tells ${found}, and had answered ${told.at(-1)}` }
    return { ...trial, wrong: all === end ? undefined : `it ends with ${all}` }
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    return { ...trial, wrong: error.message }
  }
}

/** A transaction that is there already. */
function ignoreKnown(error: unknown): void {
  if (!/UNIQUE/.test(String(error))) throw error
}

let completed: Promise<string> | undefined
/** What a store tells after all steps on a disk that is well. */
function complete(): Promise<string> {
  completed ??= (async () => {
    const store = await SqliteJobStore.open(':memory:', stepScope)
    for (const step of storeSteps) await step(store)
    const told = await tellJobs(store, 'without')
    await store.close()
    return told
  })()
  return completed
}
