import { buildPoseidon } from 'circomlibjs'
import { expect, it } from 'vitest'
import { loadPoseidon } from '../../prover/statement/poseidon.ts'
import { compileSource } from '../../scripts/tools/compileCircom.ts'
import { compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

/** A main with a Poseidon of each size from `least` inputs to `most`. */
const sourceOf = (include: string, least: number, most: number): string => `pragma circom 2.2.3;
include "${include}";
template Main(LEAST, MOST) {
    signal input in[MOST];
    signal output out[MOST - LEAST + 1];
    component hash[MOST - LEAST + 1];
    for (var i = LEAST; i <= MOST; i++) {
        hash[i - LEAST] = Poseidon(i);
        for (var j = 0; j < i; j++) {
            hash[i - LEAST].inputs[j] <== in[j];
        }
        out[i - LEAST] <== hash[i - LEAST].out;
    }
}
component main = Main(${least}, ${most});
`

it('has the values of circomlibjs at every size', async () => {
  const circuit = await compileCircuit(sourceOf('math/Poseidon.circom', 1, 16))
  const poseidon = await buildPoseidon()
  const twin = await loadPoseidon()
  const random = new Random(5n)
  const vectors = [
    new Array<bigint>(16).fill(0n),
    new Array<bigint>(16).fill(FIELD_ORDER - 1n),
    ...Array.from({ length: 8 }, () => Array.from({ length: 16 }, () => random.below(FIELD_ORDER))),
  ]
  for (const vector of vectors) {
    const expected = vector.map((_, i) => poseidon.F.toObject(poseidon(vector.slice(0, i + 1))))
    expect(circuit.outputs({ in: vector })).toEqual(expected)
    expect(vector.map((_, i) => twin(vector.slice(0, i + 1)))).toEqual(expected)
  }
})

// Linear signals, which the compiler takes out of circomlib's, are none here: what is left is as much. The builds' snapshot
// holds the widest one to what it had with circomlib's.
it("has as many constraints and wires as circomlib's", async () => {
  const [ours, theirs] = await Promise.all(
    ['math/Poseidon.circom', 'poseidon.circom'].map(async (include) => {
      const { report } = await compileSource(sourceOf(include, 1, 4))
      return report.match(/^(non-linear constraints|linear constraints|wires): \d+$/gm)
    }),
  )
  expect(ours).toHaveLength(3)
  expect(ours).toEqual(theirs)
})
