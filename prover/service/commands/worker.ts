import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { LogLevel } from '../daemon/log.ts'
import type { ListedProof, ProofJobStatus } from '../daemon/fleet/proofQueue.ts'
import type { WorkerEvent } from '../daemon/fleet/worker.ts'
import { OptionMissingError } from '../text/usageError.ts'
import { EXIT, type Terminal, unlessUnwritable } from '../text/terminal.ts'
import { withDatabasePackages } from '../optionalPackages.ts'
import { action, addCommand, positiveNumber, timerSeconds, visibleName, wholeNumber } from './command.ts'
import { stopSignal } from './stop.ts'

type DatabaseOptions = { database?: string }

type WorkerOptions = DatabaseOptions & {
  circuit?: string[]
  keys?: string
  name?: string
  atOnce: number
  timeout?: number
  memory?: number
  log: 'human' | 'json'
  logLevel: LogLevel
}

type ListOptions = DatabaseOptions & { limit: number; status?: ProofJobStatus }

const DATABASE = 'address of the Postgres; by default the variable DATABASE_URL'

/** The smallest circuits were loaded in 160 MiB natively and in 256 by snarkjs, and not in 128 and 224 (Linux, x64). */
const LEAST_GIGABYTES = 0.25

function gigabytes(text: string): number {
  const value = positiveNumber(text)
  if (value >= LEAST_GIGABYTES) return value
  throw new InvalidArgumentError(
    `Expected at least ${LEAST_GIGABYTES}: so much the smallest circuit takes in snarkjs, and most of it natively, before anything is proven`,
  )
}

export function addWorkerCommands(program: Command): void {
  addWorkerCommand(program)
  const jobs = program.command('jobs').description('proofs that a fleet is asked for: list, retry, cancel')
  addCommand(jobs, 'list', 'what waits, is being proven, is parked or was proven lately, newest first', [
    'jobs list --database postgres://zkrisk@db/zkrisk',
    'jobs list --status parked',
  ])
    .option('--database <url>', DATABASE)
    .option('--limit <count>', 'at most so many', wholeNumber(1, 10_000), 50)
    .addOption(
      new Option('--status <status>', 'those alone').choices([
        ...['waiting', 'active', 'proven', 'refused', 'parked', 'cancelled'],
      ]),
    )
    .action(
      action<ListOptions, []>(async (terminal, { limit, status, ...options }) => {
        await withQueue(options, async (queue) => {
          const told = await queue.jobs(limit, { status })
          const { formatQueuedProofs } = await import('../text/queuedProofs.ts')
          terminal.result(told, formatQueuedProofs(told))
        })
      }),
    )
  addChange(jobs, 'retry', 'put parked or cancelled jobs among those that wait, with all their tries', 'revive')
  addChange(jobs, 'cancel', 'take jobs out that wait or are being proven', 'cancel')
}

function addChange(jobs: Command, verb: 'retry' | 'cancel', summary: string, does: 'revive' | 'cancel'): void {
  addCommand(jobs, `${verb} [job...]`, summary, [`jobs ${verb} 5f0c2d4e`, `jobs ${verb} --all`])
    .option('--database <url>', DATABASE)
    .option('--all', verb === 'retry' ? 'all that are parked' : 'all that wait')
    .action(
      action<DatabaseOptions & { all?: boolean }, [string[]]>(async (terminal, { all = false, ...options }, named) => {
        if (named.length === 0 && !all) throw new OptionMissingError('all', 'the beginnings of jobs’ ids')
        return withQueue(options, async (queue) => {
          const { chosenJobs } = await import('../daemon/fleet/chosenJobs.ts')
          const chosen = await chosenJobs(queue, all ? (verb === 'retry' ? 'parked' : 'waiting') : named)
          const changed: ListedProof[] = []
          for (const job of chosen) if (await queue[does](job)) changed.push(job)
          const done = verb === 'retry' ? 'waiting again' : 'cancelled'
          terminal.result(
            changed.map(({ id }) => id),
            `${changed.length} of ${chosen.length} ${chosen.length === 1 ? 'job' : 'jobs'} ${done}.`,
          )
          return changed.length === chosen.length ? EXIT.success : EXIT.failure
        })
      }),
    )
}

