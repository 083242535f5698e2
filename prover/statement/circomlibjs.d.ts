/** The part of circomlibjs that tests hold ours to; the package has no types of its own. */
declare module 'circomlibjs' {
  export function buildPoseidon(): Promise<
    ((inputs: readonly bigint[]) => Uint8Array) & { F: { toObject(element: Uint8Array): bigint } }
  >
}
