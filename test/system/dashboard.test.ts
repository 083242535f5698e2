/** The page of a running service in a real browser, under its own policy. Skipped where there is no Chromium. */
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageFiles } from '../../prover/service/http/dashboard.ts'
import { chromiumPath } from '../service/chromium.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { type Served, serveIn } from './serveHere.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const screens = [390, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const))

it('the page is 150 kB at most, all of it together and uncompressed', () => {
  const sizes = pageFiles().map(({ file }) => statSync(file).size)
  expect(sizes.length).toBeGreaterThan(4)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000)
  expect(gzipSync(Buffer.concat(pageFiles().map(({ file }) => readFileSync(file)))).length).toBeLessThan(50_000)
})

describe.skipIf(chromiumPath === undefined)('the dashboard in Chromium', () => {
  let tryOut: TryOut
  let served: Served
  let browser: Browser
  beforeAll(async () => {
    tryOut = await startTryOut(folder)
    served = await serveIn(tryOut, join(folder, 'serve.sqlite'), {}, 'observations')
    for (const hour of [1n, 2n, 3n]) {
      await tryOut.feed(1)
      while ((await tryOut.sequences())['ETH-USD'] !== hour);
    }
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox', '--disable-gpu'] })
  })
  afterAll(async () => {
    await browser?.close()
    await served?.end()
    await tryOut?.close()
  })

  /** Without going round the page's policy. */
  async function open(width: number, colorScheme: 'light' | 'dark'): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: width < 700 ? 844 : 800 }, colorScheme })
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(served.url)
    await page.waitForSelector('#batches table')
    await page.waitForSelector('#margins canvas')
    return { page, errors }
  }

  it.each(screens)(
    'fits %i points in %s, with the answer on the first screen, and nothing that axe finds',
    async (width, scheme) => {
      const { page, errors } = await open(width, scheme)
      const seen = await page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        answerEnds: document.querySelector('.tiles')?.getBoundingClientRect().bottom ?? Number.POSITIVE_INFINITY,
        verdict: document.querySelector('#verdict')?.textContent,
        markets: [...document.querySelectorAll('#markets tbody td:first-child')].map((cell) => cell.textContent),
      }))
      expect(seen).toMatchObject({
        width,
        verdict: 'Ready: everything is proven as it comes',
        markets: ['BTC-USD', 'ETH-USD'],
      })
      expect(seen.answerEnds).toBeLessThan(width < 700 ? 844 : 800)
      // The page's policy lets nobody add a script to it: axe comes through the debugger.
      await page.evaluate(axe)
      const violations = await page.evaluate(
        `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
      )
      expect({ violations, errors }).toEqual({ violations: [], errors: [] })
      await page.close()
    },
  )

  it('shows its answer within a second, and the registry’s figures', async () => {
    const page = await browser.newPage()
    const times: number[] = []
    for (let tries = 0; tries < 3; tries++) {
      const began = performance.now()
      await page.goto(served.url)
      await page.waitForSelector('html[data-drawn=yes]')
      times.push(performance.now() - began)
    }
    expect(Math.min(...times)).toBeLessThan(1000)
    const { markets } = await (await fetch(`${served.url}/v1/markets`)).json()
    await page.waitForSelector('#markets tbody')
    const shown = await page.locator('#markets tbody tr').first().locator('td').allTextContents()
    expect(shown[2]).toBe(`${markets[0].parameters.initialMarginPercent.toFixed(2)} %`)
    await page.close()
  })

  it('follows the service: a new batch is there without a reload', async () => {
    const { page } = await open(1280, 'light')
    await tryOut.feed(1)
    // In one batch, or in two where the service saw one market's price before the other's.
    for (const market of ['BTC-USD #4', 'ETH-USD #4'])
      await page.locator('#batches tbody tr').getByText(market).first().waitFor()
    await page.locator('#tiles').getByText('claims hold').waitFor()
    // Of whichever process: from planned to confirmed.
    const confirmed = page.locator('#batches tbody tr').filter({ hasText: 'confirmed' }).first()
    expect(await page.locator('#batches thead th').nth(3).textContent()).toBe('In all')
    expect(await confirmed.locator('td').nth(3).textContent()).toMatch(/^\d+(\.\d)? s$/)
    await page.close()
  })

  it('shows what waits and the feeds, and the day beside a time that is not of today', async () => {
    const { page } = await open(1280, 'light')
    await page.waitForSelector('#queue tbody')
    await page.waitForSelector('#feeds tbody')
    const first = (part: string) => page.locator(`#${part} tbody td:first-child`).allTextContents()
    expect(await first('queue')).toEqual(['Being proven', 'Proven, to be sent', 'On their way', 'Asked for by hand'])
    expect(await first('feeds')).toEqual(['BTC-USD', 'ETH-USD'])
    const times = `['2020-03-12T09:00:00.000Z', new Date().toISOString(), null].map(when)`
    expect(await page.evaluate(times)).toEqual(['2020-03-12 09:00:00', expect.stringMatching(/^\d\d:\d\d:\d\d$/), '–'])
    await page.close()
  })

  it('can be used by the keyboard alone', async () => {
    const { page } = await open(1280, 'light')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(`document.activeElement.textContent`)).toBe('Skip to markets')
    await page.locator('#market').focus()
    await page.keyboard.press('ArrowDown')
    await page
      .locator('#said')
      .getByText(/^ETH-USD/)
      .waitFor()
    const table = page.locator('#chart details')
    await table.locator('summary').focus()
    await page.keyboard.press('Enter')
    expect(await table.locator('tbody tr').count()).toBeGreaterThan(2)
    await page.close()
  })

  it('says what would bring what the service does not have', async () => {
    const { page } = await open(390, 'dark')
    for (const part of ['accounts', 'interest']) {
      await page.locator(`#${part} .body`).getByText('zkrisk chain --margins').waitFor()
    }
    await page.locator('#models .body').getByText('zkrisk shadows add').first().waitFor()
    await page.close()
  })

  it('lets no script of anybody else run in it', async () => {
    const { page } = await open(1280, 'light')
    const refused = await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'document.documentElement.dataset.foreign = "yes"'
      document.body.append(script)
      return document.documentElement.dataset.foreign === undefined
    })
    expect(refused).toBe(true)
    await page.close()
  })
})
