/**
 * Compiles the circuits of circuits/statements/index.ts into build/circuits/<name>/<name>.{r1cs,wasm,sym}.
 *
 *   node scripts/buildCircuits.ts            all of them
 *   node scripts/buildCircuits.ts <name>…    only these
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Build, builds, mainComponent, templateFile } from '../circuits/statements/index.ts'
import { type CompiledCircuit, compileCircom } from './tools/compileCircom.ts'
import { root } from './tools/sources.ts'

/** Folder of a compiled circuit. */
export const circuitFolder = (name: string): string => join(root, 'build', 'circuits', name)

/** The main file of a build: one public input, the challenge; the outputs are public by themselves. */
export function mainSource(build: Build): string {
  return `pragma circom 2.2.3;
include "${templateFile(build)}";
component main {public [challenge]} = ${mainComponent(build)};
`
}

export const buildCircuit = (build: Build): Promise<CompiledCircuit> =>
  compileCircom(build.name, mainSource(build), circuitFolder(build.name))

/** Constraints of a compiled circuit, from the compiler's report. */
export function constraintsOf(circuit: Pick<CompiledCircuit, 'report'>): number {
  const report = readFileSync(circuit.report, 'utf8')
  const count = (kind: string): number =>
    Number(report.match(new RegExp(`^${kind} constraints: (\\d+)`, 'm'))?.[1] ?? 0)
  return count('non-linear') + count('linear')
}

/** What a proof of the circuit is bound to: how many constraints, and the hash of the *.r1cs file. */
export const summaryOf = (circuit: CompiledCircuit): { readonly constraints: number; readonly r1csSha256: string } => ({
  constraints: constraintsOf(circuit),
  r1csSha256: createHash('sha256').update(readFileSync(circuit.r1cs)).digest('hex'),
})

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  const unknown = wanted.filter((name) => !builds.some((build) => build.name === name))
  if (unknown.length > 0) {
    console.error(`Unknown build ${unknown.join(', ')}; expected ${builds.map((build) => build.name).join(', ')}.`)
    process.exit(2)
  }
  for (const build of builds.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const started = performance.now()
    const circuit = await buildCircuit(build).catch((error: Error) => {
      console.error(error.message)
      process.exit(1)
    })
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${build.name}: ${constraintsOf(circuit).toLocaleString('en')} constraints, ${seconds} s`)
  }
}
