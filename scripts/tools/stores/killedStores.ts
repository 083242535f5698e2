/** kill -9 between an answer of the service's stores and the next: what had been answered and is not there afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { SqliteRequestStore } from '../../../prover/service/daemon/stores/sqliteRequestStore.ts'
import type { Acknowledged } from './acknowledging.ts'
import { stepScope } from './storeSteps.ts'

const script = join(import.meta.dirname, 'acknowledging.ts')

/** Kills after so many answers. @returns what was answered, and what of it is missing */
export async function killAfterAnswers(
  folder: string,
  answers: number,
): Promise<{ readonly answered: number; readonly missing: number }> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const answered: Acknowledged[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(JSON.parse(line) as Acknowledged)
    if (answered.length === answers) child.kill('SIGKILL')
  }
  await exited
  const jobs = await SqliteJobStore.open(join(folder, 'serve.sqlite'), stepScope)
  const requests = await SqliteRequestStore.open(join(folder, 'requests.sqlite'))
  let missing = 0
  for (const { kind, id } of answered) {
    const isThere =
      kind === 'request'
        ? (await requests.request(id)) !== undefined
        : (await jobs.find(id))?.status === 'signed' && (await jobs.transactions(id)).length === 1
    if (!isThere) missing++
  }
  await requests.begun(['BTC-USD'], 'the last one')
  await Promise.all([jobs.close(), requests.close()])
  return { answered: answered.length, missing }
}
