/** Stand-ins for the verifier of batches: of coefficients that leave something out, for forgers who know them too early, and of one call. */
import { readFileSync } from 'node:fs'
import { AbiCoder, concat, keccak256, toBeHex } from 'ethers'
import { type CompiledContract, compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { root } from '../../scripts/tools/sources.ts'

/** Lines of the verifier's source. */
export const SEED = '_coefficients(_seedOf(keys), count)'
export const COEFFICIENT = 'coefficients[i] = coefficient'

/** @param added a function besides */
export function batchVerifierWith(line: string, instead: string, added = ''): CompiledContract {
  const source = readFileSync(`${root}/contracts/proof/BatchVerifier.sol`, 'utf8')
    .replaceAll('"./', '"contracts/proof/')
    .replaceAll('"../', '"contracts/')
  if (source.split(line).length !== 2) throw new Error(`The verifier of batches does not say once: ${line}`)
  return compileContract('BatchVerifier', source.replace(line, instead).replace(/}\s*$/, `${added}}`))
}

export const seedOf = (types: readonly string[], values: readonly unknown[]): string =>
  keccak256(AbiCoder.defaultAbiCoder().encode(types, values))

/** Of a proof, counted from zero; the first one's is 1. */
export const coefficientOf = (seed: string, i = 1): bigint => BigInt(keccak256(concat([seed, toBeHex(i, 32)]))) >> 128n

/** Words one after the other, as the verifier keeps keys. */
export const bytesOf = (words: readonly bigint[]): string => concat(words.map((word) => toBeHex(word, 32)))

/** Accepts one call, whatever it is about: its constructor takes the call's hash. */
export const expectingContract = (): CompiledContract =>
  compileContract(
    'Expecting',
    `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Expecting {
    bytes32 private immutable hash;
    constructor(bytes32 hash_) { hash = hash_; }
    fallback(bytes calldata call_) external returns (bytes memory) { return abi.encode(keccak256(call_) == hash); }
}`,
  )
