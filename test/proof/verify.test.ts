import { beforeAll, describe, expect, it } from 'vitest'
import { ProverError } from '../../prover/errors.ts'
import { BASE_FIELD_ORDER as Q, SCALAR_FIELD_ORDER as R } from '../../prover/proof/bn254.ts'
import { decodeProofCalldata, encodeProofCalldata, verifierArguments } from '../../prover/proof/proofCalldata.ts'
import { formatProof, type Groth16Proof, parseProof, parsePublicSignals } from '../../prover/proof/strictProof.ts'
import {
  formatVerificationKey,
  parseVerificationKey,
  verificationKeyHash,
} from '../../prover/proof/keys/verificationKey.ts'
import { verifyProof, verifyWithNoble, verifyWithSnarkjs } from '../../prover/proof/verify.ts'
import { groupMutants, type Mutant, pointOutsideSubgroup, validVariants, wordMutants } from './mutants.ts'
import { type ProvenStatement, proveStatement } from './provenStatement.ts'

let statement: ProvenStatement
let proof: Groth16Proof
let publicSignals: string[]
beforeAll(async () => {
  statement = await proveStatement()
  proof = formatProof(statement.points)
  publicSignals = statement.publicSignals.map(String)
})

type Path = readonly (string | number)[]

/** A deep copy with one place changed. */
function withValue(json: object, path: Path, value: unknown): Record<string, unknown> {
  const copy = structuredClone(json) as Record<string | number, unknown>
  const place = path.slice(0, -1).reduce((at, step) => at[step] as Record<string | number, unknown>, copy)
  place[path.at(-1) as string | number] = value
  return copy
}

const changed = (path: Path, value: unknown): unknown => withValue(proof, path, value)
const valueAt = (json: object, path: Path): unknown =>
  path.reduce((at: unknown, step) => (at as Record<string | number, unknown>)[step], json)

async function verdicts(claim: { proof: unknown; publicSignals: unknown }): Promise<[boolean, boolean]> {
  const [bySnarkjs, byNoble] = await Promise.all([
    verifyWithSnarkjs(statement.key, claim),
    verifyWithNoble(statement.key, claim),
  ])
  return [bySnarkjs.accepted, byNoble.accepted]
}

/** The JSON of words as they are, canonical or not. */
function jsonOf({ words, publicSignals: signals }: Mutant): { proof: unknown; publicSignals: string[] } {
  const [ax, ay, bx1, bx0, by1, by0, cx, cy] = words.map(String)
  const points = {
    pi_a: [ax, ay, '1'],
    pi_b: [
      [bx0, bx1],
      [by0, by1],
      ['1', '0'],
    ],
    pi_c: [cx, cy, '1'],
  }
  return { proof: { ...points, protocol: 'groth16', curve: 'bn128' }, publicSignals: signals.map(String) }
}

describe('both verifiers', () => {
  it('accept a proof, as text and as numbers', async () => {
    expect(await verifyProof(statement.key, { proof, publicSignals })).toEqual({ accepted: true })
    expect(await verdicts({ proof, publicSignals: statement.publicSignals })).toEqual([true, true])
    expect(await verdicts({ proof: formatProof(statement.otherPoints), publicSignals })).toEqual([true, true])
  })

  it('A1: refuse every changed word, with no disagreement', async () => {
    const mutants = [...wordMutants(statement, 300), ...groupMutants(statement, 70)]
    const reasons = new Map<string, number>()
    let disagreements = 0
    for (const mutant of mutants) {
      const claim = jsonOf(mutant)
      const [bySnarkjs, byNoble] = await Promise.all([
        verifyWithSnarkjs(statement.key, claim),
        verifyWithNoble(statement.key, claim),
      ])
      if (bySnarkjs.accepted !== byNoble.accepted) disagreements++
      if (bySnarkjs.accepted) expect.fail(`${mutant.name} was accepted`)
      reasons.set(bySnarkjs.reason.code, (reasons.get(bySnarkjs.reason.code) ?? 0) + 1)
    }
    console.log(`${mutants.length} mutants refused, ${disagreements} disagreements:`, Object.fromEntries(reasons))
    expect(disagreements).toBe(0)
    expect(mutants.length).toBeGreaterThanOrEqual(500)
    expect([...reasons.keys()].toSorted()).toEqual([
      'proof.number-out-of-range',
      'proof.point-not-in-group',
      'proof.rejected',
    ])
  })

  it('accept what is valid in another form: proofs are malleable and never an identity', async () => {
    for (const variant of validVariants(statement, 10)) {
      expect([variant.name, ...(await verdicts(jsonOf(variant)))]).toEqual([variant.name, true, true])
    }
  })

  it('reject a proof under another key', async () => {
    const other = await proveStatement()
    const verdict = await verifyProof(other.key, { proof, publicSignals })
    expect(verdict).toMatchObject({ accepted: false, reason: { code: 'proof.rejected' } })
  })

  it('start no threads, and leave a curve that somebody else keeps alone', async () => {
    const shared = globalThis as { curve_bn128?: unknown }
    const before = shared.curve_bn128
    // snarkjs would put a curve with threads where there is none, and would choke on this one if it saw it.
    for (const theirs of [null, { tm: 'somebody else’s' }]) {
      shared.curve_bn128 = theirs
      const all = [1, 2, 3].map(() => verifyWithSnarkjs(statement.key, { proof, publicSignals }))
      expect(await Promise.all(all)).toEqual(all.map(() => ({ accepted: true })))
      expect(shared.curve_bn128).toBe(theirs)
    }
    shared.curve_bn128 = before
  })
})

