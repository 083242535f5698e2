/** SIGTERM while a service proves, sends and waits; `npm run campaign:sender` does it at more moments. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ProvenBatches } from '../../scripts/tools/chains/provenBatches.ts'
import { stopAndResume } from '../../scripts/tools/chains/stoppedServing.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
let range: ProvenBatches
beforeAll(async () => {
  range = await ProvenBatches.start(folder)
})
afterAll(() => range?.close())

it.each([0, 1_000])(
  'S71: %i ms after its start: nothing more is begun, what is under way is finished, and it ends with 0',
  async (afterMs) => {
    const { code, milliseconds, begunAfterMs, ...rest } = await stopAndResume(range, afterMs)
    expect({ code, ...rest }).toEqual({ code: 0, lost: 0, doubled: 0 })
    expect(begunAfterMs).toBeLessThan(1_000)
    expect(milliseconds).toBeLessThan(30_000)
  },
  180_000,
)

it('S71: a second signal ends it at once, and the next service loses nothing and doubles nothing', async () => {
  const { code, ...rest } = await stopAndResume(range, 500, 50)
  expect([0, 1]).toContain(code)
  expect(rest).toMatchObject({ lost: 0, doubled: 0 })
})
