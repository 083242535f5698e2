import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bn254 } from '@noble/curves/bn254.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MalformedFileError, readUint256, writeUint256 } from '../../prover/proof/binaryFile.ts'
import {
  BASE_FIELD_ORDER,
  G1_GENERATOR,
  G2_GENERATOR,
  type G2Point,
  SCALAR_FIELD_ORDER,
} from '../../prover/proof/bn254.ts'
import { type CircuitKeys, KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { nativeFolder, nativeProgram } from '../../prover/proof/backends/nativeBuild.ts'
import { type NativeAnswer, NativeProcess } from '../../prover/proof/backends/nativeProcess.ts'
import { formatProof, type ProofPoints } from '../../prover/proof/strictProof.ts'
import { verifyProof } from '../../prover/proof/verify.ts'
import { WitnessCalculator } from '../../prover/proof/backends/witnessCalculator.ts'
import { readZkey } from '../../prover/proof/keys/zkey.ts'
import { pointOutsideSubgroup, seededRandom } from './mutants.ts'
import { passThroughCircuit, polynomialCircuit, polynomialInput } from './smallCircuits.ts'
import { assembled, changed, HEADER_WIRES, HeaderPoint, Section, sectionsOf, writeG1, writeG2 } from './zkeyBytes.ts'
import { missing } from './nativeMissing.ts'

const MALFORMED = { code: 'proof.malformed-file' }
const REJECTED = { code: 'proof.rejected' }
const WIRE_BYTES = 32

let directory: string
let keys: CircuitKeys
let zkey: Buffer
let wires: Uint8Array
let publicSignals: readonly bigint[]
let native: NativeProcess
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attacks-'))
  keys = await new KeyStore(join(directory, 'keys')).loadOrMakeDevelopmentKeys(await polynomialCircuit(), {
    threads: 1,
  })
  zkey = await readFile(keys.zkey)
  wires = await witnessOf(keys, polynomialInput)
  const count = readZkey(zkey, keys.zkey).header.publicSignals
  publicSignals = Array.from({ length: count }, (_, i) => readUint256(wires, (i + 1) * WIRE_BYTES))
  // One key at a time, so that none of hundreds stays in memory.
  if (missing === undefined) {
    native = new NativeProcess(nativeProgram(nativeFolder), { keyBytes: 1, memoryBytes: 2 ** 31 }, () => {})
  }
})
afterAll(async () => {
  native?.kill()
  await rm(directory, { recursive: true, force: true })
})

async function witnessOf({ circuit, wasm }: CircuitKeys, input: Parameters<WitnessCalculator['calculate']>[0]) {
  const calculator = await WitnessCalculator.load(circuit, await readFile(wasm))
  const witness = new Uint8Array((await calculator.size()) * WIRE_BYTES)
  await calculator.calculate(input, witness)
  return witness
}

/** Has a key of the attacker's making proven with, its hash the one that is asked for. */
async function proveWith(bytes: Uint8Array, witness: Uint8Array = wires): Promise<NativeAnswer> {
  const file = join(directory, 'attack.zkey')
  await writeFile(file, bytes)
  return native.request({ zkey: file, sha256: createHash('sha256').update(bytes).digest('hex') }, witness)
}

async function expectValid({ points }: NativeAnswer): Promise<void> {
  const proof = formatProof(points as ProofPoints)
  expect(await verifyProof(keys.verificationKey, { proof, publicSignals })).toEqual({ accepted: true })
}

/** What comes of it: 'proof' for one that is valid under the true key. */
async function outcomeOf(bytes: Uint8Array): Promise<string> {
  try {
    await expectValid(await proveWith(bytes))
    return 'proof'
  } catch (error) {
    if ('code' in (error as object)) return (error as { code: string }).code
    throw error
  }
}

