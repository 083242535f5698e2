/** The part of snarkjs that this stage uses; the package has no types of its own. */
declare module 'snarkjs' {
  /** A file name, or a file in memory. */
  type FileLike = string | { type: 'mem'; data?: Uint8Array }

  interface Curve {
    tm: { code: Uint8Array; pG1gen: number; pG2gen: number }
    terminate(): Promise<void>
  }

  export const curves: {
    getCurveFromName(name: string, options?: { singleThread: boolean }): Promise<Curve>
  }

  export const groth16: {
    verify(verificationKey: object, publicSignals: readonly string[], proof: object): Promise<boolean>
    prove(zkey: FileLike, witness: FileLike): Promise<{ proof: object; publicSignals: string[] }>
    fullProve(input: object, wasm: FileLike, zkey: FileLike): Promise<{ proof: object; publicSignals: string[] }>
  }

  export const zKey: {
    newZKey(r1cs: FileLike, ptau: FileLike, zkey: FileLike): Promise<Uint8Array | -1>
    contribute(zkey: FileLike, next: FileLike, name: string, entropy: string): Promise<Uint8Array>
    beacon(zkey: FileLike, next: FileLike, name: string, beacon: string, iterations: number): Promise<Uint8Array>
    exportVerificationKey(zkey: FileLike): Promise<object>
    verifyFromR1cs(r1cs: FileLike, ptau: FileLike, zkey: FileLike): Promise<boolean>
  }

  export const powersOfTau: {
    newAccumulator(curve: Curve, power: number, file: FileLike): Promise<Uint8Array>
    contribute(file: FileLike, next: FileLike, name: string, entropy: string): Promise<Uint8Array>
    preparePhase2(file: FileLike, next: FileLike): Promise<void>
  }

  export const wtns: {
    calculate(input: object, wasm: FileLike, witness: FileLike): Promise<void>
  }
}
