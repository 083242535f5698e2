/** The circuit tests' own tools, shown catching the mistakes they are there for, and what they cannot see. */
import { describe, expect, it } from 'vitest'
import { compileCircuit, FIELD_ORDER, NoWitnessError } from '../../scripts/tools/circuits/circuit.ts'

const main = (body: string) => `pragma circom 2.2.3;
template Main() {
${body}
}
component main = Main();
`

const isZero = (last: string) =>
  main(`signal input in; signal output out; signal inv <-- in != 0 ? 1 / in : 0; out <== 1 - in * inv; ${last}`)

describe('movableWires', () => {
  it('sees the free inverse of IsZero without its second constraint', async () => {
    const circuit = await compileCircuit(isZero(''))
    expect(circuit.movableWires(circuit.witness({ in: 5n }))).toEqual(['main.inv', 'main.out'])
  })

  it('passes IsZero, and names the harmless inverse at 0', async () => {
    const circuit = await compileCircuit(isZero('in * out === 0;'))
    expect(circuit.movableWires(circuit.witness({ in: 5n }))).toEqual([])
    expect(circuit.movableWires(circuit.witness({ in: 0n }))).toEqual(['main.inv'])
  })

  it('sees a division without range checks', async () => {
    const circuit = await compileCircuit(
      main('signal input n, d; signal output q; signal r; q <-- n \\ d; r <-- n % d; n === q * d + r;'),
    )
    expect(circuit.movableWires(circuit.witness({ n: 50n, d: 7n }))).toEqual(['main.q', 'main.r'])
  })

  it('sees a hint that nothing constrains', async () => {
    const circuit = await compileCircuit(main('signal input in; signal output out; out <-- in * in;'))
    expect(circuit.movableWires(circuit.witness({ in: 5n }))).toEqual(['main.out'])
  })

  it('cannot see a second isolated witness: the other square root needs an attack of its own', async () => {
    const circuit = await compileCircuit(
      main('signal input in; signal output out; out <-- in == 25 ? 5 : 0; out * out === in;'),
    )
    const witness = circuit.witness({ in: 25n })
    expect(circuit.movableWires(witness)).toEqual([])
    expect(circuit.violations(circuit.withWire(witness, 'main.out', -5n))).toEqual([])
    expect(circuit.violations(circuit.withWire(witness, 'main.out', 6n))).toEqual([0])
  })

  it('finds what two wires may do together though neither may alone', async () => {
    const circuit = await compileCircuit(
      main('signal input in; signal output a, b; a <-- in; b <-- in; (a + b - 2 * in) * in === 0;'),
    )
    const witness = circuit.witness({ in: 5n })
    expect(circuit.tamper(witness, (value) => [value + 1n]).undetected).toEqual([])
    expect(circuit.movableWires(witness)).toEqual(['main.a', 'main.b'])
  })
})

describe('witnesses', () => {
  const square = main('signal input in; signal output out; out <== in * in; in * (in - 3) === 0;')

  it('are refused where a constraint does not hold', async () => {
    const circuit = await compileCircuit(square)
    expect(circuit.outputs({ in: 3n })).toEqual([9n])
    expect(circuit.accepts({ in: 4n })).toBe(false)
    expect(() => circuit.witness({ in: 4n })).toThrow(NoWitnessError)
    // and the generator is none the worse for it
    expect(circuit.outputs({ in: 0n })).toEqual([0n])
  })

  it('are computed past a violated constraint if tolerant, and the violation is named', async () => {
    const circuit = await compileCircuit(square, { tolerant: true })
    const witness = circuit.witness({ in: 4n })
    expect(witness.slice(0, 2)).toEqual([1n, 16n])
    expect(circuit.violations(witness)).toHaveLength(1)
    expect(circuit.violations(circuit.witness({ in: 3n }))).toEqual([])
  })

  it('take numbers modulo the field order', async () => {
    const circuit = await compileCircuit(main('signal input in; signal output out; out <== in * in;'))
    expect(circuit.outputs({ in: -2n })).toEqual([4n])
    expect(circuit.outputs({ in: FIELD_ORDER + 3n })).toEqual([9n])
  })

  it('need every input, at its size', async () => {
    const circuit = await compileCircuit(main('signal input a[2], b; signal output out; out <== a[0] * a[1] + b;'))
    expect(circuit.outputs({ a: [2n, 3n], b: 4n })).toEqual([10n])
    expect(() => circuit.outputs({ a: [2n, 3n] })).toThrow('Inputs are missing')
    expect(() => circuit.outputs({ a: [2n], b: 4n })).toThrow('does not have 1 elements')
  })
})
