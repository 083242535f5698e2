/** A fleet of workers at a real Postgres: real processes that are killed, stopped and poisoned, with a circuit that is proven in a moment. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type CircuitKeys,
  createProver,
  type Prover,
  UnsatisfiedCircuitError,
  verifyProof,
} from '../../prover/proof/index.ts'
import { type LeasedProof, ProofQueue } from '../../prover/service/daemon/fleet/proofQueue.ts'
import { FleetGauges } from '../../prover/service/http/fleet.ts'
import { faultsOf, openFleet } from '../../prover/service/daemon/fleet/openFleet.ts'
import { Outage } from '../../prover/service/daemon/fleet/outage.ts'
import { serialiseError } from '../../prover/proof/backends/proverProtocol.ts'
import { partsOfQueue, proofJobOf, queueFor, queueOf, workerOf } from '../../prover/service/daemon/fleet/proofJob.ts'
import {
  AnswerLateError,
  ProofCancelledError,
  ProofParkedError,
  QueueProver,
  type QueueProverOptions,
} from '../../prover/service/daemon/fleet/queueProver.ts'
import { work, type WorkerEvent, type WorkerKey, WorkerState } from '../../prover/service/daemon/fleet/worker.ts'
import { Workers } from '../../prover/service/daemon/fleet/workers.ts'
import { parseDatabaseAddress } from '../../prover/service/daemon/stores/databaseAddress.ts'
import { migrate } from '../../prover/service/daemon/stores/postgresSchema.ts'
import { DatabaseUnreachableError, PostgresSession } from '../../prover/service/daemon/stores/postgresSession.ts'
import { CircuitNotBuiltError } from '../../prover/service/workspace.ts'
import { openPostgres } from '../../prover/service/daemon/stores/postgresStores.ts'
import { refusedInput, trialInput, trialKeys } from '../../scripts/tools/fleet/fleetCircuit.ts'
import { WorkerProcess } from '../../scripts/tools/fleet/workerProcess.ts'
import { TestPostgres } from '../../scripts/tools/postgres.ts'
import { errorOf, temporaryFolder, zkrisk } from './zkrisk.ts'

const folder = temporaryFolder()
const keyFolder = join(folder, 'keys')

let postgres: TestPostgres
let keys: CircuitKeys
let key: WorkerKey
let ownProver: Prover
beforeAll(async () => {
  mkdirSync(keyFolder)
  keys = await trialKeys(keyFolder)
  key = { queue: queueOf(keys.circuit, keys.manifest.verificationKeySha256), load: async () => keys }
  postgres = await TestPostgres.startOwn(folder)
  ownProver = createProver({ threads: 1 }, 'snarkjs')
})
afterAll(async () => {
  await ownProver.close()
  await postgres.close()
})

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** A service's end of a queue. */
async function asking(
  database: string,
  options: QueueProverOptions = {},
): Promise<{ readonly prover: QueueProver; readonly queue: ProofQueue }> {
  const queue = await ProofQueue.open(parseDatabaseAddress(database), 'test')
  const prover = new QueueProver(queue, options)
  ends.push(() => prover.close())
  return { prover, queue }
}

type Here = Partial<Parameters<typeof work>[0]>

/** A worker in this process. */
async function working(
  database: string,
  options: Here = {},
): Promise<{ readonly events: WorkerEvent[]; stop(): Promise<void> }> {
  const address = parseDatabaseAddress(database)
  const [workers, queue] = [await Workers.open(address), await ProofQueue.open(address, 'test worker')]
  const controller = new AbortController()
  const events: WorkerEvent[] = []
  const ended = work({
    ...{ queue, workers, prover: ownProver, keys: [key], name: 'here', atOnce: 2, signal: controller.signal },
    onEvent: (event) => void events.push(event),
    ...options,
  })
  const stop = async (): Promise<void> => {
    controller.abort()
    await ended
    await queue.close()
    await workers.close()
  }
  ends.push(stop)
  return { events, stop }
}

function workerProcess(
  database: string,
  name: string,
  more: { poison?: readonly string[]; lingerMs?: number } = {},
): WorkerProcess {
  const process = new WorkerProcess({ database, keys: keyFolder, name, poison: [], lingerMs: 0, ...more })
  ends.push(() => process.kill())
  return process
}

/** Somebody with the database's password who leases whatever there is, and gives it back as he likes. */
async function hostile(
  database: string,
  giveBack: (queue: ProofQueue, taken: LeasedProof) => Promise<unknown>,
): Promise<{ readonly taken: LeasedProof[] }> {
  const queue = await ProofQueue.open(parseDatabaseAddress(database), 'hostile')
  const ended = new AbortController()
  const taken: LeasedProof[] = []
  const taking = (async () => {
    while (!ended.signal.aborted) {
      const job = await queue.take(key.queue)
      if (job === undefined) await sleep(20)
      else {
        taken.push(job)
        await giveBack(queue, job)
      }
    }
  })()
  ends.push(async () => {
    ended.abort()
    await taking
    await queue.close()
  })
  return { taken }
}

const lie = (queue: ProofQueue, taken: LeasedProof): Promise<unknown> =>
  queue.complete(taken, {
    refusal: serialiseError(new UnsatisfiedCircuitError('fleetTrial', ['a template'], undefined)),
    worker: 'liar',
  })
const giveUp = (queue: ProofQueue, taken: LeasedProof): Promise<unknown> =>
  queue.fail(taken, { code: 'proof.prover-crashed', message: 'it \u001b[2Jcrashed\nand \u202ehid' })

const steps = (events: readonly WorkerEvent[], step: WorkerEvent['step']): readonly WorkerEvent[] =>
  events.filter((event) => event.step === step)

/** A worker tells of what it has handed back a moment after whoever asked may have it. */
async function told(events: readonly WorkerEvent[], step: WorkerEvent['step'], times: number): Promise<void> {
  await until(() => steps(events, step).length >= times)
  expect(steps(events, step)).toHaveLength(times)
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50)
}

