/** A service under more than its load; `npm run campaign:soak` keeps it there for more than an hour. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

const hasProc = existsSync('/proc/self/fd')
if (!hasProc) console.log('skipped: this system does not tell what a process holds')

it.skipIf(!hasProc)(
  'S49: ten times the load is in force or given up with a reason, each thing once, and the service holds what it held, at CI size',
  async () => {
    const script = join(import.meta.dirname, '..', '..', 'scripts', 'campaignSoak.ts')
    // What memory does in half a minute is its warm-up: a slope is measured by the hour.
    const size = { minutes: 0.4, overload: 0.2, sample: 1, accounts: 3, slope: 1_000_000 }
    const flags = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)])
    const { code, stdout, stderr } = await run(process.execPath, [script, ...flags, '--json'])
    expect(code === 0 ? '' : `${stdout}${stderr}`).toBe('')
    const { reckoning, faults, ages, memory, brought, audit } = JSON.parse(stdout)
    expect(faults).toEqual([])
    expect(reckoning).toMatchObject({ lost: 0, doubled: [], wrong: 0, open: 0, refused: 0 })
    expect(brought.observations).toBeGreaterThan(4)
    expect(brought.reports).toBeGreaterThan(3)
    expect(audit.batches).toBeGreaterThan(0)
    expect(audit.margins).toBeGreaterThanOrEqual(3)
    for (const phase of ['once', 'overload']) expect(ages[phase].events.p99).toBeGreaterThan(0)
    expect(memory.trend.mean).toBeGreaterThan(50 * 2 ** 20)
    expect(memory.peakUnderOverload).toBeGreaterThan(50 * 2 ** 20)
  },
  900_000,
)
