/** Of each test file that `npm run verify:coverage` runs: what its chains have executed is kept. */
import { markTestWorkerDone } from 'hardhat/internal/coverage'
import { afterAll } from 'vitest'

afterAll(() => markTestWorkerDone('vitest'))