describe('a job', () => {
  it('S13: has a name by circuit, key and input alone, however numbers are written', () => {
    const job = proofJobOf(keys, trialInput(1))
    expect(job.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(proofJobOf(keys, { secret: '7', challenge: [1] }).id).toBe(job.id)
    const other = { ...keys, manifest: { ...keys.manifest, verificationKeySha256: 'ab'.repeat(32) } }
    const ids = [
      proofJobOf(keys, trialInput(2)),
      proofJobOf({ ...keys, circuit: 'other' }, trialInput(1)),
      proofJobOf(other, trialInput(1)),
    ]
    expect(new Set([job.id, ...ids.map(({ id }) => id)]).size).toBe(4)
    expect(partsOfQueue(job.queue)).toEqual({
      circuit: 'fleetTrial',
      key: keys.manifest.verificationKeySha256.slice(0, 16),
      worker: undefined,
      ofAll: job.queue,
    })
    const worker = '01234567-89ab-cdef-0123-456789abcdef'
    expect(partsOfQueue(queueFor(job.queue, worker))).toMatchObject({ circuit: 'fleetTrial', worker, ofAll: job.queue })
    expect(partsOfQueue('something else')).toBeUndefined()
  })

  it('S13: is proven once, however many ask for it at once and later, in whatever process', async () => {
    const database = await postgres.database()
    const { events } = await working(database)
    const [one, other] = [await asking(database), await asking(database)]
    const asked = [one, one, other, other].map(({ prover }) => prover.prove(keys, trialInput(1)))
    const proofs = await Promise.all(asked)
    proofs.push(await (await asking(database)).prover.prove(keys, trialInput(1)))
    for (const proven of proofs) {
      expect(proven).toMatchObject({
        proof: proofs[0]?.proof,
        publicSignals: proofs[0]?.publicSignals,
        backend: 'snarkjs',
      })
      expect(await verifyProof(keys.verificationKey, proven)).toEqual({ accepted: true })
    }
    await told(events, 'proven', 1)
    expect(proofs[0]?.publicSignals.at(-1)).toBe(1n)
  })

  it('whose input is wrong is refused as by a prover that is here, and tried again when it is asked for again', async () => {
    const database = await postgres.database()
    const { events } = await working(database)
    const { prover } = await asking(database)
    for (let times = 1; times <= 2; times++) {
      const refused = prover.prove(keys, refusedInput)
      await expect(refused).rejects.toBeInstanceOf(UnsatisfiedCircuitError)
      await expect(refused).rejects.toMatchObject({ code: 'proof.unsatisfied', circuit: 'fleetTrial' })
      // A refusal is asked for once more before it is believed.
      await told(events, 'refused', 2 * times)
    }
    await expect(prover.prove(keys, { challenge: 'x' })).rejects.toMatchObject({
      code: 'proof.circuit-input',
      signal: 'challenge',
    })
    expect((await prover.prove(keys, trialInput(2))).publicSignals.at(-1)).toBe(2n)
  })

  it('that was cancelled is not proven until it is asked for again', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    const asked = prover.prove(keys, trialInput(1))
    asked.catch(() => undefined)
    await until(async () => (await queue.jobs(100)).length === 1)
    const { code, stdout } = await zkrisk('jobs', 'cancel', '--all', '--database', database)
    expect([code, stdout]).toEqual([0, '1 of 1 job cancelled.\n'])
    await expect(asked).rejects.toBeInstanceOf(ProofCancelledError)
    await working(database)
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
  })
})

