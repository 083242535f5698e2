/** `npm run campaign:venue`: 10,000 sequences of up to 64 requests to the venue, or as many as VENUE_RUNS and VENUE_STEPS say. */
import { spawnSync } from 'node:child_process'
import { root } from './tools/sources.ts'

const env = { VENUE_RUNS: '10000', VENUE_STEPS: '64', ...process.env }
const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/consumers/venue.invariants.test.ts']
process.exitCode = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' }).status ?? 1
