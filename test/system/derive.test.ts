import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, '..', 'shared', 'vectors', 'derive-pmrm2')
const isPresent = existsSync(folder)
if (!isPresent) console.log(`skipped: no ${folder}`)

/**
 * Collateral alone, many assets of low confidence, short and covered calls, a hedged perpetual, a skew that binds, the last
 * second and after expiry, and thirty options over seven expiries under two policies.
 */
const SAMPLE = [2, 6, 12, 14, 32, 42, 60, 66, 84, 118]

it.skipIf(!isPresent)("ten of Derive's own margins are proven within 1e-8 and held by a contract", async () => {
  const script = join(root, 'scripts', 'campaignDerive.ts')
  const { code, stdout, stderr } = await run(process.execPath, [script, '--only', SAMPLE.join(','), '--json'])
  console.log(stderr)
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ cases: SAMPLE.length, within: SAMPLE.length })
})
