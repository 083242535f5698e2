/** The page of a running service in a real browser, under its own policy. Skipped where there is no Chromium. */
import { existsSync, readFileSync, statSync } from 'node:fs'
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
import { startWayTo } from './wayTo.ts'

const folder = temporaryFolder()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const screens = [390, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const))

it('the page is 150 kB at most, all of it together and uncompressed', () => {
  const sizes = pageFiles().map(({ file }) => statSync(file).size)
  expect(sizes.length).toBeGreaterThan(4)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000)
  expect(gzipSync(Buffer.concat(pageFiles().map(({ file }) => readFileSync(file)))).length).toBeLessThan(50_000)
})

/** What axe finds. The page's policy lets nobody add a script to it: axe comes through the debugger. */
async function violationsOf(page: Page): Promise<unknown> {
  await page.evaluate(axe)
  return page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
  )
}

// biome-ignore lint/suspicious/noExplicitAny: answers of the service, which have schemas there
type Answer = any
/** By path: what the page is told in place of what the service answers. */
type Changes = Readonly<Record<string, (answer: Answer) => unknown>>

async function change(page: Page, changes: Changes): Promise<void> {
  for (const [path, made] of Object.entries(changes)) {
    await page.route(
      ({ pathname }) => pathname === path,
      async (route) => {
        const response = await route.fetch()
        await route.fulfill({ status: 200, json: made(await response.json()) })
      },
    )
  }
}

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
  async function open(
    width: number,
    colorScheme: 'light' | 'dark',
    { at = served.url, changes = {} }: { readonly at?: string; readonly changes?: Changes } = {},
  ): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: width < 700 ? 844 : 800 }, colorScheme })
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await change(page, changes)
    await page.goto(at)
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
      expect({ violations: await violationsOf(page), errors }).toEqual({ violations: [], errors: [] })
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

  it('says what would bring what the service does not have, once, and leaves out what would be empty', async () => {
    const { page } = await open(390, 'dark')
    const pipeline = page.locator('#pipeline .body')
    await pipeline.getByText('zkrisk chain --margins docs/examples/short-strangle.json').waitFor()
    expect(existsSync(join(import.meta.dirname, '../../docs/examples/short-strangle.json'))).toBe(true)
    expect(await pipeline.textContent()).toContain('npm run build')
    expect((await page.locator('body').innerText()).split('registry of margins')).toHaveLength(2)
    for (const part of ['accounts', 'interest', 'liquidations', 'hedge']) {
      expect(await page.locator(`#${part}`).isVisible()).toBe(false)
      expect(await page.locator(`nav a[href="#${part}"]`).isVisible()).toBe(false)
    }
    await page.locator('#models .body').getByText('zkrisk shadows add').first().waitFor()
    await page.close()
  })

  it('speaks of a build to a development chain alone', async () => {
    const changes = { '/v1/status': (status: Answer) => ({ ...status, isDevelopment: false }) }
    const { page } = await open(1280, 'light', { changes })
    await page.locator('#pipeline .body').getByText('docs/examples/short-strangle.json').waitFor()
    expect(await page.locator('#pipeline .body').textContent()).not.toContain('npm run build')
    await page.close()
  })

  it('dims all that it was told once nobody answers, says since when, once, and comes back', async () => {
    const way = await startWayTo(served.url)
    const { page } = await open(390, 'light', { at: way.url })
    const tiles = page.locator('#tiles')
    await tiles.getByText('claims hold').waitFor()
    const colours = `[...document.querySelectorAll('#tiles dd, #markets td')].map((each) => getComputedStyle(each).color)`
    const [before, markets] = [await page.evaluate(colours), await page.locator('#markets tbody').innerText()]
    expect(new Set(before as string[]).size).toBeGreaterThan(1)
    await page.evaluate(() => {
      const told: string[] = []
      Object.assign(window, { told })
      const verdict = document.querySelector('#verdict') as Element
      new MutationObserver((changes) => {
        if (changes.some(({ type }) => type !== 'attributes')) told.push(verdict.textContent ?? '')
      }).observe(verdict, { childList: true, characterData: true, subtree: true })
    })
    await way.cut()
    await page.waitForSelector('html[data-silent]')
    for (let looks = 0; looks < 3; looks++) await page.evaluate('refreshSoon(); under')
    const told = (await page.evaluate('told')) as readonly string[]
    expect(told).toEqual([expect.stringMatching(/^The service does not answer; last heard at \d\d:\d\d:\d\d UTC$/)])
    const last = /\d\d:\d\d:\d\d UTC/.exec(told[0] ?? '')?.[0]
    expect(await page.locator('#heard').innerText()).toBe(`All below is as last heard at ${last}.`)
    expect(await tiles.innerText()).not.toContain('running')
    expect(await tiles.locator('div', { hasText: 'Batches under way' }).locator('dd').innerText()).toBe('not known')
    expect(await page.locator('#markets tbody').innerText()).toBe(markets)
    expect(await page.locator('body').innerText()).not.toMatch(/fetch|error|undefined/i)
    expect(new Set((await page.evaluate(colours)) as string[]).size).toBe(1)
    expect(await page.locator('#market').isDisabled()).toBe(true)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect({ colorScheme, violations: await violationsOf(page) }).toEqual({ colorScheme, violations: [] })
    }
    await page.emulateMedia({ colorScheme: 'light' })
    await way.mend()
    await page.locator('#verdict').getByText('Ready').waitFor()
    await tiles.getByText('running').waitFor()
    await expect.poll(() => page.evaluate(colours)).toEqual(before)
    expect(await page.locator('#heard').isVisible()).toBe(false)
    expect(await page.locator('#market').isDisabled()).toBe(false)
    await page.close()
    await way.cut()
  })

  it('notices a service that takes what is asked and never answers', async () => {
    const way = await startWayTo(served.url)
    const page = await browser.newPage()
    await page.clock.install()
    await page.goto(way.url)
    await page.locator('#tiles').getByText('claims hold').waitFor()
    way.freeze()
    await page.evaluate('refreshSoon()')
    await page.clock.fastForward(31_000)
    await page.locator('#verdict').getByText('The service does not answer; last heard at').waitFor()
    await page.close()
    await way.cut()
  })

  it('says in its place what one part is refused with, and leaves the others as they are', async () => {
    const page = await browser.newPage()
    const detail = 'The chain took longer than 15 s.'
    await page.route(
      ({ pathname }) => /\/(series|verdict)$/.test(pathname),
      (route) => route.fulfill({ status: 503, json: { code: 'http.chain-slow', detail } }),
    )
    await page.goto(served.url)
    await page.locator('#said').getByText(detail).waitFor()
    await page.locator('#tiles').getByText('not known').waitFor()
    await page.evaluate('refreshSoon(); under')
    expect(await page.locator('#verdict').textContent()).toBe('Ready: everything is proven as it comes')
    expect(await page.evaluate('document.documentElement.dataset.silent')).toBeUndefined()
    expect(await page.locator('#tiles').getByText('not known').count()).toBe(1)
    await page.close()
  })

  const manyMarkets = {
    '/v1/batches': ({ batches }: Answer) => ({
      batches: batches.map((batch: Answer) => ({
        ...batch,
        summary: 'BTC-USD #41, BTC-USD~rangeMixture #41, ETH-USD #41',
      })),
    }),
  }

  it('lays batches out in few lines on a phone, and shows where there is more beside a table', async () => {
    const { page } = await open(390, 'light', { changes: manyMarkets })
    const heights = await page.evaluate(
      `[...document.querySelectorAll('#batches tbody tr')].map((row) => row.getBoundingClientRect().height)`,
    )
    expect(Math.max(...(heights as number[]))).toBeLessThan(95)
    expect(await page.locator('#batches .more').getAttribute('data-more')).toBe('')
    expect(await page.locator('#batches').getByRole('columnheader', { name: 'Prove' }).count()).toBe(1)
    for (const part of ['#markets', 'nav']) {
      const edge = page.locator(`${part} .more`)
      expect(await edge.getAttribute('data-more')).toBe('after')
      expect(await edge.evaluate((place) => getComputedStyle(place, '::after').content)).toContain('›')
      await edge.evaluate((place) => place.firstElementChild?.scrollBy({ left: 5000, behavior: 'instant' }))
      await expect.poll(() => edge.getAttribute('data-more')).toBe('before')
    }
    // What is told anew stays where a thumb and the keyboard have put it.
    await page.locator('#markets .scroll').focus()
    await page.evaluate('refreshSoon(); under')
    expect(await page.locator('#markets .scroll').evaluate(({ scrollLeft }) => scrollLeft)).toBeGreaterThan(0)
    expect(await page.evaluate(`document.activeElement.closest('section').id`)).toBe('markets')
    await page.setViewportSize({ width: 1280, height: 800 })
    await expect.poll(() => page.locator('#markets .more').getAttribute('data-more')).toBe('')
    await page.close()
  })

  it('says of every time whose it is', async () => {
    const { page } = await open(1280, 'light')
    await page.waitForSelector('#feeds tbody')
    const heads = (part: string) => page.locator(`#${part} thead th`).allTextContents()
    expect((await heads('batches'))[0]).toBe('At, UTC')
    expect(await heads('markets')).toContain('Age, chain time')
    expect(await heads('feeds')).toContain('Newest, chain time UTC')
    expect((await heads('chart'))[0]).toBe('As of, chain time UTC')
    expect(await page.locator('#where').textContent()).toMatch(/chain time 2020-03-1\d \d\d:\d\d:\d\d UTC$/)
    expect(await page.locator('#tiles div').first().innerText()).toMatch(/\d\d:\d\d:\d\d UTC$/)
    // Under the charts are the newest figures, until somebody points at others.
    expect(await page.locator('#margins .u-legend').innerText()).toMatch(/Chain time, UTC:?\s*2020-03-1\d \d\d:\d\d/)
    expect(await page.locator('#margins .u-legend .u-value').allTextContents()).not.toContain('–')
    await page.close()
  })

  it('says how much of a table is shown, and aligns its figures', async () => {
    const many = ({ market, points: [point] }: Answer) => ({
      market,
      points: Array.from({ length: 42 }, (_, i) => ({
        ...{ ...point, sequence: i + 1, price: 180 + i / 10, bandLow: i / 9, bandHigh: 190 },
        asOf: new Date(1_584_000_000_000 + 3_600_000 * i).toISOString(),
      })),
    })
    const changes = { '/v1/markets/BTC-USD/series': many }
    const { page } = await open(1280, 'light', { changes })
    const chart = page.locator('#chart details')
    expect(await chart.locator('summary').textContent()).toBe('As a table, newest 24 of 42 batches')
    expect(await chart.locator('tbody tr').count()).toBe(24)
    const [prices, bands] = await Promise.all(
      [2, 3].map((i) => chart.locator(`tbody td:nth-child(${i})`).allTextContents()),
    )
    expect(prices?.slice(0, 2)).toEqual(['184.10', '184.00'])
    for (const band of bands ?? []) expect(band).toMatch(/^\d\.\d\d to 190\.00$/)
    await page.close()
  })

  it('names the currency of money, what coins last for, and the time of a pause', async () => {
    const account = (digit: string, above: string) => ({
      ...{ account: `0x${digit.repeat(40)}`, isUnhealthy: false },
      ...{ aboveMaintenanceMarginQuote: above, aboveInitialMarginQuote: above },
    })
    const paused = { by: 'ops', since: '2025-12-01T03:07:14.418Z' }
    const changes = {
      '/v1/status': (status: Answer) => ({
        ...status,
        ...{ parts: { ...status.parts, portfolio: true }, sending: { ...status.sending, lastsBatches: 28_712_345 } },
        paused,
      }),
      '/readyz': ({ checks, at }: Answer) => {
        const says = `paused by ${paused.by} since ${paused.since}`
        const told = checks.map((check: Answer) => (check.name === 'prover' ? { ...check, ok: false, says } : check))
        return { ready: false, at, checks: told }
      },
      '/v1/open-interest': () => ({ status: 'not-counted', underWay: null, quoteCurrency: 'USD' }),
      '/v1/accounts': () => ({ accounts: [account('a', '1497.6'), account('b', '0.5')] }),
    }
    const { page } = await open(1280, 'light', { changes })
    await page.locator('#accounts tbody').waitFor()
    const cells = (part: string, i: number) => page.locator(`#${part} tbody td:nth-child(${i})`).allTextContents()
    expect(await page.locator('#accounts thead th').nth(1).textContent()).toBe('Above maintenance, USD')
    expect(await cells('accounts', 2)).toEqual(['1,497.60', '0.50'])
    expect(await page.locator('#tiles').innerText()).toMatch(/Coins last for about\s+28\.7 million batches/)
    expect(await page.locator('#verdict').textContent()).toBe('Not ready: paused by ops since 2025-12-01 03:07:14 UTC')
    expect(await page.locator('#tiles').innerText()).toContain('paused by ops since 2025-12-01 03:07:14 UTC')
    await page.close()
  })

  it('tells the control from a shadow on trial, and what a score is', async () => {
    const shadow = (name: string) => (markets: Answer) => ({
      ...markets[0],
      ...{ market: `BTC-USD~${name}`, status: 'shadow', volatilityModel: name },
    })
    const score = { market: 'BTC-USD', predictions: 3, scoreDown: 0.0786, scoreUp: 0.02 }
    const changes = {
      '/v1/markets': ({ markets }: Answer) => ({
        markets: [...markets, shadow('rangeMixture')(markets), shadow('ewma')(markets)],
      }),
      '/v1/scores': () => ({
        scores: [
          { ...score, model: 'rangeMixture', isControl: true },
          { ...score, model: 'ewma', isControl: false },
        ],
      }),
    }
    const { page } = await open(1280, 'light', { changes })
    await page.locator('#models tbody').waitFor()
    const cells = (part: string, i: number) => page.locator(`#${part} tbody td:nth-child(${i})`).allTextContents()
    expect((await cells('markets', 2)).slice(-2)).toEqual(['shadow, control', 'shadow, on trial'])
    expect(await page.locator('#markets .note').textContent()).toContain('the control runs the model in force')
    expect(await page.locator('#market').innerText()).toMatch(/BTC-USD~rangeMixture \(control\)/)
    expect(await cells('models', 3)).toEqual(['control', 'on trial'])
    expect(await page.locator('#models .note').textContent()).toMatch(/per cent of the price.*lower is better/)
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

  it('says why stages of batches before a restart are not known', async () => {
    await served.end()
    served = await serveIn(tryOut, join(folder, 'serve.sqlite'), {}, 'observations')
    const { page } = await open(390, 'light')
    expect(await page.locator('#batches tbody tr').first().innerText()).toContain('before the start')
    expect(await page.locator('#batches .bar').count()).toBe(0)
    expect(await page.locator('#batches .note').textContent()).toMatch(
      /^Prove, sign, send and land are known of batches since this process began, at \d\d:\d\d:\d\d UTC;/,
    )
    const force = page.locator('#tiles div', { hasText: 'Observation to force' }).locator('dd')
    expect(await force.innerText()).toMatch(/^\d+(\.\d)? s$/)
    await tryOut.feed(1)
    await page.locator('#batches .bar').first().waitFor()
    await page.close()
  })
})
