import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

it('the campaign through the crash lands every batch and its audit accepts them, at CI size', async () => {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'campaignCrash.ts')
  const { code, stdout } = await run(process.execPath, [script, '--batches', '4', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ batches: 4, refusals: [], auditAccepted: 4, auditVerdict: 'accepted' })
})
