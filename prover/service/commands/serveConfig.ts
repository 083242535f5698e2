/**
 * Options of `zkrisk serve` from a file and from the environment: what the command line says is taken first, then `ZKRISK_SERVE_…`, then
 * the file, then what each is by default. An option is declared once, where the command line reads it; its own reading checks all three.
 */
import { type Command, InvalidArgumentError, type Option } from 'commander'
import { z } from 'zod'
import { readJsonFile } from '../../market/jsonFile.ts'
import { firstIssue } from '../../registry/wordSchemas.ts'
import { UsageError } from '../text/usageError.ts'

/** Of this call, and one that may hold a password: DATABASE_URL has it. */
const ofTheCallAlone = new Set(['json', 'config', 'check', 'demo', 'database'])
const PREFIX = 'ZKRISK_SERVE_'

type Value = string | number | boolean | readonly string[]
type Settings = Readonly<Record<string, Value>>

const settable = ({ options }: Command): readonly Option[] =>
  options.filter((option) => !ofTheCallAlone.has(option.attributeName()))

/** How a configuration file is written; entries are named as the options are, `maxFeeGwei` for `--max-fee-gwei`. */
export function settingsSchema(command: Command) {
  const entries = settable(command).map((option) => {
    const means = option.negate ? `false: ${option.description}` : option.description
    return [option.attributeName(), schemaOf(option).optional().describe(means)] as const
  })
  const $schema = z.string().optional().describe('where this schema is, for editors')
  return z.strictObject({ $schema, ...Object.fromEntries(entries) })
}

function schemaOf(option: Option): z.ZodType {
  if (option.negate || option.isBoolean()) return z.boolean({ error: 'expected true or false' })
  const one = option.argChoices === undefined ? z.string() : z.enum(option.argChoices)
  if (isList(option))
    return z.union([z.string(), z.array(one).min(1, 'expected one at least')], {
      error: 'expected a text, or a list of them',
    })
  if (option.argChoices !== undefined) return one
  if (typeof option.defaultValue === 'number') return z.number({ error: 'expected a number' })
  return z.union([z.string(), z.number()], { error: 'expected a text or a number' })
}

const isList = (option: Option): boolean => option.variadic || option.attributeName() === 'rpc'

/**
 * Gives a command the options that its command line does not have.
 *
 * @throws {@link ServeConfigError} naming the file or variable and the entry
 */
export function takeSettings(command: Command, file: string | undefined, environment: NodeJS.ProcessEnv): void {
  const known = settable(command)
  const variables = settingsInEnvironment(known, environment)
  const entries = file === undefined ? {} : settingsInFile(command, file)
  for (const [source, settings] of [['env', variables] as const, ['config', entries] as const]) {
    const place = (name: string) => (source === 'env' ? variableOf(name) : (file ?? ''))
    const before = known.map((option) => option.attributeName()).filter((name) => isGiven(command, name))
    for (const option of known) {
      const name = option.attributeName()
      const value = settings[name]
      // What excludes it was said in a place that counts more.
      if (value === undefined || [name, ...excludedBy(known, name)].some((each) => before.includes(each))) continue
      const other = excludedBy(known, name).find((each) => settings[each] !== undefined)
      if (other !== undefined) throw new ServeConfigError(place(name), name, `it means nothing beside ${other}`)
      command.setOptionValueWithSource(name, parsed(option, value, place(name)), source)
    }
  }
}

const isGiven = (command: Command, name: string): boolean =>
  !['default', undefined].includes(command.getOptionValueSource(name))

/** In either direction, as the command line has it. */
function excludedBy(known: readonly Option[], name: string): readonly string[] {
  const conflicts = (option: Option): readonly string[] => Reflect.get(option, 'conflictsWith') ?? []
  return known.flatMap((option) => {
    const own = option.attributeName()
    if (own === name) return conflicts(option)
    return conflicts(option).includes(name) ? [own] : []
  })
}

function parsed(option: Option, value: Value, place: string): unknown {
  if (typeof value === 'boolean') return value
  const texts = (Array.isArray(value) ? value : [value]).map(String)
  const read = option.parseArg as ((text: string, before: unknown) => unknown) | undefined
  if (read === undefined) return option.variadic ? texts : texts[0]
  try {
    return texts.reduce<unknown>((before, text) => read.call(option, text, before), undefined)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new ServeConfigError(place, option.attributeName(), `${error.message} Got ${texts.join(', ')}`)
  }
}

function settingsInFile(command: Command, file: string): Settings {
  const input = readJsonFile(file, (reason) => new ServeConfigError(file, '', reason))
  const read = settingsSchema(command).safeParse(input, { reportInput: true })
  if (read.success) {
    const { $schema, ...settings } = read.data as Record<string, Value>
    return settings
  }
  const { path, reason } = firstIssue(read.error)
  const isOfCall = ofTheCallAlone.has(path)
  throw new ServeConfigError(file, path, isOfCall ? 'it is for the command line or the environment alone' : reason)
}

/** `--max-fee-gwei` is ZKRISK_SERVE_MAX_FEE_GWEI; lists are separated by commas. An empty one is none. */
const variableOf = (name: string): string => PREFIX + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

function settingsInEnvironment(known: readonly Option[], environment: NodeJS.ProcessEnv): Settings {
  const byVariable = new Map(known.map((option) => [variableOf(option.attributeName()), option]))
  const given = Object.entries(environment).filter(([name, text]) => name.startsWith(PREFIX) && text !== '')
  return Object.fromEntries(
    given.map(([variable, text = '']): [string, Value] => {
      const option = byVariable.get(variable)
      if (option === undefined) throw new ServeConfigError(variable, '', 'serve has no such option')
      const name = option.attributeName()
      if (option.negate || option.isBoolean()) {
        if (text !== 'true' && text !== 'false')
          throw new ServeConfigError(variable, name, `expected true or false, got ${text}`)
        return [name, text === 'true']
      }
      return [name, isList(option) ? text.split(',').map((each) => each.trim()) : text]
    }),
  )
}

/** A configuration file, or a variable, that serve cannot take. */
export class ServeConfigError extends UsageError {
  readonly code = 'service.serve-config'
  readonly file: string
  readonly field: string

  constructor(file: string, field: string, reason: string) {
    const entry = field === '' || file.startsWith(PREFIX) ? '' : `${field}: `
    super(`${file}: ${entry}${reason.replace(/\.$/, '')}. docs/generated/serve.schema.json says how it is written.`)
    this.file = file
    this.field = field
  }
}
