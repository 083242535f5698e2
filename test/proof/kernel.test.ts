import { randomBytes } from 'node:crypto'
import { bn254 } from '@noble/curves/bn254.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { readUint256, writeUint256 } from '../../prover/proof/binaryFile.ts'
import { inverse, modulo, power, SCALAR_FIELD_ORDER as R } from '../../prover/proof/bn254.ts'
import { ConstraintValues, divideRows } from '../../prover/proof/kernel/constraintValues.ts'
import { rootOfUnity } from '../../prover/proof/kernel/cosetTransform.ts'
import { type GroupName, Kernel } from '../../prover/proof/kernel/kernel.ts'
import { kernelCode } from '../../prover/proof/kernel/kernelCode.ts'
import { KernelThreads } from '../../prover/proof/kernel/kernelThreads.ts'
import { cosetTransform, fixedBase, multiExponentiation } from '../../prover/proof/kernel/fastest.ts'
import { SignedDigits, windowCount } from '../../prover/proof/kernel/signedDigits.ts'

let kernel: Kernel
/** Without the arithmetic that needs what not all machines have. */
let plain: Kernel
beforeAll(async () => {
  kernel = await Kernel.load(await kernelCode())
  plain = await Kernel.load(await kernelCode())
  plain.paired = undefined
})

const arithmetics = [
  ['two at once', () => kernel],
  ['one at a time', () => plain],
] as const

const randomScalar = (): bigint => BigInt(`0x${randomBytes(40).toString('hex')}`) % R

function packScalars(scalars: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(scalars.length * 32)
  for (const [i, scalar] of scalars.entries()) writeUint256(bytes, i * 32, scalar)
  return bytes
}

/** `logarithms` times the generator: sums over such points can be checked in one multiplication. */
function multiples(group: GroupName, logarithms: readonly bigint[], using = kernel): Uint8Array {
  return fixedBase(using, group, 8).multiply(packScalars(logarithms))
}

function expectedPoint(group: GroupName, logarithm: bigint): bigint[] {
  if (group === 'g1') {
    const { x, y } = bn254.G1.Point.BASE.multiplyUnsafe(logarithm).toAffine()
    return [x, y]
  }
  const { x, y } = bn254.G2.Point.BASE.multiplyUnsafe(logarithm).toAffine()
  return [x.c0, x.c1, y.c0, y.c1]
}

function sumOf(
  kernel: Kernel,
  group: GroupName,
  logarithms: readonly bigint[],
  scalars: readonly bigint[],
  windowBits: number,
): bigint[] {
  return kernel.temporarily(() => {
    const operations = kernel.groups[group]
    const sum = multiExponentiation(kernel, group, multiples(group, logarithms))
    const digits = new SignedDigits(packScalars(scalars), windowBits)
    const total = kernel.allocate(operations.jacobianBytes)
    operations.zero(total)
    for (let window = windowCount(windowBits) - 1; window >= 0; window--) {
      for (let bit = 0; bit < windowBits; bit++) operations.double(total, total)
      operations.add(total, kernel.store(sum.sumWindow(digits, 0, window)), total)
    }
    return kernel.readPoint(operations, total)
  })
}

describe('memory', () => {
  it('is refused beyond 2^32 bytes, and what was there is there', () => {
    const before = kernel.allocate(64)
    expect(() => kernel.allocate(2 ** 32)).toThrow(RangeError)
    expect(() => kernel.allocate(2 ** 32 - before)).toThrow(RangeError)
    expect(kernel.allocate(64)).toBe(before + 64)
  })
})

describe.each(arithmetics)('multiplying a generator, %s', (_, using) => {
  it.each(['g1', 'g2'] as const)('agrees with @noble/curves in %s', (group) => {
    const logarithms = [0n, 1n, 2n, R - 1n, ...Array.from({ length: 16 }, randomScalar)]
    const { affineBytes } = kernel.groups[group]
    const points = multiples(group, logarithms, using())
    for (const [i, logarithm] of logarithms.entries()) {
      const point = kernel.store(points.slice(i * affineBytes, (i + 1) * affineBytes))
      const coordinates = Array.from({ length: affineBytes / 32 }, (_, k) => {
        kernel.coordinates.fromMontgomery(point + 32 * k, point + 32 * k)
        return readUint256(kernel.bytes(point + 32 * k, 32), 0)
      })
      expect(coordinates).toEqual(expectedPoint(group, logarithm))
    }
  })
})