describe('a worker', () => {
  it('S14: that is killed with -9 has its jobs proven by another', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    const doomed = workerProcess(database, 'doomed', { lingerMs: 600_000 })
    const asked = [1, 2].map((n) => prover.prove(keys, trialInput(n)))
    await doomed.until('taken', proofJobOf(keys, trialInput(1)).id)
    await doomed.until('taken', proofJobOf(keys, trialInput(2)).id)
    await doomed.kill()
    const { events } = await working(database)
    expect(await Promise.all(asked)).toHaveLength(2)
    await told(events, 'proven', 2)
    expect((await queue.jobs(100)).map(({ status, tries }) => [status, tries])).toEqual([
      ['proven', 2],
      ['proven', 2],
    ])
  })

  it('S14: that stands still loses its job, and what it brings late is refused', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    const still = workerProcess(database, 'still', { lingerMs: 500 })
    const { id } = proofJobOf(keys, trialInput(1))
    const asked = prover.prove(keys, trialInput(1))
    await still.until('taken', id)
    still.signal('SIGSTOP')
    const { events } = await working(database)
    await asked
    await told(events, 'proven', 1)
    const before = await queue.find(key.queue, id)
    still.signal('SIGCONT')
    await still.until('stale', id)
    expect(await queue.find(key.queue, id)).toEqual(before)
    expect(before?.answer).toMatchObject({ worker: 'here' })
  })

  it('S14: that is asked to stop finishes what it has in hand and takes nothing more', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    const worker = workerProcess(database, 'stopped', { lingerMs: 300 })
    await worker.until('joined')
    const asked = [1, 2, 3, 4, 5].map((n) => prover.prove(keys, trialInput(n)))
    await worker.until('taken')
    await worker.stop()
    const taken = steps(worker.events, 'taken').length
    expect(steps(worker.events, 'proven')).toHaveLength(taken)
    expect((await queue.jobs(100)).filter(({ status }) => status === 'waiting')).toHaveLength(5 - taken)
    await working(database)
    await Promise.all(asked)
  })

  it('S15: whose prover a job kills goes on with others; the job is parked with its cause, and revived by hand and by asking', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    workerProcess(database, 'poisoned', { poison: ['666'] })
    const poisoned = prover.prove(keys, trialInput(666))
    poisoned.catch(() => undefined)
    const others = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((n) => prover.prove(keys, trialInput(n))))
    expect(others).toHaveLength(8)
    await expect(poisoned).rejects.toBeInstanceOf(ProofParkedError)
    await expect(poisoned).rejects.toThrow(
      /at 4 tries: The prover's process ended in the middle of a proof \(SIGKILL\).*worker poisoned/,
    )
    const listed = await zkrisk('jobs', 'list', '--status', 'parked', '--json', '--database', database)
    const [parked] = JSON.parse(listed.stdout) as readonly { id: string; tries: number; cause: string }[]
    expect(parked).toMatchObject({ circuit: 'fleetTrial', status: 'parked', tries: 4 })
    for (const end of ends.splice(1).toReversed()) await end()
    const { events } = await working(database)
    const retried = await zkrisk('jobs', 'retry', parked?.id.slice(0, 8) ?? '', '--database', database)
    expect([retried.code, retried.stdout]).toEqual([0, '1 of 1 job waiting again.\n'])
    await until(() => steps(events, 'proven').length === 1)
    expect((await prover.prove(keys, trialInput(666))).publicSignals.at(-1)).toBe(666n)
    expect((await queue.jobs(100)).filter(({ status }) => status !== 'proven')).toEqual([])
  })

  it('S77: is given what was revived while nobody asks, and whoever asks afterwards has its proof at once', async () => {
    const database = await postgres.database()
    const queue = await ProofQueue.open(parseDatabaseAddress(database), 'test')
    ends.push(() => queue.close())
    const job = proofJobOf(keys, trialInput(1))
    // One worker alone was asked for the second, by a service that was killed.
    const second = {
      ...proofJobOf(keys, trialInput(2)),
      queue: queueFor(key.queue, '01234567-89ab-cdef-0123-456789abcdef'),
    }
    for (const each of [job, second]) await queue.put(each)
    for (let tries = 0; (await queue.find(job.queue, job.id))?.status !== 'parked'; tries++) {
      expect(tries).toBeLessThan(200)
      const taken = await queue.take(job.queue)
      if (taken === undefined) await sleep(200)
      else await giveUp(queue, taken)
    }
    await giveUp(queue, (await queue.take(second.queue)) as LeasedProof)
    const retried = await zkrisk('jobs', 'retry', '--all', '--database', database)
    expect([retried.code, retried.stdout]).toEqual([0, '2 of 2 jobs waiting again.\n'])
    const { events, stop } = await working(database)
    await told(events, 'proven', 2)
    await stop()
    const { prover } = await asking(database)
    for (const n of [1, 2]) expect((await prover.prove(keys, trialInput(n))).publicSignals.at(-1)).toBe(BigInt(n))
    expect((await queue.jobs(10)).map(({ status, tries }) => [status, tries])).toEqual([
      ['proven', 1],
      ['proven', 1],
    ])
  })

  it.each([1, 2])('S77: finds a database of version %i of the tables, with whoever lived there', async (version) => {
    const database = await postgres.database()
    const address = parseDatabaseAddress(database)
    const session = await PostgresSession.open({ address, purpose: 'test', locks: [] })
    await migrate(session, address, version)
    // Lives for longer than what is asked meanwhile may take.
    await session.query(
      `INSERT INTO zkrisk.workers (id, name, queues, may_wait, seen_at) VALUES ('old', 'old', $1, false, now() + interval '5 minutes')`,
      [[key.queue]],
    )
    await session.query(`INSERT INTO zkrisk.pause VALUES (1, 'ops', 1764500000000)`)
    await session.close()
    const early = await zkrisk('doctor', '--database', database, '--json')
    const [found] = (JSON.parse(early.stdout) as readonly { check: string }[]).filter(
      ({ check }) => check === 'database',
    )
    expect(found).toMatchObject({
      status: 'warning',
      found: expect.stringContaining(`is of version ${version}: the next`),
    })
    const workers = await openWorkers(database)
    expect(await workers.live()).toMatchObject([{ name: 'old', queues: [key.queue], jobs: [], wrong: 0 }])
    const scope = { chainId: 31337n, registry: `0x${'1'.repeat(40)}` }
    const { jobs, requests } = await openPostgres(address, scope, scope.registry)
    ends.push(() => jobs.close())
    expect(await (await requests()).pause()).toEqual({ by: 'ops', since: 1_764_500_000_000 })
    const { prover } = await asking(database, { workers })
    await working(database)
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
  })

  it('S16: is not offered what it has no key of, and says so where nobody has it', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    const { events } = await working(database, { keys: [] })
    const asked = prover.prove(keys, trialInput(1))
    await until(() => steps(events, 'without-key').length > 1)
    expect(steps(events, 'without-key')).toMatchObject([
      { detail: expect.stringMatching(/^nothing is asked of here: copy the build folder of the clone that serves/) },
      {
        detail: expect.stringMatching(/^jobs of fleetTrial wait, and no worker has its key \w{16}…: build the circuit/),
      },
    ])
    expect((await queue.jobs(100)).map(({ status, tries }) => [status, tries])).toEqual([['waiting', 0]])
    await working(database)
    await asked
    const missing = await zkrisk('worker', '--circuit', 'marketRisk9x9', '--database', database, '--json')
    expect(errorOf(missing).code).toBe('service.unknown-build')
  })

  it('S16: with other keys than a service that stands in says so, and one without any is not told of as proving', async () => {
    const database = await postgres.database()
    const other = { queue: queueOf(keys.circuit, 'ab'.repeat(32)), load: async () => keys }
    await working(database, { name: 'a service', onlyAlone: true })
    const { events } = await working(database, { name: 'stranger', keys: [other] })
    await until(() => steps(events, 'without-key').length > 0)
    expect(steps(events, 'without-key')[0]?.detail).toMatch(
      /^none of the keys of a service is here, so that it asks nothing of this worker: copy the build folder/,
    )
    const bare = await working(database, { name: 'bare', keys: [] })
    await until(() => steps(bare.events, 'joined').length > 0)
    const said: string[] = []
    const fleet = await openFleet({ database, proveHere: 'never', onWorkers: (says) => void said.push(says) })
    await until(() => said.length > 0)
    expect(said[0]).toBe('1 prove: stranger')
    await fleet.close()
  })

  it('S16: whose key is damaged takes no jobs of it for a while, and leaves them to others', async () => {
    const database = await postgres.database()
    const { prover } = await asking(database)
    const damaged = { ...keys, zkey: join(folder, 'none.zkey') }
    const cold = createProver({ threads: 1 }, 'snarkjs')
    ends.push(() => cold.close())
    const here = { prover: cold, keys: [{ ...key, load: async () => damaged }], name: 'damaged' }
    const { events } = await working(database, here)
    const asked = prover.prove(keys, trialInput(1))
    await until(() => steps(events, 'dropped-key').length > 0)
    await working(database)
    await asked
    expect(steps(events, 'failed')).toMatchObject([{ code: 'proof.corrupt-key-file' }])
  })

  it.each(['a byte of it is changed', 'its circuit is not built'] as const)(
    'S78: that is alone with a key at fault (%s) says so, and proves with it once it is mended',
    async (how) => {
      const database = await postgres.database()
      const { prover, queue } = await asking(database)
      const workers = await openWorkers(database)
      const own = join(folder, how.replaceAll(' ', '-'))
      mkdirSync(own)
      const zkey = join(own, 'proving.zkey')
      const bytes = readFileSync(keys.zkey)
      const mend = (): void => writeFileSync(zkey, bytes)
      mend()
      const damaged = Buffer.from(bytes)
      damaged.writeUInt8(damaged.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
      let isBuilt = how !== 'its circuit is not built'
      if (isBuilt) writeFileSync(zkey, damaged)
      const load = async (): Promise<CircuitKeys> => {
        if (!isBuilt) throw new CircuitNotBuiltError(keys.circuit, folder)
        return { ...keys, zkey }
      }
      const cold = createProver({ threads: 1 }, 'snarkjs')
      ends.push(() => cold.close())
      const state = new WorkerState()
      const here = { prover: cold, keys: [{ ...key, load }], state, onlyAlone: true, keyPauseMs: 500 }
      const { events } = await working(database, here)
      const asked = prover.prove(keys, trialInput(1))
      asked.catch(() => undefined)
      await until(() => steps(events, 'failed').length > 1)
      // At first, and then ever more rarely.
      expect(steps(events, 'dropped-key')).toMatchObject([
        { code: steps(events, 'failed')[0]?.code, detail: expect.stringContaining('takes no jobs of fleetTrial: ') },
      ])
      const faults = await faultsOf(state, queue, workers)
      expect(faults.prover).toMatch(/^nobody can prove fleetTrial: /)
      await workers.seen({ id: 'other', name: 'other', queues: [key.queue], mayWait: false })
      expect(await faultsOf(state, queue, workers)).toEqual({})
      await workers.gone('other')
      mend()
      isBuilt = true
      expect((await asked).publicSignals.at(-1)).toBe(1n)
      await told(events, 'key-again', 1)
      expect(await faultsOf(state, queue, workers)).toEqual({})
      expect(state.keyFaults.size).toBe(0)
      expect((await prover.prove(keys, trialInput(2))).publicSignals.at(-1)).toBe(2n)
    },
  )

  it('S19: that only stands in takes no jobs while another lives, and takes them when none does', async () => {
    const database = await postgres.database()
    const { prover } = await asking(database)
    const other = await working(database, { name: 'other' })
    const standing = await working(database, { name: 'standing', onlyAlone: true })
    await Promise.all([1, 2, 3, 4].map((n) => prover.prove(keys, trialInput(n))))
    expect(steps(standing.events, 'taken')).toEqual([])
    await other.stop()
    await prover.prove(keys, trialInput(5))
    await told(standing.events, 'proven', 1)
  })
})

