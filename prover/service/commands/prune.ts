import type { Command } from 'commander'
import { Option } from 'commander'
import { StoreInUseError } from '../daemon/jobStore.ts'
import { action, addCommand, positiveNumber } from './command.ts'

type Options = { store?: string; database?: string; olderThan: number; dryRun?: boolean }

const DAY_MS = 86_400_000

const toPrune = ({ file, cause }: StoreInUseError): StoreInUseError =>
  new StoreInUseError(
    ...([file, cause, 'a `zkrisk serve`'] as const),
    'Stop that service first, for a dry run too: nobody else may read a file that it holds. A database is pruned beside it (--database).',
  )

export function addPruneCommand(program: Command): void {
  addCommand(program, 'prune', 'forget batches that ended long ago, with their proofs and transactions', [
    'prune --older-than 90 --dry-run',
    'prune --database postgres://zkrisk@db/zkrisk --older-than 30',
  ])
    .addHelpText(
      'after',
      '\nKept whatever their age are batches that have not ended, that a reorganisation may undo, whose nonces may not be used up,' +
        '\nand the newest twenty, which tell what a batch costs. A file is pruned, and looked through by --dry-run, while no service holds it; a database at any time.',
    )
    .addOption(new Option('--store <file>', 'of a service; state/serve.sqlite by default').conflicts('database'))
    .option('--database <url>', 'the Postgres of a service instead; by default the variable DATABASE_URL')
    .option('--older-than <days>', 'since they ended', positiveNumber, 30)
    .option('--dry-run', 'say what would be forgotten, and forget nothing')
    .action(
      action<Options, []>(async (terminal, { store, database, olderThan, dryRun: isDry = false }) => {
        const { openExisting } = await import('../daemon/stores/existing.ts')
        const url = database ?? (store === undefined ? process.env.DATABASE_URL || undefined : undefined)
        const place = url === undefined ? { store: store ?? 'state/serve.sqlite' } : { database: url }
        const found = await openExisting(place).catch((error: unknown) => {
          throw error instanceof StoreInUseError ? toPrune(error) : error
        })
        try {
          const pruned = await found.store.prune(Math.floor(Date.now() - olderThan * DAY_MS), isDry)
          const { jobs, transactions, bundleBytes } = pruned
          const what = `${jobs} ${jobs === 1 ? 'batch' : 'batches'}, ${transactions} ${transactions === 1 ? 'transaction' : 'transactions'}, ${(bundleBytes / 2 ** 20).toFixed(1)} MiB of proofs`
          terminal.result(
            { ...pruned, isDry },
            isDry ? `Would forget ${what} of ${found.name}.` : `Forgot ${what} of ${found.name}.`,
          )
        } finally {
          await found.store.close()
        }
      }),
    )
}
