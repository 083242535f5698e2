import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { SCALAR_FIELD_ORDER as P } from '../../prover/proof/bn254.ts'
import { WitnessCalculator } from '../../prover/proof/backends/witnessCalculator.ts'
import { withShortOperands } from '../../scripts/tools/shortOperands.ts'
import { root } from '../../scripts/tools/sources.ts'

const LARGEST = 2n ** 31n - 1n
/** Held as 32 bits. */
const shorts = [1n, 0n, 2n, 5n, LARGEST, -1n, -5n, -LARGEST]
/** Some differ from a short one in a single limb, some by the field's order. */
const inputs = [
  ...shorts.map((short) => (short + P) % P),
  ...[6n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 64n + 5n, 2n ** 128n + 5n, 2n ** 192n + 5n, 2n ** 253n],
  ...[(P - 1n) / 2n, (P + 1n) / 2n, P - 2n ** 32n, P - 6n],
]

const signed = (value: bigint): bigint => (value > P / 2n ? value - P : value)
const asBit = (condition: boolean): bigint => (condition ? 1n : 0n)
const modulo = (value: bigint): bigint => ((value % P) + P) % P
const operators: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '*': (a, b) => modulo(a * b),
  '&': (a, b) => a & b,
  '==': (a, b) => asBit(a === b),
  '!=': (a, b) => asBit(a !== b),
  '<': (a, b) => asBit(signed(a) < signed(b)),
  '<=': (a, b) => asBit(signed(a) <= signed(b)),
  '>': (a, b) => asBit(signed(a) > signed(b)),
  '>=': (a, b) => asBit(signed(a) >= signed(b)),
}

/** Every operator with every short operand, on either side of x as it comes in, held as 254 bits, and in Montgomery's form. */
const cases = ['x', 'wide', 'montgomery'].flatMap((long) =>
  Object.keys(operators).flatMap((symbol) =>
    [true, false].flatMap((isLeft) => shorts.map((short) => ({ long, symbol, isLeft, short }))),
  ),
)
const source = `pragma circom 2.2.3;
template Main() {
    signal input x, one, large;
    signal output out[${cases.length}];
    signal wide <== x + large - large;
    signal montgomery <== wide * (one + large - large);
    var short = x == x;
${cases
  .map(({ long, short, symbol, isLeft }, i) => {
    const operand = short < 0n ? `(0 - short * ${-short})` : `(short * ${short})`
    return `    out[${i}] <-- ${isLeft ? `${long} ${symbol} ${operand}` : `${operand} ${symbol} ${long}`};`
  })
  .join('\n')}
    (large - large) * montgomery === 0;
}
component main = Main();
`

function expectedOf(x: bigint): readonly bigint[] {
  return cases.map(({ short, symbol, isLeft }) => {
    const operator = operators[symbol] as (a: bigint, b: bigint) => bigint
    return isLeft ? operator(x, modulo(short)) : operator(modulo(short), x)
  })
}

/** A generator as circom writes it. */
function generatorOf(text: string): Uint8Array {
  mkdirSync(join(root, 'build'), { recursive: true })
  const folder = mkdtempSync(join(root, 'build', 'shortOperands-'))
  try {
    writeFileSync(join(folder, 'main.circom'), text)
    const here = relative(root, folder)
    const circom = join(root, 'node_modules', 'circom2', 'cli.js')
    const args = [circom, join(here, 'main.circom'), '--wasm', '-o', here]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
    return new Uint8Array(readFileSync(join(folder, 'main_js', 'main.wasm')))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function outputsOf(calculator: WitnessCalculator, x: bigint): Promise<readonly bigint[]> {
  const witness = new Uint8Array(32 * (await calculator.size()))
  await calculator.calculate({ x, one: 1n, large: 2n ** 200n }, witness)
  return cases.map((_, i) =>
    BigInt(`0x${Buffer.from(witness.slice(32 * (i + 1), 32 * (i + 2)).reverse()).toString('hex')}`),
  )
}

let plain: Uint8Array
let changed: Uint8Array
beforeAll(() => {
  plain = generatorOf(source)
  changed = withShortOperands(plain)
})

describe('a generator with short operands', () => {
  it('computes what circom defines, of short and long operands in every order', async () => {
    const calculator = await WitnessCalculator.load('it', changed)
    for (const x of inputs) expect(await outputsOf(calculator, x), `x = ${x}`).toEqual(expectedOf(x))
  })

  it('computes what it computed before', async () => {
    const [before, after] = await Promise.all([plain, changed].map((code) => WitnessCalculator.load('it', code)))
    for (const x of inputs) {
      expect(await outputsOf(after as WitnessCalculator, x)).toEqual(await outputsOf(before as WitnessCalculator, x))
    }
  })

  it('leaves the constants of the circuit short, which it did not before', async () => {
    expect(await widenedConstants(plain)).toBeGreaterThan(0)
    expect(await widenedConstants(changed)).toBe(0)
  })

  it('is refused where circom never was', () => {
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
    expect(() => withShortOperands(empty)).toThrow(/has no function Fr_eqR/)
  })
})

/** Words of memory that said "short" before a run and say "long" after it. */
async function widenedConstants(code: Uint8Array): Promise<number> {
  const calculator = await WitnessCalculator.load('it', code)
  await calculator.size()
  const { instance } = calculator as unknown as { instance: { memory: WebAssembly.Memory } }
  const before = new Int32Array(instance.memory.buffer.slice(0))
  await outputsOf(calculator, 2n ** 200n)
  const after = new Int32Array(instance.memory.buffer)
  return before.reduce((count, flags, i) => count + (flags === 0x40000000 && (after[i] as number) < 0 ? 1 : 0), 0)
}
