/** The `zkrisk` command. Exit codes: 0 done, 1 refused or failed (with a typed error), 2 wrong usage. */
import { runCommand } from './program.ts'

/** What a command leaves running (a provider's poll, an idle child) has so long to end; then it is cut off. */
const LEFT_RUNNING_MS = 1_000

process.exitCode = await runCommand(process.argv.slice(2))
setTimeout(() => process.exit(), LEFT_RUNNING_MS).unref()
