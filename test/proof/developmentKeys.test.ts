import { readFileSync } from 'node:fs'
import { groth16 as snarkjsGroth16, zKey } from 'snarkjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { MalformedFileError } from '../../prover/proof/binaryFile.ts'
import { equalG2, G2_GENERATOR } from '../../prover/proof/bn254.ts'
import { checkKeyFitsCircuit } from '../../prover/proof/keys/ceremony.ts'
import { makeDevelopmentKey } from '../../prover/proof/keys/developmentKeys.ts'
import { drawFirstPhase, isMadeFrom } from '../../prover/proof/keys/developmentPhase.ts'
import { Groth16 } from '../../prover/proof/kernel/groth16.ts'
import { KernelThreads } from '../../prover/proof/kernel/kernelThreads.ts'
import type { CompiledCircuit } from '../../prover/proof/keys/keyStore.ts'
import { domainPower, type R1cs, readR1cs } from '../../prover/proof/keys/r1cs.ts'
import { formatProof } from '../../prover/proof/strictProof.ts'
import {
  formatVerificationKey,
  parseVerificationKey,
  verificationKeyOf,
} from '../../prover/proof/keys/verificationKey.ts'
import { verifyProof, verifyWithSnarkjs } from '../../prover/proof/verify.ts'
import { WitnessCalculator } from '../../prover/proof/backends/witnessCalculator.ts'
import { readZkey, type Zkey } from '../../prover/proof/keys/zkey.ts'
import { lookalikeCircuit, polynomialCircuit, polynomialInput, widerCircuit } from './smallCircuits.ts'
import { keepSnarkjsInThisThread } from '../../scripts/tools/circuits/snarkjsInThisThread.ts'

let circuit: CompiledCircuit
let r1cs: R1cs
let key: Buffer
const progress: number[] = []
beforeAll(async () => {
  circuit = await polynomialCircuit()
  r1cs = readR1cs(readFileSync(circuit.r1cs), circuit.r1cs)
  key = Buffer.concat(await makeDevelopmentKey(r1cs, { onProgress: (fraction) => progress.push(fraction) }))
})

describe('a development key', () => {
  it('fits its circuit and no other', async () => {
    const zkey = readZkey(key, 'key')
    checkKeyFitsCircuit(zkey, r1cs, 'polynomial')
    for (const other of [await widerCircuit(), await lookalikeCircuit()]) {
      const otherR1cs = readR1cs(readFileSync(other.r1cs), other.r1cs)
      expect(() => checkKeyFitsCircuit(zkey, otherR1cs, other.name)).toThrow(
        expect.objectContaining({ code: 'proof.wrong-circuit', circuit: other.name }),
      )
    }
  })

  it('has a delta of its own, no contributions, and says how far it has come', () => {
    const { header, contributions } = readZkey(key, 'key')
    expect(equalG2(header.gamma2, G2_GENERATOR)).toBe(true)
    expect(equalG2(header.delta2, G2_GENERATOR)).toBe(false)
    expect(contributions).toEqual([])
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(1)
  })

  it('is another one each time', async () => {
    const again = Buffer.concat(await makeDevelopmentKey(r1cs, { threads: 1 }))
    const [first, second] = [key, again].map((bytes) => readZkey(bytes, 'key').header)
    for (const name of ['alpha1', 'beta1', 'delta1'] as const) expect(first?.[name]).not.toEqual(second?.[name])
  })

  it('K11: shares alpha, beta and public points with one of its circuit and first phase, and no delta', async () => {
    const firstPhase = drawFirstPhase()
    const [a, b, other] = (await Promise.all([
      makeDevelopmentKey(r1cs, { threads: 1, firstPhase }),
      makeDevelopmentKey(r1cs, { threads: 1, firstPhase }),
      makeDevelopmentKey(r1cs, { threads: 1, firstPhase: { ...firstPhase, alpha: firstPhase.alpha + 1n } }),
    ]).then((keys) => keys.map((pieces) => readZkey(Buffer.concat(pieces), 'key')))) as [Zkey, Zkey, Zkey]
    expect({ ...a.header, delta1: 0, delta2: 0 }).toEqual({ ...b.header, delta1: 0, delta2: 0 })
    expect(a.publicPoints).toEqual(b.publicPoints)
    expect(a.header.delta1).not.toEqual(b.header.delta1)
    expect(other.header.alpha1).not.toEqual(a.header.alpha1)
    expect(isMadeFrom(verificationKeyOf(a), firstPhase)).toBe(true)
    expect(isMadeFrom(verificationKeyOf(other), firstPhase)).toBe(false)
    expect(isMadeFrom(verificationKeyOf(a), { ...firstPhase, beta: firstPhase.beta + 1n })).toBe(false)
  })

  it('is read by snarkjs, which makes and accepts proofs with it', async () => {
    await keepSnarkjsInThisThread()
    const zkey = { type: 'mem', data: new Uint8Array(key) } as const
    const { proof, publicSignals } = await snarkjsGroth16.fullProve(polynomialInput, circuit.wasm, zkey)
    const exported = await zKey.exportVerificationKey(zkey)
    expect(await snarkjsGroth16.verify(exported, publicSignals, proof)).toBe(true)
    const ours = verificationKeyOf(readZkey(key, 'key'))
    expect(parseVerificationKey(exported)).toEqual(ours)
    expect(exported).toMatchObject(formatVerificationKey(ours))
    expect(await verifyProof(ours, { proof, publicSignals })).toEqual({ accepted: true })
  })
})

