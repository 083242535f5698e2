import { concat, type Contract, keccak256, toBeHex } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { BASE_FIELD_ORDER as Q, inverse, modulo, SCALAR_FIELD_ORDER as R } from '../../prover/proof/bn254.ts'
import type { ProofCalldata } from '../../prover/proof/proofCalldata.ts'
import { type Chain, GAS_LIMIT, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { freeStatement } from '../../scripts/tools/chains/freeStatement.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { batchVerifierWith, bytesOf, coefficientOf, SEED, seedOf, expectingContract } from './batchSeeds.ts'

type Proven = { readonly proof: ProofCalldata; readonly signals: readonly [bigint, bigint, bigint] }

/** Makes the gate callable, and measures it. */
const GATE = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {CanonicalProof} from "contracts/proof/CanonicalProof.sol";
import {IBatchVerifier} from "contracts/proof/IBatchVerifier.sol";
contract Gate {
    IBatchVerifier private immutable batch;
    constructor(IBatchVerifier batch_) { batch = batch_; }
    function verifyAll(address verifier, uint256[8][] calldata proofs, uint256[3][] memory signals) external view returns (uint256 spent) {
        uint256 before = gasleft();
        CanonicalProof.verifyAll(batch, verifier, proofs, signals);
        spent = before - gasleft();
    }
}`

let chain: Chain
let verifier: Contract
let batch: Contract
let gate: Contract
let proven: readonly Proven[]

beforeAll(async () => {
  chain = await startChain()
  const statement = await freeStatement()
  verifier = await chain.deploy(statement.verifier)
  batch = await chain.deploy('BatchVerifier')
  gate = await chain.deploy(compileContract('Gate', GATE), batch)
  const signals = Array.from({ length: 8 }, (_, i): Proven['signals'] => {
    const draw = (n: number): bigint => BigInt(keccak256(toBeHex(3 * i + n, 32))) % R
    return [draw(0), draw(1), draw(2) >> 8n]
  })
  proven = await Promise.all(signals.map(async (each) => ({ proof: await statement.prove(...each), signals: each })))
})

/** A point off the curve burns the gas of the call: no answer is a refusal, too. */
const verdict = (given: readonly Proven[], of: Contract = batch, key: string = target(verifier)): Promise<boolean> =>
  of
    .getFunction('verifyProofs')([[key, given.length]], ...columns(given), { gasLimit: GAS_LIMIT })
    .catch((error: Error) => (error.message.includes('out of gas') ? false : Promise.reject(error)))
const target = (contract: Contract): string => contract.target as string
const throughGate = (given: readonly Proven[], by: Contract = gate): Promise<bigint> =>
  by.getFunction('verifyAll')(
    verifier,
    given.map(({ proof }) => proof),
    given.map(({ signals }) => signals),
  )
const changed = (given: readonly Proven[], i: number, change: Partial<Proven>): readonly Proven[] =>
  given.with(i, { ...(given[i] as Proven), ...change })
const withSignal = (each: Proven, i: number, value: bigint): Proven => ({
  ...each,
  signals: each.signals.with(i, value) as unknown as Proven['signals'],
})

describe('R23: a batch of proofs', () => {
  test('is accepted whatever its size, and cheaper than proof by proof', async () => {
    const single = await throughGate(proven.slice(0, 1))
    for (const count of [1, 2, 3, 4, 8]) {
      const given = proven.slice(0, count)
      expect(await verdict(given)).toBe(true)
      const gas = await throughGate(given)
      console.log(`${count} proofs: ${gas} gas together, ${single * BigInt(count)} one by one`)
      if (count > 1) expect(gas).toBeLessThan(single * BigInt(count))
    }
  })

  test('fails with one bad proof or signal anywhere', async () => {
    const given = proven.slice(0, 4)
    for (const i of given.keys()) {
      const each = given[i] as Proven
      const other = proven[(i + 1) % 4] as Proven
      expect(await verdict(changed(given, i, { proof: other.proof }))).toBe(false)
      for (const j of [0, 1, 2]) {
        const signal = each.signals[j] as bigint
        expect(await verdict(given.with(i, withSignal(each, j, modulo(signal + 1n, R))))).toBe(false)
        expect(await verdict(given.with(i, withSignal(each, j, signal + R)))).toBe(false)
      }
      for (const j of each.proof.keys()) {
        const coordinate = each.proof[j] as bigint
        const put = (value: bigint) =>
          changed(given, i, { proof: each.proof.with(j, value) as unknown as ProofCalldata })
        expect(await verdict(put(modulo(coordinate + 1n, Q)))).toBe(false)
        expect(await verdict(put(coordinate + Q))).toBe(false)
      }
    }
    const [a, b, c, d] = given as [Proven, Proven, Proven, Proven]
    expect(await verdict([a, { ...b, signals: c.signals }, { ...c, signals: b.signals }, d])).toBe(false)
    expect(await verdict([b, a, d, c])).toBe(true) // another order is another batch of the same proofs
  })

  test('is refused with points at infinity, which pair to one with everything', async () => {
    const [a, b] = proven as readonly [Proven, Proven]
    const infinite = [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n] as const
    expect(await verdict([a, { ...b, proof: infinite }])).toBe(false)
    for (const [from, to] of [
      [0, 2],
      [2, 6],
      [6, 8],
    ] as const) {
      const proof = b.proof.map((word, i) => (i >= from && i < to ? 0n : word)) as unknown as ProofCalldata
      expect(await verdict([a, { ...b, proof }])).toBe(false)
    }
  })

  test('is refused when empty, of unequal lengths, or beyond 128', async () => {
    expect(await verdict([])).toBe(false)
    const [a, b] = proven as readonly [Proven, Proven]
    const call = batch.getFunction('verifyProofs')
    expect(await call([[verifier, 2]], [a.proof, b.proof], [a.signals])).toBe(false)
    expect(await call([[verifier, 2]], [a.proof], [a.signals, b.signals])).toBe(false)
    expect(await call([[verifier, 2]], [a.proof, b.proof], [a.signals, b.signals])).toBe(true)
    const most = Array.from({ length: 128 }, (_, i) => proven[i % 8] as Proven)
    expect(await verdict(most)).toBe(true)
    expect(await verdict([...most, a])).toBe(false)
    await expectRevert(throughGate([]), gate, 'ProofCountMismatch', [0n, 0n])
    const mismatched = gate.getFunction('verifyAll')(verifier, [a.proof, b.proof], [a.signals])
    await expectRevert(mismatched, gate, 'ProofCountMismatch', [2n, 1n])
  })

  test('is refused of a contract that does not tell its key', async () => {
    const given = proven.slice(0, 2)
    const mute = await chain.deploy('ModelRegistry', batch)
    expect(await verdict(given, batch, target(mute))).toBe(false)
    expect(await verdict(given, batch, `0x${'ab'.repeat(20)}`)).toBe(false)
    const short = 'fallback(bytes calldata) external returns (bytes memory) { return new bytes(21 * 32); }'
    const zeros = short.replace('21', '22')
    for (const body of [short, zeros, 'fallback() external { while (true) {} }']) {
      const source = `// SPDX-License-Identifier: GPL-3.0-or-later\npragma solidity ^0.8.28;\ncontract Verifier { ${body} }`
      const odd = await chain.deploy(compileContract('Verifier', source))
      expect(await verdict(given, batch, target(odd))).toBe(false)
    }
  })

  test('is handed on by the gate as the interface encodes it', async () => {
    for (const count of [2, 3, 8]) {
      const given = proven.slice(0, count)
      const call = batch.interface.encodeFunctionData('verifyProofs', [[[verifier.target, count]], ...columns(given)])
      const passing = async (data: string): Promise<bigint> => {
        const expecting = await chain.deploy(expectingContract(), keccak256(data))
        return throughGate(given, await chain.deploy(compileContract('Gate', GATE), expecting))
      }
      await passing(call)
      await expectRevert(passing(`${call}00`), gate, 'ProofRejected')
    }
  })

  test('burns a bounded amount with a point off the curve', async () => {
    const given = changed(proven.slice(0, 2), 1, { proof: (proven[1] as Proven).proof.with(1, 3n) as never })
    // The cap of two proofs is 530,000: with little more the gate itself can still say what is wrong.
    const data = gate.interface.encodeFunctionData('verifyAll', [verifier.target, ...columns(given)])
    const call = chain.ethers.provider.call({ to: gate.target as string, data, gasLimit: 700_000n })
    await expectRevert(call, gate, 'ProofRejected')
  })
})

