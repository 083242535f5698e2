/**
 * Where `npm run build:native` puts the native prover.
 *
 * The folder holds the program, a small circuit with its keys for the self-test, or in their place the reason why there are none.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildFolder } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { type CompiledCircuit, KeyStore } from '../keys/keyStore.ts'

export const nativeFolder: string = join(buildFolder, 'native')

export const nativeProgram = (folder: string): string =>
  join(folder, process.platform === 'win32' ? 'prover.exe' : 'prover')

/** Why there is no program, as the build wrote it down. */
export const refusalFile = (folder: string): string => join(folder, 'missing.txt')

export const selfTestCircuit = (folder: string): CompiledCircuit => ({
  name: 'selfTest',
  r1cs: join(folder, 'selfTest', 'selfTest.r1cs'),
  wasm: join(folder, 'selfTest', 'selfTest.wasm'),
})

export const selfTestKeys = (folder: string): KeyStore => new KeyStore(join(folder, 'keys'))

/** Whether there is something to try. */
export function isNativeBuilt(folder: string): boolean {
  return existsSync(nativeProgram(folder))
}

/**
 * Makes sure that there is a program and that it may be run.
 *
 * @throws {@link NativeUnavailableError}
 */
export function requireNativeProgram(folder: string): string {
  const program = nativeProgram(folder)
  if (!existsSync(program)) throw new NativeUnavailableError(program, whyNotBuilt(folder))
  try {
    accessSync(program, constants.X_OK)
  } catch (error) {
    throw new NativeUnavailableError(program, 'it may not be executed', error)
  }
  return program
}

/** What the build says of a prover that is not there. */
export function whyNotBuilt(folder: string): string {
  try {
    return readFileSync(refusalFile(folder), 'utf8').trim()
  } catch {
    return 'it was not built'
  }
}

/** The native prover is not there or does not work on this machine. */
export class NativeUnavailableError extends ProverError {
  readonly code = 'proof.native-unavailable'
  readonly program: string
  readonly reason: string

  constructor(program: string, reason: string, cause?: unknown) {
    super(
      `The native prover ${program} cannot be used: ${reason}. Run \`npm run build:native\`, or set ZKRISK_PROVER=snarkjs.`,
      { cause },
    )
    this.program = program
    this.reason = reason
  }
}