describe.skipIf(missing !== undefined)('a key of the attacker’s making, under its own hash', () => {
  it('proves as it should while nothing is changed', async () => expectValid(await proveWith(zkey)))

  it('N3: is refused with a byte flipped anywhere in it, or gives no invalid proof', async () => {
    const random = seededRandom(5)
    const counts: Record<string, number> = {}
    for (const [id, { start, end }] of sectionsOf(zkey)) {
      const at = [start, start + 1, (start + end) >> 1, end - 1]
      while (at.length < 24) at.push(start + Math.floor(random() * (end - start)))
      for (const position of at) {
        const bit = 1 << Math.floor(random() * 8)
        const outcome = await outcomeOf(changed(zkey, (bytes) => (bytes[position] = (bytes[position] as number) ^ bit)))
        counts[`${id} ${outcome}`] = (counts[`${id} ${outcome}`] ?? 0) + 1
        // No proof depends on contributions; a coefficient may belong to a wire that is 0.
        if (id === Section.contributions) expect(['proof', MALFORMED.code]).toContain(outcome)
        else if (id === Section.coefficients) expect(['proof', MALFORMED.code, REJECTED.code]).toContain(outcome)
        else expect(outcome).toBe(MALFORMED.code)
      }
    }
    console.log('Flips by section and outcome:', counts)
    for (let position = 0; position < 24; position++) {
      const bytes = changed(zkey, (copy) => (copy[position] = (copy[position] as number) ^ 4))
      expect(await outcomeOf(bytes)).toBe(MALFORMED.code)
    }
  })

  it('N3: is refused for the same reason as by the strict reader here, whatever is wrong with its frame', async () => {
    const sections = [...sectionsOf(zkey)].map(([id, { start, end }]) => [id, zkey.subarray(start, end)] as const)
    const replaced = (id: number, content: Uint8Array) =>
      assembled(
        zkey,
        sections.map((each) => (each[0] === id ? ([id, content] as const) : each)),
      )
    const inHeader = (offset: number, value: number): Buffer =>
      changed(zkey, (bytes) => bytes.writeUInt32LE(value, (sectionsOf(zkey).get(Section.header)?.start ?? 0) + offset))
    const coefficients = sections.find(([id]) => id === Section.coefficients)?.[1] as Buffer
    const inCoefficient = (offset: number, value: number): Buffer =>
      replaced(
        Section.coefficients,
        changed(coefficients, (bytes) => bytes.writeUInt32LE(value, 4 + offset)),
      )
    const { wires: count, domainPower } = readZkey(zkey, '').header
    const contributions = (length: number, contributors: number): Buffer => {
      const list = Buffer.alloc(length)
      if (length >= 68) list.writeUInt32LE(contributors, 64)
      return replaced(Section.contributions, list)
    }
    const attacks = [
      ...[0, 1, 11, 12, 20, 30, zkey.length - 1].map((length) => zkey.subarray(0, length)),
      ...[...sectionsOf(zkey).values()].flatMap(({ start, end }) =>
        [start, end - 1, end].map((at) => zkey.subarray(0, at)),
      ),
      Buffer.concat([zkey, Buffer.from([0])]),
      ...sections.map(([id]) =>
        assembled(
          zkey,
          sections.filter((each) => each[0] !== id),
        ),
      ),
      ...sections.map((twice) => assembled(zkey, [...sections, twice])),
      ...sections.flatMap(([id, content]) => [
        replaced(id, content.subarray(1)),
        replaced(id, Buffer.concat([content, Buffer.alloc(64)])),
      ]),
      ...[0, 3, 2 ** 31 + 1, 2 ** 32 - 1].map((domain) => inHeader(HEADER_WIRES + 8, domain)),
      ...[0, 2, 2 ** 32 - 1].map((wire) => inHeader(HEADER_WIRES, wire)),
      ...[count, 2 ** 32 - 1].map((signals) => inHeader(HEADER_WIRES + 4, signals)),
      ...[inHeader(0, 31), inHeader(36, 48)],
      ...[
        inCoefficient(0, 2),
        inCoefficient(4, 2 ** domainPower),
        inCoefficient(8, count),
        inCoefficient(-4, 2 ** 32 - 1),
      ],
      ...[contributions(67, 0), contributions(68, 1), contributions(69, 0), contributions(68 + 400, 2 ** 32 - 1)],
    ].filter((bytes) => !bytes.equals(zkey))
    for (const bytes of attacks) {
      const reason = reasonOf(() => readZkey(bytes, ''))
      await expect(proveWith(bytes)).rejects.toMatchObject({ ...MALFORMED, reason })
    }
    expect(attacks.length).toBeGreaterThan(90)
  })

  it('N3: is proven with in whatever order its sections come', async () => {
    const sections = [...sectionsOf(zkey)].map(([id, { start, end }]) => [id, zkey.subarray(start, end)] as const)
    await expectValid(await proveWith(assembled(zkey, sections.toReversed())))
  })

  it('N3: is refused with a number that is not written the one way there is', async () => {
    const addTo = (offset: number, order: bigint): Buffer | undefined => {
      const value = readUint256(zkey, offset) + order
      return value < 2n ** 256n ? changed(zkey, (bytes) => writeUint256(bytes, offset, value)) : undefined
    }
    const attacks: (Buffer | undefined)[] = []
    for (const [id, { start, end }] of sectionsOf(zkey)) {
      if (id === Section.coefficients) {
        for (let at = start + 4; at < end; at += 44) attacks.push(addTo(at + 12, SCALAR_FIELD_ORDER))
      } else if (id >= Section.publicPoints && id <= Section.h) {
        for (let at = start; at < end; at += 32) attacks.push(addTo(at, BASE_FIELD_ORDER))
      } else if (id === Section.header) {
        for (let at = start + HeaderPoint.alpha1; at < end; at += 32) attacks.push(addTo(at, BASE_FIELD_ORDER))
      }
    }
    const possible = attacks.filter((bytes) => bytes !== undefined)
    expect(possible.length).toBeGreaterThan(300)
    for (const bytes of possible) await expect(proveWith(bytes)).rejects.toMatchObject(MALFORMED)
  })

  it('N3: is refused with a point outside its group, one of the smallest order among them', async () => {
    const { start, end } = boundsOf(Section.b2)
    const header = boundsOf(Section.header).start
    for (const outside of [pointOutsideSubgroup(), pointOfSmallOrder()]) {
      for (const at of [start, start + 128, end - 128]) {
        await expect(proveWith(changed(zkey, (bytes) => writeG2(bytes, at, outside)))).rejects.toMatchObject(MALFORMED)
      }
      for (const name of ['beta2', 'gamma2', 'delta2'] as const) {
        const bytes = changed(zkey, (copy) => writeG2(copy, header + HeaderPoint[name], outside))
        await expect(proveWith(bytes)).rejects.toMatchObject(MALFORMED)
      }
    }
    for (const [name, offset] of Object.entries(HeaderPoint)) {
      const bytes = changed(zkey, (copy) =>
        copy.fill(0, header + offset, header + offset + (name.endsWith('1') ? 64 : 128)),
      )
      await expect(proveWith(bytes)).rejects.toMatchObject(MALFORMED)
    }
  })

  it('N3: gives no proof with a point that is another of its group', async () => {
    const header = boundsOf(Section.header).start
    for (const [name, offset] of Object.entries(HeaderPoint)) {
      const bytes = changed(zkey, (copy) => {
        if (name.endsWith('1')) writeG1(copy, header + offset, G1_GENERATOR)
        else writeG2(copy, header + offset, G2_GENERATOR)
      })
      // gamma is the generator: see F1 for what that allows and what not.
      if (!bytes.equals(zkey)) await expect(proveWith(bytes), name).rejects.toMatchObject(REJECTED)
    }
    for (const id of [Section.publicPoints, Section.a, Section.b1, Section.c, Section.h]) {
      const { start, end } = boundsOf(id)
      // Of wire 1 or later: every point of the sums counts where its scalar is not 0.
      const bytes = changed(zkey, (copy) => {
        for (let at = start; at < end; at += 64)
          if (!isInfinity(copy.subarray(at, at + 64))) writeG1(copy, at, G1_GENERATOR)
      })
      await expect(proveWith(bytes), `section ${id}`).rejects.toMatchObject(REJECTED)
    }
    const { start, end } = boundsOf(Section.b2)
    const bytes = changed(zkey, (copy) => {
      for (let at = start; at < end; at += 128)
        if (!isInfinity(copy.subarray(at, at + 128))) writeG2(copy, at, G2_GENERATOR)
    })
    await expect(proveWith(bytes)).rejects.toMatchObject(REJECTED)
  })
})

