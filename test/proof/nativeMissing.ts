import { buildNative, NoToolchainError } from '../../scripts/buildNative.ts'

/** Why nothing native can be built here; undefined where it can. Any other failure of the build is one of the test's file. */
export const missing: string | undefined = await buildNative().then(
  () => undefined,
  (error: Error) => {
    if (error instanceof NoToolchainError) return error.message
    throw error
  },
)
if (missing !== undefined) console.log(`Skipped, what needs the native prover: ${missing}.`)