describe('an answer', () => {
  it('S18: that was altered is not believed: the job is proven anew', async () => {
    const database = await postgres.database()
    const { prover } = await asking(database)
    const { events } = await working(database)
    const [first] = [await prover.prove(keys, trialInput(1))]
    for (const change of [
      `jsonb_set(output, '{publicSignals,0}', '"5"')`,
      `jsonb_set(output, '{proof,pi_a,0}', output->'proof'->'pi_c'->0)`,
      `output - 'proof'`,
      `'{"value": "nothing"}'`,
      `'null'`,
      `output || '{"publicSignals": ["1"]}'`,
      `output || '{"publicSignals": [1, 2, 3]}'`,
      `output || '{"proof": null}'`,
      `output || '{"timings": {"total": "soon"}}'`,
      `output || '{"backend": {"name": "none"}}'`,
      `'{"refusal": null}'`,
      `'{"refusal": {"message": "no", "stack": "", "fields": {"code": "proof.made-up"}}}'`,
      `'{"refusal": {"message": "no", "stack": "", "fields": {"code": "proof.unsatisfied", "__proto__": null}}}'`,
    ]) {
      await postgres.ask(`UPDATE zkrisk_queue.job SET output = ${change}`, database)
      const again = await prover.prove(keys, trialInput(1))
      expect(await verifyProof(keys.verificationKey, again)).toEqual({ accepted: true })
      expect(again.publicSignals).toEqual(first?.publicSignals)
    }
    await told(events, 'proven', 14)
  })

  it('S18: that proves something else is none: the job is proven anew', async () => {
    const database = await postgres.database()
    const { prover } = await asking(database)
    const { events } = await working(database)
    const [first, second] = [await prover.prove(keys, trialInput(1)), await prover.prove(keys, trialInput(2))]
    const other = `SELECT output FROM zkrisk_queue.job WHERE data->'input'->'challenge' = '["2"]'`
    await postgres.ask(
      `UPDATE zkrisk_queue.job SET output = (${other}) WHERE data->'input'->'challenge' = '["1"]'`,
      database,
    )
    expect((await prover.prove(keys, trialInput(1))).publicSignals).toEqual(first.publicSignals)
    expect((await prover.prove(keys, trialInput(2))).publicSignals).toEqual(second.publicSignals)
    await told(events, 'proven', 3)
  })

  it('S18: of a job that was parked with whatever cause is told, and one that asks for nothing is parked', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    const { events } = await working(database)
    await prover.prove(keys, trialInput(1))
    const { id } = proofJobOf(keys, trialInput(1))
    for (const output of ['{"message": 5}', '{"value": 5}', '[]', '{"value": {"message": {}}}']) {
      await postgres.ask(`UPDATE zkrisk_queue.job SET state = 'failed', output = '${output}'`, database)
      const [found, [listed]] = [await queue.find(key.queue, id), await queue.jobs(1)]
      expect([found?.cause, listed?.cause]).toEqual(
        Array.from({ length: 2 }, () => expect.stringMatching(/^it took longer than it may$/)),
      )
    }
    await postgres.ask(`UPDATE zkrisk_queue.job SET state = 'created', data = 'null', output = NULL`, database)
    await until(() => steps(events, 'failed').length > 0)
    expect(steps(events, 'failed')[0]).toMatchObject({ job: id, code: 'service.job-unreadable' })
    expect(await queue.find(key.queue, id)).toMatchObject({ circuit: keys.circuit })
    // Others are proven meanwhile, and this one when it is put again.
    expect((await prover.prove(keys, trialInput(2))).publicSignals.at(-1)).toBe(2n)
  })
})

