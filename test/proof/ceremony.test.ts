/** The ceremony gate against keys that snarkjs really makes: raw, contributed, and with a beacon. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bn254 } from '@noble/curves/bn254.js'
import { curves, groth16, powersOfTau, zKey } from 'snarkjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSections } from '../../prover/proof/binaryFile.ts'
import { G2_GENERATOR, negateG2 } from '../../prover/proof/bn254.ts'
import { checkCeremony, DEVELOPMENT_CHAIN_IDS, isDevelopmentChain } from '../../prover/proof/keys/ceremony.ts'
import { makeDevelopmentKey } from '../../prover/proof/keys/developmentKeys.ts'
import { type CompiledCircuit, KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { createProver } from '../../prover/proof/backends/prover.ts'
import { readR1cs } from '../../prover/proof/keys/r1cs.ts'
import { formatProof } from '../../prover/proof/strictProof.ts'
import {
  formatVerificationKey,
  type VerificationKey,
  verificationKeyOf,
} from '../../prover/proof/keys/verificationKey.ts'
import { verifyProof } from '../../prover/proof/verify.ts'
import { readZkey, type Zkey } from '../../prover/proof/keys/zkey.ts'
import { lookalikeCircuit, polynomialCircuit, polynomialInput } from './smallCircuits.ts'
import { keepSnarkjsInThisThread } from '../../scripts/tools/circuits/snarkjsInThisThread.ts'

/** Power of the test's powers of tau: room for 2^8 constraints. */
const POWER = 8
const MAINNET = 1

let directory: string
let circuit: CompiledCircuit
let r1csBytes: Buffer
const bytes = {} as Record<'raw' | 'contributed' | 'beacon' | 'development', Uint8Array>
const keys = {} as Record<keyof typeof bytes, Zkey>
let ptau: string

beforeAll(async () => {
  await keepSnarkjsInThisThread()
  directory = await mkdtemp(join(tmpdir(), 'ceremony-'))
  circuit = await polynomialCircuit()
  r1csBytes = await readFile(circuit.r1cs)
  ptau = join(directory, 'final.ptau')
  const file = (name: string): string => join(directory, name)
  await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), POWER, file('0.ptau'))
  await powersOfTau.contribute(file('0.ptau'), file('1.ptau'), 'first', 'entropy of a test')
  await powersOfTau.preparePhase2(file('1.ptau'), ptau)
  await zKey.newZKey(circuit.r1cs, ptau, file('raw.zkey'))
  await zKey.contribute(file('raw.zkey'), file('contributed.zkey'), 'second', 'more entropy of a test')
  await zKey.beacon(file('contributed.zkey'), file('beacon.zkey'), 'beacon', '0123456789abcdef'.repeat(4), 10)
  for (const name of ['raw', 'contributed', 'beacon'] as const)
    bytes[name] = new Uint8Array(await readFile(file(`${name}.zkey`)))
  bytes.development = new Uint8Array(Buffer.concat(await makeDevelopmentKey(readR1cs(r1csBytes, circuit.r1cs))))
  for (const name of Object.keys(bytes) as (keyof typeof bytes)[]) keys[name] = readZkey(bytes[name], name)
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const keyOf = (name: keyof typeof bytes): VerificationKey => verificationKeyOf(keys[name])

/** A = alpha, B = beta, C = -(IC₀ + Σ signalᵢ·ICᵢ): valid for any signals when delta = gamma. */
function forge(key: VerificationKey, publicSignals: readonly bigint[], sign: 1n | -1n = -1n) {
  const { Point } = bn254.G1
  const sum = publicSignals.reduce(
    (total, signal, i) =>
      total.add(Point.fromAffine(key.publicPoints[i + 1] as { x: bigint; y: bigint }).multiply(signal)),
    Point.fromAffine(key.publicPoints[0] as { x: bigint; y: bigint }),
  )
  const c = (sign === -1n ? sum.negate() : sum).toAffine()
  return { proof: formatProof({ a: key.alpha1, b: key.beta2, c }), publicSignals: publicSignals.map(String) }
}

describe('a key straight from `snarkjs groth16 setup`', () => {
  it('F1: lets anyone prove anything, and snarkjs accepts it', async () => {
    const forged = forge(keyOf('raw'), [1n, 2n, 3n])
    expect(await groth16.verify(formatVerificationKey(keyOf('raw')), forged.publicSignals, forged.proof)).toBe(true)
    expect(await verifyProof(keyOf('raw'), forged)).toEqual({ accepted: true })
  })

  it('F2: passes `snarkjs zkey verify`', async () => {
    expect(await zKey.verifyFromR1cs(circuit.r1cs, ptau, join(directory, 'raw.zkey'))).toBe(true)
  })

  it.each([
    ['build', 'undeployed'],
    ['a development chain', 31337],
    ['a real chain', MAINNET],
  ] as const)('T2: is refused for %s, whatever its manifest says', (_, chainId) => {
    const refusal = expect.objectContaining({ code: 'proof.delta-not-random', equals: 'gamma' })
    const verificationKey = keyOf('raw')
    for (const kind of ['development', 'production'] as const) {
      expect(() => checkCeremony({ verificationKey, kind, contributions: 3 }, chainId)).toThrow(refusal)
      expect(() => checkCeremony({ verificationKey, kind, zkey: keys.raw }, chainId)).toThrow(refusal)
    }
    expect(() => checkCeremony({ verificationKey }, chainId)).toThrow(refusal)
  })

  it('T2: is refused when keys are taken in, with nothing stored', async () => {
    const store = new KeyStore(join(directory, 'store-raw'))
    const taken = store.importProductionKey(circuit, join(directory, 'raw.zkey'))
    await expect(taken).rejects.toMatchObject({ code: 'proof.delta-not-random' })
    await expect(store.load(circuit)).rejects.toMatchObject({ code: 'proof.keys-missing' })
  })
})

