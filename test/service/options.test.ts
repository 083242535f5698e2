import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatPrice, priceJson, priceOption, type PriceRequest } from '../../prover/service/answers/optionPrices.ts'
import { errorOf, temporaryFolder, zkrisk } from './zkrisk.ts'

const folder = temporaryFolder()
const root = join(import.meta.dirname, '..', '..')
const example = join(root, 'docs', 'examples', 'short-strangle.json')
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** A chain of our own making: a smile of 60 % with a skew, two expiries. */
function ownChain(time: string, spot: number): string {
  const lines = ['27FEB26', '27MAR26'].flatMap((expiry) =>
    [40000, 50000, 55000, 60000, 65000, 70000, 75000, 80000, 90000, 100000, 120000].flatMap((strike) =>
      ['C', 'P'].map((kind) => {
        const k = Math.log(strike / spot)
        return `${time},BTC-${expiry}-${strike}-${kind},${spot},${(0.6 - 0.1 * k + 0.5 * k * k).toFixed(4)},,,,${spot}`
      }),
    ),
  )
  return [
    'timestamp,instrument_name,underlying,implied_volatility,bid_price,ask_price,mark_price,index_price',
    ...lines,
  ].join('\n')
}

describe('zkrisk price', () => {
  const option = ['price', '--forward', '65000', '--strike', '70000', '--vol', '65%']

  it('prices an option by the twin, the float reference beside it', async () => {
    const { code, stdout } = await zkrisk(...option, '--days', '30', '--json')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout)
    expect(answer.price).toBeCloseTo(2900.6186, 3)
    expect(answer.delta).toBeCloseTo(0.38037, 5)
    expect(answer.reference.value).toBeCloseTo(answer.price, 5)
    const { stdout: text } = await zkrisk(
      ...option,
      '--expiry',
      '2026-03-27',
      '--as-of',
      '2026-02-25 08:00',
      '--put',
      '--rate',
      '0.04',
    )
    expect(text).toContain('Put struck at 70000, forward 65000, 30 days')
    expect(text).toContain('theta, per day')
  })

  it('refuses terms that make no sense', async () => {
    const code = async (...args: readonly string[]) => errorOf(await zkrisk(...option, ...args, '--json')).code
    expect(await code()).toBe('service.expiry-choice')
    expect(await code('--expiry', '2026-02-05', '--as-of', '2026-02-05 08:00:01')).toBe('service.already-expired')
    expect(await code('--days', 'ten')).toBe('portfolio.not-decimal')
    expect(await code('--days', '800')).toBe('options.term-out-of-range')
  })
})