describe('a worker that lies', () => {
  it.each([
    ['refuses', lie, 'proof.unsatisfied'],
    ['gives up', giveUp, 'service.proof-parked'],
  ] as const)(
    'S57: and %s everything keeps nothing from being proven by the service itself, which says so',
    async (_, giveBack, code) => {
      const database = await postgres.database()
      const said: string[] = []
      const { prover, queue } = await asking(database, { own: ownProver, onContradicted: (says) => said.push(says) })
      const { taken } = await hostile(database, giveBack)
      const asked = [1, 2, 3].map((n) => prover.prove(keys, trialInput(n)))
      const proofs = await Promise.all(asked)
      expect(proofs.map(({ publicSignals }) => publicSignals.at(-1))).toEqual([1n, 2n, 3n])
      for (const proven of proofs) expect(await verifyProof(keys.verificationKey, proven)).toEqual({ accepted: true })
      expect(new Set(taken.map(({ id }) => id)).size).toBe(3)
      expect(said).toHaveLength(3)
      for (const says of said) expect(says).toContain(code)
      expect(await queue.jobs(100)).toEqual([])
      // What is refused here as well is refused.
      await expect(prover.prove(keys, refusedInput)).rejects.toBeInstanceOf(UnsatisfiedCircuitError)
      expect(said).toHaveLength(3)
    },
  )

  it('S57: is not believed where nothing is proven by the service: another may prove what one refuses', async () => {
    const database = await postgres.database()
    const { prover } = await asking(database)
    let lies = 0
    await hostile(database, async (queue, taken) => {
      if (lies++ === 0) await lie(queue, taken)
      else await queue.fail(taken, { code: 'service.worker-stopped', message: 'tired' })
    })
    const asked = prover.prove(keys, trialInput(1))
    await until(() => lies > 0)
    for (const end of ends.splice(1).toReversed()) await end()
    await working(database)
    expect((await asked).publicSignals.at(-1)).toBe(1n)
  })

  it('S57: has its refusal told as its causes are, and with nothing else that it chose', async () => {
    const database = await postgres.database()
    const { prover } = await asking(database)
    const fields = {
      code: 'proof.unsatisfied',
      entry: '--keys',
      toString: 5,
      circuit: 'a\u001b[2J',
      more: 'x'.repeat(9_999),
    }
    await hostile(database, (own, taken) =>
      own.complete(taken, {
        refusal: {
          message: `it \u001b[2Jrefuses\nand \u202ehides ${'x'.repeat(5_000)}`,
          stack: 'at \u001b[2J',
          fields,
        },
        worker: 'liar',
      }),
    )
    const refused = await prover.prove(keys, trialInput(1)).catch((error: unknown) => error as Error)
    expect({ ...refused }).toEqual({ code: 'proof.unsatisfied', circuit: 'fleetTrial' })
    expect(String(refused)).toMatch(/^Error: it \[2Jrefuses and hides x{400,500}…$/)
    expect(Reflect.get(refused, 'stack')).not.toContain('\u001b')
  })

  it('S57: has its causes told in one line, shortened, and without what a terminal would obey', async () => {
    const database = await postgres.database()
    const { prover, queue } = await asking(database)
    await hostile(database, (own, taken) =>
      own.fail(taken, { code: 'none', message: `it \u001b[2Jcrashed\nand \u202ehid ${'x'.repeat(5_000)}` }),
    )
    await expect(prover.prove(keys, trialInput(1))).rejects.toMatchObject({
      message: expect.stringMatching(/at 4 tries: it \[2Jcrashed and hid x{400,500}…\. It is parked/),
    })
    const { stdout } = await zkrisk('jobs', 'list', '--database', database)
    expect(stdout).toContain('it [2Jcrashed and hid xxx')
    expect(stdout.length).toBeLessThan(800)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect((await queue.jobs(1))[0]?.cause?.length).toBeLessThan(600)
  })
})

/** Whoever lives at a database, as this process sees it. */
async function openWorkers(database: string): Promise<Workers> {
  const workers = await Workers.open(parseDatabaseAddress(database))
  ends.push(() => workers.close())
  return workers
}

/** A worker that is never the first at what all are asked for. */
async function beaten(database: string, name: string): Promise<Awaited<ReturnType<typeof working>>> {
  const real = await ProofQueue.open(parseDatabaseAddress(database), 'beaten')
  ends.push(() => real.close())
  const take = async (queue: string): Promise<LeasedProof | undefined> =>
    queue === key.queue ? undefined : real.take(queue)
  return working(database, { queue: Object.create(real, { take: { value: take } }) as ProofQueue, name })
}

/** Valid in form, of nothing. */
const forge =
  (worker: string) =>
  (queue: ProofQueue, taken: LeasedProof): Promise<unknown> => {
    const point = ['1', '2', '1']
    const proof = { pi_a: point, pi_b: [point, point, point], pi_c: point, protocol: 'groth16', curve: 'bn128' }
    const timings = { load: 0, witness: 0, proof: 0, verify: 0, total: 0 }
    const answer = { proof, publicSignals: ['1', '2', '3'], backend: 'snarkjs', timings, worker } as const
    return queue.complete(taken, answer as unknown as Parameters<ProofQueue['complete']>[1])
  }

describe('a worker that is wrong where the service proves nothing', () => {
  const giveUpAs = (queue: ProofQueue, taken: LeasedProof): Promise<unknown> =>
    queue.fail(taken, { code: 'proof.prover-crashed', message: 'it crashed', worker: 'liar' })

  it.each([
    ['refuses', lie, 'liar', 'proof.unsatisfied'],
    ['gives up', giveUpAs, 'liar', 'service.proof-parked'],
    ['forges', forge('liar'), 'liar', 'proof.self-verification'],
    ['forges in the name of another, and', forge('honest'), 'honest', 'proof.self-verification'],
  ] as const)(
    'S64: and %s everything that all are asked for keeps nothing from an honest one, and is told by name',
    async (_, giveBack, name, code) => {
      const database = await postgres.database()
      const workers = await openWorkers(database)
      const said: string[] = []
      const { prover, queue } = await asking(database, { workers, onContradicted: (says) => said.push(says) })
      const { taken } = await hostile(database, giveBack)
      const { events } = await beaten(database, 'honest')
      const proofs = await Promise.all([1, 2, 3].map((n) => prover.prove(keys, trialInput(n))))
      expect(proofs.map(({ publicSignals }) => publicSignals.at(-1))).toEqual([1n, 2n, 3n])
      for (const proven of proofs) expect(await verifyProof(keys.verificationKey, proven)).toEqual({ accepted: true })
      await told(events, 'proven', 3)
      expect(new Set(taken.map(({ id }) => id)).size).toBe(3)
      expect(said).toHaveLength(3)
      for (const says of said) expect(says).toMatch(new RegExp(`^${name} answered job .* with ${code}`))
      expect(await workers.doubts()).toMatchObject([{ worker: name, wrong: 3, code }])
      const registry = new Registry()
      const standing = async () => ({ workers: [], queue: [], doubts: await workers.doubts() })
      await new FleetGauges(registry, { standing }).look()
      expect(await registry.metrics()).toContain(`zkrisk_worker_wrong_answers{worker="${name}"} 3\n`)
      // Nothing is left that is parked, refused, or one worker's alone.
      expect(await queue.jobs(100)).toEqual([])
    },
  )

  it('S64: what every worker that lives refuses is refused, and nobody is blamed', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const { prover, queue } = await asking(database, { workers })
    await working(database, { name: 'one' })
    const other = await working(database, { name: 'other' })
    await until(async () => (await workers.live()).length === 2)
    await expect(prover.prove(keys, refusedInput)).rejects.toBeInstanceOf(UnsatisfiedCircuitError)
    await until(() => steps(other.events, 'refused').length > 0)
    expect(await workers.doubts()).toEqual([])
    expect((await queue.jobs(100)).map(({ status }) => status)).toEqual(['refused'])
  })

  it('S64: lets others come first once it is doubted, and is asked when nobody else lives', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const { prover } = await asking(database, { workers })
    for (let n = 0; n < 3; n++) await workers.doubt('doubted', 'proof.unsatisfied')
    const doubted = await working(database, { name: 'doubted' })
    await until(() => steps(doubted.events, 'doubted').length > 0)
    const good = await working(database, { name: 'good' })
    for (let n = 1; n <= 8; n++) await prover.prove(keys, trialInput(n))
    expect(steps(good.events, 'taken').length).toBeGreaterThanOrEqual(7)
    await good.stop()
    expect((await prover.prove(keys, trialInput(9))).publicSignals.at(-1)).toBe(9n)
    expect(steps(doubted.events, 'taken').length).toBeGreaterThan(0)
  })

  it.each([
    ['is long', 'x'.repeat(130)],
    ['has what a terminal obeys', 'tab\there \u001b[2J'],
    ['turns the direction', 'bidi\u202ename'],
    ['is empty', ''],
    ['is blank', ' '],
    ['ends within a character', `${'x'.repeat(119)}😀😀`],
    ['has a zero', 'a\u0000b'],
  ])('S64: whose name %s is doubted by it as any other', async (_, name) => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    await workers.seen({ id: 'cleaned', name, queues: [key.queue], mayWait: false })
    // Whoever has the database's password need not register as a worker does.
    const raw = name.replaceAll('\u0000', '')
    await postgres.ask(
      `INSERT INTO zkrisk.workers (id, name, queues, may_wait) VALUES ('raw', '${raw}', '{}', false)`,
      database,
    )
    for (const worker of [name, workerOf({ worker: name }) ?? '']) await workers.doubt(worker, 'proof.unsatisfied')
    const live = await workers.live()
    expect(live.find(({ id }) => id === 'cleaned')).toMatchObject({ wrong: 2 })
    if (raw === name) expect(live.find(({ id }) => id === 'raw')).toMatchObject({ wrong: 2 })
    const { stderr, code } = await zkrisk('worker', '--database', database, '--name', raw === name ? name : '')
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining('--name')])
    expect(code).not.toBe(0)
  })

  /** They live, have the key, and take nothing. */
  async function phantoms(workers: Workers, count: number): Promise<void> {
    const saying = async (): Promise<void> => {
      for (let n = 0; n < count; n++)
        await workers.seen({ id: idOf(n), name: `a phantom ${n}`, queues: [key.queue], mayWait: false })
    }
    await saying()
    const beat = setInterval(() => void saying().catch(() => undefined), 3_000)
    ends.push(async () => clearInterval(beat))
  }
  const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

  it('S64: whoever has proven something is asked before any that live and take nothing, however many', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const { prover } = await asking(database, { workers })
    await hostile(database, lie)
    await beaten(database, 'honest')
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
    await phantoms(workers, 9)
    expect((await prover.prove(keys, trialInput(2))).publicSignals.at(-1)).toBe(2n)
    // Who was waited for in vain would be among them.
    expect((await workers.doubts()).map(({ worker }) => worker)).toEqual(['liar'])
  })

  it('S64: those that live and take nothing are asked for one job for a time in all, and others the next time', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const real = await ProofQueue.open(parseDatabaseAddress(database), 'test')
    const asked: string[] = []
    const put = async (job: Parameters<ProofQueue['put']>[0]): Promise<void> => {
      asked.push(partsOfQueue(job.queue)?.worker ?? '')
      await real.put(job)
    }
    const queue = Object.create(real, { put: { value: put } }) as ProofQueue
    const prover = new QueueProver(queue, { workers, askingMs: 4_000 })
    ends.push(() => prover.close())
    await phantoms(workers, 6)
    await hostile(database, lie)
    // No refusal is believed while somebody has not answered.
    for (let times = 0; times < 2; times++)
      await expect(prover.prove(keys, trialInput(1))).rejects.toBeInstanceOf(AnswerLateError)
    expect(asked.filter((worker) => worker !== '')).toEqual([0, 1, 2, 3, 4, 5].map(idOf))
    await beaten(database, 'honest')
    await until(async () => (await workers.live()).length === 7)
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
  })

  it('S64: names that a liar makes up fill no table', async () => {
    const workers = await openWorkers(await postgres.database())
    for (let n = 0; n < 230; n++) await workers.doubt(`liar ${n}`, 'proof.unsatisfied')
    const doubts = await workers.doubts()
    expect([doubts.length, doubts[0]?.worker]).toEqual([200, 'liar 229'])
  })
})

