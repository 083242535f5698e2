import type { Terminal } from './terminal.ts'

/** What the parser of the command line says, and how this command says it. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [/^required option '(.+)' not specified$/, 'expected $1, found none'],
  [/^missing required argument '(.+)'$/, 'expected <$1>, found none'],
  [/^option '([^', ]+).*' argument missing$/, 'expected a value after $1, found none'],
  [/^option '([^', ]+).*' argument '(.*)' is invalid\. (.*?)\.?$/, '$1: $3, got "$2"'],
  [/^command-argument value '(.*)' is invalid for argument '(.+)'\. (.*?)\.?$/, '<$2>: $3, got "$1"'],
  [/^unknown (option|command) '(.+)'\s*\(Did you mean (one of )?(.+)\?\)$/, 'unknown $1 $2: did you mean $4?'],
  [/^unknown (option|command) '(.+)'$/, 'unknown $1 $2'],
  [
    /^too many arguments(?: for '.*')?\. Expected (\d+) arguments? but got (\d+): (.*?)\.?$/,
    'expected $1 arguments, got $2: $3',
  ],
]

/** A complaint of the parser in the words of the other errors. */
function usageWords(complaint: string): string {
  const bare = complaint.replace(/^error: /, '').trim()
  const found = phrases.find(([pattern]) => pattern.test(bare))
  const words = found === undefined ? bare : bare.replace(found[0], found[1])
  const sentence = words.replace(/: Expected/, ': expected').replace(/\.$/, '')
  return sentence.endsWith('?') ? sentence : `${sentence}.`
}

/** Tells of wrong usage as of every other error: with a code, and as JSON where that was asked for. */
export function reportUsage(terminal: Terminal, complaint: string): void {
  const message = usageWords(complaint)
  const code = 'service.usage'
  if (terminal.json) terminal.result({ error: { code, message } }, '')
  else terminal.say(`zkrisk: ${message}\n        code ${code}`)
}
