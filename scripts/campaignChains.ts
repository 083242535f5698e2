/**
 * Prices every option of 126 real chains with the exact twin and fits every expiry; prints counts and worst errors.
 *
 *   npm run campaign:chains
 *
 * The chains lie beside the checkout (../shared); without them it says so and does nothing.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { readFlags } from './tools/flags.ts'
import { root } from './tools/sources.ts'

readFlags({})

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/options/chains.vectors.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ZKRISK_CAMPAIGN: 'chains' },
})
process.exitCode = status ?? 1