describe('an option’s price', () => {
  const request = { forward: '65000', strike: '70000', vol: '65%', days: '30' }
  const refusal = (bent: Partial<PriceRequest>): unknown => {
    try {
      priceOption({ ...request, ...bent }, 0n)
    } catch (error) {
      return error
    }
    throw new Error('expected a refusal')
  }

  it('says of a term with three digits behind its only point how it was read', async () => {
    const notes = (bent: Partial<PriceRequest>) =>
      (priceJson(priceOption({ ...request, ...bent }, 0n)) as { notes: readonly string[] }).notes.filter((note) =>
        note.startsWith('--'),
      )
    expect(notes({ forward: '65.000', strike: '70.000' })).toEqual([
      '--forward: "65.000" is read as 65, with a decimal point. If it was to group thousands, write 65000.',
      '--strike: "70.000" is read as 70, with a decimal point. If it was to group thousands, write 70000.',
    ])
    expect(notes({ forward: '0.125', strike: '0.130' })).toEqual([])
    expect(notes({ forward: '65000.125' })).toEqual([])
    const { stdout } = await zkrisk('price', '--forward', '65.000', '--strike', '70', '--vol', '65%', '--days', '30')
    expect(stdout).toContain('--forward: "65.000" is read as 65')
  })

  it('says of a time to price at that it is still to come, and prices it all the same', () => {
    const [asOf, expiry] = ['2026-02-05T08:00:00Z', '2026-03-27']
    const at = BigInt(Date.parse(asOf)) / 1000n
    const notes = (now: bigint) => {
      const { days: _, ...terms } = request
      const answer = priceOption({ ...terms, asOf, expiry }, now)
      expect(answer.secondsToExpiry).toBe(50 * 86_400)
      return (priceJson(answer) as { notes: readonly string[] }).notes.filter((note) => note.startsWith('--as-of'))
    }
    expect(notes(at - 121n)).toEqual(['--as-of: 2026-02-05T08:00:00Z is ahead of now, 2026-02-05T07:57:59Z.'])
    expect(notes(at - 120n)).toEqual([])
  })

  it('says units, and refuses what can only be of another', () => {
    const { impliedVolatility, rate } = priceOption({ ...request, rate: '4%' }, 0n)
    expect([impliedVolatility, rate]).toEqual([0.65, 0.04].map((value) => expect.closeTo(value, 11)))
    expect(refusal({ vol: '65' })).toMatchObject({ code: 'portfolio.unit', entry: '--vol', meant: '0.65 or 65%' })
    expect(refusal({ vol: '5' })).toMatchObject({ meant: '0.05 or 5%' })
    expect(refusal({ vol: '6500' })).toMatchObject({ meant: '0.65 or 65%' })
    expect(priceOption({ ...request, vol: '4.99' }, 0n).impliedVolatility).toBeCloseTo(4.99, 11)
    expect(priceOption({ ...request, vol: '500%' }, 0n).impliedVolatility).toBe(5)
    expect(formatPrice(priceOption({ ...request, vol: '0.65%' }, 0n))).toContain('did you mean 65 %?')
    expect(formatPrice(priceOption({ ...request, vol: '1%' }, 0n))).not.toContain('did you mean')
    expect(refusal({ rate: '4' })).toMatchObject({ code: 'portfolio.unit', entry: '--rate', meant: '0.04 or 4%' })
    expect(refusal({ rate: '-1' })).toMatchObject({ meant: '-0.01 or -1%' })
    expect(priceOption({ ...request, rate: '100%' }, 0n).rate).toBe(1)
  })

  it('names the term that is out of range, in its own unit', () => {
    const words = (bent: Partial<PriceRequest>): string => (refusal(bent) as Error).message
    expect(refusal({ days: '776.73' })).toMatchObject({ code: 'options.term-out-of-range', term: 'secondsToExpiry' })
    expect(words({ days: '776.73' })).toContain('below 776.72296296 days, got 776.73 days')
    expect(priceOption({ ...request, days: '776.722' }, 0n).exact.value).toBeGreaterThan(0)
    expect(words({ vol: '3200%' })).toContain('below 3,200 %, got 3,200 %')
    expect(words({ forward: '0' })).toContain('a forward of at least 0.00000001')
    // Beyond every scale; one that a scale holds is priced at it.
    expect(priceOption({ ...request, strike: '2814749.76710656' }, 0n).exact.value).toBeGreaterThanOrEqual(0)
    expect(words({ strike: '2814749767106.56' })).toContain(
      'a strike of at least 0.00000001 and below 2,814,749.76710656',
    )
    expect(words({ rate: '750%' })).toContain('below 750 %, got 750 %')
    expect(refusal({ forward: '65,000' })).toMatchObject({ code: 'portfolio.not-decimal' })
    expect(refusal({ days: undefined, expiry: 'soon' })).toMatchObject({
      code: 'portfolio.not-time',
      entry: '--expiry',
    })
  })

  it('is discounted at a negative rate too, as QuantLib does it', () => {
    const terms = { forward: '35.57058', strike: '40', days: '365', vol: '0.2', rate: '-0.012', put: true }
    const answer = priceOption(terms, 0n)
    expect(answer.exact.value).toBeCloseTo(5.79508, 5)
    expect(answer.reference.value).toBeCloseTo(5.79508, 5)
    expect(answer.exact.forwardValue).toBeCloseTo(5.72595, 5)
    expect(formatPrice(answer)).toContain('Margins and their proofs count a negative rate as 0.')
    expect(formatPrice(priceOption({ ...terms, rate: '0' }, 0n))).not.toContain('negative rate')
  })

  it('has the same Greeks by twin and reference at the money without time or volatility', () => {
    const still = { forward: '100', strike: '100' }
    for (const put of [false, true]) {
      for (const terms of [
        { ...still, days: '0', vol: '0.5' },
        { ...still, days: '30', vol: '0' },
      ]) {
        const answer = priceOption({ ...terms, put }, 0n)
        const { greeks } = answer.reference
        for (const [name, value] of Object.entries(answer.exact.greeks)) {
          expect(value, name).toBeCloseTo(greeks[name as keyof typeof greeks], 9)
        }
        expect(greeks.delta).toBe(put ? 0 : 1)
        expect(formatPrice(answer)).toContain('At the money without time or volatility')
      }
    }
    expect(priceOption({ ...still, forward: '99.99', days: '0', vol: '0.5' }, 0n).reference.greeks.delta).toBe(0)
  })

  it('has Greeks in units that their names say, the same in JSON and in the table', () => {
    const answer = priceOption(request, 0n)
    const json = priceJson(answer) as Readonly<Record<string, number>>
    expect(json.vegaPerPoint).toBeCloseTo(answer.exact.greeks.vega / 100, 12)
    expect(json.thetaPerDay).toBeCloseTo(answer.exact.greeks.theta / 365, 12)
    const shown = formatPrice(answer).split('\n')
    const row = (name: string): string => shown.find((line) => line.startsWith(name)) ?? ''
    expect(row('vega, per volatility point')).toContain(json.vegaPerPoint?.toPrecision(10).slice(0, 10))
    expect(row('theta, per day')).toContain(json.thetaPerDay?.toPrecision(10).slice(0, 10))
  })
})

