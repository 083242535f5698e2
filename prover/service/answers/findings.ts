/** What `zkrisk doctor` and `zkrisk serve --check` find: whether it is there and as it should be. */
import { ProverError } from '../../errors.ts'

export type Finding = {
  readonly check: string
  /** `warning`: most things work without. `missing` is not there, `wrong` is there and not as it should be. */
  readonly status: 'ok' | 'warning' | 'missing' | 'wrong'
  readonly found: string
  /** What to do, where something is to be done. */
  readonly mend?: string
}

/** Whether something cannot be done for it. */
export const isFault = ({ status }: Finding): boolean => status === 'missing' || status === 'wrong'

/** Of what says that something is not there; every other error is of something that is there and wrong. */
const absences: ReadonlySet<string> = new Set([
  'proof.keys-missing',
  'proof.native-unavailable',
  'registry.contracts-not-built',
  'registry.model-not-registered',
  'registry.registry-missing',
  'registry.rpc-unreachable',
  'registry.unknown-market',
  'service.circuit-not-built',
  'service.database-unreachable',
  'service.key-missing',
  'service.keys-folder',
  'service.packages-missing',
  'service.password-missing',
])

/** Of files that cannot be read, for want of the file or for another reason, which the cause says. */
const readings: ReadonlySet<string> = new Set([
  'registry.shipped-file',
  'registry.unreadable-file',
  'service.api-keys',
  'service.key-keeper-module',
])

export function faultOf(error: unknown): 'missing' | 'wrong' {
  if (!(error instanceof ProverError)) return 'wrong'
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  const isAbsent = code === 'ENOENT' || code === 'ERR_MODULE_NOT_FOUND'
  return absences.has(error.code) || (isAbsent && readings.has(error.code)) ? 'missing' : 'wrong'
}

/** One line per finding, with the cure below what is not right. */
export function formatFindings(findings: readonly Finding[]): string {
  const marks = { ok: 'ok     ', warning: 'warning', missing: 'MISSING', wrong: 'WRONG  ' }
  const width = Math.max(...findings.map(({ check }) => check.length))
  return findings
    .flatMap(({ check, status, found, mend }) => [
      `${marks[status]}  ${check.padEnd(width)}  ${found}`,
      ...(mend === undefined ? [] : [`${' '.repeat(width + 11)}${mend}`]),
    ])
    .join('\n')
}
