/** The `zkrisk` command. Exit codes: 0 done, 1 refused or failed (with a typed error), 2 wrong usage. */
import { runCommand } from './program.ts'

// What a command leaves running (a provider's poll, an idle child) must not keep the shell waiting.
process.exit(await runCommand(process.argv.slice(2)))