describe('the strict parser', () => {
  const x = (): bigint => statement.points.a.x
  const y = (): bigint => statement.points.a.y
  const outside = pointOutsideSubgroup()
  /** Each form that snarkjs accepts, or chokes on, and the EVM does not know (F4), and other ways to say the same. */
  const forms: [string, () => unknown, string][] = [
    ['A.x + q', () => changed(['pi_a', 0], `${x() + Q}`), 'proof.number-out-of-range'],
    ['B.y0 + q', () => changed(['pi_b', 1, 0], `${statement.points.b.y[0] + Q}`), 'proof.number-out-of-range'],
    ['C.y + q', () => changed(['pi_c', 1], `${statement.points.c.y + Q}`), 'proof.number-out-of-range'],
    ['A.x - q', () => changed(['pi_a', 0], `${x() - Q}`), 'proof.number-not-canonical'],
    ['A with z = 2', () => changed(['pi_a'], [`${(4n * x()) % Q}`, `${(8n * y()) % Q}`, '2']), 'proof.malformed'],
    ['A at infinity', () => changed(['pi_a'], ['0', '1', '0']), 'proof.malformed'],
    ['A affine at infinity', () => changed(['pi_a'], ['0', '0', '1']), 'proof.point-not-in-group'],
    ['protocol plonk', () => changed(['protocol'], 'plonk'), 'proof.malformed'],
    ['curve bls12381', () => changed(['curve'], 'bls12381'), 'proof.malformed'],
    ['hexadecimal', () => changed(['pi_a', 0], `0x${x().toString(16)}`), 'proof.number-not-canonical'],
    ['a leading zero', () => changed(['pi_a', 0], `0${x()}`), 'proof.number-not-canonical'],
    ['a plus sign', () => changed(['pi_a', 0], `+${x()}`), 'proof.number-not-canonical'],
    ['white space', () => changed(['pi_a', 0], `${x()}\n`), 'proof.number-not-canonical'],
    ['Arabic digits', () => changed(['pi_a', 0], '١٢٣'), 'proof.number-not-canonical'],
    ['an empty string', () => changed(['pi_a', 0], ''), 'proof.number-not-canonical'],
    ['a million digits', () => changed(['pi_a', 0], '1'.repeat(1_000_000)), 'proof.number-not-canonical'],
    ['a number', () => changed(['pi_a', 0], 1), 'proof.number-not-canonical'],
    [
      'an object that prints as a number',
      () => changed(['pi_a', 0], { toString: () => '1' }),
      'proof.number-not-canonical',
    ],
    ['null', () => null, 'proof.malformed'],
    ['an array', () => [proof], 'proof.malformed'],
    ['text', () => JSON.stringify(proof), 'proof.malformed'],
    ['no C', () => (({ pi_c: _, ...rest }) => rest)(proof), 'proof.malformed'],
    ['a field too many', () => ({ ...proof, pi_d: [] }), 'proof.malformed'],
    ['a symbol too many', () => ({ ...proof, [Symbol('pi_d')]: [] }), 'proof.malformed'],
    ['fields in the prototype', () => Object.create(proof), 'proof.malformed'],
    ['__proto__', () => JSON.parse(JSON.stringify(proof).replace('{', '{"__proto__":{},')), 'proof.malformed'],
    ['A of two', () => changed(['pi_a'], proof.pi_a.slice(0, 2)), 'proof.malformed'],
    ['A of four', () => changed(['pi_a'], [...proof.pi_a, '1']), 'proof.malformed'],
    ['B flat', () => changed(['pi_b'], proof.pi_b.flat()), 'proof.malformed'],
    ['B with z = (1, 1)', () => changed(['pi_b', 2], ['1', '1']), 'proof.malformed'],
    [
      'B not of order r',
      () => changed(['pi_b'], [outside.x.map(String), outside.y.map(String), ['1', '0']]),
      'proof.point-not-in-group',
    ],
    ['A off the curve', () => changed(['pi_a', 1], `${(y() + 1n) % Q}`), 'proof.point-not-in-group'],
  ]

  it.each(forms)('refuses %s', async (_, make, code) => {
    const claim = { proof: make(), publicSignals }
    expect(await verifyWithSnarkjs(statement.key, claim)).toMatchObject({ accepted: false, reason: { code } })
    expect(await verifyWithNoble(statement.key, claim)).toMatchObject({ accepted: false, reason: { code } })
    expect(() => parseProof(claim.proof)).toThrow(ProverError)
  })

  const signalForms: [string, () => unknown, string][] = [
    ['one too many', () => [...publicSignals, '0'], 'proof.malformed'],
    ['one missing', () => publicSignals.slice(1), 'proof.malformed'],
    [
      'x + r',
      () => publicSignals.with(0, (BigInt(publicSignals[0] as string) + R).toString()),
      'proof.number-out-of-range',
    ],
    [
      'x - r',
      () => publicSignals.with(0, (BigInt(publicSignals[0] as string) - R).toString()),
      'proof.number-not-canonical',
    ],
    ['a negative bigint', () => [-1n, 0n, 0n], 'proof.number-out-of-range'],
    ['hexadecimal', () => publicSignals.with(2, '0x1'), 'proof.number-not-canonical'],
    ['an object', () => ({ ...publicSignals, length: 3 }), 'proof.malformed'],
    ['holes', () => new Array(3), 'proof.number-not-canonical'],
  ]
  it.each(signalForms)('refuses public signals with %s', async (_, make, code) => {
    const claim = { proof, publicSignals: make() }
    expect(await verifyWithSnarkjs(statement.key, claim)).toMatchObject({ accepted: false, reason: { code } })
    expect(await verifyWithNoble(statement.key, claim)).toMatchObject({ accepted: false, reason: { code } })
    expect(() => parsePublicSignals(claim.publicSignals, 3)).toThrow(ProverError)
  })

  it('gives back what it was given', () => {
    expect(formatProof(parseProof(proof))).toEqual(proof)
    expect(parseProof(JSON.parse(JSON.stringify(proof)))).toEqual(statement.points)
  })
})