describe('zkrisk greeks', () => {
  const chain = file('chain.csv', ownChain('2026-02-05T08:00:00Z', 70000))

  it('prices every option of a chain and fits every expiry', async () => {
    const { stdout } = await zkrisk('greeks', chain, '--json')
    const { priced, refused, expiries } = JSON.parse(stdout)
    expect([priced, refused.length, expiries.length]).toEqual([44, 0, 2])
    expect(expiries[0].svi.maxError).toBeLessThan(0.02)
    const call = expiries[0].options.find(
      ({ instrument }: { instrument: string }) => instrument === 'BTC-27FEB26-70000-C',
    )
    expect(call.delta).toBeCloseTo(0.529, 2)
  })

  it('shows a table of chosen expiries and writes pictures that need nothing else', async () => {
    const page = join(folder, 'chain.html')
    const { code, stdout } = await zkrisk('greeks', chain, '--expiry', '2026-03', '--html', page)
    expect(code).toBe(0)
    expect(stdout).toContain('BTC 2026-03-27, 50.0 days')
    expect(stdout).not.toContain('2026-02-27')
    const html = readFileSync(page, 'utf8')
    expect(html).toContain('fitted SVI')
    expect(html).not.toContain('<p class="warn">')
    expect(html).not.toMatch(/(?:src|href)="(?!#)/)
  })

  it('flags a surface of the last day in words and colour', async () => {
    const page = join(folder, 'late.html')
    const late = file('last-day.csv', ownChain('2026-02-26T20:00:00Z', 70000))
    const { stdout } = await zkrisk('greeks', late, '--html', page)
    expect(stdout).toMatch(/BTC 2026-02-27, .*; ! expires in 12.0 hours, where SVI fits no smile/)
    expect(stdout).not.toMatch(/BTC 2026-03-27, .*!/)
    expect(readFileSync(page, 'utf8').match(/<p class="warn">! /g)).toHaveLength(1)
    const through = await zkrisk('margin', example, '--chain', late)
    expect(through.stdout).toContain('! The surface of BTC 2026-02-27: expires in 12.0 hours, where SVI fits no smile.')
    expect(through.stdout).not.toContain('! The surface of BTC 2026-03-27')
  })
})

describe('chain files with something wrong', () => {
  const lines = ownChain('2026-02-05T08:00:00Z', 70000)
  const bad = file('bad.csv', `${lines}\n2026-02-05T08:00:00Z,BTC-27MAR26-85000-X,70000,0.6,,,,70000`)
  const account = file(
    'account.json',
    JSON.stringify({
      account: { cash: '100000', options: [{ instrument: 'BTC-27MAR26-85000-C', quantity: '-1' }] },
      market: { asOf: '2026-02-05', spot: '1' },
    }),
  )

  it('are named in text and JSON, row by row, and the rest is used', async () => {
    const refused = { row: 46, code: 'options.quote-instrument', value: 'BTC-27MAR26-85000-X' }
    const [greeks, text] = [await zkrisk('greeks', bad, '--json'), await zkrisk('greeks', bad)]
    expect(JSON.parse(greeks.stdout)).toMatchObject({ priced: 44, refused: [refused] })
    expect(text.stdout).toContain('Refused: row 46, BTC-27MAR26-85000-X: expected an instrument')
    const margin = ['margin', account, '--chain', bad] as const
    const [through, table] = [await zkrisk(...margin, '--json'), await zkrisk(...margin)]
    const [answer] = JSON.parse(through.stdout)
    expect(answer.chain).toMatchObject({ file: bad, refused: [refused] })
    expect(answer.chain.notes).toEqual([expect.stringContaining('lists no option at 85000 of BTC 2026-03-27')])
    expect(table.stdout).toContain('Refused: row 46')
    expect(table.stdout).toContain('lists no option at 85000')
  })

  it('take a spot that is said, and refuse one that is none', async () => {
    const chain = ['margin', account, '--chain', bad, '--json'] as const
    const im = async (...args: readonly string[]) => JSON.parse((await zkrisk(...chain, ...args)).stdout)[0].im
    expect(await im('--spot', '70000')).toBe(await im('--spot', 'BTC=70000'))
    expect(await im('--spot', '70000')).toBe(await im())
    expect(await im('--spot', '71000')).not.toBe(await im())
    expect(errorOf(await zkrisk(...chain, '--spot', 'seventy')).code).toBe('service.spot-option')
    const [answer] = JSON.parse((await zkrisk(...chain, '--spot', 'BTC=70000.5')).stdout)
    expect(answer.chain.notes.join()).not.toContain('decimal point')
    const few = file(
      'few.json',
      JSON.stringify({ account: { cash: '18.000', perps: { quantity: 1, currency: 'BTC' } } }),
    )
    const small = ownChain('2026-02-05T08:00:00Z', 70000)
      .replaceAll(',70000', ',70')
      .replaceAll(/000(?=-[CP],)/g, '')
    const through = ['margin', few, '--chain', file('small.csv', small), '--json', '--spot', '70.000'] as const
    const [read] = JSON.parse((await zkrisk(...through)).stdout)
    expect(read.chain.notes.join()).toMatch(/account\.cash: "18\.000" is read as 18,.*--spot: "70\.000" is read as 70/)
  })

  it('are chosen from by currency, wholly, and by expiry', async () => {
    const found = ['BTC 2026-02-27', 'BTC 2026-03-27']
    const chosen = async (...args: readonly string[]) => errorOf(await zkrisk('greeks', bad, '--json', ...args))
    expect(await chosen('--currency', 'BT')).toMatchObject({ code: 'service.no-options', found })
    expect(await chosen('--expiry', '2027')).toMatchObject({ code: 'service.no-options', found })
    const one = await zkrisk('greeks', bad, '--json', '--currency', 'btc', '--expiry', '2026-03')
    expect(JSON.parse(one.stdout)).toMatchObject({ priced: 22, expiries: [{ currency: 'BTC', markUnit: 'BTC' }] })
  })
})

describe('zkrisk margin', () => {
  it('prints margins, worst scenario, contributions, Greeks and thresholds as JSON', async () => {
    const { code, stdout } = await zkrisk('margin', example, '--json')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout)
    expect(answer.im).toBeCloseTo(-2048.7754, 3)
    expect(answer.mm).toBeCloseTo(1507.2847, 3)
    expect(Number(answer.imExact)).toBe(answer.im)
    expect(answer.worstScenario.words).toBe('spot −18 %, volatility up')
    expect(answer.initial.requirement).toBeCloseTo(16_221.53, 2)
    expect(answer.initial.left).toBe(answer.im)
    expect(answer.maintenance.utilisation).toBeCloseTo((answer.equity - answer.mm) / answer.equity, 9)
    expect(answer.greeks.delta).toBeCloseTo(answer.greeks.deltaOf.options + 0.4, 9)
    expect(answer.greeks.vegaPerPoint).toBeCloseTo(-171.105, 3)
    const sum = answer.contributions.reduce(
      (total: number, { contribution }: { contribution: number }) => total + contribution,
      0,
    )
    expect(sum).toBeCloseTo(answer.terms.worstLoss, 6)
    expect(answer.thresholds.liquidationDown).toBeCloseTo(68639.76, 1)
    expect(answer.steps).toBeUndefined()
  })

  it('explains every intermediate with its rounding, in words a trader reads', async () => {
    const { stdout } = await zkrisk('margin', example, '--explain')
    for (const words of [
      'initial margin        16,221.53  −2,048.78      114.5 %  may not open positions',
      'Net Greeks: delta 0.608831 (options 0.208831, perpetuals 0.400000)',
      'What each leg adds to the worst scenario',
      '−2 × BTC-27MAR26-60000-P',
      'total volatility, up',
      'factor if it costs',
      'nearest  policy',
    ]) {
      expect(stdout).toContain(words)
    }
  })

  it('follows an account through chains and draws it', async () => {
    const chains = [
      file('late.csv', ownChain('2026-02-06T08:00:00Z', 60000)),
      file('early.csv', ownChain('2026-02-05T08:00:00Z', 70000)),
    ]
    const page = join(folder, 'through.html')
    const { code, stdout } = await zkrisk('margin', example, '--chain', ...chains, '--html', page, '--json')
    expect(code).toBe(0)
    const [before, after] = JSON.parse(stdout)
    expect(before.asOf).toBeLessThan(after.asOf)
    expect(after.mm).toBeLessThan(before.mm)
    expect(readFileSync(page, 'utf8')).toContain('Equity and what must be held')
  })

  it('follows an account over two markets through a chain of both, and refuses to prove it', async () => {
    const eth = ownChain('2026-02-05T08:00:00Z', 70000).split('\n').slice(1)
    const cents = eth.map((line) =>
      line
        .replace('BTC', 'ETH')
        .replaceAll(/\b(\d+)000(?=-[CP],)/g, '$100')
        .replaceAll(',70000', ',7000'),
    )
    const chain = file('both.csv', [ownChain('2026-02-05T08:00:00Z', 70000), ...cents].join('\n'))
    const account = {
      cash: 100_000,
      perps: [{ quantity: 1, currency: 'BTC' }],
      options: [{ instrument: 'ETH-27MAR26-7000-P', quantity: -3 }],
    }
    const portfolio = file('both.json', JSON.stringify({ account }))
    const page = join(folder, 'both.html')
    const { code, stdout } = await zkrisk('margin', portfolio, '--chain', chain, '--html', page)
    expect(code).toBe(0)
    expect(stdout).toContain('through 1 chain over 2 markets')
    // Of one chain the page is that of the margin.
    expect(readFileSync(page, 'utf8')).toContain('ETH: What could happen')
    expect(errorOf(await zkrisk('margin', portfolio, '--chain', chain, '--prove', '--json')).code).toBe(
      'service.prove-through',
    )
    const stated = JSON.parse(readFileSync(example, 'utf8'))
    const markets = { BTC: stated.market, ETH: { asOf: stated.market.asOf, spot: 2000 } }
    const over = file('over.json', JSON.stringify({ account: { perps: [{ quantity: 1, currency: 'ETH' }] }, markets }))
    const json = await zkrisk('margin', over, '--html', page, '--json')
    expect(Object.keys(JSON.parse(json.stdout).markets)).toEqual(['BTC', 'ETH'])
    expect(readFileSync(page, 'utf8')).toContain('ETH: What could happen')
    for (const option of ['--margins-alone', '--count', '--unhealthy']) {
      const refused = errorOf(await zkrisk('margin', over, '--prove', option, '--json'))
      expect(refused.code).toBe('service.prove-over-markets')
      expect(refused.message).toContain('`--prove` reports and proves it over all its markets')
    }
  })

  it('notes a market that is ahead of now, unless --now says that it is meant', async () => {
    const stated = JSON.parse(readFileSync(example, 'utf8'))
    const market = { ...stated.market, asOf: '2100-01-01T00:00:00Z', expiries: [] }
    const portfolio = file('ahead.json', JSON.stringify({ account: { cash: 1 }, market }))
    const notes = async (...args: readonly string[]) =>
      JSON.parse((await zkrisk('margin', portfolio, '--json', ...args)).stdout).notes
    expect(await notes()).toEqual([
      expect.stringMatching(/^market\.asOf: 2100-01-01T00:00:00Z is ahead of now, .*--now/),
    ])
    expect(await notes('--now', '2099-12-31 23:57:59')).toHaveLength(1)
    expect(await notes('--now', '2099-12-31 23:58:00')).toEqual([])
    expect(JSON.parse((await zkrisk('margin', example, '--json')).stdout).notes).toEqual([])
  })

  it('refuses with the leg named, exit code 1 and nothing written', async () => {
    const bad = file('bad.json', readFileSync(example, 'utf8').replace('BTC-27FEB26-80000-C', 'BTC-28FEB26-80000-C'))
    const page = join(folder, 'never.html')
    const ended = await zkrisk('margin', bad, '--html', page, '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'portfolio.unknown-instrument', leg: 'BTC-28FEB26-80000-C' })
    expect(existsSync(page)).toBe(false)
    expect(errorOf(await zkrisk('margin', '--json')).code).toBe('service.account-choice')
    expect(errorOf(await zkrisk('margin', 'absent.json', '--json')).code).toBe('service.portfolio-missing')
    expect(errorOf(await zkrisk('margin', folder, '--json')).code).toBe('service.portfolio-unreadable')
    expect(errorOf(await zkrisk('margin', example, '--prove', '--unhealthy', '--json')).code).toBe(
      'service.account-healthy',
    )
    expect(errorOf(await zkrisk('margin', example, '--unhealthy', '--json'))).toMatchObject({ option: 'unhealthy' })
    for (const option of [['--margins-alone'], ['-o', page]]) {
      const both = errorOf(await zkrisk('margin', example, '--prove', '--unhealthy', ...option, '--json'))
      expect(both.code).toBe('service.unhealthy-besides')
    }
    expect(errorOf(await zkrisk('margin', example, '--count', '--json'))).toMatchObject({ option: 'count' })
    for (const option of ['--margins-alone', '--unhealthy']) {
      const both = errorOf(await zkrisk('margin', example, '--prove', '--count', option, '--json'))
      expect(both.code).toBe('service.count-besides')
    }
    expect(errorOf(await zkrisk('margin', example, '--now', '2026-02-06', '--json')).code).toBe(
      'portfolio.stale-surface',
    )
  })
})
