import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder, zkrisk } from './zkrisk.ts'

const folder = temporaryFolder()

it('the demo proves hours of the crash, reads them back, audits them, draws them and ends with 0', async () => {
  const report = join(folder, 'demo.html')
  const { code, stdout, stderr } = await zkrisk('demo', '--no-circle', '--batches', '2', '--report', report, '--json')
  expect(stderr).toContain('Proving up to 2 hours')
  expect(code).toBe(0)
  const result = JSON.parse(stdout)
  expect(result.parameters).toHaveLength(4)
  expect(result.audit).toMatchObject({ accepted: true, pinned: true })
  expect(result.audit.batches).toHaveLength(2)
  // BTC fell by a sixth in the second hour: what the registry holds has moved with it.
  const [before, , after] = result.parameters
  expect(after.initialMargin).toBeGreaterThan(2 * before.initialMargin)
  expect(result.held).toContainEqual(expect.objectContaining({ market: 'BTC-USD', sequence: '2' }))
  expect(result.circle).toBeNull()
  expect(stderr).not.toContain('circle')
  expect(existsSync(report)).toBe(true)
  expect(readFileSync(report, 'utf8')).toContain('BTC-USD, proven on chain')
})
