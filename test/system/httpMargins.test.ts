/** Accounts, margins and open interest of a registry of margins, as a running service tells of them and its dashboard shows them. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { marginOf, readAccount } from '../../prover/service/answers/margins.ts'
import { proveMargin } from '../../prover/service/answers/marginProof.ts'
import { openReader } from '../../prover/service/answers/inForce.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import { exactMoney } from '../../prover/service/text/figures.ts'
import { chromiumPath } from '../service/chromium.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { type Served, serveIn } from './serveHere.ts'

const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)
const example = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json')

let chain: Awaited<ReturnType<typeof openChain>>
let served: Served
beforeAll(async () => {
  const files = {
    deployment: path('deployment.json'),
    keyFile: path('prover.key'),
    councilKeyFile: path('council.key'),
  }
  chain = await openChain({ port: 0, start: '2020-03-12 09:00:00', ...files, margins: example, say: () => {} })
  const { deployment: deploymentFile, ...keys } = files
  served = await serveIn({ rpc: chain.url, deploymentFile, ...keys }, path('serve.sqlite'))
})
afterAll(async () => {
  await served?.end()
  await chain?.close()
})

const json = async (address: string) => (await fetch(`${served.url}${address}`)).json()

it('S82: is not ready while the folder of rounds’ words is none, and says which', async () => {
  const rounds = path('serve.sqlite-rounds')
  const storeCheck = async () =>
    (await json('/readyz')).checks.find(({ name }: { readonly name: string }) => name === 'store')
  rmSync(rounds, { recursive: true, force: true })
  writeFileSync(rounds, '')
  await expect
    .poll(storeCheck, { timeout: 120_000 })
    .toMatchObject({ ok: false, says: expect.stringContaining(rounds) })
  rmSync(rounds)
  await expect.poll(storeCheck, { timeout: 120_000 }).toMatchObject({ ok: true })
})

it('says that nothing was reported and nothing counted, before anything is', async () => {
  expect(await json('/v1/accounts')).toEqual({ accounts: [] })
  expect(await json('/v1/open-interest')).toMatchObject({
    status: 'not-counted',
    accounts: null,
    netDelta: null,
    underWay: null,
  })
  const hedge = { status: 'not-counted', wantedDelta: null, agent: null, positionDelta: null, trades: [] }
  expect(await json('/v1/hedge')).toMatchObject({ ...hedge, says: expect.stringContaining('`hedge`') })
  const none = { liquidations: [], venue: null, says: expect.stringContaining('`venue`') }
  expect(await json('/v1/liquidations')).toEqual(none)
  expect(await json('/v1/margins')).toMatchObject({ market: 'BTC-USD', newestRound: null })
  expect(await json(`/v1/accounts/0x${'11'.repeat(20)}`)).toMatchObject({ status: 404, code: 'http.unknown-account' })
  expect(await json('/v1/accounts/0x11')).toMatchObject({ status: 400, code: 'http.invalid' })
})

it('tells of an account what the contract holds, ranked by what it has above maintenance, and of all of them when all are counted', async () => {
  const place = { rpc: chain.url, deployment: path('deployment.json') }
  const answer = await marginOf(readAccount(example, {}))
  const { account } = await proveMargin(answer, () => {}, { existing: place, isCounting: true })
  const { accounts } = await json('/v1/accounts')
  const { initialE8, maintenanceE8 } = answer.provable.margin
  expect(accounts).toEqual([
    {
      account: expect.stringMatching(new RegExp(account, 'i')),
      aboveMaintenanceMarginQuote: exactMoney(maintenanceE8),
      aboveInitialMarginQuote: exactMoney(initialE8),
      isUnhealthy: false,
    },
  ])
  const reader = await openReader({ ...place, openInterest: true }, [], [account])
  const read = await reader.read()
  reader.close()
  const [own] = read.accounts
  expect(await json(`/v1/accounts/${account}`)).toMatchObject({ ...own, account: expect.any(String) })
  const interest = await json('/v1/open-interest')
  expect(interest).toEqual(read.openInterest)
  expect(interest).toMatchObject({ status: 'complete', accounts: 1 })
  expect(interest.netDelta).not.toBe(0)
  expect((await json('/v1/hedge')).wantedDelta).toBe(-interest.netDelta)
})

it.skipIf(chromiumPath === undefined)('is on the dashboard, in a real browser', async () => {
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath as string,
    args: ['--no-sandbox', '--disable-gpu'],
  })
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.goto(served.url)
  await page
    .locator('#accounts td')
    .getByText('healthy')
    .or(page.locator('#accounts td').getByText('may be liquidated'))
    .waitFor()
  await page.locator('#interest').getByText('Delta that would hedge it').waitFor()
  await page.locator('#liquidations').getByText('names no venue').waitFor()
  await page.locator('#hedge').getByText('names no hedging agent').waitFor()
  expect(errors).toEqual([])
  await browser.close()
})
