/** What a service says while it runs: for people at a terminal, or a JSON object a line for whoever collects logs. */
import { pino } from 'pino'
import { shortened } from '../text/foreign.ts'
import type { JobStatus } from './jobStore.ts'
import type { ServeEvent } from './serve.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export type Heartbeat = {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly says: string }[]
  readonly jobs: Readonly<Record<JobStatus, number>>
}

export type ServiceLog = {
  event(event: ServeEvent): void
  listening(url: string): void
  heartbeat(state: Heartbeat): void
  /** A request that the service could not answer. */
  failed(method: string, url: string, error: unknown): void
  /** @param by - name of the key that something was changed with, which is told to all */
  answered(method: string, route: string, status: number, milliseconds: number, by?: string): void
}

/** Steps that somebody should see; the others are only followed. */
const warnings: ReadonlySet<ServeEvent['step']> = new Set([
  ...(['retrying', 'unserved', 'worker-fault', 'alarm', 'unwatched', 'superseded', 'left-out', 'paused'] as const),
])
const details: ReadonlySet<ServeEvent['step']> = new Set(['signed', 'sent', 'statement-proven'])

const CENSORED = '[redacted]'
/** Whatever is called so, three levels deep, is nobody's to read. */
const secrets = ['key', 'privateKey', 'secret', 'password', 'mnemonic', 'authorization', 'apiKey', 'rpc', 'database']
const paths = ['', '*.', '*.*.'].flatMap((at) => secrets.map((name) => `${at}${name}`))

/** A line of JSON for each thing said. @param write - takes a line, its end included */
export function jsonLog(level: LogLevel, write: (line: string) => void): ServiceLog {
  const log = pino(
    {
      level,
      base: { service: 'zkrisk' },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: CENSORED },
    },
    { write: (line: string) => write(withoutAddresses(line)) },
  )
  return {
    event: ({ step, ...rest }) => {
      const kind = warnings.has(step) ? 'warn' : details.has(step) ? 'debug' : 'info'
      log[kind]({ event: step, ...rest }, rest.detail ?? step)
    },
    listening: (url) => log.info({ event: 'listening', url }, 'listening'),
    heartbeat: ({ ready, checks, jobs }) => {
      const failing = checks.filter(({ ok }) => !ok).map(({ name, says }) => ({ name, says }))
      const { rss } = process.memoryUsage()
      log.info(
        { event: 'heartbeat', ready, failing, jobs, rssBytes: rss, uptimeSeconds: Math.round(process.uptime()) },
        'heartbeat',
      )
    },
    failed: (method, url, error) => log.error({ event: 'http-failed', method, url, err: error }, 'a request failed'),
    answered: (method, route, status, milliseconds, by) =>
      log[levelOf(by)](
        { event: 'http', method, route, status, milliseconds: Math.round(milliseconds), by },
        'answered',
      ),
  }
}

const levelOf = (by: string | undefined): 'info' | 'debug' => (by === undefined ? 'debug' : 'info')

/** Paths and queries of RPC addresses often hold keys, and so do user names; those of databases hold passwords. */
const withoutAddresses = (line: string): string =>
  line.replace(/\b(https?|wss?|postgres(?:ql)?):\/\/(?:[^\s/"@]*@)?([^\s/"\\]+)[^\s"\\]*/g, '$1://$2')

const MOST_CHARACTERS = 10_000
/** What people read is one line, whoever's words are in it. */
const lineOf = (parts: readonly (string | undefined)[]): string => {
  const said = parts.filter((part) => part !== undefined && part !== '').join('  ')
  return shortened(withoutAddresses(said), MOST_CHARACTERS)
}

/** A line for each step of something else than a service, in the same words. */
export function plainLog(
  format: 'human' | 'json',
  level: LogLevel,
  write: (line: string) => void,
): (at: LogLevel, step: string, job: string | undefined, detail: string | undefined) => void {
  if (format === 'json') {
    const log = pino(
      {
        level,
        base: { service: 'zkrisk' },
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line: string) => write(withoutAddresses(line)) },
    )
    return (at, event, job, detail) => log[at]({ event, job }, detail ?? event)
  }
  const least = logLevels.indexOf(level)
  return (at, step, job, detail) => {
    if (logLevels.indexOf(at) < least) return
    write(lineOf([new Date().toISOString(), at, step, job?.slice(0, 12), detail]))
  }
}

/** As the service has always spoken: a line a step. */
export function humanLog(level: LogLevel, say: (line: string) => void): ServiceLog {
  const least = logLevels.indexOf(level)
  const line = (at: LogLevel, ...parts: readonly (string | undefined)[]): void => {
    if (logLevels.indexOf(at) < least) return
    say(lineOf([new Date().toISOString(), ...parts]))
  }
  return {
    event: ({ step, job, detail }) => line(warnings.has(step) ? 'warn' : 'info', step, job?.slice(0, 12), detail),
    listening: (url) => say(`Dashboard at ${url}/, what it is made of at ${url}/openapi.json.`),
    heartbeat: ({ ready, checks }) => {
      const failing = checks.filter(({ ok }) => !ok).map(({ name, says }) => `${name}: ${says}`)
      line(ready ? 'debug' : 'warn', ready ? 'ready' : 'not-ready', failing.join('; '))
    },
    failed: (method, url, error) =>
      line('error', 'http-failed', `${method} ${url}`, error instanceof Error ? error.message : String(error)),
    answered: (method, route, status, milliseconds, by) =>
      line(
        levelOf(by),
        'http',
        `${method} ${route}`,
        String(status),
        `${Math.round(milliseconds)} ms`,
        by && `by the key ${by}`,
      ),
  }
}
