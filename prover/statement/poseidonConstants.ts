/** circomlibjs's constants of Poseidon; the library carries them, because the rest of that package has another ethers of its own. */
import constants from '../../node_modules/circomlibjs/src/poseidon_constants_opt.js'

/** Of the optimised form, by the number of inputs less 1; numbers in hexadecimal. */
export type PoseidonConstants = {
  readonly C: readonly (readonly string[])[]
  readonly M: readonly (readonly (readonly string[])[])[]
  readonly P: readonly (readonly (readonly string[])[])[]
  readonly S: readonly (readonly string[])[]
}

export const poseidonConstants: PoseidonConstants = constants
