/**
 * Writes the Solidity verifier of a verification key.
 *
 * Against snarkjs' template: coordinates must be canonical and points finite, the key's constants carry the negations so that
 * none is computed, and what cannot verify is refused before any pairing. The four pairings take 181,000 gas of it either way.
 */
import { ProverError } from '../../errors.ts'
import { BASE_FIELD_ORDER, type G1Point, type G2Point, modulo, negateG2, SCALAR_FIELD_ORDER } from '../bn254.ts'
import { type VerificationKey, verificationKeyHash } from './verificationKey.ts'

const WORD_BYTES = 32
const CONTRACT_NAME = /^[A-Z][A-Za-z0-9]*$/

/** Precompiled contracts (EIP-196, EIP-197). */
const ADD = '0x06'
const MULTIPLY = '0x07'
const PAIRING = '0x08'

/** Where the parts of the pairing's input lie; A and B come first. */
const ALPHA = 6
const SUM = 12
const C = 18
const PAIRING_WORDS = 24

/**
 * Solidity source of a verifier with
 * `verifyProof(uint256[2] a, uint256[2][2] b, uint256[2] c, uint256[n] publicSignals) view returns (bool)` and the key itself,
 * `verificationKey() pure returns (uint256[16 + 2n])`, for whoever verifies several proofs at once.
 *
 * Check the key with `checkCeremony` first: a verifier of a forgeable key looks like any other.
 *
 * @param contractName - of the contract; also say what is proven in it
 * @throws {@link ContractNameError} if that is no name for a contract
 * @throws {@link NoPublicSignalsError} if the key has no public signals, so that there is nothing to prove
 * @example
 * const { verificationKey } = await loadVerifyingKeys('riskArray5')
 * generateVerifierContract(verificationKey, 'RiskArray5Verifier').includes('contract RiskArray5Verifier') // → true
 */
export function generateVerifierContract(key: VerificationKey, contractName: string): string {
  if (!CONTRACT_NAME.test(contractName)) throw new ContractNameError(contractName)
  const [constant, ...points] = key.publicPoints as [G1Point, ...G1Point[]]
  if (points.length === 0) throw new NoPublicSignalsError()

  // e(A, B) · e(-alpha, beta) · e(Σ, -gamma) · e(C, -delta) = 1
  const minusAlpha = { x: key.alpha1.x, y: modulo(-key.alpha1.y, BASE_FIELD_ORDER) }
  const signalChecks = points.map(
    (_, i) => `lt(calldataload(add(publicSignals, ${i * WORD_BYTES})), ${SCALAR_FIELD_ORDER})`,
  )
  const coordinateChecks = ['a', 'b', 'c'].flatMap((point) =>
    Array.from({ length: point === 'b' ? 4 : 2 }, (_, i) => `lt(${wordOf(point, i)}, ${BASE_FIELD_ORDER})`),
  )
  const keyWords = [
    ...[minusAlpha.x, minusAlpha.y, ...evmWords(key.beta2)],
    ...[...evmWords(negateG2(key.gamma2)), ...evmWords(negateG2(key.delta2))],
    ...[constant, ...points].flatMap(({ x, y }) => [x, y]),
  ]
  const finiteChecks = ['a', 'b', 'c'].map(
    (point) => `gt(or(${Array.from({ length: 2 }, (_, i) => wordOf(point, i)).join(', ')}), 0)`,
  )

  return `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.24;

/// @title ${contractName}
/// @notice Groth16 verifier over BN254. Generated from a verification key; generate it again instead of editing it.
contract ${contractName} {
    /// @notice sha256 of the verification key.
    bytes32 public constant VERIFICATION_KEY_HASH = 0x${verificationKeyHash(key)};

    /// @notice Whether the proof proves the public signals. Never reverts; a proof with a point off the curve takes all gas
    /// but a 64th, so callers must cap it.
    /// @param a, b, c       proof points, canonical and finite; b with the imaginary coordinate first
    /// @param publicSignals outputs, then public inputs, each below the scalar field's order
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[${points.length}] calldata publicSignals
    ) external view returns (bool accepted) {
        assembly ("memory-safe") {
${assignAll('accepted', [...signalChecks, ...coordinateChecks, ...finiteChecks])}
            if accepted {
                let input := mload(0x40)
                // The sum's words and the three after them serve as the precompiles' input while it is computed.
                let sum := add(input, ${SUM * WORD_BYTES})
${storeWords('sum', 0, [constant.x, constant.y])}
${points.map((point, i) => accumulate(point, i)).join('\n')}
                calldatacopy(input, a, ${2 * WORD_BYTES})
                calldatacopy(add(input, ${2 * WORD_BYTES}), b, ${4 * WORD_BYTES})
${storeWords('input', ALPHA, [minusAlpha.x, minusAlpha.y, ...evmWords(key.beta2)])}
${storeWords('input', SUM + 2, evmWords(negateG2(key.gamma2)))}
                calldatacopy(add(input, ${C * WORD_BYTES}), c, ${2 * WORD_BYTES})
${storeWords('input', C + 2, evmWords(negateG2(key.delta2)))}
                accepted := and(accepted, staticcall(gas(), ${PAIRING}, input, ${PAIRING_WORDS * WORD_BYTES}, 0x00, 0x20))
                accepted := and(accepted, eq(mload(0x00), 1))
            }
        }
    }

    /// @notice The key as {verifyProof} uses it: -alpha, beta, -gamma, -delta, then a point for the constant and one for each
    /// signal; points of the second group with the imaginary coordinate first.
    function verificationKey() external pure returns (uint256[${keyWords.length}] memory key) {
        assembly ("memory-safe") {
${storeWords('key', 0, keyWords)}
                return(key, ${keyWords.length * WORD_BYTES}) // as it stands: the compiler would encode it again, word by word
        }
    }
}
`
}

