/** A source compiled twice: as keys are made for it, and with linear constraints left in. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { cache, type Entry } from '../../tools/cache.ts'
import { FIELD_ORDER, R1csFile } from '../../tools/circuits/r1cs.ts'
import { runCircom } from '../../tools/circom.ts'
import { CompilationError, compileSource } from '../../tools/compileCircom.ts'
import { contentHash, root } from '../../tools/sources.ts'
import type { Circuit } from './system.ts'
import { type Substitutions, type Unfolded, unfold } from './unfolded.ts'

export type CompiledForProof = {
  /** What follows from the constraints that keys are made for, with linear constraints left in. */
  readonly circuit: Circuit
  /** Wires of the outputs; -1 for one that has none, which no proof reaches. */
  readonly outputs: readonly number[]
  /** Constraints that keys are made for. */
  readonly constraints: number
  /** Constraints with the linear ones left in that do not follow, which proofs do without. */
  readonly leftOut: number
  nameOf(wire: number): string
}

/** Labels by wire, and names by label. */
type Symbols = { readonly labels: readonly number[]; readonly names: ReadonlyMap<number, string> }

/**
 * Compiles a main, and says which of its wires are inputs and outputs.
 *
 * @throws {@link OtherConstraintsError} if the compiler makes others when it tells what it took out
 */
export async function compileForProof(source: string, name: string): Promise<CompiledForProof> {
  const { r1cs, symbols } = await compileSource(source, name)
  const folded = new R1csFile(r1cs)
  const ofKeys = readSymbols(symbols, folded.wires)
  const unfolded = await compileUnfolded(source, name, r1cs, symbols)
  const file = new R1csFile(unfolded.get('r1cs')!)
  const { labels, names } = readSymbols(unfolded.get('sym')!, file.wires)
  const { rows, inputs } = JSON.parse(unfolded.get('follows.json')!.toString()) as Unfolded
  const circuit = {
    order: FIELD_ORDER,
    wires: file.wires,
    constraints: rows.map((row) => file.constraints[row]!),
    inputs: inputs.map((wire) => new Map([[wire, 1n]])),
  }
  return {
    circuit,
    outputs: ofKeys.labels.slice(1, 1 + folded.outputs).map((label) => labels.indexOf(label)),
    constraints: folded.constraintCount,
    leftOut: file.constraintCount - rows.length,
    nameOf: (wire) => names.get(labels[wire]!) ?? `wire ${wire}`,
  }
}

/** Constraints with the linear ones left in, names of their wires, and what of them follows. */
async function compileUnfolded(source: string, name: string, r1cs: Buffer, symbols: Buffer): Promise<Entry> {
  const checks = ['compiled', 'unfolded', 'field'].map((each) => `scripts/verify/uniqueness/${each}.ts`)
  const key = contentHash(checks, source, createHash('sha256').update(r1cs).digest('hex'))
  const kept = cache.get('unfolded', key)
  if (kept !== undefined) return new Map([...kept].map(([file, bytes]) => [file, gunzipSync(bytes)]))
  const unfolded = await compile(source, name, ['--O1', '--sym'])
  const again = await compile(source, name, ['--O2', '--simplification_substitution'])
  if (!again.get('r1cs')!.equals(r1cs)) throw new OtherConstraintsError(name)
  const [ofKeys, left] = [new R1csFile(r1cs), new R1csFile(unfolded.get('r1cs')!)]
  const follows = unfold(
    { constraints: ofKeys.constraints, labels: readSymbols(symbols, ofKeys.wires).labels },
    { constraints: left.constraints, labels: readSymbols(unfolded.get('sym')!, left.wires).labels },
    JSON.parse(again.get('substitutions.json')!.toString()) as Substitutions,
    Array.from({ length: ofKeys.inputs }, (_, i) => 1 + ofKeys.outputs + i),
  )
  const entry = new Map([...unfolded, ['follows.json', Buffer.from(JSON.stringify(follows))]])
  cache.put('unfolded', key, new Map([...entry].map(([file, bytes]) => [file, gzipSync(bytes, { level: 1 })])))
  return entry
}

function readSymbols(text: Buffer, wires: number): Symbols {
  // What has no label gets one that no other wire has.
  const labels = Array.from({ length: wires }, (_, wire) => -wire)
  const names = new Map<number, string>()
  for (const line of text.toString().split('\n')) {
    const [label, wire, , name] = line.split(',')
    if (wire === undefined || name === undefined || wire === '-1') continue
    if (labels[Number(wire)]! < 0) labels[Number(wire)] = Number(label)
    names.set(Number(label), name)
  }
  return { labels, names }
}

/** What the compiler writes with these flags. */
async function compile(source: string, name: string, flags: readonly string[]): Promise<Entry> {
  const out = mkdtempSync(join(tmpdir(), 'zkrisk-unfold-'))
  try {
    writeFileSync(join(out, 'main.circom'), source)
    const libraries = ['circuits', 'node_modules/circomlib/circuits'].flatMap((each) => ['-l', each])
    const args = ['out/main.circom', '--r1cs', ...flags, ...libraries, '-o', 'out']
    const { exitCode, report } = await runCircom({ args, project: root, out })
    if (exitCode !== 0) throw new CompilationError(name, exitCode, report)
    const files = { r1cs: 'main.r1cs', sym: 'main.sym', 'substitutions.json': 'main_substitutions.json' }
    const written = Object.entries(files).filter(([, file]) => existsSync(join(out, file)))
    return new Map(written.map(([as, file]) => [as, readFileSync(join(out, file))]))
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
