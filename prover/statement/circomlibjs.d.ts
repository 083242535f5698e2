/** The part of circomlibjs that tests hold ours to; the package has no types of its own. */
declare module 'circomlibjs' {
  export function buildPoseidon(): Promise<
    ((inputs: readonly bigint[]) => Uint8Array) & { F: { toObject(element: Uint8Array): bigint } }
  >
}

/** Its constants, which it does not export. */
declare module '*/poseidon_constants_opt.js' {
  const constants: {
    readonly C: readonly (readonly string[])[]
    readonly M: readonly (readonly (readonly string[])[])[]
    readonly P: readonly (readonly (readonly string[])[])[]
    readonly S: readonly (readonly string[])[]
  }
  export default constants
}
