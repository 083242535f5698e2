/** What audits of both kinds say alike: of models, of claims, in columns. */
import type { ClaimResult } from '../registry/index.ts'
import { claimName } from './claimTitles.ts'

/** Claims about one model: its key and its verifier. */
export type ModelReport = {
  readonly modelId: string
  /**
   * Name of the build. Without a key of it at hand, that of the build whose layout and sizes the registry of models says it has, and
   * its id; the id alone if no build has them.
   */
  readonly name: string
  readonly accepted: boolean
  readonly claims: readonly ClaimResult[]
}

/** Something that the record must agree with, and who said so. */
export type Pin = {
  readonly what: 'chain' | 'registry' | 'contracts' | 'keys' | 'code' | 'governors' | 'least delay'
  readonly value: string
  readonly by: string
}

/** How a report is told. */
export type Telling = {
  /** The ids of the claims that each subject was judged by. */
  readonly showClaims?: boolean | undefined
  readonly pins?: readonly Pin[] | undefined
  readonly elapsedSeconds?: number | undefined
}

/**
 * 0 if everything holds, 1 otherwise.
 *
 * @example
 * exitCodeOf({ accepted: false }) // → 1
 */
export function exitCodeOf(report: { readonly accepted: boolean }): 0 | 1 {
  return report.accepted ? 0 : 1
}

/**
 * The report as JSON; bigints as decimal strings.
 *
 * @example
 * JSON.parse(auditToJson(await auditOffline('audit.json'))).accepted // → true
 */
export function auditToJson(report: { readonly accepted: boolean }): string {
  const decimal = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  return JSON.stringify(report, decimal, 2)
}

/** A claim that does not hold: where, what was expected, what found. */
export function claimText({ claim, field, expected, found }: ClaimResult): string {
  const values = expected === undefined ? (found ?? '') : `expected ${expected}, found ${found}`
  return `claim ${claimName(claim)}${field === undefined ? '' : ` at ${field}`}: ${values}`
}

/** `1 version`, `2 versions`. */
export const countedText = (count: bigint | number, one: string, more = `${one}s`): string =>
  `${count} ${Number(count) === 1 ? one : more}`

/** `1 time`, `25 times`. */
export const timesText = (count: bigint | number): string => countedText(count, 'time')

/** Whether a subject is accepted and how many of its claims hold; by request which ones, and always which one does not. */
export function verdictCells(
  { accepted, claims }: { readonly accepted: boolean; readonly claims: readonly ClaimResult[] },
  { showClaims = false }: Telling = {},
): readonly string[] {
  const failed = claims.find(({ holds }) => !holds)
  const told = [
    ...(showClaims ? [claims.map(({ claim, holds }) => (holds ? claim : `${claim}✗`)).join(' ')] : []),
    ...(failed === undefined ? [] : [claimText(failed)]),
  ]
  return [accepted ? 'accepted' : 'REJECTED', countText(claims), told.join('  ')]
}

type Claims = { readonly claims: readonly ClaimResult[] }

/**
 * How many claims hold, of how many.
 *
 * @example
 * countText([{ claim: 'P4', holds: true }, { claim: 'P5', holds: false }]) // → '1 of 2 claims'
 */
export const countText = (claims: readonly ClaimResult[]): string =>
  `${claims.filter(({ holds }) => holds).length} of ${claims.length} claims`

/** What the ids stand for, once: those that subjects were judged by, in the order of their names. */
export function legendText(subjects: readonly Claims[]): string {
  const ids = [...new Set(subjects.flatMap(({ claims }) => claims.map(({ claim }) => claim)))]
  const names = ids.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).map(claimName)
  return wrapped(`Claims, in full in docs/claims/ and docs/statement.md: ${names.join(' · ')}`)
}

/** A verdict's last lines: what was accepted, what the verdict rests on, the first failure. */
export function verdictText(
  report: {
    readonly accepted: boolean
    readonly pinned: boolean
    readonly failure?: { readonly of: string; readonly claim: ClaimResult }
  },
  counts: readonly string[],
  subjects: readonly Claims[],
  { pins = [], elapsedSeconds }: Telling,
): readonly string[] {
  const all = countText(subjects.flatMap(({ claims }) => claims))
  const took = elapsedSeconds === undefined ? '' : `, in ${elapsedSeconds.toFixed(1)} s`
  const { failure } = report
  return [
    ...pinLines(report.pinned, pins),
    `${report.accepted ? 'ACCEPTED' : 'REJECTED'}: ${counts.join(', ')}; ${all} hold${took}.`,
    ...(failure === undefined ? [] : [`First failure: ${failure.of}, ${claimText(failure.claim)}`]),
  ]
}

function pinLines(pinned: boolean, pins: readonly Pin[]): readonly string[] {
  const rows = pins.map(({ what, value, by }) => [`  ${what}`, value, by])
  const heading = rows.length === 0 ? [] : ['Pinned, and by whom:', alignColumns(rows)]
  const warning = 'Not everything was pinned from outside: this shows only that the record agrees with itself.'
  return [...heading, ...(pinned ? [] : [warning])]
}

/** Lines of at most this many letters. */
const LINE = 120

/** Over as many lines as it takes. */
export function wrapped(text: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined) lines.push(word)
    else if (last.length + word.length >= LINE) lines.push(`  ${word}`)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}

export function alignColumns(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length - 1))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(0, ...rows.map((row) => (row[i] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function timeText(unixSeconds: bigint): string {
  return new Date(Number(unixSeconds) * 1000).toISOString().slice(0, 16).replace('T', ' ')
}
