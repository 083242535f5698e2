/** Pages in a real browser, on a phone and on a desk, by day and by night. Skipped where there is no Chromium. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport, PortfolioAuditReport } from '../../prover/audit/index.ts'
import { readExtract } from '../../prover/market/histories.ts'
import { priceChain } from '../../prover/options/pricedChain.ts'
import { backtest } from '../../prover/parameters/backtest.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { type AccountAnswer, accountAnswer } from '../../prover/service/answers/accountMargins.ts'
import { readAccount, readAccountOverMarkets } from '../../prover/service/answers/margins.ts'
import { judgeAssets } from '../../prover/service/answers/models.ts'
import { renderPortfolioAuditReport } from '../../prover/service/report/portfolioAuditReport.ts'
import { renderAuditReport } from '../../prover/service/report/auditReport.ts'
import { renderChainReport } from '../../prover/service/report/chainReport.ts'
import { fixedMargins } from '../../prover/service/report/crashes.ts'
import { renderMarginReport } from '../../prover/service/report/marginReport.ts'
import { renderModelsReport } from '../../prover/service/report/modelsReport.ts'
import { renderReport } from '../../prover/service/report/report.ts'
import { renderThroughReport } from '../../prover/service/report/throughReport.ts'
import { chromiumPath as executablePath } from './chromium.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()
const root = join(import.meta.dirname, '..', '..')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The example's account as its market falls. */
function throughMarkets(example: string): Promise<readonly AccountAnswer[]> {
  const { market, ...rest } = JSON.parse(readFileSync(example, 'utf8'))
  const files = [0, 1, 2].map((step) => {
    const asOf = Date.parse(`${market.asOf}`) / 1000 + 3600 * step
    const file = join(folder, `${step}.json`)
    writeFileSync(
      file,
      JSON.stringify({ ...rest, market: { ...market, asOf, spot: Number(market.spot) - 500 * step } }),
    )
    return file
  })
  return Promise.all(files.map((file) => accountAnswer(readAccount(file, {}))))
}

/** An expiry with a smile, one whose marks no surface can follow, and one with too few strikes; with open interest. */
function chainFile(): string {
  const at = (expiry: string, strikes: readonly number[], volatility: (k: number, i: number) => number) =>
    strikes.flatMap((strike, i) =>
      ['C', 'P'].map((kind) => {
        const mark = volatility(Math.log(strike / 70000), i).toFixed(4)
        return `2026-02-05T04:00:00Z,BTC-${expiry}-${strike}-${kind},70000,${mark},,,,69900,${12.5 * (i + 1)}`
      }),
    )
  const strikes = [40000, 50000, 55000, 60000, 65000, 70000, 75000, 80000, 90000, 100000, 120000]
  const rows = [
    ...at('27FEB26', strikes, (k) => 0.6 - 0.1 * k + 0.5 * k * k),
    ...at('27MAR26', strikes, (k, i) => 0.6 + 0.5 * k * k + (i % 2) * 0.2),
    ...at('24APR26', [60000, 70000], () => 0.6),
  ]
  const file = join(folder, 'chain.csv')
  const header =
    'timestamp,instrument_name,underlying,implied_volatility,bid_price,ask_price,mark_price,index_price,open_interest'
  writeFileSync(file, [header, ...rows].join('\n'))
  return file
}

