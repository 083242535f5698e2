/**
 * Keys of a real ceremony, small enough for a test: powers of tau, three contributions to the second phase and a beacon, all by snarkjs,
 * for a circuit of the public signals that every build has. They lie where a build's keys would, so that commands take them.
 */
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { curves, powersOfTau, zKey } from 'snarkjs'
import { KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { keepSnarkjsInThisThread } from '../../scripts/tools/circuits/snarkjsInThisThread.ts'
import { polynomialCircuit } from '../proof/smallCircuits.ts'

/** Room for 2^5 constraints. */
const POWER = 5

/**
 * Fills a build folder, for `ZKRISK_BUILD`, with a circuit under a build's name and its production keys.
 *
 * @returns the key's hash
 */
export async function makeCeremony(folder: string, build: string): Promise<string> {
  await keepSnarkjsInThisThread()
  const small = await polynomialCircuit()
  const at = join(folder, 'circuits', build)
  mkdirSync(at, { recursive: true })
  const circuit = { name: build, r1cs: join(at, `${build}.r1cs`), wasm: join(at, `${build}.wasm`) }
  cpSync(small.r1cs, circuit.r1cs)
  cpSync(small.wasm, circuit.wasm)
  const file = (name: string): string => join(at, name)
  await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), POWER, file('0.ptau'))
  await powersOfTau.contribute(file('0.ptau'), file('1.ptau'), 'first', 'entropy of a test')
  await powersOfTau.preparePhase2(file('1.ptau'), file('final.ptau'))
  await zKey.newZKey(circuit.r1cs, file('final.ptau'), file('0.zkey'))
  for (const i of [1, 2, 3])
    await zKey.contribute(file(`${i - 1}.zkey`), file(`${i}.zkey`), `contributor ${i}`, `more entropy of a test, ${i}`)
  await zKey.beacon(file('3.zkey'), file('last.zkey'), 'beacon', '0123456789abcdef'.repeat(4), 10)
  const { manifest } = await new KeyStore(join(folder, 'keys')).importProductionKey(circuit, file('last.zkey'))
  return manifest.verificationKeySha256
}
