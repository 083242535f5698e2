/** A command that was called in a way that it does not have: exit code 2, whatever file or chain it was called for. */
import { ProverError } from '../../errors.ts'

export abstract class UsageError extends ProverError {}

/** How people said an option: on the command line, if nothing else is known of it. */
export type Called = (option: string) => string
const asFlag: Called = (option) => `--${option}`

/** An option means nothing without another one. */
export class OptionAloneError extends UsageError {
  readonly code: string = 'service.option-alone'
  readonly option: string
  readonly missing: string

  /** @param otherwise - what does instead of the missing one */
  constructor(option: string, missing: string, otherwise?: string, called: Called = asFlag) {
    const instead = otherwise === undefined ? '' : `, or ${otherwise}`
    super(`${called(option)} means nothing without ${called(missing)}${instead}. Give both, or neither.`)
    this.option = option
    this.missing = missing
  }
}

/** An option means nothing beside another one. */
export class OptionBesidesError extends UsageError {
  readonly code = 'service.option-besides'
  readonly option: string
  readonly other: string

  constructor(option: string, other: string, called: Called = asFlag) {
    super(`${called(option)} means nothing beside ${called(other)}. Leave one of them out.`)
    this.option = option
    this.other = other
  }
}

/** Refuses the first of some options that is given without, or beside, another. @throws {@link OptionAloneError}, {@link OptionBesidesError} */
export function requireOptions(
  given: Readonly<Record<string, unknown>>,
  fit: { readonly needs: string } | { readonly excludes: string },
  called: Called = asFlag,
): void {
  const option = Object.keys(given).find((name) => given[name] !== undefined)
  if (option === undefined) return
  if ('needs' in fit) throw new OptionAloneError(option, fit.needs, undefined, called)
  throw new OptionBesidesError(option, fit.excludes, called)
}

/** What stands where an option's value should is another option. */
export class OptionValueMissingError extends UsageError {
  readonly code = 'service.usage'
  readonly option: string

  constructor(option: string, found: string) {
    super(`Expected a value for ${option}, found the option ${found}.`)
    this.option = option
  }
}

/** An option is needed. */
export class OptionMissingError extends UsageError {
  readonly code = 'service.usage'
  readonly option: string

  /** @param otherwise - what does instead of the option, such as a variable */
  constructor(option: string, otherwise?: string) {
    const instead = otherwise === undefined ? '' : `, or ${otherwise}`
    super(`Expected --${option}${instead}, found none. \`--help\` has an example.`)
    this.option = option
  }
}