describe('a proof', () => {
  it('is accepted whatever the number of threads, and never twice the same', async () => {
    const verificationKey = verificationKeyOf(readZkey(key, 'key'))
    const calculator = await WitnessCalculator.load('polynomial', readFileSync(circuit.wasm))
    const seen = new Set<string>()
    for (const count of [1, 2, 5]) {
      const threads = await KernelThreads.start(count)
      try {
        const groth16 = await Groth16.load(readZkey(key, 'key'), threads, 0)
        for (const secret of [0n, 1n, polynomialInput.secret]) {
          await calculator.calculate({ ...polynomialInput, secret }, groth16.witness)
          const proof = formatProof(await groth16.prove())
          const publicSignals = groth16.publicSignals()
          expect(await verifyWithSnarkjs(verificationKey, { proof, publicSignals })).toEqual({ accepted: true })
          expect(publicSignals[2]).toBe(polynomialInput.challenge)
          seen.add(proof.pi_a[0])
        }
        await groth16.unload()
      } finally {
        await threads.close()
      }
    }
    expect(seen.size).toBe(9)
  })

  it('of a witness that violates a constraint is rejected', async () => {
    const verificationKey = verificationKeyOf(readZkey(key, 'key'))
    const calculator = await WitnessCalculator.load('polynomial', readFileSync(circuit.wasm))
    const threads = await KernelThreads.start(1)
    try {
      const groth16 = await Groth16.load(readZkey(key, 'key'), threads, 0)
      for (let wire = 1; wire < r1cs.wires; wire++) {
        await calculator.calculate(polynomialInput, groth16.witness)
        groth16.witness[32 * wire] = (groth16.witness[32 * wire] as number) ^ 1
        const claim = { proof: formatProof(await groth16.prove()), publicSignals: groth16.publicSignals() }
        const verdict = await verifyWithSnarkjs(verificationKey, claim)
        expect(verdict).toMatchObject({ accepted: false, reason: { code: 'proof.rejected' } })
      }
    } finally {
      await threads.close()
    }
  })
})

describe('reading files', () => {
  it.each(['r1cs', 'zkey'] as const)('refuses a truncated, padded or foreign %s', (kind) => {
    const bytes = kind === 'r1cs' ? readFileSync(circuit.r1cs) : key
    const read = (content: Uint8Array): unknown => (kind === 'r1cs' ? readR1cs(content, 'it') : readZkey(content, 'it'))
    read(bytes)
    const lengths = [0, 3, 11, 12, 20, 100, bytes.length >> 1, bytes.length - 1]
    for (const length of lengths) expect(() => read(bytes.subarray(0, length))).toThrow(MalformedFileError)
    expect(() => read(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(MalformedFileError)
    expect(() => read(Buffer.concat([Buffer.from('ptau'), bytes.subarray(4)]))).toThrow(MalformedFileError)
    const version = Buffer.from(bytes)
    version.writeUInt32LE(9, 4)
    expect(() => read(version)).toThrow(MalformedFileError)
  })

  it('refuses a circuit over another field', () => {
    const bytes = Buffer.from(readFileSync(circuit.r1cs))
    bytes[bytes.indexOf(Buffer.from('010000f093f5e143', 'hex'))] = 3
    expect(() => readR1cs(bytes, 'it')).toThrow(expect.objectContaining({ code: 'proof.wrong-field', file: 'it' }))
  })

  it('never reads outside a file whose bytes were changed', () => {
    // Only typed refusals: a flip in a count, an index or a length must not end in a RangeError of some view.
    for (const [bytes, read] of [
      [readFileSync(circuit.r1cs), readR1cs],
      [key, readZkey],
    ] as const) {
      for (let position = 0; position < Math.min(bytes.length, 4000); position++) {
        const changed = Buffer.from(bytes)
        changed[position] = (changed[position] as number) ^ 0x81
        try {
          read(changed, 'it')
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^proof\./) })
        }
      }
    }
  })

  it('gives the domain snarkjs gives', () => {
    const sizes = [
      [1, 1, 2],
      [3, 1, 3],
      [4, 3, 3],
      [5, 3, 4],
      [2 ** 16 - 4, 3, 16],
      [2 ** 16 - 3, 3, 17],
    ] as const
    for (const [constraints, publicSignals, power] of sizes) {
      expect(domainPower({ constraints, publicSignals, wires: 0, terms: new Uint8Array() })).toBe(power)
    }
  })
})
