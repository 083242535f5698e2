/**
 * Options of `zkrisk serve` from a file and from the environment: what the command line says is taken first, then `ZKRISK_SERVE_…`, then
 * the file, then what each is by default. An option is declared once, where the command line reads it; its own reading checks all three.
 */
import { type Command, InvalidArgumentError, type Option } from 'commander'
import { z } from 'zod'
import { readJsonFile } from '../../market/jsonFile.ts'
import { closestName } from '../../portfolio/input/closestName.ts'
import { type Called, UsageError } from '../text/usageError.ts'

/** Of this call, and one that may hold a password. */
const ofTheCallAlone: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['json', 'config', 'check', 'demo'].map((name) => [name, 'it is for the command line alone'])),
  database: 'it is for the command line or the environment alone, for it may hold a password: set DATABASE_URL',
}
const PREFIX = 'ZKRISK_SERVE_'
const SHAPE = ' docs/generated/serve.schema.json says how it is written.'

type Value = string | number | boolean | readonly string[]
type Settings = Readonly<Record<string, Value>>
/** What is wrong with an entry. */
type Fault = { readonly field: string; readonly reason: string }

const settable = ({ options }: Command): readonly Option[] =>
  options.filter((option) => ofTheCallAlone[option.attributeName()] === undefined)

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
  const { argChoices: choices } = option
  if (option.negate || option.isBoolean()) return z.boolean({ error: 'expected true or false' })
  const one = choices === undefined ? z.string() : z.enum(choices, { error: ({ input }) => notOf(choices, [input]) })
  if (isList(option))
    return z.union([z.string(), z.array(one).min(1, 'expected one at least')], {
      error: ({ input }) => faultOfList(choices, input),
    })
  if (choices !== undefined) return one
  if (typeof option.defaultValue === 'number') return z.number({ error: 'expected a number' })
  return z.union([z.string(), z.number()], { error: 'expected a text or a number' })
}

const isList = (option: Option): boolean => option.variadic || option.attributeName() === 'rpc'

function faultOfList(choices: readonly string[] | undefined, input: unknown): string {
  if (!Array.isArray(input)) return 'expected a text, or a list of them'
  if (choices !== undefined) return notOf(choices, input)
  // Not what it is: an address may hold a key.
  const place = input.findIndex((each) => typeof each !== 'string')
  return `expected a list of texts, and number ${place + 1} of them is none`
}

