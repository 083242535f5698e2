/** kill -9 at every boundary of the work on accounts; `npm run campaign:service` does it more often. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AccountsRange } from '../../scripts/tools/chains/accountsRange.ts'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { accountBoundaries, killedAt } from '../../scripts/tools/chains/killedAccounts.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
let range: AccountsRange
let proxy: FaultProxy
beforeAll(async () => {
  range = await AccountsRange.start(folder)
  proxy = await FaultProxy.start(range.url)
})
afterAll(async () => {
  proxy?.close()
  await range?.close()
})

/** A few of them: each life of a service takes its start. */
const few = accountBoundaries.filter((at) =>
  /^(proven|sent) risk|^(signed|confirmed) scenario|^statement-proven opt|^signed (portf|arrayM)|answered/.test(at),
)

it('S25: a service that is killed with -9 again and again, at every boundary that it comes to, loses nothing and doubles nothing', async () => {
  const { met, kills, ...rest } = await killedAt(range, proxy, few)
  expect(rest).toEqual({ lost: 0, doubled: 0, wrong: 0, isAccepted: true })
  expect(kills).toBe(met.length)
  expect(met.length).toBeGreaterThan(few.length / 2)
})
