/** circomlib's Poseidon on bigints: the twin of `circuits/math/Poseidon.circom`. */
import { FIELD_ORDER } from './challenge.ts'
import type { PoseidonConstants } from './poseidonConstants.ts'

const HALF_OF_FULL_ROUNDS = 4
/** By the number of inputs, from 1 to 16. */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68] as const

/** For one number of inputs. */
type Constants = {
  /** Added before the rounds: one for each element, and one in a partial round. */
  readonly added: readonly bigint[]
  /** Columns of the matrices of the full rounds, and of the last one before the partial rounds. */
  readonly full: readonly (readonly bigint[])[]
  readonly toPartial: readonly (readonly bigint[])[]
  /** Of each partial round, a row and what follows the first element of a column. */
  readonly sparse: readonly bigint[]
}

export type Poseidon = (inputs: readonly bigint[]) => bigint

/**
 * Poseidon of 1 to 16 field elements. Its constants are circomlibjs's; the functions of that package would take half a second
 * to build in every process, more than a hundred hashes take here.
 *
 * @see https://eprint.iacr.org/2019/458.pdf
 */
export async function loadPoseidon(): Promise<Poseidon> {
  const { poseidonConstants } = await import('./poseidonConstants.ts')
  const known = new Map<number, Constants>()
  return (inputs) => {
    const size = inputs.length
    const own = known.get(size) ?? constantsOf(poseidonConstants, size)
    known.set(size, own)
    return permute([0n, ...inputs], own, PARTIAL_ROUNDS[size - 1] ?? 0)
  }
}

function constantsOf({ C, M, P, S }: PoseidonConstants, size: number): Constants {
  const [added, full, toPartial, sparse] = [C[size - 1], M[size - 1], P[size - 1], S[size - 1]]
  if (!added || !full || !toPartial || !sparse) throw new RangeError(`Poseidon takes 1 to 16 inputs, got ${size}`)
  const columnsOf = (matrix: readonly (readonly string[])[]) =>
    matrix.map((_, i) => matrix.map((row) => BigInt(row[i]!)))
  return {
    added: added.map(BigInt),
    full: columnsOf(full),
    toPartial: columnsOf(toPartial),
    sparse: sparse.map(BigInt),
  }
}

/** The first element after four full rounds, partial rounds on the first element alone, and four full rounds. */
function permute(input: readonly bigint[], constants: Constants, partialRounds: number): bigint {
  const { added, full, toPartial, sparse } = constants
  const width = input.length
  let next = 0
  let state = input.map((element) => element + added[next++]!)
  for (let round = 1; round <= HALF_OF_FULL_ROUNDS; round++) {
    const raised = state.map((element) => fifthPower(element) + added[next++]!)
    state = (round < HALF_OF_FULL_ROUNDS ? full : toPartial).map((column) => weighted(column, raised))
  }
  for (let round = 0; round < partialRounds; round++) {
    const first = fifthPower(state[0]!) + added[next++]!
    const at = (2 * width - 1) * round
    let sum = sparse[at]! * first
    for (let i = 1; i < width; i++) {
      sum += sparse[at + i]! * state[i]!
      // Reduced once at the end: 70 products are hardly longer than one.
      state[i] = state[i]! + sparse[at + width + i - 1]! * first
    }
    state[0] = sum % FIELD_ORDER
  }
  for (let round = 1; round < HALF_OF_FULL_ROUNDS; round++) {
    const raised = state.map((element) => fifthPower(element) + added[next++]!)
    state = full.map((column) => weighted(column, raised))
  }
  return weighted(full[0]!, state.map(fifthPower))
}

function fifthPower(element: bigint): bigint {
  const base = element % FIELD_ORDER
  const square = (base * base) % FIELD_ORDER
  return (((square * square) % FIELD_ORDER) * base) % FIELD_ORDER
}

function weighted(weights: readonly bigint[], elements: readonly bigint[]): bigint {
  let sum = 0n
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * elements[i]!
  return sum % FIELD_ORDER
}
