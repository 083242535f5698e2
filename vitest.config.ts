import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/testOrder.ts'
import { testWorkers } from './scripts/tools/testWorkers.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Provers and compilers are WebAssembly with large memories: a process each, and no more of them than the machine can feed.
    pool: 'forks',
    maxWorkers: testWorkers(),
    // Files share what a worker has loaded: half of their processor time went into loading it again. No file may leave anything behind.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // What hangs ends some day; how fast the machine is decides nothing.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
  },
})