describe('a key that somebody contributed to', () => {
  it('F1: does not accept the forgery', async () => {
    for (const name of ['contributed', 'beacon', 'development'] as const) {
      for (const sign of [1n, -1n] as const) {
        const verdict = await verifyProof(keyOf(name), forge(keyOf(name), [1n, 2n, 3n], sign))
        expect(verdict).toMatchObject({ accepted: false, reason: { code: 'proof.rejected' } })
      }
    }
  })

  it('passes everywhere, and its contributions are counted', () => {
    expect(keys.contributed.contributions).toMatchObject([{ isBeacon: false }])
    expect(keys.beacon.contributions).toMatchObject([{ isBeacon: false }, { isBeacon: true }])
    for (const name of ['contributed', 'beacon'] as const) {
      for (const chainId of ['undeployed', 31337n, MAINNET, 10n] as const) {
        checkCeremony({ kind: 'production', verificationKey: keyOf(name), zkey: keys[name] }, chainId)
        checkCeremony({ kind: 'production', verificationKey: keyOf(name), contributions: 1 }, chainId)
      }
    }
  })

  it('makes proofs that both verifiers accept', async () => {
    const store = new KeyStore(join(directory, 'store'))
    const imported = await store.importProductionKey(circuit, join(directory, 'beacon.zkey'))
    expect(imported.manifest).toMatchObject({ kind: 'production', contributions: 2, circuit: 'polynomial' })
    const prover = createProver({ threads: 1 })
    try {
      const proven = await prover.prove(imported, polynomialInput)
      expect(await verifyProof(imported.verificationKey, proven)).toEqual({ accepted: true })
    } finally {
      await prover.close()
    }
  })

  it('T3: takes the place of development keys, which anybody can make again, and of no other ceremony’s', async () => {
    const store = new KeyStore(join(directory, 'store-replaced'))
    expect((await store.loadOrMakeDevelopmentKeys(circuit)).manifest.kind).toBe('development')
    const imported = await store.importProductionKey(circuit, join(directory, 'beacon.zkey'))
    expect(imported.manifest).toMatchObject({ kind: 'production', contributions: 2 })
    expect((await store.importProductionKey(circuit, join(directory, 'beacon.zkey'))).manifest).toEqual(
      imported.manifest,
    )
    await expect(store.importProductionKey(circuit, join(directory, 'contributed.zkey'))).rejects.toMatchObject({
      code: 'proof.keys-exist',
    })
    expect((await store.load(circuit)).manifest).toEqual(imported.manifest)
  })

  it('T1: is refused for another circuit, and with another witness generator', async () => {
    const store = new KeyStore(join(directory, 'store'))
    const other = await lookalikeCircuit()
    await expect(store.importProductionKey(other, join(directory, 'beacon.zkey'))).rejects.toMatchObject({
      code: 'proof.wrong-circuit',
    })
    await expect(store.load({ ...circuit, wasm: other.wasm })).rejects.toMatchObject({
      code: 'proof.stale-witness-generator',
    })
  })

  it.each([
    [
      'no contribution',
      (key: Uint8Array) => withContributions(key, () => new Uint8Array(68)),
      'proof.no-contributions',
    ],
    [
      'a count too high',
      (key: Uint8Array) => withContributions(key, (section) => withCount(section, 9)),
      'proof.malformed-file',
    ],
    [
      'a count too low',
      (key: Uint8Array) => withContributions(key, (section) => withCount(section, 1)),
      'proof.malformed-file',
    ],
    [
      'the last contribution cut off',
      (key: Uint8Array) =>
        withContributions(key, (section) => withCount(section.slice(0, firstContributionEnd(section)), 1)),
      'proof.keys-do-not-match',
    ],
  ])('T2: is refused with %s', (_, change, code) => {
    const check = (): void => {
      const zkey = readZkey(change(bytes.beacon), 'key')
      checkCeremony({ kind: 'production', verificationKey: verificationKeyOf(zkey), zkey }, MAINNET)
    }
    expect(check).toThrow(expect.objectContaining({ code }))
  })

  it('T2: is refused when its manifest counts otherwise, or the verification key is another', () => {
    const mismatch = expect.objectContaining({ code: 'proof.keys-do-not-match' })
    const key = { kind: 'production', verificationKey: keyOf('beacon'), zkey: keys.beacon } as const
    expect(() => checkCeremony({ ...key, contributions: 3 }, MAINNET)).toThrow(mismatch)
    expect(() => checkCeremony({ ...key, verificationKey: keyOf('contributed') }, MAINNET)).toThrow(mismatch)
    const delta1 = keys.contributed.header.delta1
    const zkey = {
      ...keys.beacon,
      contributions: [{ delta1, isBeacon: false }],
      header: { ...keys.beacon.header, delta1 },
    }
    expect(() => checkCeremony({ ...key, zkey }, MAINNET)).toThrow(mismatch)
  })

  it('T2: is refused when nothing says that somebody contributed', () => {
    const none = expect.objectContaining({ code: 'proof.no-contributions' })
    const verificationKey = keyOf('beacon')
    expect(() => checkCeremony({ verificationKey }, MAINNET)).toThrow(none)
    expect(() => checkCeremony({ verificationKey, kind: 'production' }, MAINNET)).toThrow(none)
    expect(() => checkCeremony({ verificationKey, kind: 'production', contributions: 0 }, MAINNET)).toThrow(none)
  })

  it('T2: is refused when its delta is one that everybody knows', () => {
    const known = [
      ['gamma', keyOf('beacon').gamma2],
      ['-gamma', negateG2(keyOf('beacon').gamma2)],
    ] as const
    for (const [equals, delta2] of known) {
      const verificationKey = { ...keyOf('beacon'), delta2 }
      const refusal = expect.objectContaining({ code: 'proof.delta-not-random', equals })
      expect(() => checkCeremony({ verificationKey, kind: 'production', contributions: 3 }, MAINNET)).toThrow(refusal)
    }
    // Another tool's key may have a gamma of its own.
    const gamma2 = keyOf('beacon').delta2
    for (const [equals, delta2] of [
      ['generator', G2_GENERATOR],
      ['-generator', negateG2(G2_GENERATOR)],
    ] as const) {
      const verificationKey = { ...keyOf('beacon'), gamma2, delta2 }
      const refusal = expect.objectContaining({ code: 'proof.delta-not-random', equals })
      expect(() => checkCeremony({ verificationKey, kind: 'production', contributions: 3 }, MAINNET)).toThrow(refusal)
    }
  })

  it('with delta = -gamma would be forged as easily', async () => {
    const key = { ...keyOf('raw'), delta2: negateG2(keyOf('raw').gamma2) }
    expect(await verifyProof(key, forge(key, [1n, 2n, 3n], 1n))).toEqual({ accepted: true })
  })
})