describe('a worker that lives and proves nothing', () => {
  it('S65: keeps no job from a service that stands in, which says so and does not wait for it again', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const hung = { id: 'hung', name: 'hung', queues: [key.queue], mayWait: false }
    const { prover } = await asking(database)
    await workers.seen(hung)
    const standing = await working(database, { name: 'standing', onlyAlone: true, untakenSeconds: 10 })
    const beat = setInterval(() => void workers.seen(hung), 3_000)
    try {
      const began = performance.now()
      await prover.prove(keys, trialInput(1))
      expect(performance.now() - began).toBeGreaterThan(10_000)
      expect(steps(standing.events, 'stood-in')[0]?.detail).toMatch(
        /^job \S+ of fleetTrial is proven here: nobody took it within 10 s, though there live hung \(0 in hand\)$/,
      )
      await prover.prove(keys, trialInput(2))
      expect(steps(standing.events, 'stood-in')[1]?.detail).toContain('is proven here: nobody takes any, though')
      // One that proves has the jobs for itself, again.
      const other = await working(database, { name: 'other' })
      await workers.gone('hung')
      await until(async () => (await workers.live()).some(({ name }) => name === 'other'))
      await sleep(4_000)
      const taken = steps(standing.events, 'taken').length
      await prover.prove(keys, trialInput(3))
      await told(other.events, 'proven', 1)
      expect(steps(standing.events, 'taken')).toHaveLength(taken)
    } finally {
      clearInterval(beat)
    }
  })

  /** Has whatever it took, and says that it lives. */
  const keep = async (queue: ProofQueue, taken: LeasedProof): Promise<unknown> => {
    for (let n = 0; n < 60 && (await queue.touch(taken)); n++) await sleep(250)
    return undefined
  }

  it('S65: and keeps what it took loses it: the service proves it, and says who had it', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const said: string[] = []
    const onContradicted = (says: string): void => void said.push(says)
    const { prover, queue } = await asking(database, { own: ownProver, workers, onContradicted, lateMs: 3_000 })
    const { taken } = await hostile(database, keep)
    const { id } = proofJobOf(keys, trialInput(1))
    await workers.seen({ id: 'kept', name: 'keeper', queues: [key.queue], mayWait: false }, [id])
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
    expect(taken.map((each) => each.id)).toEqual([id])
    expect(said).toEqual([
      expect.stringMatching(/^job \S+ of fleetTrial, which was proven here: keeper has had it for \d+ s$/),
    ])
    expect(await queue.jobs(10)).toEqual([])
  })

  it('S65: and keeps what it took loses it though it calls itself a service, and has the name of this one', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const said: string[] = []
    const onContradicted = (says: string): void => void said.push(says)
    const own = new Set<string>()
    const ownHas = (id: string): boolean => own.has(id)
    const { prover } = await asking(database, { own: ownProver, ownHas, workers, onContradicted, lateMs: 3_000 })
    await hostile(database, keep)
    const ids = [1, 2].map((n) => proofJobOf(keys, trialInput(n)).id)
    const saying = { id: 'kept', name: 'this one (serve)', queues: [key.queue], mayWait: true }
    await workers.seen(saying, ids)
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
    expect(said).toEqual([expect.stringMatching(/, which was proven here: this one \(serve\) has had it for \d+ s$/)])
    // What the worker of this process has itself is left to it.
    own.add(ids[1] ?? '')
    await workers.seen(saying, ids)
    const asked = prover.prove(keys, trialInput(2))
    let isAnswered = false
    void asked.then(() => {
      isAnswered = true
    })
    await sleep(6_000)
    expect(isAnswered).toBe(false)
    own.clear()
    expect((await asked).publicSignals.at(-1)).toBe(2n)
  })

  it('S65: and keeps what it took without saying so, or is doubted, loses it sooner', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const { prover } = await asking(database, { own: ownProver, workers, unclaimedMs: 2_000 })
    await hostile(database, keep)
    const { id } = proofJobOf(keys, trialInput(1))
    const saying = (): Promise<void> =>
      workers.seen({ id: 'kept', name: 'keeper', queues: [key.queue], mayWait: false }, [id])
    await saying()
    const asked = prover.prove(keys, trialInput(1))
    let isAnswered = false
    void asked.then(() => {
      isAnswered = true
    })
    await sleep(6_000)
    expect(isAnswered).toBe(false)
    for (let n = 0; n < 3; n++) await workers.doubt('keeper', 'service.answer-late')
    await saying()
    expect((await asked).publicSignals.at(-1)).toBe(1n)
    // Of this one nobody says that he has it.
    expect((await prover.prove(keys, trialInput(2))).publicSignals.at(-1)).toBe(2n)
  })

  it('S65: keeps nothing from whoever proves by himself what nobody took', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    await workers.seen({ id: 'hung', name: 'hung', queues: [key.queue], mayWait: false })
    const { prover, queue } = await asking(database, { own: ownProver, workers, untakenMs: 1_000 })
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
    expect(await queue.jobs(10)).toEqual([])
  })

  it('S65: and keeps what it took loses it to another that lives, where the service proves nothing', async () => {
    const database = await postgres.database()
    const workers = await openWorkers(database)
    const { prover } = await asking(database, { workers, lateMs: 3_000 })
    await hostile(database, keep)
    const { events } = await beaten(database, 'honest')
    expect((await prover.prove(keys, trialInput(1))).publicSignals.at(-1)).toBe(1n)
    await told(events, 'proven', 1)
  })
})