function deployedReport(judged: Pick<AuditReport['models'][number], 'accepted' | 'claims'>): AuditReport['deployed'] {
  const [address, account, other, council] = ['a1', 'b2', 'c3', 'd4'].map((byte) => `0x${byte.repeat(20)}`) as [
    string,
    string,
    string,
    string,
  ]
  const governs = { grantedBy: 'admin', cancelledBy: 'guardian', grantDelaySeconds: 0 }
  const member = { account, delaySeconds: 172_800, grantedInBlock: 1, grantedBy: other }
  const revoked = {
    kind: 'revoked',
    block: 9,
    logIndex: 0,
    timestamp: 1_770_265_800,
    by: other,
    signer: council,
  } as const
  return {
    contracts: [
      { name: 'RiskRegistry', address, ...judged },
      {
        name: 'AttestedFeed',
        address,
        committee: { threshold: 2, signers: [address, account, other], changes: [revoked] },
        ...judged,
      },
    ],
    authority: {
      council: address,
      admin: [{ method: 'grantRole', cancelledBy: 'canceller' }],
      roles: [
        { name: 'admin', ...governs, may: ['RiskRegistry.addMarket', 'ModelRegistry.register'], members: [member] },
        { name: 'guardian', ...governs, may: ['ModelRegistry.disable'], members: [{ ...member, delaySeconds: 0 }] },
      ],
      ...judged,
    },
    reads: { asked: 13, ...judged },
  }
}

function portfolioAuditReport(): PortfolioAuditReport {
  const judged = { accepted: true, claims: ['L8', 'L9', 'Q3'].map((claim) => ({ claim, holds: true })) }
  const [registry, account] = [`0x${'ab'.repeat(20)}`, `0x${'ba'.repeat(20)}`]
  const landed = { block: 7, transactionHash: `0x${'cd'.repeat(32)}`, asOf: 1_770_265_800n }
  const option = { quantity: -2, mark: 2_311.42, shocked: 9_804.11, contribution: -19_608.22 }
  return {
    ...{ kind: 'portfolio', accepted: true, chainId: 31337n, registry, fromBlock: 0, toBlock: 40, pinned: true },
    models: [{ modelId: '1', name: 'portfolioMargin3', ...judged }],
    policy: { versions: 1, ...judged },
    rounds: { published: 1, ...judged },
    arrays: [{ number: 1, arrayRoot: 1n, expiry: 1_774_598_400n, strikesE8: [1n, 2n], ...landed, ...judged }],
    margins: [
      {
        ...{ account, sequence: 1n, books: [{ number: 1, positions: 3, ...judged }], ...landed, ...judged },
        ...{ initialE8: -204_877_541_730n, maintenanceE8: 100_000_000n, worst: 'spot −20 %', worstLoss: -22_120.5 },
        legs: [
          { leg: 'BTC-27MAR26-60000-P', ...option },
          { leg: 'perpetuals', quantity: 0.4, contribution: -5_667.2 },
        ],
      },
    ],
    witnesses: [],
    accounts: [{ account, sequence: 1n, ...judged }],
    openInterest: { opened: 0, complete: 0, ...judged },
    deployed: deployedReport(judged),
  }
}

function auditReport(): AuditReport {
  const registry = `0x${'ab'.repeat(20)}`
  const held = ['O1', 'P4', 'P5', 'Q3'].map((claim) => ({ claim, holds: true }))
  const judged = { accepted: true, claims: held }
  const batches = Array.from({ length: 12 }, (_, i) => ({
    ...{ number: i + 1, block: 10 + i, transactionHash: `0x${'cd'.repeat(32)}`, model: '1', markets: ['BTC-USD'] },
    ...{ asOf: BigInt(1_584_000_000 + 3600 * i), observations: 1, skipped: i === 3 ? ['ETH-USD'] : [], ...judged },
    scores: ['ewma', 'garch'].map((model) => ({
      name: `BTC-USD~${model}`,
      predictions: i + 1,
      down: 0.03 + i / 1e4,
      up: 0.02,
    })),
  }))
  return {
    ...{
      accepted: true,
      chainId: 31337n,
      registry,
      fromBlock: 0,
      toBlock: 40,
      pinned: true,
      batches,
      promotions: [],
      changes: [],
    },
    models: [{ modelId: '1', name: 'marketRiskRange6x2', ...judged }],
    deployed: deployedReport(judged),
    markets: [{ name: 'BTC-USD', sequence: 12n, waiting: 0, model: 'rangeMixture', ...judged }],
    shadows: ['ewma', 'garch'].map((model) => ({
      ...{ name: `BTC-USD~${model}`, sequence: 12n, waiting: 0, model, ...judged },
      score: { predictions: 12, down: 0.031, up: 0.02 },
    })),
  }
}

