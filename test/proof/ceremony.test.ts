/** The ceremony gate against keys that snarkjs really makes: raw, contributed, and with a beacon. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { bn254 } from '@noble/curves/bn254.js'
import { curves, groth16, powersOfTau, zKey } from 'snarkjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSections } from '../../prover/proof/binaryFile.ts'
import { G2_GENERATOR, negateG2 } from '../../prover/proof/bn254.ts'
import {
  checkCeremony,
  checkFirstPhase,
  DEVELOPMENT_CHAIN_IDS,
  isDevelopmentChain,
} from '../../prover/proof/keys/ceremony.ts'
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
import { lookalikeCircuit, polynomialCircuit, polynomialInput, widerCircuit } from './smallCircuits.ts'
import { keepSnarkjsInThisThread } from '../../scripts/tools/circuits/snarkjsInThisThread.ts'

/** Power of the test's powers of tau: room for 2^5 constraints. */
const POWER = 5
const MAINNET = 1
const BEACON = '0123456789abcdef'.repeat(4)

let directory: string
let circuit: CompiledCircuit
let r1csBytes: Buffer
const bytes = {} as Record<'raw' | 'contributed' | 'small' | 'third' | 'beacon' | 'after' | 'development', Uint8Array>
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
  await zKey.contribute(file('raw.zkey'), file('contributed.zkey'), 'first', 'more entropy of a test')
  await zKey.contribute(file('contributed.zkey'), file('second.zkey'), 'second', 'other entropy of a test')
  await zKey.beacon(file('second.zkey'), file('small.zkey'), 'beacon', BEACON, 10)
  await zKey.contribute(file('second.zkey'), file('third.zkey'), 'third', 'the last entropy of a test')
  await zKey.beacon(file('third.zkey'), file('beacon.zkey'), 'beacon', BEACON, 10)
  await zKey.beacon(file('third.zkey'), file('other.zkey'), 'beacon', BEACON, 11)
  await zKey.contribute(file('beacon.zkey'), file('after.zkey'), 'after the beacon', 'who knows what')
  for (const name of ['raw', 'contributed', 'small', 'third', 'beacon', 'after'] as const)
    bytes[name] = new Uint8Array(await readFile(file(`${name}.zkey`)))
  bytes.development = new Uint8Array(Buffer.concat(await makeDevelopmentKey(readR1cs(r1csBytes, circuit.r1cs))))
  for (const name of Object.keys(bytes) as (keyof typeof bytes)[]) keys[name] = readZkey(bytes[name], name)
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const transcriptOf = (name: keyof typeof bytes): string => Buffer.from(keys[name].transcript).toString('hex')
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
  it.skipIf(process.platform !== 'linux')('is not taken in where no folder can be made, as in /proc', async () => {
    const module = new URL('../../prover/proof/keys/keyStore.ts', import.meta.url).href
    const script = `
      import { KeyStore } from '${module}'
      const taken = new KeyStore('/proc/zkrisk/keys').importProductionKey(...${JSON.stringify([circuit, join(directory, 'beacon.zkey')])})
      process.stdout.write(await taken.then(() => 'taken', (error) => error.code + ' ' + error.cause.code))`
    // In a process of its own: what hangs in the system holds a thread for ever.
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      timeout: 60_000,
      killSignal: 'SIGKILL',
    })
    expect(await text(child.stdout)).toBe('proof.key-write ENOENT')
  })

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
    const names = ['first', 'second', 'third', 'beacon']
    expect(keys.beacon.contributions.map(({ name }) => name)).toEqual(names)
    expect(keys.beacon.contributions.map(({ isBeacon }) => isBeacon)).toEqual([false, false, false, true])
    const key = { kind: 'production', verificationKey: keyOf('beacon') } as const
    for (const chainId of ['undeployed', 31337n, MAINNET, 10n] as const) {
      checkCeremony({ ...key, zkey: keys.beacon }, chainId)
      checkCeremony({ ...key, transcript: transcriptOf('beacon'), contributions: 4 }, chainId)
    }
  })

  it('makes proofs that both verifiers accept', async () => {
    const store = new KeyStore(join(directory, 'store'))
    const imported = await store.importProductionKey(circuit, join(directory, 'beacon.zkey'))
    expect(imported.manifest).toMatchObject({ kind: 'production', contributions: 4, circuit: 'polynomial' })
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
    expect(imported.manifest).toMatchObject({ kind: 'production', contributions: 4 })
    expect((await store.importProductionKey(circuit, join(directory, 'beacon.zkey'))).manifest).toEqual(
      imported.manifest,
    )
    await expect(store.importProductionKey(circuit, join(directory, 'other.zkey'))).rejects.toMatchObject({
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
    const [first] = keys.beacon.contributions
    const zkey = {
      ...keys.beacon,
      contributions: [{ ...(first as (typeof keys.beacon.contributions)[number]), delta1 }],
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

describe('K10: whether a key had a ceremony is read from what it shows of it', () => {
  const refused = (key: object, code: string, fields: object = {}) =>
    expect(() => checkCeremony({ kind: 'production', verificationKey: keyOf('beacon'), ...key }, MAINNET)).toThrow(
      expect.objectContaining({ code, ...fields }),
    )

  it('so a development key is refused as a production key, whatever is written beside it', () => {
    const verificationKey = keyOf('development')
    refused({ verificationKey }, 'proof.no-contributions')
    refused({ verificationKey, contributions: 3 }, 'proof.no-contributions')
    refused({ verificationKey, zkey: keys.development }, 'proof.no-contributions')
    // With the transcript of another key.
    refused({ verificationKey, contributions: 4, transcript: transcriptOf('beacon') }, 'proof.transcript-broken')
    checkCeremony({ kind: 'development', verificationKey, zkey: keys.development }, 31337n)
  })

  it('and two contributions are too few, as are three without a beacon at the end', () => {
    const check = (name: 'contributed' | 'small' | 'third' | 'after', fields: object) =>
      refused({ verificationKey: keyOf(name), zkey: keys[name] }, 'proof.ceremony-too-small', fields)
    check('contributed', { contributions: 1, hasBeacon: false })
    check('small', { contributions: 2, hasBeacon: true })
    check('third', { contributions: 3, hasBeacon: false })
    check('after', { contributions: 4, hasBeacon: false })
    checkCeremony({ kind: 'production', verificationKey: keyOf('beacon'), zkey: keys.beacon }, MAINNET)
  })

  it('and every byte of it counts, but for names', () => {
    const transcript = keys.beacon.transcript
    const flipped = (at: number): string => {
      const changed = Uint8Array.from(transcript)
      changed[at] = (changed[at] ?? 0) ^ 1
      return Buffer.from(changed).toString('hex')
    }
    const first = 68
    const parts = {
      circuit: 0,
      delta: first,
      base: first + 64,
      multiple: first + 128,
      second: first + 192,
      hash: first + 320,
    }
    for (const at of Object.values(parts)) {
      const check = () =>
        checkCeremony({ kind: 'production', verificationKey: keyOf('beacon'), transcript: flipped(at) }, MAINNET)
      expect(check, `byte ${at}`).toThrow()
    }
    // The beacon's value is its last 32 bytes: with another one the contribution is somebody's, whose secret nobody knows.
    refused({ transcript: flipped(transcript.length - 1) }, 'proof.transcript-broken', { contribution: 3 })
    // A name is what a contributor calls themselves.
    checkCeremony(
      { kind: 'production', verificationKey: keyOf('beacon'), transcript: flipped(first + 392 + 2) },
      MAINNET,
    )
  })

  it('and contributions in another order, or one left out, lead nowhere', () => {
    const { transcript, contributions } = keys.beacon
    const starts = [68]
    for (const { name, beacon } of contributions)
      starts.push((starts.at(-1) ?? 0) + 392 + 2 + name.length + (beacon === undefined ? 0 : 4 + beacon.value.length))
    const part = (i: number): Uint8Array => transcript.slice(starts[i], starts[i + 1])
    expect(starts.at(-1)).toBe(transcript.length)
    const of = (...order: readonly number[]): string => {
      const head = Uint8Array.from(transcript.slice(0, 68))
      new DataView(head.buffer).setUint32(64, order.length, true)
      return Buffer.concat([head, ...order.map(part)]).toString('hex')
    }
    expect(of(0, 1, 2, 3)).toBe(transcriptOf('beacon'))
    refused({ transcript: of(1, 0, 2, 3) }, 'proof.transcript-broken', { contribution: 0 })
    refused({ transcript: of(0, 2, 3) }, 'proof.transcript-broken', { contribution: 1 })
    refused({ transcript: of(0, 1, 2) }, 'proof.transcript-broken', { contribution: 2 })
  })

  it('and a delta that is a small multiple of what everybody knows, or a small part of it, is refused', () => {
    const { Point } = bn254.G2
    const times = (point: InstanceType<typeof Point>, k: bigint) => {
      const { x, y } = point.multiply(k).toAffine()
      return { x: [x.c0, x.c1], y: [y.c0, y.c1] } as const
    }
    const order = Point.Fn.ORDER
    const half = (order + 1n) / 2n
    for (const [k, equals] of [
      [2n, '2·gamma'],
      [3n, '3·gamma'],
      [256n, '256·gamma'],
      [order - 5n, '-5·gamma'],
      [half, 'gamma/2'],
    ] as const) {
      const verificationKey = { ...keyOf('beacon'), delta2: times(Point.BASE, k) }
      refused({ verificationKey }, 'proof.delta-not-random', { equals })
    }
    // Beyond what is small the transcript is what refuses it.
    refused(
      { verificationKey: { ...keyOf('beacon'), delta2: times(Point.BASE, 257n) }, transcript: transcriptOf('beacon') },
      'proof.transcript-broken',
    )
    const gamma2 = times(Point.BASE, 12_345n)
    refused(
      { verificationKey: { ...keyOf('beacon'), gamma2, delta2: times(Point.BASE, 7n) } },
      'proof.delta-not-random',
      {
        equals: '7·generator',
      },
    )
  })
})

describe('K12: keys whose proofs are verified together', () => {
  const named = (circuit: string, verificationKey: VerificationKey) => ({ circuit, verificationKey })
  const begin = async (r1cs: string, powers: string, name: string): Promise<VerificationKey> => {
    const file = join(directory, name)
    await zKey.newZKey(r1cs, powers, file)
    return verificationKeyOf(readZkey(new Uint8Array(await readFile(file)), name))
  }

  it('pass if their ceremonies began from the same powers of tau, however many contributed, and are refused otherwise', async () => {
    const { r1cs } = await widerCircuit()
    const other = join(directory, 'other.ptau')
    await powersOfTau.contribute(join(directory, '0.ptau'), join(directory, 'other-1.ptau'), 'first', 'other entropy')
    await powersOfTau.preparePhase2(join(directory, 'other-1.ptau'), other)
    const [same, apart] = [await begin(r1cs, ptau, 'wider.zkey'), await begin(r1cs, other, 'wider-other.zkey')]
    const beacon = named('polynomial', keyOf('beacon'))
    checkFirstPhase([beacon, named('wider', same), named('polynomial', keyOf('raw'))])
    checkFirstPhase([named('wider', apart)])
    checkFirstPhase([])
    const refusal = { code: 'proof.first-phase-differs', circuit: 'wider', other: 'polynomial' }
    for (const given of [
      [beacon, named('wider', apart)],
      [beacon, named('polynomial', keyOf('raw')), named('wider', apart)],
    ])
      expect(() => checkFirstPhase(given)).toThrow(expect.objectContaining(refusal))
  })

  it('are refused for another alpha, beta or gamma alone, not for another delta or public point', () => {
    const key = keyOf('beacon')
    const [g1, g2] = [keyOf('development').alpha1, negateG2(key.beta2)]
    for (const part of [{ alpha1: g1 }, { beta2: g2 }, { gamma2: g2 }])
      expect(() => checkFirstPhase([named('a', key), named('b', { ...key, ...part })])).toThrow(
        expect.objectContaining({ code: 'proof.first-phase-differs', circuit: 'b', other: 'a' }),
      )
    checkFirstPhase([named('a', key), named('b', { ...key, delta2: g2, publicPoints: [g1] })])
  })
})
