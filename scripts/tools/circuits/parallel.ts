/** Mains that hold many instances of one template, so that one witness answers many cases. */

import type { Circuit } from './circuit.ts'
import { compileCircuit } from './circuit.ts'

/** An input of the template: tagged with its width, or untagged (`tagged: false`) such as a boolean. */
export type Port = { readonly name: string; readonly bits: number; readonly tagged?: boolean }

export type TemplateUnderTest = {
  /** Paths below circuits/. */
  readonly include: string
  /** Template with its arguments, such as `EwmaStep(4)`. */
  readonly call: string
  readonly inputs: readonly Port[]
  readonly outputs: readonly string[]
}

/**
 * Source of a main with `instances` copies. Inputs are range-checked at their declared widths, as any circuit that
 * includes the template would have done.
 */
export function parallelSource(template: TemplateUnderTest, instances: number): string {
  const { include, call, inputs, outputs } = template
  const feed = inputs
    .map(({ name, bits, tagged }) =>
      tagged === false
        ? `        t[i].${name} <== ${name}[i];`
        : `        t[i].${name} <== RangeCheck(${bits})(${name}[i]);`,
    )
    .join('\n')
  return `pragma circom 2.2.3;
include "${include}";
include "math/RangeCheck.circom";
include "math/AssumeBits.circom";
template Parallel(N) {
    signal input ${inputs.map(({ name }) => `${name}[N]`).join(', ')};
    signal output ${outputs.map((name) => `out_${name}[N]`).join(', ')};
    component t[N];
    for (var i = 0; i < N; i++) {
        t[i] = ${call};
${feed}
${outputs.map((name) => `        out_${name}[i] <== t[i].${name};`).join('\n')}
    }
}
component main = Parallel(${instances});
`
}

export type Case = Readonly<Record<string, bigint>>

/** Runs cases through a parallel main and yields each case's outputs by name. */
export class Parallel {
  readonly #circuit: Circuit
  readonly #template: TemplateUnderTest
  readonly instances: number

  private constructor(circuit: Circuit, template: TemplateUnderTest, instances: number) {
    this.#circuit = circuit
    this.#template = template
    this.instances = instances
  }

  static async of(template: TemplateUnderTest, instances = 5): Promise<Parallel> {
    return new Parallel(await compileCircuit(parallelSource(template, instances)), template, instances)
  }

  /** Outputs of at most `instances` cases; the last case fills the places that are left. */
  run(cases: readonly Case[]): Case[] {
    const filled = Array.from({ length: this.instances }, (_, i) => cases[i] ?? (cases.at(-1) as Case))
    const input = Object.fromEntries(
      this.#template.inputs.map(({ name }) => [name, filled.map((one) => one[name] as bigint)]),
    )
    const outputs = this.#circuit.outputs(input)
    return cases.map((_, i) =>
      Object.fromEntries(this.#template.outputs.map((name, o) => [name, outputs[o * this.instances + i] as bigint])),
    )
  }
}
