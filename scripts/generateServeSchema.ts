/**
 * Writes docs/generated/serve.schema.json, the JSON Schema of configuration files of `zkrisk serve`, from the options that it has.
 *
 *   node scripts/generateServeSchema.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be.
 */
import { Program } from '../prover/service/commands/command.ts'
import { addServeCommand } from '../prover/service/commands/serve.ts'
import { settingsSchema } from '../prover/service/commands/serveConfig.ts'
import { writeJsonSchema } from './generators/jsonSchema.ts'

const program = new Program({ out: () => {}, err: () => {} })
addServeCommand(program)
const [serve] = program.commands
if (serve === undefined) throw new RangeError('zkrisk has a command serve.')
writeJsonSchema('serve', 'Options of zkrisk serve', settingsSchema(serve), 'scripts/generateServeSchema.ts')