async function renderPages(): Promise<Readonly<Record<string, string>>> {
  const { rows } = readExtract('BTC-USD')
  const series = replay(rows, defaultPolicy)
  const result = backtest(series)
  const proven = series.points.slice(-20).map(({ asOf }, i) => ({
    ...{
      asOf,
      sequence: BigInt(i + 1),
      transactionHash: `0x${i.toString(16).padStart(64, '0')}`,
      verdict: 'pass' as const,
    },
  }))
  const window = {
    kind: 'window',
    title: 'BTC-USD, proven on chain',
    series,
    proven,
    fixed: fixedMargins(result, defaultPolicy),
  } as const
  const example = join(root, 'docs', 'examples', 'short-strangle.json')
  return {
    single: renderReport([{ kind: 'window', title: 'BTC-USD', series, to: series.points[1]?.asOf }]),
    demo: renderReport([window, { kind: 'backtest', title: 'BTC-USD backtest', backtest: result }]),
    margin: renderMarginReport(await accountAnswer(readAccount(example, {}))),
    through: renderThroughReport(await throughMarkets(example)),
    chain: renderChainReport(priceChain(chainFile())),
    models: renderModelsReport(judgeAssets([{ name: 'BTC-USD', sources: ['extract'], rows }])),
    auditOfMargins: renderPortfolioAuditReport(portfolioAuditReport(), { elapsedSeconds: 3 }),
    audit: renderAuditReport(auditReport(), {
      pins: [
        { what: 'keys', value: 'marketRiskRange6x2 sha256 0123456789abcdef…', by: 'this checkout, development key' },
      ],
      elapsedSeconds: 3,
    }),
  }
}

const screens = [390, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const))

/** What a reader sees at first, measured in the page. */
const measure = `(() => {
  const isShown = (element) => element.getClientRects().length > 0
  const small = []
  const outside = []
  for (const element of document.querySelectorAll('body *')) {
    if (!isShown(element)) continue
    const scrolls = element.closest('.scroll, nav')
    if ((scrolls === null || scrolls === element) && element.getBoundingClientRect().right > innerWidth + 1) outside.push(element.outerHTML.slice(0, 80))
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '')
    if (!hasText || ['SCRIPT', 'STYLE', 'title'].includes(element.tagName)) continue
    const svg = element.closest('svg')
    const scale = svg === null ? 1 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
    if (parseFloat(getComputedStyle(element).fontSize) * scale < 10.99) small.push(element.outerHTML.slice(0, 80))
  }
  const cut = []
  for (const text of document.querySelectorAll('svg text')) {
    const [mine, svg] = [text, text.closest('svg')].map((element) => element.getBoundingClientRect())
    if (isShown(text) && (mine.left < svg.left - 0.5 || mine.right > svg.right + 0.5 || mine.top < svg.top - 4)) cut.push(text.outerHTML)
  }
  const unseen = [...document.querySelectorAll('.plots .scroll')].flatMap((place) =>
    [...place.querySelectorAll('.axis text')].filter((text) => {
      const [mine, shown] = [text, place].map((element) => element.getBoundingClientRect())
      return mine.left < shown.left - 0.5 || mine.right > shown.right
    }).map((text) => text.outerHTML))
  const axes = document.querySelectorAll('.axis text').length
  const newest = [...document.querySelectorAll('.plots .scroll')].map((place) => place.scrollLeft + place.clientWidth >= place.scrollWidth - 2)
  const answer = document.querySelector('header .tiles').getBoundingClientRect()
  return { small, outside, cut, unseen, axes, width: document.documentElement.scrollWidth, newest, answerEnds: answer.bottom, height: innerHeight }
})()`

