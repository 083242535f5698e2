/** What a worker needs of a circuit before its first proof, checked: it belongs together by hash and by size. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { WrongCircuitError } from '../keys/ceremony.ts'
import { CorruptKeyFileError, sha256 } from '../keys/keyStore.ts'
import type { CircuitFiles } from './proverProtocol.ts'
import { WitnessCalculator } from './witnessCalculator.ts'
import { readZkey, type Zkey } from '../keys/zkey.ts'

/**
 * Reads a circuit's witness generator.
 *
 * @throws {@link CorruptKeyFileError} if the file is missing or is not the one its hash names
 * @throws what `WitnessCalculator.load` throws
 */
export async function readWitnessGenerator(files: CircuitFiles): Promise<WitnessCalculator> {
  const code = await readFile(files.wasm).catch((error) => {
    throw new CorruptKeyFileError(files.wasm, error)
  })
  if (sha256(code) !== files.wasmSha256) throw new CorruptKeyFileError(files.wasm)
  return WitnessCalculator.load(files.circuit, code)
}

/**
 * Reads a circuit's witness generator and proving key.
 *
 * @returns the key as views into memory that threads can share
 * @throws what {@link readWitnessGenerator} and `readZkey` throw, and {@link CorruptKeyFileError} for the key too
 * @throws {@link WrongCircuitError} if the key is of another circuit than the generator
 */
export async function readCircuit(files: CircuitFiles): Promise<{ calculator: WitnessCalculator; zkey: Zkey }> {
  const calculator = await readWitnessGenerator(files)
  const zkeyBytes = readShared(files.zkey)
  if (sha256(zkeyBytes) !== files.zkeySha256) throw new CorruptKeyFileError(files.zkey)
  const zkey = readZkey(zkeyBytes, files.zkey)
  if ((await calculator.size()) !== zkey.header.wires) throw new WrongCircuitError(files.circuit)
  return { calculator, zkey }
}

/** Reads a file into memory that threads share. */
function readShared(file: string): Uint8Array {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const bytes = new Uint8Array(new SharedArrayBuffer(fstatSync(descriptor).size))
      for (let position = 0; position < bytes.length; ) {
        const count = readSync(descriptor, bytes, position, bytes.length - position, position)
        if (count === 0) throw new CorruptKeyFileError(file)
        position += count
      }
      return bytes
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw error instanceof CorruptKeyFileError ? error : new CorruptKeyFileError(file, error)
  }
}
