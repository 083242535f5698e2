/** kill -9 at every boundary of sending; `npm run campaign:sender` does it more often. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { type Boundary, boundaries, killAndResume } from '../../scripts/tools/chains/killedSending.ts'
import { ProvenBatches } from '../../scripts/tools/chains/provenBatches.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
let range: ProvenBatches
let proxy: FaultProxy
beforeAll(async () => {
  range = await ProvenBatches.start(folder)
  proxy = await FaultProxy.start(range.url)
})
afterAll(async () => {
  proxy.close()
  await range.close()
})

describe('S7: a service killed with -9 while it sends', () => {
  it.each(Object.keys(boundaries) as Boundary[])(
    '%s: the next one loses nothing and doubles nothing',
    async (boundary) => {
      expect(await killAndResume(range, proxy, boundary)).toEqual({
        wasKilled: true,
        landings: 1,
        nonces: 1,
        status: 'confirmed',
      })
    },
  )
})
