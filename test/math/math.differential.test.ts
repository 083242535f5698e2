/**
 * Circuit and twin agree on every input: 10,000 random ones per function (1,000 where the same template is tried at a
 * further size), spread over all widths, and each combination of edge values.
 */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import {
  asField,
  inputName,
  type MathFunction,
  type MathInput,
  mainSource,
  mathFunctions,
} from '../../scripts/tools/mains/math.ts'

const CASES = 10_000
const FURTHER_CASES = 1_000
const SEED = 20_261_122
/** Functions compiled together and calls of each side by side: starting a compiler or a witness is the dear part. */
const GROUP = 9
const COPIES = 5

type Case = readonly bigint[]
type Disagreement = { readonly inputs: Case; readonly circuit: bigint; readonly twin: bigint }

const groups = [false, true].flatMap((furtherSize) => {
  const functions = mathFunctions.filter((fn) => fn.furtherSize === furtherSize)
  return Array.from({ length: Math.ceil(functions.length / GROUP) }, (_, i) =>
    functions.slice(i * GROUP, (i + 1) * GROUP),
  )
})

for (const functions of groups) {
  describe(`M1 to M23: ${functions[0]!.name} to ${functions.at(-1)!.name}`, () => {
    const cases = functions.map((fn) => [...randomCases(fn), ...edgeCases(fn)])
    let found: Disagreement[][]
    beforeAll(async () => {
      found = await disagreements(functions, cases)
    })

    it.each(functions.map((fn, index) => ({ name: fn.name, count: cases[index]!.length, index })))(
      'circuit equals twin: $name on $count inputs',
      ({ index }) => expect(found[index]!.slice(0, 3)).toEqual([]),
    )
  })
}

async function disagreements(functions: readonly MathFunction[], cases: readonly Case[][]): Promise<Disagreement[][]> {
  const circuit = await compileCircuit(mainSource(functions, COPIES))
  const found = functions.map((): Disagreement[] => [])
  const most = Math.max(...cases.map((list) => list.length))
  for (let start = 0; start < most; start += COPIES) {
    const batches = cases.map((list) => Array.from({ length: COPIES }, (_, i) => list[(start + i) % list.length]!))
    const inputs = functions.flatMap((fn, index) =>
      fn.inputs.map((input, i) => [inputName(index, input), batches[index]!.map((values) => values[i]!)] as const),
    )
    const outputs = circuit.outputs(Object.fromEntries(inputs))
    functions.forEach((fn, index) => {
      if (start >= cases[index]!.length) return
      batches[index]!.forEach((values, i) => {
        const twin = asField(fn.twin(...values))
        const output = outputs[index * COPIES + i]!
        if (output !== twin) found[index]!.push({ inputs: values, circuit: output, twin })
      })
    })
  }
  return found
}

function randomCases(fn: MathFunction): Case[] {
  const numRuns = fn.furtherSize ? FURTHER_CASES : CASES
  const cases = fc.sample(fc.tuple(...fn.inputs.map(anyWidth)), { numRuns, seed: SEED })
  return cases.map((values) => fn.intoDomain?.(values) ?? values)
}

function edgeCases(fn: MathFunction): Case[] {
  const combinations = fn.inputs.reduce<bigint[][]>(
    (all, input) => all.flatMap((values) => edges(input).map((edge) => [...values, edge])),
    [[]],
  )
  return combinations.map((values) => fn.intoDomain?.(values) ?? values)
}

/** Numbers of every width up to the input's are equally likely: products of small and of large ones both occur. */
function anyWidth({ kind, bits }: MathInput): fc.Arbitrary<bigint> {
  const magnitude = fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }), fc.integer({ min: 0, max: bits - 1 }))
    .map(([value, drop]) => value >> BigInt(drop))
  if (kind !== 'signed') return magnitude
  return fc.tuple(magnitude, fc.boolean()).map(([value, negative]) => (negative ? -value - 1n : value))
}

function edges({ kind, bits }: MathInput): bigint[] {
  const top = 1n << BigInt(bits)
  const half = 1n << BigInt(bits - 1)
  const unsigned = [0n, 1n, 2n, half - 1n, half, half + 1n, top - 2n, top - 1n].filter(
    (edge) => edge >= 0n && edge < top,
  )
  const all = kind === 'signed' ? [...unsigned, ...unsigned.map((edge) => -edge - 1n)] : unsigned
  return [...new Set(all)]
}