describe.skipIf(executablePath === undefined)('pages in Chromium', () => {
  let browser: Browser
  /** A tab for all: a new one is a process of its own, which costs more than the page. */
  let page: Page
  let pages: Readonly<Record<string, string>>
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox', '--disable-gpu'],
    })
    page = await browser.newPage({ bypassCSP: true })
    pages = await renderPages()
  })
  afterAll(() => browser?.close())

  async function open(
    name: string,
    width: number,
    colorScheme: 'light' | 'dark',
  ): Promise<{ page: Page; errors: string[] }> {
    const file = join(folder, `${name}.html`)
    writeFileSync(file, pages[name] ?? '')
    const errors: string[] = []
    page.removeAllListeners('pageerror').on('pageerror', (error) => errors.push(error.message))
    await page.setViewportSize({ width, height: width < 700 ? 844 : 800 })
    await page.emulateMedia({ colorScheme })
    await page.goto(`file://${file}`)
    return { page, errors }
  }

  it.each(['demo', 'single', 'margin', 'through', 'chain', 'models', 'audit', 'auditOfMargins'])(
    '%s fits every screen, answer and newest end first',
    async (name) => {
      for (const [width, scheme] of screens) {
        const { page, errors } = await open(name, width, scheme)
        const seen = (await page.evaluate(measure)) as {
          readonly newest: readonly boolean[]
          readonly axes: number
          readonly answerEnds: number
          readonly height: number
        }
        expect(seen).toMatchObject({ small: [], outside: [], cut: [], unseen: [], width })
        expect(seen.axes > 0).toBe(!['margin', 'chain', 'auditOfMargins'].includes(name))
        expect(seen.newest.filter((isNewest) => !isNewest)).toEqual([])
        expect(seen.answerEnds).toBeLessThan(seen.height)
        await page.evaluate(axe)
        const violations = (await page.evaluate(
          `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
        )) as readonly string[]
        expect({ name, width, scheme, violations, errors }).toEqual({ name, width, scheme, violations: [], errors: [] })
      }
    },
  )

  it('would find what is wrong: small letters, overflow, a colour that is hard to read', async () => {
    const { page } = await open('margin', 390, 'light')
    await page.addStyleTag({ content: 'h2 { font-size: 9px; width: 900px } .note { color: #aaa }' })
    const seen = (await page.evaluate(measure)) as { small: string[]; outside: string[] }
    expect(seen.small[0]).toContain('<h2>')
    expect(seen.outside[0]).toContain('<h2>')
    await page.evaluate(axe)
    expect(await page.evaluate(`axe.run(document).then(({ violations }) => violations.map(({ id }) => id))`)).toContain(
      'color-contrast',
    )
  })

  it('the option chain is filtered by currency, date or warning', async () => {
    const { page } = await open('chain', 390, 'light')
    const shown = () => page.locator('tbody tr[data-words]:visible').count()
    expect(await shown()).toBe(3)
    await page.locator('input[type=search]').fill('warning')
    expect(await shown()).toBe(2)
    expect(await page.locator('.filter-count').textContent()).toBe('2 of 3')
    await page.locator('input[type=search]').fill('btc 2026-02')
    expect(await page.locator('section[data-words]:visible h2').allTextContents()).toEqual(['BTC 2026-02-27'])
  })

  it('a single publication is in sight, and no axis covers a time', async () => {
    const { page } = await open('single', 390, 'light')
    const [dot, hidden] = (await page.evaluate(`(() => {
      const place = document.querySelector('.plots .scroll').getBoundingClientRect()
      const dot = document.querySelector('.plots .dot').getBoundingClientRect()
      const axis = document.querySelector('.axis').getBoundingClientRect()
      const times = [...document.querySelector('.plots svg').querySelectorAll('.tick')]
      const hidden = times.filter((time) => time.getBoundingClientRect().top < axis.bottom - 1)
      return [place.left <= dot.left && dot.right <= place.right, hidden.map((time) => time.textContent)]
    })()`)) as readonly [boolean, readonly string[]]
    expect(dot).toBe(true)
    expect(hidden).toEqual([])
  })

  it('the crosshair follows the keys, and the chart with it', async () => {
    const { page } = await open('demo', 390, 'light')
    const readout = () => page.locator('.plots .readout b').first().textContent()
    const last = await readout()
    await page.locator('.plots .scroll').first().focus()
    await page.keyboard.press('ArrowLeft')
    expect(await readout()).not.toBe(last)
    for (let i = 0; i < 8; i++) await page.keyboard.press('PageUp')
    const isInView = await page.evaluate(`(() => {
      const place = document.querySelector('.plots .scroll').getBoundingClientRect()
      const { left } = document.querySelector('.crosshair').getBoundingClientRect()
      return place.left <= left && left <= place.right
    })()`)
    expect(isInView).toBe(true)
  })
})

/** What is drawn, without the script. */
const drawn = (page: string): string => page.slice(0, page.lastIndexOf('<script>'))

describe('pages of little', () => {
  it('of an account at one time are those of its margin, at two times lines', async () => {
    const answers = await throughMarkets(join(root, 'docs', 'examples', 'short-strangle.json'))
    const [first] = answers
    expect(renderThroughReport(answers.slice(0, 1))).toBe(renderMarginReport(first as AccountAnswer))
    const two = drawn(renderThroughReport(answers.slice(0, 2)))
    const same = drawn(renderThroughReport([first, first] as AccountAnswer[]))
    for (const page of [two, same]) expect(page).not.toMatch(/NaN|Infinity|undefined/)
    expect(two).toMatch(/2 markets from .* to .* UTC/)
    expect(same).toMatch(/2 markets at .* UTC/)
    expect(same).toContain('<circle class="dot ink"')
  })

  it('of models over eight days have a visible score', () => {
    const { rows } = readExtract('BTC-USD')
    const page = drawn(
      renderModelsReport(judgeAssets([{ name: 'BTC-USD', sources: ['extract'], rows: rows.slice(0, 192) }])),
    )
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
    const scores = page.slice(page.indexOf('id="scores-1"'), page.indexOf('id="crash-1"'))
    expect(scores.match(/<circle class="dot /g)?.length).toBeGreaterThan(4)
  })

  it.each([
    ['puts in the money', [76000, 80000, 84000], 'P'],
    ['one call', [60000], 'C'],
    ['one strike at the forward', [70000], 'P'],
  ] as const)('of %s have gamma and vega', (name, strikes, kind) => {
    const file = join(folder, `${name}.csv`)
    const rows = strikes.map((strike) => `2026-02-05T04:00:00Z,BTC-27FEB26-${strike}-${kind},70000,0.6,69900`)
    writeFileSync(file, ['timestamp,instrument_name,underlying,implied_volatility,index_price', ...rows].join('\n'))
    const page = drawn(renderChainReport(priceChain(file)))
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
    for (const title of ['Gamma', 'Vega']) {
      const figure = new RegExp(`<span class="chart-title">${title}</span>.*?</figure>`, 's').exec(page)?.[0] ?? ''
      const line = /<path class="series fast" d="([^"]*)"/.exec(figure)?.[1] ?? ''
      const points = line === '' ? figure.split('<circle class="dot fast"').length - 1 : line.split(/[ML]/).length - 1
      expect(points).toBe(strikes.length)
    }
  })
})

describe('what pages say first', () => {
  it('is how many proofs were accepted, margins, breaches', async () => {
    const pages = await renderPages()
    const headerOf = (name: string): string => /<header>.*<\/header>/s.exec(pages[name] ?? '')?.[0] ?? ''
    expect(headerOf('demo')).toContain('✓ 20 of 20 proofs accepted by the audit')
    expect(headerOf('demo')).toMatch(/BTC-USD: initial margin at 2020-03-16 23:00<\/dt><dd>\d+\.\d\d %/)
    expect(headerOf('demo')).toMatch(/breaches down \/ up<\/dt><dd>\d+ \/ \d+ of 215/)
    expect(headerOf('margin')).toMatch(/class="verdict warn">! Below initial margin/)
    expect(headerOf('chain')).toMatch(/class="verdict warn">! 2 of 3 surfaces to look at, 0 rows refused/)
    expect(headerOf('chain')).toMatch(/Open interest, contracts of BTC<\/dt><dd>3,375</)
    expect(headerOf('audit')).toMatch(/✓ Accepted.*12 of 12.*80 of 80/s)
    expect(headerOf('auditOfMargins')).toMatch(/✓ Accepted.*Margins accepted.*1 of 1.*36 of 36/s)
  })

  it('of an account over several markets is how it stands as a whole, then each market', async () => {
    const { market, ...rest } = JSON.parse(readFileSync(join(root, 'docs', 'examples', 'short-strangle.json'), 'utf8'))
    const file = join(folder, 'both.json')
    const markets = { BTC: market, ETH: { asOf: market.asOf, spot: '2000' } }
    const account = { ...rest.account, cash: '1000000', perps: [{ quantity: '3', currency: 'ETH' }] }
    writeFileSync(file, JSON.stringify({ ...rest, account, markets }))
    const answer = await accountAnswer(readAccountOverMarkets(file, {}))
    expect(() => readAccount(file, {})).toThrow(expect.objectContaining({ code: 'portfolio.several-markets' }))
    const page = renderMarginReport(answer)
    expect(answer.standing.initialE8).toBeGreaterThan(0n)
    expect(page).toMatch(/class="verdict pass">✓ Healthy/)
    for (const id of ['account', 'BTC-requirement', 'BTC-legs', 'ETH-requirement', 'ETH-sensitivity'])
      expect(page.split(`<section id="${id}"`)).toHaveLength(2)
    const left = (Number(answer.standing.initialE8) / 1e8).toLocaleString('en-GB', {
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    })
    expect(page.split(left).length).toBe(3)
    // By itself ETH is short of its requirement, which nobody judges it by.
    expect(answer.markets[1]?.provable.margin.initialE8).toBeLessThan(0n)
    expect(page).not.toContain('may not open')
  })

  it('of a margin sums up: terms to what is left, legs to the worst loss', async () => {
    const answer = await accountAnswer(readAccount(join(root, 'docs', 'examples', 'short-strangle.json'), {}))
    const page = renderMarginReport(answer)
    const left = /<td>= left<\/td><td>(−?[\d,.]+)<\/td><td>(−?[\d,.]+)<\/td>/.exec(page)?.slice(1) ?? []
    const number = (text: string): number => Number(text.replaceAll(',', '').replace('−', '-'))
    expect(left.map(number)).toEqual(
      [answer.standing.initialE8, answer.standing.maintenanceE8].map((value) => Math.round(Number(value) / 1e6) / 100),
    )
    const body = /aria-label="Requirement, term by term">.*?<tbody>(.*?)<\/tbody>/s.exec(page)?.[1] ?? ''
    const terms = [...body.matchAll(/<tr><td>[^<]*<\/td><td>(−?[\d,.]+)<\/td>/g)].map(([, text = '']) => number(text))
    expect(terms.reduce((sum, term) => sum + term, 0)).toBeCloseTo(number(left[0] ?? ''), 1)
    expect(page).toMatch(/= worst loss<\/td><td>−14,237\.64/)
    expect(page).toMatch(/liquidation<\/td><td class="warn">68,639\.76 \(−3\.1 %\)/)
  })
})
