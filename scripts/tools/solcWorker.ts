/** A thread that runs the Solidity compiler: a standard JSON input in, the output out, both as text. */
import { createRequire } from 'node:module'
import { parentPort } from 'node:worker_threads'

export type SolcAnswer = {
  readonly output: string
  /** What the thread holds on to until it compiles again. */
  readonly memoryBytes: number
}

const require = createRequire(import.meta.url)
const solc = require('solc') as { compile(input: string): string }
const module = require('solc/soljson.js') as { readonly HEAPU8: Uint8Array }

parentPort?.on('message', (input: string) => {
  const output = solc.compile(input)
  parentPort?.postMessage({ output, memoryBytes: module.HEAPU8.byteLength } satisfies SolcAnswer)
})
