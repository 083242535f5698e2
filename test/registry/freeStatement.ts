/**
 * A circuit that states nothing: commitment and evaluation are free. Real Groth16 proofs of it for any public signals show
 * what the contracts refuse by themselves, as if the real circuit were broken.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as snarkjs from 'snarkjs'
import { makeDevelopmentKey } from '../../prover/proof/developmentKeys.ts'
import { readR1cs } from '../../prover/proof/r1cs.ts'
import { compileCircom } from '../../scripts/compileCircom.ts'
import type { CompiledContract } from '../solidity.ts'
import { compileContract } from '../solidity.ts'

const source = `pragma circom 2.2.3;

template FreeStatement() {
    signal input challenge, freeCommitment, freeEvaluation;
    signal output commitment, evaluation;
    commitment <== freeCommitment;
    evaluation <== freeEvaluation;
    signal square <== freeCommitment * freeEvaluation + challenge;
}

component main {public [challenge]} = FreeStatement();
`

const folder = join(import.meta.dirname, '../../build/testKeys/freeStatement')

export type FreeStatement = {
  readonly verifier: CompiledContract
  /** Proves any three signals; words in the order the contracts take them. */
  prove(commitment: bigint, evaluation: bigint, challenge: bigint): Promise<bigint[]>
  /** Ends snarkjs' threads, which would keep the process alive. */
  close(): Promise<void>
}

/** Keys are made once and kept. */
export async function freeStatement(): Promise<FreeStatement> {
  if (!existsSync(folder)) await makeKeys()
  const zkey = readFileSync(join(folder, 'key.zkey'))
  const wasm = readFileSync(join(folder, 'circuit.wasm'))
  const verifier = compileContract('Groth16Verifier', readFileSync(join(folder, 'verifier.sol'), 'utf8'))

  async function prove(commitment: bigint, evaluation: bigint, challenge: bigint): Promise<bigint[]> {
    const input = { challenge, freeCommitment: commitment, freeEvaluation: evaluation }
    const { proof } = await snarkjs.groth16.fullProve(input, memory(wasm), memory(zkey))
    return proofWords(proof as SnarkjsProof)
  }
  async function close(): Promise<void> {
    const curve = await snarkjs.curves.getCurveFromName('bn128')
    await curve.terminate()
  }
  return { verifier, prove, close }
}

type SnarkjsProof = { pi_a: string[]; pi_b: string[][]; pi_c: string[] }

/** The order of snarkjs' Solidity calldata: the coordinates of b stand imaginary part first. */
function proofWords({ pi_a: a, pi_b: b, pi_c: c }: SnarkjsProof): bigint[] {
  return [a[0], a[1], b[0]?.[1], b[0]?.[0], b[1]?.[1], b[1]?.[0], c[0], c[1]].map((word) => BigInt(word ?? Number.NaN))
}

const memory = (data: Uint8Array) => ({ type: 'mem', data }) as const

/** Key and verifier belong together, so they appear together; of two processes at it, one wins. */
async function makeKeys(): Promise<void> {
  const circuit = await compileCircom('freeStatement', source, join(folder, '../../testCircuits/freeStatement'))
  const pieces = await makeDevelopmentKey(readR1cs(readFileSync(circuit.r1cs), circuit.r1cs), { threads: 1 })
  const zkey = Buffer.concat(pieces)
  const template = join(import.meta.dirname, '../../node_modules/snarkjs/templates/verifier_groth16.sol.ejs')
  const { exportSolidityVerifier } = snarkjs.zKey as unknown as {
    exportSolidityVerifier(zkey: object, templates: object): Promise<string>
  }
  const verifier = await exportSolidityVerifier(memory(zkey), { groth16: readFileSync(template, 'utf8') })

  mkdirSync(dirname(folder), { recursive: true })
  const draft = mkdtempSync(`${folder}.draft-`)
  writeFileSync(join(draft, 'key.zkey'), zkey)
  writeFileSync(join(draft, 'circuit.wasm'), readFileSync(circuit.wasm))
  writeFileSync(join(draft, 'verifier.sol'), verifier)
  try {
    renameSync(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(draft, { recursive: true })
  }
}
