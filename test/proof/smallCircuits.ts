/** Small circuits with the public signals of the real ones, and their keys. */
import { join } from 'node:path'
import type { CompiledCircuit } from '../../prover/proof/keys/keyStore.ts'
import { compileCircom } from '../../scripts/tools/compileCircom.ts'
import { root } from '../../scripts/tools/sources.ts'

/**
 * Outputs commitment and evaluation, public input challenge. Wires are bits, small and full-width numbers, so that every way
 * a wire can be multiplied occurs; after optimisation the rows of `weighted` are long.
 */
const POLYNOMIAL = (bits: number): string => `pragma circom 2.2.0;
include "bitify.circom";
template Polynomial() {
    signal input challenge, secret, small[2];
    signal output commitment, evaluation;
    signal bit[${bits}] <== Num2Bits(${bits})(small[0]);
    var weighted = 0;
    for (var i = 0; i < ${bits}; i++) { weighted += bit[i] * (3 ** i) * (i % 2 == 0 ? 1 : -1); }
    signal square <== secret * secret;
    signal mixed <== (square + weighted) * (secret - small[1] + 7);
    commitment <== mixed * (weighted + 11);
    evaluation <== (challenge + weighted) * (mixed - challenge);
    small[1] * (small[1] - 1) === 0;
}
component main {public [challenge]} = Polynomial();
`

/** A circuit that passes three numbers through: keys of it prove whatever one likes. */
const PASS_THROUGH = `pragma circom 2.2.0;
template PassThrough() {
    signal input challenge, first, second;
    signal output commitment, evaluation;
    commitment <== first;
    evaluation <== second;
    signal product <== first * second;
    signal bound <== product * challenge;
}
component main {public [challenge]} = PassThrough();
`

/** An input of the polynomial circuit. */
export const polynomialInput = {
  challenge: 123456789012345678901234567890n,
  secret: 2n ** 250n + 12345n,
  small: [43690n, 1n],
}

/** The main circuit of these tests: about 24 constraints. */
export function polynomialCircuit(): Promise<CompiledCircuit> {
  return compile('polynomial', POLYNOMIAL(16))
}

/** The same signals with one bit more: as many public signals, another number of wires. */
export function widerCircuit(): Promise<CompiledCircuit> {
  return compile('wider', POLYNOMIAL(17))
}

/** The same sizes as the main circuit, but other coefficients. */
export function lookalikeCircuit(): Promise<CompiledCircuit> {
  return compile('lookalike', POLYNOMIAL(16).replace('3 **', '5 **'))
}

/** See {@link PASS_THROUGH}. */
export function passThroughCircuit(): Promise<CompiledCircuit> {
  return compile('passThrough', PASS_THROUGH)
}

function compile(name: string, source: string): Promise<CompiledCircuit> {
  return compileCircom(name, source, join(root, 'build', 'proofTests', name))
}