describe('a development key', () => {
  it('T3: passes at build and on development chains, and nowhere else', () => {
    const key = { kind: 'development', verificationKey: keyOf('development'), zkey: keys.development } as const
    checkCeremony(key, 'undeployed')
    for (const chainId of DEVELOPMENT_CHAIN_IDS) checkCeremony(key, chainId)
    for (const chainId of [0, MAINNET, 10, 137, 8453, 42161, 11155111, 31336, 31338]) {
      expect(isDevelopmentChain(chainId)).toBe(false)
      expect(() => checkCeremony(key, chainId)).toThrow(
        expect.objectContaining({ code: 'proof.development-key', chainId: BigInt(chainId) }),
      )
    }
  })

  it('T3: does not pass for a production key', () => {
    const key = { kind: 'production', verificationKey: keyOf('development'), zkey: keys.development } as const
    for (const chainId of ['undeployed', 31337, MAINNET] as const) {
      expect(() => checkCeremony(key, chainId)).toThrow(expect.objectContaining({ code: 'proof.no-contributions' }))
    }
  })

  it('T3: is not taken in as a production key', async () => {
    const file = join(directory, 'development.zkey')
    await writeFile(file, bytes.development)
    const store = new KeyStore(join(directory, 'store-development'))
    await expect(store.importProductionKey(circuit, file)).rejects.toMatchObject({ code: 'proof.no-contributions' })
  })
})

/** The same key with its list of contributions changed. */
function withContributions(key: Uint8Array, change: (section: Uint8Array) => Uint8Array): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  const sections: [number, Uint8Array[]][] = []
  for (let position = 12; position < key.length; ) {
    const [id, length] = [view.getUint32(position, true), Number(view.getBigUint64(position + 4, true))]
    const section = key.slice(position + 12, position + 12 + length)
    sections.push([id, [id === 10 ? change(section) : section]])
    position += 12 + length
  }
  return Buffer.concat(writeSections({ magic: 'zkey', versions: [1] }, 1, sections))
}

function withCount(section: Uint8Array, count: number): Uint8Array {
  const changed = section.slice()
  new DataView(changed.buffer).setUint32(64, count, true)
  return changed
}

/** A contribution is 392 bytes and its parameters, whose length is in the last 4 of the 392. */
function firstContributionEnd(section: Uint8Array): number {
  return 68 + 392 + new DataView(section.buffer).getUint32(68 + 388, true)
}