describe('the words of a proof', () => {
  it('are eight, imaginary parts first, and lead back to the proof', () => {
    const words = encodeProofCalldata(statement.points)
    expect(decodeProofCalldata(words)).toEqual(statement.points)
    const { a, b, c } = verifierArguments(statement.points)
    expect([...a, ...b.flat(), ...c]).toEqual(words)
    expect(words[2]).toBe(statement.points.b.x[1])
  })

  it('are refused when there are more or fewer, or one is not canonical', () => {
    const words = [...encodeProofCalldata(statement.points)]
    expect(() => decodeProofCalldata(words.slice(1))).toThrow(expect.objectContaining({ code: 'proof.malformed' }))
    expect(() => decodeProofCalldata([...words, 0n])).toThrow(expect.objectContaining({ code: 'proof.malformed' }))
    const aliased = words.with(1, (words[1] as bigint) + Q)
    expect(() => decodeProofCalldata(aliased)).toThrow(expect.objectContaining({ code: 'proof.number-out-of-range' }))
  })
})

describe('a verification key', () => {
  const json = () => formatVerificationKey(statement.key)

  it('survives its own JSON, and its hash does not depend on the text', () => {
    const parsed = parseVerificationKey(JSON.parse(JSON.stringify(json(), null, 4)))
    expect(parsed).toEqual(statement.key)
    expect(verificationKeyHash(parsed)).toBe(verificationKeyHash(statement.key))
    expect(verificationKeyHash({ ...parsed, delta2: parsed.gamma2 })).not.toBe(verificationKeyHash(parsed))
  })

  const forms: [string, () => unknown][] = [
    ['a public point at infinity', () => withValue(json(), ['IC', 1], ['0', '1', '0'])],
    ['a public point at affine infinity', () => withValue(json(), ['IC', 1], ['0', '0', '1'])],
    ['a wrong count of public signals', () => withValue(json(), ['nPublic'], 2)],
    ['a missing public point', () => withValue(json(), ['IC'], json().IC.slice(1))],
    ['no public points', () => withValue(json(), ['IC'], [])],
    ['another protocol', () => withValue(json(), ['protocol'], 'plonk')],
    ['an unknown field', () => ({ ...json(), vk_epsilon: [] })],
    ['a coordinate plus q', () => withValue(json(), ['vk_alpha_1', 0], `${statement.key.alpha1.x + Q}`)],
    ['delta off the curve', () => withValue(json(), ['vk_delta_2', 0], valueAt(json(), ['vk_delta_2', 1]))],
  ]
  it.each(forms)('is refused with %s', (_, make) => {
    expect(() => parseVerificationKey(make())).toThrow(ProverError)
  })
})
