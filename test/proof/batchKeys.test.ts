import { bn254 } from '@noble/curves/bn254.js'
import { concat, type Contract, keccak256, toBeHex } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  BASE_FIELD_ORDER as Q,
  type G1Point,
  type G2Point,
  inverse,
  modulo,
  SCALAR_FIELD_ORDER as R,
} from '../../prover/proof/bn254.ts'
import type { VerificationKey } from '../../prover/proof/keys/verificationKey.ts'
import { generateVerifierContract } from '../../prover/proof/keys/verifierContract.ts'
import type { ProofCalldata } from '../../prover/proof/proofCalldata.ts'
import { toNobleG2 } from '../../prover/proof/strictProof.ts'
import { type Chain, GAS_LIMIT, startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { type FreeStatement, freeStatement, type KeyName } from '../../scripts/tools/chains/freeStatement.ts'
import { expectRevert } from '../reverts.ts'
import {
  batchVerifierWith,
  bytesOf,
  COEFFICIENT,
  coefficientOf,
  SEED,
  seedOf,
  expectingContract,
} from './batchSeeds.ts'

type Signals = readonly [bigint, bigint, bigint]
type Proven = { readonly verifier: string; readonly proof: ProofCalldata; readonly signals: Signals }
type Group = readonly [verifier: string, proofs: bigint]

/** Makes the gate callable, and measures it. */
const GATE = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {CanonicalProof} from "contracts/proof/CanonicalProof.sol";
import {IBatchVerifier} from "contracts/proof/IBatchVerifier.sol";
contract Gate {
    IBatchVerifier private immutable batch;
    constructor(IBatchVerifier batch_) { batch = batch_; }
    function verifyTogether(
        address verifier, uint256[8] calldata proof, address other, uint256[8][] calldata proofs, uint256[3][] memory signals
    ) external view returns (uint256 spent) {
        uint256 before = gasleft();
        CanonicalProof.verifyTogether(batch, verifier, proof, other, proofs, signals);
        spent = before - gasleft();
    }
}`

/** Creation code of a contract that answers every call with a key, so that it accepts nothing. */
const liar = (key: readonly bigint[]): string =>
  `0x6102ce80600c6000396000f36102c0600e6000396102c06000f3${bytesOf(key).slice(2)}`

let chain: Chain
let batch: Contract
let gate: Contract
const statements = {} as Record<KeyName, FreeStatement>
const verifiers = {} as Record<KeyName, string>
const proven = {} as Record<KeyName, readonly Proven[]>

beforeAll(async () => {
  chain = await startChain()
  batch = await chain.deploy('BatchVerifier')
  gate = await chain.deploy(compileContract('Gate', GATE), batch)
  for (const [k, name] of (['first', 'second', 'third', 'apart'] as const).entries()) {
    const statement = await freeStatement(name)
    const verifier = (await chain.deploy(statement.verifier)).target as string
    const prove = async (i: number): Promise<Proven> => {
      const draw = (n: number): bigint => BigInt(keccak256(toBeHex(100 * k + 3 * i + n, 32))) % R
      const signals = [draw(0), draw(1), draw(2) >> 8n] as const
      return { verifier, proof: await statement.prove(...signals), signals }
    }
    statements[name] = statement
    verifiers[name] = verifier
    proven[name] = await Promise.all([0, 1, 2, 3].map(prove))
  }
})

const of = (name: KeyName, i = 0): Proven => proven[name][i] as Proven
const columns = (given: readonly Proven[]) =>
  [given.map(({ proof }) => proof), given.map(({ signals }) => signals)] as const

/** Neighbours of one verifier are a group. */
function groupsOf(given: readonly Proven[]): readonly Group[] {
  const groups: [string, bigint][] = []
  for (const { verifier } of given) {
    const last = groups.at(-1)
    if (last?.[0] === verifier) last[1]++
    else groups.push([verifier, 1n])
  }
  return groups
}

/** A point off the curve burns the gas of the call: no answer is a refusal, too. */
const verdict = (given: readonly Proven[], groups = groupsOf(given), by: Contract = batch): Promise<boolean> =>
  by
    .getFunction('verifyProofs')(groups, ...columns(given), { gasLimit: GAS_LIMIT })
    .catch((error: Error) => (error.message.includes('out of gas') ? false : Promise.reject(error)))

/** The first is alone with its key. */
function throughGate(
  given: readonly Proven[],
  other = given[1]?.verifier ?? given[0]?.verifier,
  by = gate,
): Promise<bigint> {
  const [proofs, signals] = columns(given)
  const [first, ...others] = proofs
  return by.getFunction('verifyTogether')(given[0]?.verifier, first, other, others, signals)
}

const withSignal = (each: Proven, i: number, value: bigint): Proven => ({
  ...each,
  signals: each.signals.with(i, value) as unknown as Signals,
})
const withWord = (each: Proven, i: number, value: bigint): Proven => ({
  ...each,
  proof: each.proof.with(i, value) as unknown as ProofCalldata,
})
const shifted = (each: Proven, shift: bigint): Proven => withSignal(each, 0, modulo(each.signals[0] + shift, R))
const under = (each: Proven, verifier: string): Proven => ({ ...each, verifier })

async function deployKey(key: VerificationKey): Promise<string> {
  const source = generateVerifierContract(key, 'TestVerifier')
  return (await chain.deploy(compileContract('TestVerifier', source))).target as string
}
const keyWords = async (verifier: string): Promise<readonly bigint[]> => {
  const contract = await chain.ethers.getContractAt(['function verificationKey() view returns (uint256[22])'], verifier)
  return [...((await contract.getFunction('verificationKey')()) as readonly bigint[])]
}
const deployLiar = async (key: readonly bigint[]): Promise<string> =>
  (await chain.deploy({ abi: [], bytecode: liar(key) })).target as string

const { G1, G2 } = bn254
type Point1 = InstanceType<typeof G1.Point>
const point1 = (p: G1Point): Point1 => G1.Point.fromAffine(p)
const affine1 = (p: Point1): G1Point => p.toAffine()
const affine2 = (p: InstanceType<typeof G2.Point>): G2Point => {
  const { x, y } = p.toAffine()
  return { x: [x.c0, x.c1], y: [y.c0, y.c1] }
}
/** The point of a key for signals. */
const signalsPoint = ({ publicPoints }: VerificationKey, signals: Signals): Point1 =>
  signals.reduce(
    (sum, signal, j) => sum.add(point1(publicPoints[j + 1] as G1Point).multiply(signal)),
    point1(publicPoints[0] as G1Point),
  )

/** A proof of anything under a key whose delta is `k` times gamma, plus what else C is to carry. */
function forged(verifier: string, key: VerificationKey, k: bigint, signals: Signals, besides?: Point1): Proven {
  const { alpha1, beta2 } = key
  const sum = signalsPoint(key, signals).add(besides ?? G1.Point.ZERO)
  const c = affine1(sum.negate().multiply(inverse(k, R)))
  const { x, y } = beta2
  return { verifier, signals, proof: [alpha1.x, alpha1.y, x[1], x[0], y[1], y[0], c.x, c.y] }
}

describe('R80: proofs of several keys in one check', () => {
  test('are accepted however they are divided, and cheaper than key by key', async () => {
    const [a, b, c, d] = proven.second as [Proven, Proven, Proven, Proven]
    const single = await throughGate([a])
    for (const given of [
      [of('first'), a],
      [of('first'), a, b],
      [of('first'), a, b, c],
      [of('first'), a, b, c, d],
    ]) {
      expect(await verdict(given)).toBe(true)
      const gas = await throughGate(given)
      console.log(`1 proof and ${given.length - 1} of another key: ${gas} gas together`)
      expect(gas).toBeLessThan(single * BigInt(given.length))
    }
    expect(await verdict([a, b, of('first'), of('first', 1)])).toBe(true)
    expect(await verdict([a, of('first'), of('third'), of('third', 1)])).toBe(true)
  })

  test('do not care for the order of groups, nor for one verifier in several of them', async () => {
    const [a, b] = proven.first as readonly [Proven, Proven]
    const [c, d] = proven.second as readonly [Proven, Proven]
    for (const given of [
      [a, b, c, d],
      [c, d, a, b],
      [a, c, b, d],
      [d, a, b, c],
      [a, b, c, d, a, b, c, d],
    ]) {
      expect(await verdict(given)).toBe(true)
    }
    const split: readonly Group[] = [
      [verifiers.first, 1n],
      [verifiers.first, 1n],
      [verifiers.second, 2n],
    ]
    expect(await verdict([a, b, c, d], split)).toBe(true)
    expect(await verdict([a, shifted(b, 1n), c, d], split)).toBe(false)
  })

  test('fail with one bad proof or signal anywhere', async () => {
    const given = [of('first'), of('second'), of('second', 1), of('third')]
    for (const [i, each] of given.entries()) {
      for (const j of [0, 1, 2]) {
        const signal = each.signals[j] as bigint
        expect(await verdict(given.with(i, withSignal(each, j, modulo(signal + 1n, R))))).toBe(false)
        expect(await verdict(given.with(i, withSignal(each, j, signal + R)))).toBe(false)
      }
      for (const [j, coordinate] of each.proof.entries()) {
        expect(await verdict(given.with(i, withWord(each, j, modulo(coordinate + 1n, Q))))).toBe(false)
        expect(await verdict(given.with(i, withWord(each, j, coordinate + Q)))).toBe(false)
      }
      for (const [from, to] of [
        [0, 2],
        [2, 6],
        [6, 8],
        [0, 8],
      ] as const) {
        const proof = each.proof.map((word, j) => (j >= from && j < to ? 0n : word)) as unknown as ProofCalldata
        expect(await verdict(given.with(i, { ...each, proof }))).toBe(false)
      }
    }
    expect(await verdict(given)).toBe(true)
  })

  test('count for their own key alone', async () => {
    const [a, b] = proven.first as readonly [Proven, Proven]
    const [c, d] = proven.second as readonly [Proven, Proven]
    const refused: Readonly<Record<string, readonly Proven[]>> = {
      'signals exchanged between groups': [a, { ...b, signals: c.signals }, { ...c, signals: b.signals }, d],
      'proofs exchanged between groups': [a, { ...b, proof: c.proof }, { ...c, proof: b.proof }, d],
      'a proof of one key under the other': [a, b, under(b, verifiers.second), d],
      'all proofs under the other key': [
        under(c, verifiers.first),
        under(d, verifiers.first),
        under(a, verifiers.second),
        b,
      ],
      'all under one key': [a, b, c, d].map((each) => under(each, verifiers.first)),
    }
    for (const [what, given] of Object.entries(refused)) expect(await verdict(given), what).toBe(false)
    for (const [first, second] of [
      [1n, 3n],
      [3n, 1n],
    ] as const) {
      expect(
        await verdict(
          [a, b, c, d],
          [
            [verifiers.first, first],
            [verifiers.second, second],
          ],
        ),
      ).toBe(false)
    }
    expect(
      await verdict(
        [a, b, c, d],
        [
          [verifiers.second, 2n],
          [verifiers.first, 2n],
        ],
      ),
    ).toBe(false)
    expect(
      await verdict(
        [a, b, c, d],
        [
          [verifiers.first, 2n],
          [verifiers.second, 2n],
        ],
      ),
    ).toBe(true)
  })

  test('must be divided whole: no group is empty, none lacks proofs, and there are at most 128 in all', async () => {
    const [a, b, c] = [of('first'), of('first', 1), of('second')]
    const [first, second] = [verifiers.first, verifiers.second]
    const most = (1n << 256n) - 1n
    const divisions: readonly (readonly Group[])[] = [
      [],
      [[first, 2n]],
      [
        [first, 2n],
        [second, 0n],
      ],
      [
        [first, 0n],
        [first, 2n],
        [second, 1n],
      ],
      [
        [first, 2n],
        [second, 1n],
        [second, 0n],
      ],
      [
        [first, 2n],
        [second, 2n],
      ],
      [
        [first, 4n],
        [second, most],
      ],
      [
        [first, most],
        [first, 3n],
        [second, 1n],
      ],
    ]
    for (const groups of divisions) expect(await verdict([a, b, c], groups), `${groups}`).toBe(false)
    expect(
      await verdict(
        [a, b, c],
        [
          [first, 2n],
          [second, 1n],
        ],
      ),
    ).toBe(true)
    const many = [...new Array(64).fill(a), ...new Array(64).fill(c)] as readonly Proven[]
    expect(await verdict(many)).toBe(true)
    expect(await verdict([...many, c])).toBe(false)
  })

  test('pass the gate, or are refused by it', async () => {
    const given = [of('first'), of('second'), of('second', 1)]
    await throughGate(given)
    await expectRevert(throughGate(given.with(0, shifted(of('first'), 1n))), gate, 'ProofRejected')
    await expectRevert(throughGate(given.with(2, shifted(of('second', 1), 1n))), gate, 'ProofRejected')
    const third = of('second', 1)
    const long = (third.proof[7] as bigint) + Q
    await expectRevert(throughGate(given.with(2, withWord(third, 7, long))), gate, 'CoordinateNotCanonical', [
      23n,
      long,
    ])
    await expectRevert(throughGate(given.with(0, withWord(of('first'), 0, Q))), gate, 'CoordinateNotCanonical', [0n, Q])
    await expectRevert(throughGate(given.with(2, withSignal(third, 2, R))), gate, 'SignalNotCanonical', [8n, R])
    const [proofs, signals] = columns(given)
    const mismatched = gate.getFunction('verifyTogether')
    const call = mismatched(verifiers.first, proofs[0], verifiers.second, proofs.slice(1, 2), signals)
    await expectRevert(call, gate, 'ProofCountMismatch', [2n, 3n])
  })

  test('are handed on by the gate as the interface encodes them, and nothing besides', async () => {
    for (const count of [1, 2, 5]) {
      const given = [of('first'), ...Array.from({ length: count }, (_, i) => of('second', i % 4))]
      const call = batch.interface.encodeFunctionData('verifyProofs', [groupsOf(given), ...columns(given)])
      const passing = async (data: string): Promise<bigint> => {
        const expecting = await chain.deploy(expectingContract(), keccak256(data))
        return throughGate(given, undefined, await chain.deploy(compileContract('Gate', GATE), expecting))
      }
      await passing(call)
      await expectRevert(passing(`${call}00`), gate, 'ProofRejected')
      await expectRevert(passing(call.slice(0, -2)), gate, 'ProofRejected')
    }
  })

  test('burn a bounded amount with a point off the curve', async () => {
    const given = [of('first'), withWord(of('second'), 1, 3n)]
    const [proofs, signals] = columns(given)
    const arguments_ = [verifiers.first, proofs[0], verifiers.second, proofs.slice(1), signals]
    const data = gate.interface.encodeFunctionData('verifyTogether', arguments_)
    const call = chain.ethers.provider.call({ to: gate.target as string, data, gasLimit: 700_000n })
    await expectRevert(call, gate, 'ProofRejected')
  })
})

describe('R81: keys of different first phases', () => {
  test('are refused together by name, wherever the odd one stands', async () => {
    const [a, b, odd] = [of('first'), of('second'), of('apart')]
    expect(await verdict([odd])).toBe(true)
    for (const given of [
      [a, odd],
      [a, b, odd],
      [a, odd, b],
    ]) {
      await expectRevert(verdict(given), batch, 'FirstPhaseDiffers', [verifiers.apart])
    }
    await expectRevert(verdict([odd, a, b]), batch, 'FirstPhaseDiffers', [verifiers.first])
    await expectRevert(throughGate([a, odd]), gate, 'FirstPhaseDiffers', [verifiers.apart])
    await expectRevert(throughGate([odd, a]), gate, 'FirstPhaseDiffers', [verifiers.first])
    await throughGate([a, b])
  })

  test('are those that differ in alpha, beta or gamma, each by itself; not those that differ in what is theirs', async () => {
    const { verificationKey: key } = statements.second
    const twice1 = (p: G1Point): G1Point => affine1(point1(p).double())
    const twice2 = (p: G2Point): G2Point => affine2(toNobleG2(p).double())
    const apart: readonly Partial<VerificationKey>[] = [
      { alpha1: twice1(key.alpha1) },
      { beta2: twice2(key.beta2) },
      { gamma2: twice2(key.gamma2) },
    ]
    for (const part of apart) {
      const verifier = await deployKey({ ...key, ...part })
      const given = [of('first'), under(of('second'), verifier)]
      await expectRevert(verdict(given), batch, 'FirstPhaseDiffers', [verifier])
      await expectRevert(throughGate(given), gate, 'FirstPhaseDiffers', [verifier])
    }
    const own: readonly Partial<VerificationKey>[] = [
      { delta2: twice2(key.delta2) },
      { publicPoints: key.publicPoints.with(1, twice1(key.publicPoints[1] as G1Point)) },
    ]
    for (const part of own) {
      const given = [of('first'), under(of('second'), await deployKey({ ...key, ...part }))]
      expect(await verdict(given)).toBe(false)
      await expectRevert(throughGate(given), gate, 'ProofRejected')
    }
  })

  test('of which one is told by nobody are refused without a name', async () => {
    const mute = (await chain.deploy('BatchVerifier')).target as string
    for (const verifier of [mute, `0x${'ab'.repeat(20)}`]) {
      expect(await verdict([of('first'), under(of('second'), verifier)])).toBe(false)
      await expectRevert(throughGate([of('first'), under(of('second'), verifier)]), gate, 'ProofRejected')
    }
  })
})

describe('R80: a verifier that lies about its key', () => {
  test('is taken at its word: proofs of the key that it tells pass, and no others', async () => {
    const liar = await deployLiar(await keyWords(verifiers.second))
    expect(await verdict([of('first'), under(of('second'), liar)])).toBe(true)
    expect(await verdict([of('first'), under(of('third'), liar)])).toBe(false)
    const first = await keyWords(verifiers.first)
    for (const i of first.keys()) {
      const other = await deployLiar(first.with(i, (first[i] as bigint) ^ 1n))
      const answer = verdict([of('second'), under(of('first'), other)])
      if (i < 10) await expectRevert(answer, batch, 'FirstPhaseDiffers', [other])
      else expect(await answer).toBe(false)
    }
  })

  test('whose delta somebody knows forges for itself, and saves no false proof of another key', async () => {
    const known: VerificationKey = { ...statements.second.verificationKey, delta2: affine2(G2.Point.BASE.multiply(7n)) }
    const weak = await deployKey(known)
    const own = forged(weak, known, 7n, [1n, 2n, 3n])
    const honest = of('first')
    expect(await verdict([own])).toBe(true)
    expect(await verdict([honest, own])).toBe(true)
    for (const given of [
      [shifted(honest, 5n), own],
      [own, shifted(honest, 5n)],
    ])
      expect(await verdict(given)).toBe(false)
  })
})

describe('R80: coefficients that nobody can foresee, of several keys', () => {
  const SHIFT = 12345n
  const seededBy = (what: string): string => `_coefficients(keccak256(abi.encode(${what})), count)`
  const bytesOfKeys = async (...given: readonly string[]): Promise<string> =>
    bytesOf((await Promise.all(given.map(keyWords))).flat())

  /** Keys of one circuit and one first phase have the same public points, so two false statements cancel as those of one key do. */
  const cancelling = (r: bigint): readonly Proven[] => [
    shifted(of('first'), SHIFT),
    shifted(of('second'), modulo(-SHIFT * inverse(r, R), R)),
  ]

  test('false statements of two keys that cancel pass coefficients without signals, or of 1, and fail', async () => {
    const keys = await bytesOfKeys(verifiers.first, verifiers.second)
    const seed = seedOf(['bytes', 'uint256[8][]'], [keys, [of('first').proof, of('second').proof]])
    const withoutSignals = batchVerifierWith(SEED, seededBy('keys, proofs'))
    for (const [foreseeable, r] of [
      [withoutSignals, coefficientOf(seed)],
      [batchVerifierWith(COEFFICIENT, 'coefficients[i] = 1'), 1n],
    ] as const) {
      const given = cancelling(r)
      expect(await verdict(given, undefined, await chain.deploy(foreseeable))).toBe(true)
      expect(await verdict(given)).toBe(false)
      for (const each of given) expect(await verdict([each])).toBe(false)
    }
  })

  test('a proof under a known delta that carries what another key lacks passes coefficients without proofs, and fails', async () => {
    const known: VerificationKey = { ...statements.second.verificationKey, delta2: affine2(G2.Point.BASE.multiply(7n)) }
    const weak = await deployKey(known)
    const lie = shifted(of('first'), SHIFT)
    const signals: Signals = [1n, 2n, 3n]
    const keys = await bytesOfKeys(verifiers.first, weak)
    const seed = seedOf(['bytes', 'uint256[3][]'], [keys, [lie.signals, signals]])
    const missing = missingOf(SHIFT).multiply(inverse(coefficientOf(seed), R))
    const given = [lie, forged(weak, known, 7n, signals, missing)]
    const foreseeable = await chain.deploy(batchVerifierWith(SEED, seededBy('keys, publicSignals')))
    expect(await verdict(given, undefined, foreseeable)).toBe(true)
    expect(await verdict(given)).toBe(false)
  })

  test('a key that is chosen last passes coefficients without keys, and fails', async () => {
    const lie = shifted(of('first'), SHIFT)
    const honest = of('second')
    const types = ['uint256[8][]', 'uint256[3][]']
    const r = coefficientOf(seedOf(types, columns([lie, honest])))
    const { verificationKey: key } = statements.second
    const constant = point1(key.publicPoints[0] as G1Point).subtract(missingOf(SHIFT).multiply(inverse(r, R)))
    const fitted = await deployKey({ ...key, publicPoints: key.publicPoints.with(0, affine1(constant)) })
    const given = [lie, under(honest, fitted)]
    const foreseeable = await chain.deploy(batchVerifierWith(SEED, seededBy('proofs, publicSignals')))
    expect(await verdict(given, undefined, foreseeable)).toBe(true)
    expect(await verdict(given)).toBe(false)
  })

  test('follow from every word of every key, proof and signal, from each verifier and from how proofs are divided', async () => {
    const told = 'coefficientsOf(Group[] calldata groups, uint256[8][] calldata proofs, uint256[3][] calldata)'
    const body = '{ (, bytes memory keys) = _keysOf(groups); return _coefficients(_seedOf(keys), proofs.length); }'
    const added = `function ${told} external view returns (uint256[] memory) ${body}`
    const teller = await chain.deploy(batchVerifierWith(SEED, SEED, added))
    const tell = async (given: readonly Proven[], groups = groupsOf(given)): Promise<readonly bigint[]> => [
      ...(await teller.getFunction('coefficientsOf')(groups, ...columns(given))),
    ]
    const [first, second] = await Promise.all([verifiers.first, verifiers.second].map(keyWords))
    const given = [of('first'), of('first', 1), of('second')]
    const flips: Promise<readonly bigint[]>[] = [
      tell(given),
      tell(given, [
        [verifiers.first, 1n],
        [verifiers.second, 2n],
      ]),
      tell(given, [
        [verifiers.first, 1n],
        [verifiers.first, 1n],
        [verifiers.second, 1n],
      ]),
      tell(given.map((each) => under(each, verifiers.first))),
    ]
    for (const [i, each] of given.entries()) {
      for (const [j, word] of each.proof.entries()) flips.push(tell(given.with(i, withWord(each, j, word ^ 1n))))
      for (const [j, word] of each.signals.entries()) flips.push(tell(given.with(i, withSignal(each, j, word ^ 1n))))
    }
    for (const [verifier, key] of [
      [verifiers.first, first],
      [verifiers.second, second],
    ] as const) {
      for (let i = -1; i < 22; i++) {
        const other = await deployLiar(i < 0 ? (key as bigint[]) : (key as bigint[]).with(i, (key?.[i] as bigint) ^ 1n))
        flips.push(tell(given.map((each) => (each.verifier === verifier ? under(each, other) : each))))
      }
    }
    const all = await Promise.all(flips)
    expect(all.length).toBe(4 + 3 * 11 + 2 * 23)
    const call = teller.interface.encodeFunctionData('coefficientsOf', [groupsOf(given), ...columns(given)])
    const seed = keccak256(concat([await bytesOfKeys(verifiers.first, verifiers.second), call]))
    expect(all[0]).toEqual([1n, coefficientOf(seed), coefficientOf(seed, 2)])
    for (const coefficients of all) expect(coefficients[0]).toBe(1n)
    const drawn = all.flatMap((coefficients) => coefficients.slice(1))
    expect(drawn.length).toBe(2 * all.length)
    expect(new Set(drawn).size).toBe(drawn.length)
    for (const coefficient of drawn) expect(coefficient < 1n << 128n && coefficient > 1n << 64n).toBe(true)
  })
})

/** What a false statement lacks whose commitment was moved by `shift`, as a point that is paired with -gamma. */
const missingOf = (shift: bigint): Point1 => {
  const [, commitment] = statements.first.verificationKey.publicPoints
  return point1(commitment as G1Point).multiply(shift)
}
