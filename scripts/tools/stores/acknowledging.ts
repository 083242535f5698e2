/** A service's stores in a process of their own that somebody kills: a line for each thing that it has answered. Its argument is the folder. */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { SqliteJobStore } from '../../../prover/service/daemon/stores/sqliteJobStore.ts'
import { SqliteRequestStore } from '../../../prover/service/daemon/stores/sqliteRequestStore.ts'
import { stepScope, stepSender as sender } from './storeSteps.ts'

export type Acknowledged = { readonly kind: 'request' | 'transaction'; readonly id: string }

const folder = process.argv[2] ?? ''
const jobs = await SqliteJobStore.open(join(folder, 'serve.sqlite'), stepScope)
const requests = await SqliteRequestStore.open(join(folder, 'requests.sqlite'))
const say = (answered: Acknowledged): unknown => writeSync(1, `${JSON.stringify(answered)}\n`)
for (let nonce = 0; ; nonce++) {
  const once = { key: randomUUID(), by: 'ops', question: 'prove' }
  const { id } = await requests.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))
  say({ kind: 'request', id })
  const job = randomUUID()
  await jobs.plan({ id: job, build: 'marketRisk8x2', trigger: 'spot', summary: 'BTC-USD' })
  await jobs.proven(job, 'the bundle of a batch '.repeat(200))
  await jobs.signed({ hash: `0x${job}`, jobId: job, sender, nonce, raw: `0x${job}` })
  say({ kind: 'transaction', id: job })
  await requests.begun(['BTC-USD'], job)
}
