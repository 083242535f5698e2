/**
 * The first phase that the development keys of a folder share, as keys of ceremonies do: proofs under keys that share alpha, beta and
 * gamma can be verified together. Gamma is the generator.
 *
 * Its secrets are kept beside the keys, for those that are made later. Whoever reads them can forge, as whoever made the keys can;
 * delta is each key's own, and forgotten.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bn254 } from '@noble/curves/bn254.js'
import { ProverError } from '../../errors.ts'
import { makeFolder } from '../../folder.ts'
import { equalG2, SCALAR_FIELD_ORDER } from '../bn254.ts'
import type { VerificationKey } from './verificationKey.ts'

export interface FirstPhase {
  readonly tau: bigint
  readonly alpha: bigint
  readonly beta: bigint
}

export const drawFirstPhase = (): FirstPhase => ({ tau: drawScalar(), alpha: drawScalar(), beta: drawScalar() })

/** Uniform in [2, r) up to a bias of 2^-130; never 0 or 1, so delta is never the generator. */
export function drawScalar(): bigint {
  return 2n + (BigInt(`0x${randomBytes(48).toString('hex')}`) % (SCALAR_FIELD_ORDER - 2n))
}

/** Name of its file in a folder of keys. */
const FIRST_PHASE_FILE = 'development_first_phase.json'

/**
 * The first phase of a folder; drawn and written for its owner alone if it has none. Of several who draw at once one wins, and all
 * get the winner's.
 *
 * @param directory - created when needed
 * @throws {@link FirstPhaseFileModeError}, {@link FirstPhaseMalformedError}
 */
export async function readOrDrawFirstPhase(directory: string): Promise<FirstPhase> {
  const found = await readFirstPhase(directory)
  if (found !== undefined) return found
  const file = join(directory, FIRST_PHASE_FILE)
  const partial = `${file}.partial-${process.pid}-${randomUUID()}`
  makeFolder(directory)
  try {
    await writeForOwner(partial, formatFirstPhase(drawFirstPhase()))
    await link(partial, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { force: true })
  }
  return readOrDrawFirstPhase(directory)
}

/** Undefined if the folder has none. @throws {@link FirstPhaseFileModeError}, {@link FirstPhaseMalformedError} */
export async function readFirstPhase(directory: string): Promise<FirstPhase | undefined> {
  const file = join(directory, FIRST_PHASE_FILE)
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (handle === undefined) return undefined
  try {
    const mode = (await handle.stat()).mode & 0o777
    // On Windows modes say nothing of other users.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) throw new FirstPhaseFileModeError(file, mode)
    return parseFirstPhase(await handle.readFile('utf8'), file)
  } finally {
    await handle.close()
  }
}

/** Whether a key was made from these secrets, as far as it shows. */
export function isMadeFrom({ alpha1, beta2 }: VerificationKey, { alpha, beta }: FirstPhase): boolean {
  const { x, y } = bn254.G1.Point.BASE.multiply(alpha).toAffine()
  if (alpha1.x !== x || alpha1.y !== y) return false
  const point = bn254.G2.Point.BASE.multiply(beta).toAffine()
  return equalG2(beta2, { x: [point.x.c0, point.x.c1], y: [point.y.c0, point.y.c1] })
}

/** Every right of a file's group and of all others. */
const OTHERS = 0o077

const formatFirstPhase = ({ tau, alpha, beta }: FirstPhase): string =>
  `${JSON.stringify({ tau: `${tau}`, alpha: `${alpha}`, beta: `${beta}` }, null, 2)}\n`

function parseFirstPhase(text: string, file: string): FirstPhase {
  const parse = (value: unknown): bigint => {
    const isScalar = typeof value === 'string' && /^[1-9]\d{0,76}$/.test(value) && BigInt(value) < SCALAR_FIELD_ORDER
    if (!isScalar) throw new FirstPhaseMalformedError(file)
    return BigInt(value)
  }
  try {
    const { tau, alpha, beta } = JSON.parse(text) as Partial<Readonly<Record<keyof FirstPhase, unknown>>>
    return { tau: parse(tau), alpha: parse(alpha), beta: parse(beta) }
  } catch {
    // The cause would hold what was read.
    throw new FirstPhaseMalformedError(file)
  }
}

async function writeForOwner(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Others than its owner may read or write the first phase of development keys. */
export class FirstPhaseFileModeError extends ProverError {
  readonly code = 'proof.first-phase-file-mode'
  readonly file: string
  readonly mode: number

  constructor(file: string, mode: number) {
    super(
      `Expected ${file} to be its owner's alone (mode 600), its mode is ${mode.toString(8).padStart(3, '0')}. Run \`chmod 600 ${file}\`, or delete it if somebody may have read it: development keys are made anew then.`,
    )
    this.file = file
    this.mode = mode
  }
}

/** The file holds no first phase. */
export class FirstPhaseMalformedError extends ProverError {
  readonly code = 'proof.first-phase-malformed'
  readonly file: string

  constructor(file: string) {
    super(
      `Expected the three secrets of a first phase in ${file}, found something else. Delete it: development keys are made anew then.`,
    )
    this.file = file
  }
}