/** Which of some words are no choices, and what there is to choose. */
function notOf(choices: readonly string[], words: readonly unknown[]): string {
  const wrong = words.filter((word) => !choices.includes(word as string))
  const meant = wrong.map((word) => closestName(String(word), choices)).find((name) => name !== undefined)
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`
  return `expected one of ${choices.join(', ')}, got ${wrong.map((word) => JSON.stringify(word)).join(', ')}${hint}`
}

/**
 * Gives a command the options that its command line does not have.
 *
 * @throws {@link ServeConfigError} naming the file or the variables, and every entry that is wrong
 */
export function takeSettings(command: Command, file: string | undefined, environment: NodeJS.ProcessEnv): void {
  const known = settable(command)
  const variables = settingsInEnvironment(command, environment)
  const entries = file === undefined ? undefined : settingsInFile(command, file)
  const wrong = [...variables.faults, ...take(command, known, variables.settings, 'env')]
  if (wrong.length > 0)
    throw new ServeConfigError(
      '',
      wrong.map((fault) => ({ ...fault, field: variableOf(fault.field) })),
    )
  if (file === undefined || entries === undefined) return
  const faults = [...entries.faults, ...take(command, known, entries.settings, 'config')]
  if (faults.length > 0) throw new ServeConfigError(file, faults, entries.isOfOtherShape ? SHAPE : '')
}

/** How people said an option of `serve`: with a flag, by a variable, or in the file, where an option of `--no-…` is false. */
export const calledIn =
  (command: Command, file: string | undefined): Called =>
  (flag) => {
    const option = command.options.find(({ long }) => long === `--${flag}`)
    const name = option?.attributeName() ?? flag
    const source = command.getOptionValueSource(name)
    if (source === 'env') return variableOf(name)
    return source === 'config' ? `${name}${option?.negate ? ': false' : ''} of ${file}` : `--${flag}`
  }

/** Sets what is said in no place that counts more. */
function take(
  command: Command,
  known: readonly Option[],
  settings: Settings,
  source: 'env' | 'config',
): readonly Fault[] {
  const before = known.map((option) => option.attributeName()).filter((name) => isGiven(command, name))
  const faults: Fault[] = []
  for (const option of known) {
    const field = option.attributeName()
    const value = settings[field]
    const excluded = excludedBy(known, field)
    if (value === undefined || [field, ...excluded].some((each) => before.includes(each))) continue
    const other = excluded.find((each) => settings[each] !== undefined)
    const read = parsed(option, value)
    if ('reason' in read) faults.push({ field, reason: read.reason })
    // Of two that exclude each other the former is told.
    else if (other === undefined) command.setOptionValueWithSource(field, read.value, source)
    else if (!faults.some((fault) => fault.field === other)) {
      const name = source === 'env' ? variableOf(other) : other
      faults.push({ field, reason: `it means nothing beside ${name}` })
    }
  }
  return faults
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

/** As the command line reads it, or why it is refused there. */
function parsed(option: Option, value: Value): { readonly value: unknown } | { readonly reason: string } {
  if (typeof value === 'boolean') return { value }
  const texts = (Array.isArray(value) ? value : [value]).map(String)
  const { argChoices: choices } = option
  if (choices !== undefined && texts.some((text) => !choices.includes(text))) return { reason: notOf(choices, texts) }
  const read = option.parseArg as ((text: string, before: unknown) => unknown) | undefined
  if (read === undefined) return { value: option.variadic ? texts : texts[0] }
  try {
    return { value: texts.reduce<unknown>((before, text) => read.call(option, text, before), undefined) }
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    return { reason: `${error.message} Got ${texts.join(', ')}` }
  }
}

/** Where they are said: what is well formed, and what is not. */
type Said = { readonly settings: Settings; readonly faults: readonly Fault[] }

function settingsInFile(command: Command, file: string): Said & { readonly isOfOtherShape: boolean } {
  const input = readJsonFile(file, (reason) => new ServeConfigError(file, [{ field: '', reason }]))
  const schema = settingsSchema(command)
  const read = schema.safeParse(input, { reportInput: true })
  const faults = read.success ? [] : read.error.issues.flatMap((issue) => faultsOf(issue, Object.keys(schema.shape)))
  const given = (typeof input === 'object' && input !== null ? input : {}) as Settings
  const sound = Object.entries(given).filter(([name]) => !faults.some(({ field }) => field === name || field === ''))
  const isOfOtherShape = faults.some(({ field }) => ofTheCallAlone[field] === undefined)
  return { settings: Object.fromEntries(sound), faults, isOfOtherShape }
}

function faultsOf(issue: z.core.$ZodIssue, known: readonly string[]): readonly Fault[] {
  if (issue.path.length === 0 && issue.code !== 'unrecognized_keys')
    return [{ field: '', reason: 'expected one object, of options by name' }]
  if (issue.code !== 'unrecognized_keys') return [{ field: String(issue.path[0] ?? ''), reason: issue.message }]
  return issue.keys.map((field) => ({
    field,
    reason: ofTheCallAlone[field] ?? `this field is unknown${meantBy(field, known)}`,
  }))
}

function meantBy(name: string, known: readonly string[]): string {
  const meant = closestName(name, known)
  return meant === undefined ? '' : `: did you mean ${meant}?`
}

/** `--max-fee-gwei` is ZKRISK_SERVE_MAX_FEE_GWEI; lists are separated by commas. An empty one is none. */
const variableOf = (name: string): string =>
  name.startsWith(PREFIX) ? name : PREFIX + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

function settingsInEnvironment(command: Command, environment: NodeJS.ProcessEnv): Said {
  const options = new Map(command.options.map((option) => [variableOf(option.attributeName()), option]))
  const known = settable(command).map((option) => variableOf(option.attributeName()))
  const settings: Record<string, Value> = {}
  const faults: Fault[] = []
  for (const [field, text = ''] of Object.entries(environment)) {
    if (!field.startsWith(PREFIX) || text === '') continue
    const option = options.get(field)
    const name = option?.attributeName() ?? ''
    if (option === undefined) faults.push({ field, reason: `serve has no such option${meantBy(field, known)}` })
    else if (name === 'database') faults.push({ field, reason: 'it is called DATABASE_URL' })
    else if (name in ofTheCallAlone) faults.push({ field, reason: ofTheCallAlone[name] ?? '' })
    else if (!option.negate && !option.isBoolean()) settings[name] = isList(option) ? listOf(text) : text
    else if (text === 'true' || text === 'false') settings[name] = text === 'true'
    else faults.push({ field, reason: `expected true or false, got ${text}` })
  }
  return { settings, faults }
}

const listOf = (text: string): readonly string[] => text.split(',').map((each) => each.trim())

/** A configuration file, or variables, that serve cannot take. */
export class ServeConfigError extends UsageError {
  readonly code = 'service.serve-config'
  /** Empty for variables. */
  readonly file: string
  readonly fields: readonly string[]

  /** @param advice - where all of it is said, if that helps */
  constructor(file: string, faults: readonly Fault[], advice = '') {
    const told = faults.map(({ field, reason }) => {
      return `${field === '' ? '' : `${field}: `}${reason.replace(/\.$/, '')}`
    })
    const sentence = `${file === '' ? '' : `${file}: `}${told.join('; ')}`
    super(`${sentence}${sentence.endsWith('?') ? '' : '.'}${advice}`)
    this.file = file
    this.fields = faults.map(({ field }) => field)
  }
}
