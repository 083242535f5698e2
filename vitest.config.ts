import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/testOrder.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Provers and compilers are WebAssembly with large memories: a process each, and no more of them than two cores can feed.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
