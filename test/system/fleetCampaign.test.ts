import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

it('the campaign of a fleet loses nothing and doubles nothing while workers and Postgres are killed, at CI size', async () => {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'campaignFleet.ts')
  const size = { jobs: 8, workers: 2, kills: 1, stops: 0, outages: 1, poison: 1, cancels: 1, sequences: 3 }
  const flags = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { code, stdout } = await run(process.execPath, [script, ...flags, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ good: 7, proven: 7, poison: 1, parked: 1 },
    ...{ lost: 0, doubled: 0, left: 0, notRevived: 0, storeFailures: 0 },
  })
})
