/** Vitest for `npm run verify:mutation`: files below ZKRISK_BUILD, each a test file of the clone with one mutant, in the order of their names. */
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { root } from '../tools/sources.ts'
import { notOfLimits } from './roomyTests.ts'

class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1))
  }
}

export default defineConfig({
  root,
  test: {
    include: ['build/verify/mutation-*/tests/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    // One process keeps what tests load, from one mutant to the next.
    isolate: false,
    sequence: { sequencer: ByName },
    testNamePattern: notOfLimits,
    // A test that hangs has noticed as well.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
})
