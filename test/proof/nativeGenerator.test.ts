import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { groth16 as snarkjsGroth16, zKey } from 'snarkjs'
import { afterAll, describe, expect, it } from 'vitest'
import { writeUint256 } from '../../prover/proof/binaryFile.ts'
import { SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import { checkKeyFitsCircuit } from '../../prover/proof/keys/ceremony.ts'
import { makeDevelopmentKey } from '../../prover/proof/keys/developmentKeys.ts'
import { KernelThreads } from '../../prover/proof/kernel/kernelThreads.ts'
import { isNativeBuilt, nativeFolder, nativeProgram } from '../../prover/proof/backends/nativeBuild.ts'
import { multiplyGeneratorsNatively } from '../../prover/proof/keys/nativeGenerator.ts'
import { readR1cs } from '../../prover/proof/keys/r1cs.ts'
import { readZkey } from '../../prover/proof/keys/zkey.ts'
import { polynomialCircuit, polynomialInput } from './smallCircuits.ts'
import { keepSnarkjsInThisThread } from '../../scripts/tools/circuits/snarkjsInThisThread.ts'

const program = nativeProgram(nativeFolder)
const folder = mkdtempSync(join(tmpdir(), 'generator-'))
afterAll(() => rmSync(folder, { recursive: true }))

function scalarBytes(scalars: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(32 * scalars.length)
  for (const [i, scalar] of scalars.entries()) writeUint256(bytes, 32 * i, scalar)
  return bytes
}

/** The least and the greatest, one bit alone, and a long run of others. */
const scalars: readonly bigint[] = [
  ...[0n, 1n, 2n, 4095n, 4096n, SCALAR_FIELD_ORDER - 1n],
  ...Array.from({ length: 254 }, (_, i) => (1n << BigInt(i)) % SCALAR_FIELD_ORDER),
  ...Array.from({ length: 3000 }, (_, i) => (BigInt(i + 1) ** 101n * 7n ** 90n) % SCALAR_FIELD_ORDER),
]

describe.runIf(isNativeBuilt(nativeFolder))('multiples of the generators by the native prover', () => {
  it('are those of the kernel', async () => {
    const bytes = scalarBytes(scalars)
    const threads = await KernelThreads.start(1)
    try {
      const { g1, g2 } = await multiplyGeneratorsNatively(program, bytes, bytes.subarray(0, 32 * 700))
      const byKernel = (group: 'g1' | 'g2', part: Uint8Array) =>
        threads.run({ kind: 'multiplyGenerator', group, scalars: part.slice(), windowBits: 8 })
      expect(Buffer.compare(g1, (await byKernel('g1', bytes)) as Uint8Array)).toBe(0)
      expect(Buffer.compare(g2, (await byKernel('g2', bytes.subarray(0, 32 * 700))) as Uint8Array)).toBe(0)
    } finally {
      await threads.close()
    }
  })

  it('make a key that snarkjs reads, makes proofs with and accepts them', async () => {
    await keepSnarkjsInThisThread()
    const circuit = await polynomialCircuit()
    const r1cs = readR1cs(readFileSync(circuit.r1cs), circuit.r1cs)
    const progress: number[] = []
    const key = Buffer.concat(await makeDevelopmentKey(r1cs, { program, onProgress: (part) => progress.push(part) }))
    checkKeyFitsCircuit(readZkey(key, 'key'), r1cs, 'polynomial')
    const zkey = { type: 'mem', data: new Uint8Array(key) } as const
    const { proof, publicSignals } = await snarkjsGroth16.fullProve(polynomialInput, circuit.wasm, zkey)
    expect(await snarkjsGroth16.verify(await zKey.exportVerificationKey(zkey), publicSignals, proof)).toBe(true)
    expect(progress.at(-1)).toBe(1)
  })

  it('are refused for what is no scalar', async () => {
    const refusal = { code: 'proof.native-generator', message: expect.stringContaining('not a field element') }
    const tooLarge = scalarBytes([SCALAR_FIELD_ORDER])
    await expect(multiplyGeneratorsNatively(program, tooLarge, tooLarge)).rejects.toMatchObject(refusal)
  })
})

describe('a program that does not do its work', () => {
  const one = scalarBytes([1n])
  const programOf = (name: string, script: string): string => {
    const file = join(folder, name)
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
    return file
  }

  it.each([
    ['fails', 'echo out of luck >&2; exit 3', 'out of luck'],
    ['is killed', 'kill -9 $$', 'ended with SIGKILL'],
    ['says too little', 'cat > /dev/null; printf abc', 'ended with 0'],
  ])('is named when it %s', async (name, script, reason) => {
    const file = programOf(name, script)
    await expect(multiplyGeneratorsNatively(file, one, one)).rejects.toMatchObject({
      code: 'proof.native-generator',
      program: file,
      message: expect.stringContaining(reason),
    })
  })

  it('is named when it is not there', async () => {
    const file = join(folder, 'nowhere')
    await expect(multiplyGeneratorsNatively(file, one, one)).rejects.toMatchObject({
      code: 'proof.native-generator',
      cause: { code: 'ENOENT' },
    })
  })
})