describe('cutting scalars into signed digits', () => {
  it('loses nothing at any window width', () => {
    const scalars = [0n, 1n, 2n, R - 1n, 2n ** 253n, ...Array.from({ length: 50 }, randomScalar)]
    for (let windowBits = 4; windowBits <= 16; windowBits++) {
      const digits = new SignedDigits(packScalars(scalars), windowBits)
      for (const [i, scalar] of scalars.entries()) {
        let sum = 0n
        for (let window = 0; window < windowCount(windowBits); window++) {
          const digit = digits.digit(i, window)
          expect(Math.abs(digit)).toBeLessThanOrEqual(2 ** (windowBits - 1))
          sum += BigInt(digit) << BigInt(window * windowBits)
        }
        expect(sum).toBe(scalar)
      }
    }
  })

  it('keeps zero all zeros and a bit in one window, which is what makes bits cheap', () => {
    const digits = new SignedDigits(packScalars([0n, 1n]), 13)
    const windows = Array.from({ length: windowCount(13) }, (_, window) => window)
    expect(windows.map((window) => digits.digit(0, window))).toEqual(windows.map(() => 0))
    expect(windows.map((window) => digits.digit(1, window))).toEqual(windows.map((window) => (window === 0 ? 1 : 0)))
  })
})

describe.each(arithmetics)('adding up scalars times points, %s', (_, kernel) => {
  const check = (
    group: GroupName,
    logarithms: readonly bigint[],
    scalars: readonly bigint[],
    windowBits: number,
  ): void => {
    const logarithm = logarithms.reduce((sum, value, i) => sum + value * (scalars[i] as bigint), 0n) % R
    expect(sumOf(kernel(), group, logarithms, scalars, windowBits)).toEqual(expectedPoint(group, logarithm))
  }

  it.each([4, 5, 8, 11, 13])('is right for random points and scalars at %i bits per window', (windowBits) => {
    const count = 300
    const logarithms = Array.from({ length: count }, randomScalar)
    check('g1', logarithms, Array.from({ length: count }, randomScalar), windowBits)
    check('g2', logarithms.slice(0, 60), Array.from({ length: 60 }, randomScalar), windowBits)
  })

  it('is right for bits, where one bucket takes almost everything', () => {
    const logarithms = Array.from({ length: 400 }, randomScalar)
    check(
      'g1',
      logarithms,
      logarithms.map((_, i) => BigInt(i % 2)),
      8,
    )
    check(
      'g1',
      logarithms,
      logarithms.map(() => 1n),
      8,
    )
    check(
      'g1',
      logarithms,
      logarithms.map(() => R - 1n),
      8,
    )
  })

  it('is right for points at infinity, equal points and opposite points', () => {
    const [p, q] = [randomScalar(), randomScalar()]
    const logarithms = [0n, p, p, p, p, p, R - p, R - p, q, 0n, R - q, q, q, p, R - p, 0n]
    const scalars = [5n, 3n, 3n, 3n, 3n, 3n, 3n, 3n, 3n, 7n, 3n, 3n, 4n, 9n, 9n, R - 1n]
    for (const windowBits of [4, 8]) {
      check('g1', logarithms, scalars, windowBits)
      check('g2', logarithms, scalars, windowBits)
    }
  })

  it('is infinity when everything cancels, or there is nothing', () => {
    const p = randomScalar()
    check('g1', [p, R - p], [17n, 17n], 8)
    check('g1', [p, p, R - p, R - p], [2n, 2n, 2n, 2n], 4)
    check('g1', [0n, p], [5n, 0n], 8)
    check('g1', [0n], [1n], 8)
  })

  it('is right for many random multisets of few points', () => {
    for (let round = 0; round < 60; round++) {
      const few = [0n, 1n, R - 1n, 2n, R - 2n]
      const pick = <T>(values: readonly T[]): T => values[randomBytes(1).readUInt8() % values.length] as T
      const logarithms = Array.from({ length: 40 }, () => pick(few))
      check(
        'g1',
        logarithms,
        Array.from({ length: 40 }, () => pick([0n, 1n, 2n, 3n, R - 1n, R - 2n])),
        4,
      )
    }
  })
})

describe.each(['g1', 'g2'] as const)('adding up in %s', (group) => {
  it.each([4095, 4096, 4097])('is the same by both arithmetics for %i points, window for window', (count) => {
    const points = multiples(group, Array.from({ length: count }, randomScalar))
    const digits = new SignedDigits(packScalars(Array.from({ length: count + 7 }, randomScalar)), 11)
    for (const window of [0, windowCount(11) - 1]) {
      const [paired, single] = [kernel, plain].map((using) => {
        const sum = multiExponentiation(using, group, points).sumWindow(digits, 7, window)
        return using.temporarily(() => using.readPoint(using.groups[group], using.store(sum)))
      })
      expect(paired).toEqual(single)
    }
  })
})