describe('R23: coefficients that nobody can foresee', () => {
  /** One honest proof, twice, for two false statements that cancel under coefficients 1 and r. */
  const forgery = (r: bigint): readonly Proven[] => {
    const honest = proven[0] as Proven
    const [commitment] = honest.signals
    const shift = 12345n
    const opposite = modulo(-shift * inverse(r, R), R)
    return [
      withSignal(honest, 0, modulo(commitment + shift, R)),
      withSignal(honest, 0, modulo(commitment + opposite, R)),
    ]
  }

  test('a forgery that works against foreseeable ones fails', async () => {
    // Signals are what a forger chooses last: without them in the seed the coefficient is known before.
    const foreseeable = await chain.deploy(
      batchVerifierWith(SEED, '_coefficients(keccak256(abi.encode(keys, proofs)), count)'),
    )
    const honest = proven[0] as Proven
    const key = await verifier.getFunction('verificationKey')()
    const seed = seedOf(['bytes', 'uint256[8][]'], [bytesOf([...key]), [honest.proof, honest.proof]])
    const forged = forgery(coefficientOf(seed))
    expect(await verdict(forged, foreseeable)).toBe(true)
    expect(await verdict(forged)).toBe(false)
    for (const each of forged) expect(await verdict([each])).toBe(false)
  })

  test('a forger who follows the coefficient of his own batch never catches up with it', async () => {
    const key = await verifier.getFunction('verificationKey')()
    let r = 1n
    for (let round = 0; round < 8; round++) {
      const forged = forgery(r)
      expect(await verdict(forged)).toBe(false)
      const call = batch.interface.encodeFunctionData('verifyProofs', [[[verifier.target, 2n]], ...columns(forged)])
      const next = coefficientOf(keccak256(concat([bytesOf([...key]), call])))
      expect(next).not.toBe(r)
      r = next
    }
  })
})

const columns = (given: readonly Proven[]): [(readonly bigint[])[], (readonly bigint[])[]] => [
  given.map(({ proof }) => proof),
  given.map(({ signals }) => signals),
]