describe.skipIf(missing !== undefined)('a witness that is none', () => {
  const refused = (condition: string) => ({ code: 'proof.native-refused', condition })
  const withWire = (wire: number, value: bigint): Uint8Array => {
    const copy = wires.slice()
    writeUint256(copy, wire * WIRE_BYTES, value)
    return copy
  }

  it('N3: is refused unless it has as many wires as the key', async () => {
    for (const length of [1, 31, 32, wires.length - 32, wires.length - 1]) {
      await expect(proveWith(zkey, wires.slice(0, length))).rejects.toMatchObject(refused('wrong-size'))
    }
    for (const more of [1, 32, 32 * 1_000]) {
      const longer = Buffer.concat([wires, Buffer.alloc(more)])
      await expect(proveWith(zkey, longer)).rejects.toMatchObject(refused('wrong-size'))
    }
  })

  it('N3: is refused unless its first wire is 1 and every wire a field element', async () => {
    for (const value of [0n, 2n, SCALAR_FIELD_ORDER, SCALAR_FIELD_ORDER + 1n, 2n ** 256n - 1n]) {
      await expect(proveWith(zkey, withWire(0, value))).rejects.toMatchObject(refused('malformed-witness'))
    }
    for (let wire = 1; wire < wires.length / WIRE_BYTES; wire++) {
      const value = readUint256(wires, wire * WIRE_BYTES)
      for (const other of [value + SCALAR_FIELD_ORDER, SCALAR_FIELD_ORDER, 2n ** 256n - 1n]) {
        await expect(proveWith(zkey, withWire(wire, other))).rejects.toMatchObject(refused('malformed-witness'))
      }
    }
  })

  it('H2: gives no proof with any wire changed', async () => {
    for (let wire = 1; wire < wires.length / WIRE_BYTES; wire++) {
      const value = readUint256(wires, wire * WIRE_BYTES)
      for (const other of [(value + 1n) % SCALAR_FIELD_ORDER, SCALAR_FIELD_ORDER - 1n, value === 0n ? 5n : 0n]) {
        await expect(proveWith(zkey, withWire(wire, other)), `wire ${wire}`).rejects.toMatchObject(REJECTED)
      }
    }
    await expectValid(await proveWith(zkey))
  })

  it('H2: gives no proof with the witness of another circuit', async () => {
    const store = new KeyStore(join(directory, 'keys'))
    const other = await store.loadOrMakeDevelopmentKeys(await passThroughCircuit(), { threads: 1 })
    const foreign = await witnessOf(other, { challenge: 7n, first: 5n, second: 6n })
    await expect(proveWith(zkey, foreign)).rejects.toMatchObject(refused('wrong-size'))
    const padded = Buffer.concat([foreign, Buffer.alloc(wires.length)]).subarray(0, wires.length)
    await expect(proveWith(zkey, padded)).rejects.toMatchObject(REJECTED)
  })
})

const boundsOf = (id: number): { start: number; end: number } =>
  sectionsOf(zkey).get(id) as { start: number; end: number }
const isInfinity = (point: Uint8Array): boolean => point.every((byte) => byte === 0)

function reasonOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof MalformedFileError) return error.reason
    throw error
  }
  throw new Error('It was read.')
}

/** A point of the twist whose component outside the group is as hard to notice as can be: of order 10069. */
function pointOfSmallOrder(): G2Point {
  const { Point } = bn254.G2
  const { x, y } = pointOutsideSubgroup()
  const outside = Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } })
  // The twist has (2q - r)·r points.
  const cofactor = 2n * BASE_FIELD_ORDER - SCALAR_FIELD_ORDER
  expect(cofactor % 10_069n).toBe(0n)
  let small = Point.ZERO
  for (const bit of ((cofactor / 10_069n) * SCALAR_FIELD_ORDER).toString(2)) {
    small = small.double()
    if (bit === '1') small = small.add(outside)
  }
  expect(small.is0()).toBe(false)
  const affine = small.add(Point.BASE).toAffine()
  return { x: [affine.x.c0, affine.x.c1], y: [affine.y.c0, affine.y.c1] }
}