/** Adds signal i times its point to the sum. */
function accumulate(point: G1Point, i: number): string {
  const signal = `calldataload(add(publicSignals, ${i * WORD_BYTES}))`
  return `${storeWords('sum', 2, [point.x, point.y])}
                mstore(add(sum, 128), ${signal})
                accepted := and(accepted, staticcall(gas(), ${MULTIPLY}, add(sum, 64), 96, add(sum, 64), 64))
                accepted := and(accepted, staticcall(gas(), ${ADD}, sum, 128, sum, 64))`
}

function assignAll(variable: string, conditions: readonly string[]): string {
  return conditions
    .map((condition, i) => `            ${variable} := ${i === 0 ? condition : `and(${variable}, ${condition})`}`)
    .join('\n')
}

function storeWords(pointer: string, firstWord: number, words: readonly bigint[]): string {
  return words
    .map((word, i) => {
      const offset = (firstWord + i) * WORD_BYTES
      return `                mstore(${offset === 0 ? pointer : `add(${pointer}, ${offset})`}, ${word})`
    })
    .join('\n')
}

function wordOf(point: string, word: number): string {
  return `calldataload(${word === 0 ? point : `add(${point}, ${word * WORD_BYTES})`})`
}

/** The precompile wants the imaginary part first. */
function evmWords({ x, y }: G2Point): bigint[] {
  return [x[1], x[0], y[1], y[0]]
}

/** Not a name for a contract. */
export class ContractNameError extends ProverError {
  readonly code = 'proof.contract-name'
  readonly contractName: string

  constructor(contractName: string) {
    super(`"${contractName}" cannot name a contract. Use letters and digits, starting with a capital.`)
    this.contractName = contractName
  }
}

/** A verifier without public signals would accept one proof for everything. */
export class NoPublicSignalsError extends ProverError {
  readonly code = 'proof.no-public-signals'

  constructor() {
    super('The key has no public signals: its proofs would be about nothing. Declare outputs or public inputs.')
  }
}