describe('what is told of a fleet', () => {
  it('S58: who lives and what each has in hand, what waits, what is parked and since when', async () => {
    const database = await postgres.database()
    const address = parseDatabaseAddress(database)
    const { prover, queue } = await asking(database)
    const workers = await Workers.open(address)
    ends.push(() => workers.close())
    const registry = new Registry()
    const standing = async () => ({
      ...{ workers: await workers.recent(), queue: await queue.standing(), doubts: await workers.doubts() },
    })
    const gauges = new FleetGauges(registry, { standing })
    const text = async (): Promise<string> => {
      await gauges.look()
      return registry.metrics()
    }
    expect(await text()).toMatch(/^zkrisk_workers 0$/m)
    const busy = workerProcess(database, 'busy\n\u001b[31m', { lingerMs: 600_000 })
    const ask = (n: number): void => void prover.prove(keys, trialInput(n)).catch(() => undefined)
    for (const n of [1, 2]) ask(n)
    for (const n of [1, 2]) await busy.until('taken', proofJobOf(keys, trialInput(n)).id)
    await until(async () => (await workers.recent())[0]?.inHand === 2)
    ask(3)
    await until(async () => (await queue.standing()).some(({ status }) => status === 'waiting'))
    const shown = await text()
    expect(shown).toMatch(/^zkrisk_workers 1$/m)
    expect(shown).toMatch(/^zkrisk_worker_jobs\{worker="busy \[31m"\} 2$/m)
    expect(Number(/^zkrisk_worker_silent_seconds\{worker="busy \[31m"\} (\S+)$/m.exec(shown)?.[1])).toBeLessThan(15)
    const of = (status: string) => `circuit="fleetTrial",status="${status}"`
    for (const [status, count] of Object.entries({ waiting: 1, active: 2, parked: 0 }))
      expect(shown).toContain(`zkrisk_queue_jobs{${of(status)}} ${count}\n`)
    busy.signal('SIGSTOP')
    await postgres.ask(
      `UPDATE zkrisk_queue.job SET created_on = now() - interval '1 hour' WHERE state = 'created';
       UPDATE zkrisk_queue.job SET state = 'failed' WHERE state = 'active';
       UPDATE zkrisk.workers SET seen_at = now() - interval '40 seconds'`,
      database,
    )
    const later = await text()
    expect(later).toMatch(/^zkrisk_workers 0$/m)
    expect(later).toContain(`zkrisk_queue_jobs{${of('parked')}} 2\n`)
    const oldest = Number(/^zkrisk_queue_oldest_seconds\{.*"waiting"\} (\S+)$/m.exec(later)?.[1])
    expect(oldest).toBeGreaterThan(3590)
    expect(oldest).toBeLessThan(3700)
  })

  it('S58: a database that hangs keeps nobody waiting, and what was told last stays', async () => {
    const database = await postgres.database()
    const { queue } = await asking(database)
    const registry = new Registry()
    const gauges = new FleetGauges(registry, {
      standing: async () => ({ workers: [], queue: await queue.standing(), doubts: [] }),
    })
    await gauges.look()
    postgres.freeze()
    const began = performance.now()
    await gauges.look()
    const waited = performance.now() - began
    postgres.thaw()
    expect(waited).toBeGreaterThan(900)
    expect(waited).toBeLessThan(30_000)
    expect(await registry.metrics()).toMatch(/^zkrisk_workers 0$/m)
  })

  it('an outage is told at first, then ever more rarely, and how long it was', () => {
    let now = 1_000
    const outage = new Outage(() => now)
    expect(outage.over()).toBeUndefined()
    const told: number[] = []
    for (; now < 1_000 + 4 * 3_600_000; now += 10_000) if (outage.failed()) told.push((now - 1_000) / 1000)
    expect(told.slice(0, 5)).toEqual([0, 30, 90, 210, 450])
    expect(told.length).toBeLessThan(16)
    expect(Math.max(...told.slice(1).map((at, i) => at - (told[i] ?? 0)))).toBeLessThanOrEqual(1_800)
    expect(outage.over()).toBe(4 * 3_600)
    expect([outage.over(), outage.failed()]).toEqual([undefined, true])
  })
})

