/** What slither finds in the contracts, held against a list of findings that somebody looked at. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from '../tools/sources.ts'
import { type SortedFinding, sortedFindings } from './findings.ts'
import { type Tools, writeFoundryConfig } from './tools.ts'

/** A detector's name, the file below contracts/, and the function or contract in it. */
export type Finding = { readonly detector: string; readonly file: string; readonly place: string }

export type Comparison = {
  readonly found: number
  /** Found, and on no list. */
  readonly unsorted: readonly Finding[]
  /** On the list, and not found. */
  readonly gone: readonly Finding[]
}

const project = join(root, 'build', 'verify', `analysis-${process.pid}`)

/** Runs all detectors over contracts/. */
export function findings(tools: Tools): readonly Finding[] {
  try {
    writeProject(tools)
    const answer = join(project, 'answer.json')
    const args = ['.', '--exclude-dependencies', '--foundry-out-directory', 'out', '--json', answer]
    const { stderr } = spawnSync(tools.slither, args, { cwd: project, env: tools.environment, encoding: 'utf8' })
    if (!existsSync(answer)) throw new NotAnalysedError(stderr)
    return readFindings(readFileSync(answer, 'utf8'))
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

function writeProject(tools: Tools): void {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  cpSync(join(root, 'contracts'), join(project, 'src'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'))
  writeFoundryConfig(tools, project, { sources: 'src', tests: 'nothing' })
}

const elementSchema = z.object({
  type: z.string(),
  name: z.string(),
  type_specific_fields: z.object({ parent: z.object({ name: z.string() }).optional() }).optional(),
})
const answerSchema = z.object({
  success: z.boolean(),
  results: z.object({
    detectors: z
      .array(z.object({ check: z.string(), first_markdown_element: z.string(), elements: z.array(elementSchema) }))
      .optional(),
  }),
})

/** @throws {@link NotAnalysedError} if the analyser did not get to the end */
export function readFindings(answer: string): readonly Finding[] {
  const { success, results } = answerSchema.parse(JSON.parse(answer))
  if (!success) throw new NotAnalysedError(answer)
  return (results.detectors ?? []).map(({ check, first_markdown_element: at, elements }) => {
    const [element] = elements
    const isInFunction = element?.type === 'variable' || element?.type === 'node'
    const place = isInFunction ? element.type_specific_fields?.parent?.name : element?.name
    return { detector: check, file: at.replace(/#.*$/, '').replace(/^src\//, ''), place: place ?? '' }
  })
}

/** Each finding is on the list, and each of the list is found. */
export function compareFindings(
  found: readonly Finding[],
  sorted: readonly SortedFinding[] = sortedFindings,
): Comparison {
  const listed = sorted.flatMap(({ detector, places }) =>
    Object.entries(places).flatMap(([file, names]) => names.map((place) => ({ detector, file, place }))),
  )
  const [onList, isFound] = [new Set(listed.map(textOf)), new Set(found.map(textOf))]
  return {
    found: found.length,
    unsorted: found.filter((finding) => !onList.has(textOf(finding))),
    gone: listed.filter((finding) => !isFound.has(textOf(finding))),
  }
}

export const textOf = ({ detector, file, place }: Finding): string => `${detector} in ${file}: ${place}`

/** The analyser ended without an answer. */
export class NotAnalysedError extends Error {
  readonly report: string
  constructor(report: string) {
    super(`slither did not analyse the contracts to the end:\n${report.split('\n').slice(-20).join('\n')}`)
    this.report = report
  }
}
