/** A service that is killed while a crash goes by; `npm run campaign:day` lives through a whole day. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

it('S48: a day with a crash loses a service that is killed again and again no observation and no margin, at CI size', async () => {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'campaignDay.ts')
  // An hour in six seconds; in the third of them BTC falls by a sixth.
  const size = { day: 'march2020', from: 8, hours: 5, speed: 600, kills: 3, accounts: 3 }
  const flags = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { code, stdout, stderr } = await run(process.execPath, [script, ...flags, '--json'])
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
  const { stages, audit, restartAges, ...figures } = JSON.parse(stdout)
  expect(figures).toMatchObject({ lost: 0, doubled: [], wrong: 0, open: 0, kills: 3, faults: [] })
  expect(stages).toHaveLength(4)
  const sum = (name: string): number =>
    stages.reduce((all: number, stage: Record<string, number>) => all + (stage[name] ?? 0), 0)
  // Of BTC and ETH in each of the hours; the door may hold one for an hour.
  expect(sum('events') + figures.held).toBe(10)
  expect(sum('restarts')).toBeGreaterThan(0)
  expect(restartAges.p100).toBeGreaterThan(0)
  expect(audit).toMatchObject({ accepted: true })
  expect(audit.batches).toBeGreaterThan(0)
  // Three accounts, and one of them anew each hour.
  expect(audit.margins).toBeGreaterThanOrEqual(3)
})
