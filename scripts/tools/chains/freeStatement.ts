/**
 * A circuit that states nothing: commitment and evaluation are free. Real Groth16 proofs of it for any public signals show
 * what the contracts refuse by themselves, as if the real circuit were broken.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as snarkjs from 'snarkjs'
import { dataView, writeSections, writeUint256 } from '../../../prover/proof/binaryFile.ts'
import { SCALAR_FIELD_ORDER } from '../../../prover/proof/bn254.ts'
import { makeDevelopmentKey } from '../../../prover/proof/keys/developmentKeys.ts'
import type { FirstPhase } from '../../../prover/proof/keys/developmentPhase.ts'
import { encodeProofCalldata, type ProofCalldata } from '../../../prover/proof/proofCalldata.ts'
import { readR1cs } from '../../../prover/proof/keys/r1cs.ts'
import { parseProof } from '../../../prover/proof/strictProof.ts'
import { type VerificationKey, verificationKeyOf } from '../../../prover/proof/keys/verificationKey.ts'
import { generateVerifierContract } from '../../../prover/proof/keys/verifierContract.ts'
import { WitnessCalculator } from '../../../prover/proof/backends/witnessCalculator.ts'
import { readZkey } from '../../../prover/proof/keys/zkey.ts'
import { compileCircom } from '../compileCircom.ts'
import { contentHash, filesBelow, root } from '../sources.ts'
import { keepSnarkjsInThisThread } from '../circuits/snarkjsInThisThread.ts'
import { type CompiledContract, compileContract } from './compileContract.ts'

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

/** Another circuit, or another way to make keys and verifiers, has a folder of its own. */
const version = contentHash(filesBelow('prover/proof', '.ts'), source).slice(0, 16)
const folderOf = (name: KeyName): string => join(root, 'build', 'testKeys', `freeStatement-${version}-${name}`)

const ELEMENT_BYTES = 32

/** Of one circuit and one first phase, so that nothing but delta differs; `apart` is of another first phase. */
export type KeyName = 'first' | 'second' | 'third' | 'fourth' | 'fifth' | 'sixth' | 'seventh' | 'apart'

const firstPhase: FirstPhase = { tau: 3n ** 150n, alpha: 5n ** 100n, beta: 7n ** 80n }

export type FreeStatement = {
  readonly verificationKey: VerificationKey
  readonly verifier: CompiledContract
  /** Proves any three signals. */
  prove(commitment: bigint, evaluation: bigint, challenge: bigint): Promise<ProofCalldata>
}

/** Keys are made once and kept. */
export async function freeStatement(name: KeyName = 'first'): Promise<FreeStatement> {
  await keepSnarkjsInThisThread()
  const folder = folderOf(name)
  if (!existsSync(folder)) await makeKeys(name)
  const zkey = readFileSync(join(folder, 'key.zkey'))
  const calculator = await WitnessCalculator.load('freeStatement', readFileSync(join(folder, 'circuit.wasm')))
  const size = ELEMENT_BYTES * (await calculator.size())
  const verifier = compileContract('FreeStatementVerifier', readFileSync(join(folder, 'verifier.sol'), 'utf8'))

  async function prove(commitment: bigint, evaluation: bigint, challenge: bigint): Promise<ProofCalldata> {
    const wires = new Uint8Array(size)
    await calculator.calculate({ challenge, freeCommitment: commitment, freeEvaluation: evaluation }, wires)
    const { proof } = await snarkjs.groth16.prove(memory(zkey), memory(witnessFile(wires)))
    return encodeProofCalldata(parseProof(proof))
  }
  return { verificationKey: verificationKeyOf(readZkey(zkey, 'key.zkey')), verifier, prove }
}

/** A *.wtns file. snarkjs would make one with a new witness generator, and its 130 MB, for every proof. */
function witnessFile(wires: Uint8Array): Uint8Array {
  const header = new Uint8Array(4 + ELEMENT_BYTES + 4)
  dataView(header).setUint32(0, ELEMENT_BYTES, true)
  writeUint256(header, 4, SCALAR_FIELD_ORDER)
  dataView(header).setUint32(4 + ELEMENT_BYTES, wires.length / ELEMENT_BYTES, true)
  const sections = [
    [1, [header]],
    [2, [wires]],
  ] as const
  return Buffer.concat(writeSections({ magic: 'wtns', versions: [2] }, 2, sections))
}

const memory = (data: Uint8Array) => ({ type: 'mem', data }) as const

/** Key and verifier belong together, so they appear together; of two processes at it, one wins. */
async function makeKeys(name: KeyName): Promise<void> {
  const folder = folderOf(name)
  const circuit = await compileCircom('freeStatement', source, join(root, 'build', 'testCircuits', 'freeStatement'))
  const pieces = await makeDevelopmentKey(readR1cs(readFileSync(circuit.r1cs), circuit.r1cs), {
    threads: 1,
    ...(name === 'apart' ? {} : { firstPhase }),
  })
  const zkey = Buffer.concat(pieces)
  const key = verificationKeyOf(readZkey(zkey, 'key.zkey'))
  const verifier = generateVerifierContract(key, 'FreeStatementVerifier')

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
