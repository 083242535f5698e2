/**
 * The constraints of a compiled circuit with all of its inputs. The compiler takes linear constraints out of a circuit, and with
 * them private inputs that follow from other wires: what it put in their place is a form that both witnesses agree in.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cache } from '../../tools/cache.ts'
import { FIELD_ORDER, R1csFile } from '../../tools/circuits/r1cs.ts'
import { runCircom } from '../../tools/circom.ts'
import { compileSource } from '../../tools/compileCircom.ts'
import { root } from '../../tools/sources.ts'
import { Field, type Form } from './field.ts'
import type { Circuit } from './system.ts'

export type CompiledForProof = {
  readonly circuit: Circuit
  readonly outputs: readonly number[]
  nameOf(wire: number): string
}

/** Wires by label, -1 for those that the compiler took out, and the names of both. */
type Symbols = { readonly wires: ReadonlyMap<number, number>; readonly names: ReadonlyMap<number, string> }

/** What stands in the place of a label: coefficients by label, in decimals. */
type Substitutions = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * Compiles a main, and says which of its wires are inputs and outputs. The constraints are those that keys are made for.
 *
 * @throws {@link OtherConstraintsError} if the compiler makes others when it tells what it took out
 */
export async function compileForProof(source: string, name: string): Promise<CompiledForProof> {
  const { r1cs, symbols: text } = await compileSource(source, name)
  const file = new R1csFile(r1cs)
  const symbols = readSymbols(text.toString())
  const labels = Array.from({ length: file.inputs }, (_, i) => 1 + file.outputs + i)
  const isTakenOut = (label: number): boolean => symbols.wires.get(label) === -1
  const substituted = labels.some(isTakenOut)
    ? await substitutionsOf(source, name, r1cs, labels.filter(isTakenOut))
    : {}
  const isInput = (label: number): boolean => label > file.outputs && label <= file.outputs + file.inputs
  const inputs = labels.map((label) => inputForm(label, symbols, substituted, isInput))
  const outputs = Array.from({ length: file.outputs }, (_, i) => i + 1)
  const circuit = { order: FIELD_ORDER, wires: file.wires, constraints: file.constraints, inputs }
  return { circuit, outputs, nameOf: (wire) => symbols.names.get(wire) ?? `wire ${wire}` }
}

function readSymbols(text: string): Symbols {
  const wires = new Map<number, number>()
  const names = new Map<number, string>()
  for (const line of text.split('\n')) {
    const [label, wire, , name] = line.split(',')
    if (wire === undefined || name === undefined) continue
    wires.set(Number(label), Number(wire))
    if (!names.has(Number(wire))) names.set(Number(wire), name)
  }
  return { wires, names }
}

/** An input as a form of wires, less other inputs that have none; nothing if no constraint and no output mentions it. */
function inputForm(
  label: number,
  { wires }: Symbols,
  substituted: Substitutions,
  isInput: (label: number) => boolean,
): Form {
  const wire = wires.get(label)
  if (wire !== undefined && wire !== -1) return new Map([[wire, 1n]])
  const terms = Object.entries(substituted[label] ?? {})
    .map(([other, coefficient]) => [Number(other), BigInt(coefficient)] as const)
    .filter(([other]) => other !== 0 && !(wires.get(other) === -1 && isInput(other)))
    .map(([other, coefficient]) => [wires.get(other) ?? -1, coefficient] as const)
  if (terms.some(([other]) => other === -1)) return new Map()
  const field = new Field(FIELD_ORDER)
  return field.form({ wires: terms.map(([other]) => other), coefficients: terms.map(([, each]) => each) })
}

/** Of these labels, what the compiler put in their place. */
async function substitutionsOf(
  source: string,
  name: string,
  r1cs: Uint8Array,
  labels: readonly number[],
): Promise<Substitutions> {
  const key = createHash('sha256').update(source).update(r1cs).digest('hex')
  const kept = cache.get('inputs', key)?.get('inputs.json')
  if (kept !== undefined) return JSON.parse(kept.toString()) as Substitutions
  const out = mkdtempSync(join(tmpdir(), 'zkrisk-inputs-'))
  try {
    writeFileSync(join(out, 'main.circom'), source)
    const libraries = ['circuits', 'node_modules/circomlib/circuits'].flatMap((each) => ['-l', each])
    const args = ['out/main.circom', '--O2', '--r1cs', '--simplification_substitution', ...libraries, '-o', 'out']
    const { exitCode, report } = await runCircom({ args, project: root, out })
    if (exitCode !== 0) throw new Error(report)
    if (!readFileSync(join(out, 'main.r1cs')).equals(r1cs)) throw new OtherConstraintsError(name)
    const all = JSON.parse(readFileSync(join(out, 'main_substitutions.json'), 'utf8')) as Substitutions
    const found = Object.fromEntries(labels.filter((label) => label in all).map((label) => [label, all[label]!]))
    cache.put('inputs', key, new Map([['inputs.json', JSON.stringify(found)]]))
    return found
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** The compiler's account of what it took out is of other constraints. */
export class OtherConstraintsError extends Error {
  readonly circuit: string
  constructor(circuit: string) {
    super(
      `circom gave ${circuit} other constraints when asked what it took out of it. Were sources changed meanwhile? Run again.`,
    )
    this.circuit = circuit
  }
}
