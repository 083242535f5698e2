/** Who proves for a service at a database, and what waits for them, as the HTTP interface and its metrics tell of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Gauge, type Registry } from 'prom-client'
import type { Fleet, FleetStanding } from '../daemon/fleet/openFleet.ts'
import { PartMissingError } from './problems.ts'

/** @throws {@link PartMissingError} without a database */
export async function fleetReading(fleet: Pick<Fleet, 'standing'> | undefined) {
  if (fleet === undefined) {
    throw new PartMissingError(
      'fleet',
      'This service proves all of it itself: it has no database, at which workers would prove. docs/operations.md says how to start a fleet.',
    )
  }
  const { workers, queue, doubts } = await fleet.standing()
  return {
    workers: workers.map(({ mayWait, ...worker }) => ({ ...worker, isService: mayWait })),
    queue,
    doubts,
  }
}

const PATIENCE_MS = 1_000
const statuses = ['waiting', 'active', 'parked'] as const

/** Metrics of a fleet: what a database does not tell keeps its last value, and `zkrisk_check_ok` says that it does not. */
export class FleetGauges {
  private readonly fleet: Pick<Fleet, 'standing'>
  private readonly gauges: ReturnType<typeof gaugesIn>
  private looking: Promise<void> | undefined

  constructor(registry: Registry, fleet: Pick<Fleet, 'standing'>) {
    this.fleet = fleet
    this.gauges = gaugesIn(registry)
  }

  /** A database that hangs keeps nobody who scrapes waiting. @throws {@link DatabaseUnreachableError} */
  async look(): Promise<void> {
    this.looking ??= this.fleet
      .standing()
      .then((standing) => this.set(standing))
      .finally(() => {
        this.looking = undefined
      })
    await Promise.race([this.looking, sleep(PATIENCE_MS, undefined, { ref: false })])
  }

  private set({ workers, queue, doubts }: FleetStanding): void {
    const { live, silent, inHand, wrong, jobs, oldest } = this.gauges
    live.set(workers.filter(({ isLive, mayWait }) => isLive && !mayWait).length)
    for (const gauge of [silent, inHand, wrong, jobs, oldest]) gauge.reset()
    for (const { worker, wrong: count } of doubts) wrong.set({ worker }, count)
    for (const { name: worker, silentSeconds, inHand: count } of workers) {
      silent.set({ worker }, silentSeconds)
      inHand.set({ worker }, count)
    }
    for (const circuit of new Set(queue.map((each) => each.circuit))) {
      for (const status of statuses) {
        const found = queue.find((each) => each.circuit === circuit && each.status === status)
        jobs.set({ circuit, status }, found?.jobs ?? 0)
        oldest.set({ circuit, status }, found?.oldestSeconds ?? 0)
      }
    }
  }
}

function gaugesIn(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: string[]): Gauge =>
    new Gauge({ name: `zkrisk_${name}`, help, labelNames, registers: [registry] })
  return {
    live: gauge('workers', 'Workers that live, without services that stand in for them', []),
    silent: gauge('worker_silent_seconds', 'Since a worker last said that it lives', ['worker']),
    inHand: gauge('worker_jobs', 'Jobs that a worker was proving when it last said so', ['worker']),
    wrong: gauge('worker_wrong_answers', 'Answers of a worker that turned out wrong, within the last hour', ['worker']),
    jobs: gauge('queue_jobs', 'Proofs that are asked of the fleet, by circuit and state', ['circuit', 'status']),
    oldest: gauge('queue_oldest_seconds', 'Since the oldest of them was asked for', ['circuit', 'status']),
  }
}