function addWorkerCommand(program: Command): void {
  addCommand(program, 'worker', 'prove what services ask for at a database, with the keys that are here', [
    'worker --database postgres://zkrisk@db/zkrisk',
    'worker --circuit marketRiskRange6x2 riskArray5',
  ])
    .addHelpText(
      'after',
      '\nEnds with SIGTERM or Ctrl-C after the proofs in hand, 30 s at most. Whenever it dies, another worker takes up its jobs.' +
        '\nA fleet: docs/operations.md.',
    )
    .option('--database <url>', DATABASE)
    .option('--circuit <name...>', 'prove with these alone; all that are built here by default')
    .option('--keys <folder>', 'keys, instead of the project’s own')
    .option('--name <name>', 'what it is called; machine and process by default', visibleName)
    .option('--at-once <jobs>', 'jobs in hand: the witness of one while another is proven', wholeNumber(1, 16), 2)
    .option('--timeout <seconds>', 'of a proof; 120 by default', timerSeconds)
    .option('--memory <gigabytes>', 'that proving may take, 0.25 at least; 4 by default', gigabytes)
    .addOption(new Option('--log <format>', 'how it tells of its work').choices(['human', 'json']).default('human'))
    .addOption(
      new Option('--log-level <level>', 'the least that is told')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(
      action<WorkerOptions, []>(async (terminal, options) => {
        const { runWorker } = await withDatabasePackages(() => import('../daemon/fleet/openFleet.ts'))
        let proven = 0
        const tell = await teller(terminal, options)
        const { circuit, keys, name, atOnce, timeout, memory } = options
        await runWorker({
          ...{ database: databaseOf(options), circuit, keys, name, atOnce },
          ...(timeout === undefined ? {} : { timeoutMs: Math.round(timeout * 1000) }),
          ...(memory === undefined ? {} : { memoryBytes: Math.round(memory * 2 ** 30) }),
          signal: stopSignal(),
          onEvent: (event) => {
            if (event.step === 'proven') proven++
            tell(event)
          },
        })
        if (!terminal.json) terminal.result(undefined, `${proven} ${proven === 1 ? 'job' : 'jobs'} proven.`)
      }),
    )
}

const warnings: ReadonlySet<WorkerEvent['step']> = new Set([
  ...(['failed', 'stale', 'without-key', 'doubted', 'dropped-key', 'retrying'] as const),
])

async function teller(terminal: Terminal, { log, logLevel }: WorkerOptions): Promise<(event: WorkerEvent) => void> {
  const { plainLog } = await import('../daemon/log.ts')
  const say = plainLog(log, logLevel, log === 'json' ? terminal.raw : terminal.say)
  return ({ milliseconds, detail, ...event }) => {
    const time = milliseconds === undefined ? undefined : `${(milliseconds / 1000).toFixed(1)} s`
    const line = { time: new Date().toISOString(), ...event, milliseconds, detail }
    if (terminal.json) unlessUnwritable(() => terminal.line(line, ''))
    if (!terminal.json || log === 'json') {
      say(warnings.has(event.step) ? 'warn' : 'info', event.step, event.job, detail ?? time)
    }
  }
}

/** @throws {@link OptionMissingError} */
function databaseOf({ database = process.env.DATABASE_URL || undefined }: DatabaseOptions): string {
  if (database === undefined) throw new OptionMissingError('database', 'the variable DATABASE_URL')
  return database
}

async function withQueue<Result>(
  options: DatabaseOptions,
  work: (queue: import('../daemon/fleet/proofQueue.ts').ProofQueue) => Promise<Result>,
): Promise<Result> {
  const [{ ProofQueue }, { parseDatabaseAddress }] = await Promise.all([
    withDatabasePackages(() => import('../daemon/fleet/proofQueue.ts')),
    import('../daemon/stores/databaseAddress.ts'),
  ])
  const queue = await ProofQueue.open(parseDatabaseAddress(databaseOf(options)), 'jobs')
  try {
    return await work(queue)
  } finally {
    await queue.close()
  }
}
