/** The part of snarkjs that a verifier and a kernel need; the library carries it, because the whole of it has 60 MB of dependencies. */
export { curves, groth16 } from 'snarkjs'
