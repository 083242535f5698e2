/** vitest.config.ts for `npm run verify:coverage`. */
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'
import { notOfLimits } from './roomyTests.ts'

export default mergeConfig(
  base,
  defineConfig({ test: { setupFiles: ['scripts/verify/coverage.setup.ts'], testNamePattern: notOfLimits } }),
)