describe.each(arithmetics)('moving to the coset, %s', (_, using) => {
  it.each([1, 2, 3, 5, 8])('evaluates the polynomial of 2^%i values on g·ω^i', (domainPower) => {
    const kernel = using()
    const size = 2 ** domainPower
    const values = Array.from({ length: size }, randomScalar)
    const transform = cosetTransform(kernel, domainPower)
    const pointer = kernel.store(packScalars(values))
    for (let i = 0; i < size; i++) kernel.scalars.toMontgomery(pointer + 32 * i, pointer + 32 * i)
    transform.apply(pointer)
    for (let i = 0; i < size; i++) kernel.scalars.fromMontgomery(pointer + 32 * i, pointer + 32 * i)
    const [root, shift] = [rootOfUnity(domainPower), rootOfUnity(domainPower + 1)]
    for (let i = 0; i < size; i += Math.max(1, size / 8)) {
      const point = (shift * power(root, BigInt(i), R)) % R
      expect(readUint256(kernel.bytes(pointer + 32 * i, 32), 0)).toBe(interpolateAt(values, root, point))
    }
  })
})

/** Barycentric: p(x) = (x^n - 1) / n · Σ vᵢ·ω^i / (x - ω^i). */
function interpolateAt(values: readonly bigint[], root: bigint, x: bigint): bigint {
  const size = BigInt(values.length)
  const sum = values.reduce((total, value, i) => {
    const node = power(root, BigInt(i), R)
    return total + value * node * inverse(x - node, R)
  }, 0n)
  return modulo((power(x, size, R) - 1n) * inverse(size, R) * sum, R)
}

describe('evaluating rows of constraints', () => {
  const rows = 40
  const wires = 25
  const witness = Array.from({ length: wires }, (_, i) =>
    i < 10 ? BigInt(i % 2) : i < 14 ? BigInt(i) : randomScalar(),
  )
  const terms = Array.from({ length: 500 }, () => ({
    matrix: randomBytes(1).readUInt8() % 2,
    row: randomBytes(1).readUInt8() % rows,
    wire: randomBytes(1).readUInt8() % wires,
    value: randomScalar(),
  }))
  const section = new Uint8Array(4 + 44 * terms.length)
  const view = new DataView(section.buffer)
  for (const [i, { matrix, row, wire, value }] of terms.entries()) {
    for (const [k, word] of [matrix, row, wire].entries()) view.setUint32(4 + 44 * i + 4 * k, word, true)
    writeUint256(section, 16 + 44 * i, (value * 2n ** 512n) % R)
  }

  it('agrees with plain bigints, in any order of terms and any shares', () => {
    const expected = [0, 1].map((matrix) =>
      Array.from({ length: rows }, (_, row) =>
        terms
          .filter((term) => term.matrix === matrix && term.row === row)
          .reduce((sum, term) => (sum + term.value * (witness[term.wire] as bigint)) % R, 0n),
      ),
    ) as [bigint[], bigint[]]
    const products = expected[0].map((a, row) => (a * (expected[1][row] as bigint)) % R)

    for (const shares of [1, 2, 3, 8]) {
      const results = [0, 1, 2].map(() => new Uint8Array(rows * 32)) as [Uint8Array, Uint8Array, Uint8Array]
      const bounds = divideRows(section, rows, shares)
      for (let share = 0; share < shares; share++) {
        const values = new ConstraintValues(kernel, section, bounds[share] as number, bounds[share + 1] as number)
        values.evaluate(packScalars(witness), ...results)
      }
      const inverseScale = inverse(2n ** 256n, R)
      const plain = results.map((bytes) =>
        Array.from({ length: rows }, (_, row) => (readUint256(bytes, 32 * row) * inverseScale) % R),
      )
      expect(plain).toEqual([...expected, products])
    }
  })

  it('divides all rows among the shares', () => {
    for (const shares of [1, 2, 5, 64]) {
      const bounds = divideRows(section, rows, shares)
      expect(bounds).toHaveLength(shares + 1)
      expect([bounds[0], bounds.at(-1)]).toEqual([0, rows])
      expect(bounds).toEqual(bounds.toSorted((a, b) => a - b))
    }
  })
})

describe('threads', () => {
  it('fail their tasks with a typed error when they end early', async () => {
    const threads = await KernelThreads.start(1)
    const task = threads.run({
      kind: 'multiplyGenerator',
      group: 'g2',
      scalars: new Uint8Array(32 * 1000).fill(7),
      windowBits: 12,
    })
    const failure = expect(task).rejects.toMatchObject({ code: 'proof.thread-ended' })
    await threads.close()
    await failure
    await expect(threads.run({ kind: 'dropKey', key: 0 })).rejects.toMatchObject({ code: 'proof.thread-ended' })
  })

  it('report a failed task and go on', async () => {
    const threads = await KernelThreads.start(1)
    try {
      await expect(threads.run({ kind: 'evaluateRows', key: 99 })).rejects.toThrow(RangeError)
      await threads.run({ kind: 'dropKey', key: 99 })
    } finally {
      await threads.close()
    }
  })
})
