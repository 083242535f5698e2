/** What a chain takes of a contract's code: of what creates it (EIP-3860), and of what it leaves (EIP-170). */
import { ProverError } from '../errors.ts'
import type { Artifact } from './artifacts.ts'

const MOST_CREATION_BYTES = 49_152
const MOST_RUNTIME_BYTES = 24_576

/** In bytes. */
export type CodeSize = { readonly creation: number; readonly runtime: number }

const bytesOf = (hexadecimal: string): number => (hexadecimal.length - 2) / 2

/** @param creation - creation code with the constructor's arguments */
export const codeSizeOf = (creation: string, { deployedBytecode }: Pick<Artifact, 'deployedBytecode'>): CodeSize => ({
  creation: bytesOf(creation),
  runtime: bytesOf(deployedBytecode),
})

/**
 * Why a chain refused to create a contract, where it said nothing itself: chains that take more never ask.
 *
 * @returns undefined if it is within both limits
 */
export function tooLarge(
  doing: string,
  { creation, runtime }: CodeSize,
  cause: unknown,
): ContractTooLargeError | undefined {
  if (runtime > MOST_RUNTIME_BYTES) return new ContractTooLargeError(doing, 'code', runtime, MOST_RUNTIME_BYTES, cause)
  if (creation > MOST_CREATION_BYTES)
    return new ContractTooLargeError(doing, 'creation code', creation, MOST_CREATION_BYTES, cause)
  return undefined
}

/** The chain creates no contract of this size. */
export class ContractTooLargeError extends ProverError {
  readonly code = 'registry.contract-too-large'
  readonly bytes: number
  readonly most: number

  constructor(doing: string, of: 'code' | 'creation code', bytes: number, most: number, cause: unknown) {
    const rule = of === 'code' ? 'EIP-170' : 'EIP-3860'
    super(
      `${doing}: the chain refused it, and its ${of} has ${bytes} bytes, where ${rule} allows ${most}. ` +
        'Build the contracts as they are released (`npm run build`), or deploy on a chain that takes more.',
      { cause },
    )
    this.bytes = bytes
    this.most = most
  }
}