describe('a database that goes away', () => {
  it('S79: without room for answers is told of at once and ever more rarely, until it has taken one', async () => {
    const database = await postgres.database()
    const { prover, queue: asked } = await asking(database)
    const workers = await openWorkers(database)
    const queue = await ProofQueue.open(parseDatabaseAddress(database), 'test worker')
    ends.push(() => queue.close())
    await asked.put(proofJobOf(keys, trialInput(0)))
    // As a full disk answers what takes a new page, and nothing else.
    await postgres.ask(
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$;
       CREATE TRIGGER full_disk BEFORE UPDATE ON zkrisk_queue.job FOR EACH ROW
         WHEN (NEW.output IS NOT NULL) EXECUTE FUNCTION full_disk()`,
      database,
    )
    const { events } = await working(database, { queue })
    const proven = prover.prove(keys, trialInput(1))
    const state = new WorkerState()
    await until(async () => (await faultsOf(state, queue, workers)).store !== undefined)
    expect((await faultsOf(state, queue, workers)).store).toContain('No space left on device')
    await sleep(6_000)
    expect(steps(events, 'retrying')).toMatchObject([
      { code: 'service.database-unreachable', detail: expect.stringContaining('No space left on device') },
    ])
    expect(steps(events, 'reached-again')).toEqual([])
    expect(steps(events, 'proven')).toEqual([])
    await postgres.ask('DROP TRIGGER full_disk ON zkrisk_queue.job', database)
    expect((await proven).publicSignals.at(-1)).toBe(1n)
    await told(events, 'proven', 2)
    expect(steps(events, 'reached-again')).toMatchObject([{ detail: expect.stringContaining('has room again, after') }])
    expect(await faultsOf(state, queue, workers)).toEqual({})
  })

  it('S79: without room for a batch is not called writable by the store, though a row that is there is written', async () => {
    const database = await postgres.database()
    const scope = { chainId: 31337n, registry: `0x${'1'.repeat(40)}` }
    const { jobs } = await openPostgres(parseDatabaseAddress(database), scope, scope.registry)
    ends.push(() => jobs.close())
    await jobs.requireWritable()
    await postgres.ask(
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not write block 7: Input/output error' USING ERRCODE = '58030'; END $$;
       CREATE TRIGGER full_disk BEFORE INSERT ON zkrisk.jobs FOR EACH ROW EXECUTE FUNCTION full_disk()`,
      database,
    )
    const batch = { id: 'a', build: 'b', trigger: 't', summary: '{}' }
    await expect(jobs.plan(batch)).rejects.toMatchObject({ sqlState: '58030' })
    await expect(jobs.requireWritable()).rejects.toMatchObject({
      message: expect.stringContaining('Input/output error'),
    })
    await postgres.ask('DROP TRIGGER full_disk ON zkrisk.jobs', database)
    await jobs.plan(batch)
    await jobs.requireWritable()
  })

  it.each(['crashed', 'frozen'] as const)(
    'S17: %s while a fleet proves: everything is proven when it is back',
    async (how) => {
      const database = await postgres.database()
      const { prover, queue } = await asking(database)
      const worker = workerProcess(database, 'waiting', { lingerMs: 200 })
      await worker.until('joined')
      const asked = Array.from({ length: 12 }, (_, n) => prover.prove(keys, trialInput(n)))
      await worker.until('proven')
      if (how === 'frozen') postgres.freeze()
      else await postgres.stop('crashed')
      await sleep(3_000)
      if (how !== 'frozen') {
        const refused = (await ProofQueue.open(parseDatabaseAddress(database), 'test').catch(
          (error: unknown) => error,
        )) as Error
        expect(refused).toBeInstanceOf(DatabaseUnreachableError)
        await postgres.start()
      } else postgres.thaw()
      const proofs = await Promise.all(asked)
      expect(proofs.map(({ publicSignals }) => publicSignals.at(-1))).toEqual(
        Array.from({ length: 12 }, (_, n) => BigInt(n)),
      )
      expect((await queue.jobs(100)).map(({ status }) => status)).toEqual(new Array(12).fill('proven'))
    },
  )
})
