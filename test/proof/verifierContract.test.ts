import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { ProverError } from '../../prover/errors.ts'
import { SCALAR_FIELD_ORDER as R } from '../../prover/proof/bn254.ts'
import { decodeProofCalldata, encodeProofCalldata, verifierArguments } from '../../prover/proof/proofCalldata.ts'
import { formatProof, type ProofPoints } from '../../prover/proof/strictProof.ts'
import { verificationKeyHash } from '../../prover/proof/keys/verificationKey.ts'
import { generateVerifierContract } from '../../prover/proof/keys/verifierContract.ts'
import { verifyWithNoble } from '../../prover/proof/verify.ts'
import { type Chain, startChain } from '../../scripts/tools/chains/chain.ts'
import { type CompiledContract, compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { groupMutants, type Mutant, pointOutsideSubgroup, validVariants, wordMutants } from './mutants.ts'
import { type ProvenStatement, proveStatement } from './provenStatement.ts'

/** What the registry gives a verifier; a point off the curve burns all of it. */
const GAS_LIMIT = 350_000
/** Verification, canonical checks included, as promised. Tighter than the promise's 240,000, to notice growth. */
const MOST_GAS = 205_000n

let statement: ProvenStatement
let chain: Chain
let verifier: Awaited<ReturnType<Chain['deploy']>>
let gate: Awaited<ReturnType<Chain['deploy']>>
beforeAll(async () => {
  statement = await proveStatement()
  chain = await startChain()
  verifier = await chain.deploy(compiled('PolynomialVerifier'))
  gate = await chain.deploy(compileContract('GasMeter', GAS_METER), verifier.target)
})

function compiled(name: string): CompiledContract {
  return compileContract(name, generateVerifierContract(statement.key, name))
}

/** Measures what a call of the verifier costs, without the transaction's own price. */
const GAS_METER = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.24;

contract GasMeter {
    address private immutable verifier;

    constructor(address target) {
        verifier = target;
    }

    function measure(bytes calldata call) external view returns (bool accepted, uint256 spent) {
        uint256 before = gasleft();
        (bool answered, bytes memory answer) = verifier.staticcall{gas: ${GAS_LIMIT}}(call);
        spent = before - gasleft();
        accepted = answered && abi.decode(answer, (bool));
    }
}
`

function callData({ words, publicSignals }: Mutant): string {
  const [ax, ay, bx1, bx0, by1, by0, cx, cy] = words
  const grouped = [
    [ax, ay],
    [
      [bx1, bx0],
      [by1, by0],
    ],
    [cx, cy],
    publicSignals,
  ]
  return verifier.interface.encodeFunctionData('verifyProof', grouped)
}

async function measure(mutant: Mutant): Promise<{ accepted: boolean; spent: bigint }> {
  const [accepted, spent] = await gate.getFunction('measure').staticCall(callData(mutant))
  return { accepted, spent }
}

function honest(points: ProofPoints = statement.points): Mutant {
  return { name: 'honest', words: encodeProofCalldata(points), publicSignals: statement.publicSignals }
}

/** What the auditor says of the same words. */
async function auditorAccepts({ words, publicSignals }: Mutant): Promise<boolean> {
  try {
    const points = decodeProofCalldata(words)
    return (await verifyWithNoble(statement.key, { proof: formatProof(points), publicSignals })).accepted
  } catch (error) {
    if (error instanceof ProverError) return false
    throw error
  }
}

describe('a generated verifier', () => {
  it('accepts proofs, cheaply', async () => {
    for (const points of [statement.points, statement.otherPoints]) {
      const { accepted, spent } = await measure(honest(points))
      expect(accepted).toBe(true)
      expect(spent).toBeLessThan(MOST_GAS)
      console.log(`${spent} gas to verify, canonical checks included`)
    }
    const { a, b, c } = verifierArguments(statement.points)
    expect(await verifier.getFunction('verifyProof').staticCall(a, b, c, statement.publicSignals)).toBe(true)
  })

  it('A1: agrees with the auditor on every changed word', async () => {
    const outside = pointOutsideSubgroup()
    const mutants = [
      ...wordMutants(statement, 250),
      ...groupMutants(statement, 40),
      { ...honest({ ...statement.points, b: outside }), name: 'B not of order r' },
    ]
    for (const mutant of mutants) {
      const { accepted, spent } = await measure(mutant)
      expect([mutant.name, accepted]).toEqual([mutant.name, false])
      expect([mutant.name, await auditorAccepts(mutant)]).toEqual([mutant.name, false])
      expect(spent).toBeLessThan(BigInt(GAS_LIMIT) + 5_000n)
    }
    console.log(`${mutants.length} mutants refused on the chain and off it`)
  })

  it('A1: agrees with the auditor that proofs are malleable', async () => {
    for (const variant of validVariants(statement, 8)) {
      expect([variant.name, (await measure(variant)).accepted]).toEqual([variant.name, true])
      expect([variant.name, await auditorAccepts(variant)]).toEqual([variant.name, true])
    }
  })

  it('refuses what is not canonical before it pays for a pairing', async () => {
    const { words, publicSignals } = honest()
    const aliased = { name: '', words, publicSignals: publicSignals.with(1, (publicSignals[1] as bigint) + R) }
    expect((await measure(aliased)).spent).toBeLessThan(10_000n)
    const infinite = { name: '', words: words.map((word, i) => (i < 2 ? 0n : word)), publicSignals }
    expect((await measure(infinite)).spent).toBeLessThan(10_000n)
  })

  it('refuses call data that is too short', async () => {
    const call = callData(honest())
    await expect(chain.ethers.provider.call({ to: verifier.target, data: call.slice(0, -64) })).rejects.toThrow()
  })

  it('names the key it was generated from', async () => {
    const hash = await verifier.getFunction('VERIFICATION_KEY_HASH').staticCall()
    expect(hash).toBe(`0x${verificationKeyHash(statement.key)}`)
  })

  it('is the same text for the same key', () => {
    const again = generateVerifierContract(structuredClone(statement.key), 'PolynomialVerifier')
    expect(again).toBe(generateVerifierContract(statement.key, 'PolynomialVerifier'))
  })

  it('takes any number of public signals but none', () => {
    const { key } = statement
    for (const count of [1, 2, 20]) {
      const points = Array.from({ length: count + 1 }, () => key.publicPoints[0] as { x: bigint; y: bigint })
      const source = generateVerifierContract({ ...key, publicPoints: points }, `Verifier${count}`)
      expect(compileContract(`Verifier${count}`, source).bytecode.length).toBeGreaterThan(1000)
    }
    const none = { ...key, publicPoints: key.publicPoints.slice(0, 1) }
    expect(() => generateVerifierContract(none, 'Verifier')).toThrow(
      expect.objectContaining({ code: 'proof.no-public-signals' }),
    )
  })

  it.each(['', 'verifier', '1Verifier', 'A b', 'A{}', 'Verifier;'])('refuses the name "%s"', (name) => {
    expect(() => generateVerifierContract(statement.key, name)).toThrow(
      expect.objectContaining({ code: 'proof.contract-name', contractName: name }),
    )
  })
})

describe('the interface that the registry calls', () => {
  it('is the one generated', () => {
    const declared = readFileSync(new URL('../../contracts/proof/IGroth16Verifier.sol', import.meta.url), 'utf8')
    const signature = /function verifyProof\(([^)]*)\)\s+external view/
    const normalised = (source: string): string | undefined => signature.exec(source)?.[1]?.replace(/\s+/g, ' ')
    expect(normalised(generateVerifierContract(statement.key, 'V'))).toBe(normalised(declared))
  })
})
