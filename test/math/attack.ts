/**
 * Attacks on hints: a template whose `<--` takes what the attacker says, everything after it computed honestly. The
 * constraints are those of the honest template, which the tests assert, so what violates them violates the real ones.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/tools/sources.ts'
import { type Circuit, type CircuitInput, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

/** Texts that must each occur exactly once, and what takes their place. */
type Replacements = readonly (readonly [honest: string, forced: string])[]

/** Name, tagged width (none for an untagged input) and, for an array, size. */
export type AttackInput = { readonly name: string; readonly taggedBits?: number; readonly size?: number }

export type Attack = {
  /** Template with its parameters. */
  readonly template: string
  /** Folder of circuits/ that holds the template's file; math if absent. */
  readonly folder?: string
  readonly inputs: readonly AttackInput[]
  /** An input that the template has in linear constraints alone: the compiler would take a private one for what it equals. */
  readonly publicInput?: string
  /** What to replace in the template's text so that its hint becomes `forced`. */
  readonly replace: Replacements
  /** A circomlib template to patch as well, under the name `Forced…`, when the hint stands there. */
  readonly library?: { readonly file: string; readonly template: string; readonly replace: Replacements }
  /** How many values the attacker chooses; one scalar if absent. */
  readonly forcedSize?: number
  /** Dimensions of the outputs: name and, for an array, size. */
  readonly outputs: readonly { readonly name: string; readonly size?: number }[]
}

/** A template under attack: {@link attempt} says which constraints a forced hint violates. */
export class AttackedTemplate {
  readonly #honest: Circuit
  readonly #forced: Circuit

  private constructor(honest: Circuit, forced: Circuit) {
    this.#honest = honest
    this.#forced = forced
  }

  static async compile(attack: Attack): Promise<AttackedTemplate> {
    return new AttackedTemplate(
      await compileCircuit(mainSource(attack, false)),
      await compileCircuit(mainSource(attack, true), { tolerant: true }),
    )
  }

  /** Whether forcing the hint left the constraints as they are. */
  get hasHonestConstraints(): boolean {
    return this.#forced.hasConstraintsOf(this.#honest)
  }

  honestOutputs(input: CircuitInput): bigint[] {
    return this.#honest.outputs(input)
  }

  /** Outputs that the forced hint leads to, and the honest circuit's constraints that it violates. */
  attempt(input: CircuitInput, forced: bigint | readonly bigint[]): { outputs: bigint[]; violations: number[] } {
    const withHint = { ...input, forced }
    return {
      outputs: this.#forced.outputs(withHint),
      violations: this.#honest.violations(this.#forced.witness(withHint)),
    }
  }
}

function mainSource(attack: Attack, forced: boolean): string {
  const name = attack.template.replace(/\(.*/, '')
  const folder = attack.folder ?? 'math'
  const size = attack.forcedSize === undefined ? '' : `[${attack.forcedSize}]`
  const inputs = attack.inputs.map(({ name, size }) => (size === undefined ? name : `${name}[${size}]`))
  return `pragma circom 2.2.3;
${forced ? forcedTemplate(name, folder, attack) : `include "${folder}/${name}.circom";`}
${forced && attack.library ? forcedLibrary(attack.library) : ''}
template Tagged(BITS) {
    signal input in;
    signal output {maxbit, signedbit} out;
    out.maxbit = BITS;
    out.signedbit = BITS;
    out <== in;
}
template TaggedEach(BITS, COUNT) {
    signal input in[COUNT];
    signal output {maxbit, signedbit} out[COUNT];
    out.maxbit = BITS;
    out.signedbit = BITS;
    out <== in;
}
template Main() {
    signal input ${inputs.join(', ')};
    ${forced ? `signal input forced${size};` : ''}
${attack.outputs.map(({ name, size }) => `    signal output ${name}Out${size === undefined ? '' : `[${size}]`};`).join('\n')}
    component attacked = ${attack.template};
${attack.inputs.map((input) => `    attacked.${input.name} <== ${tagged(input)};`).join('\n')}
    ${forced ? 'attacked.forced <== forced;' : ''}
${attack.outputs.map(({ name }) => `    ${name}Out <== attacked.${name};`).join('\n')}
}
component main${attack.publicInput === undefined ? '' : ` { public [${attack.publicInput}] }`} = Main();
`
}

function tagged({ name, taggedBits, size }: AttackInput): string {
  if (taggedBits === undefined) return name
  return size === undefined ? `Tagged(${taggedBits})(${name})` : `TaggedEach(${taggedBits}, ${size})(${name})`
}

function forcedTemplate(name: string, folder: string, attack: Attack): string {
  let text = readFileSync(join(root, 'circuits', folder, `${name}.circom`), 'utf8')
  text = text.replace(/^pragma.*$/m, '').replace(/include "(\w+)\.circom"/g, (include, file: string) => {
    return ['bitify', 'comparators'].includes(file) ? include : `include "${folder}/${file}.circom"`
  })
  text = text.replaceAll('include "../', 'include "')
  return replaceAll(text, attack.replace)
}

function forcedLibrary({ file, template, replace }: NonNullable<Attack['library']>): string {
  const text = readFileSync(join(root, 'node_modules', 'circomlib', 'circuits', file), 'utf8')
  const start = text.indexOf(`template ${template}(`)
  const body = text.slice(start, text.indexOf('\n}\n', start) + 3)
  return replaceAll(body, [[`template ${template}(`, `template Forced${template}(`], ...replace])
}

function replaceAll(text: string, replacements: Replacements): string {
  return replacements.reduce((patched, [honest, forced]) => {
    if (patched.split(honest).length !== 2) throw new Error(`Expected exactly once in the template: ${honest}`)
    return patched.replace(honest, () => forced)
  }, text)
}
