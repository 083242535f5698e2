import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
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
    expect(html).not.toMatch(/(?:src|href)="(?!#)/)
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

  it('refuses with the leg named, exit code 1 and nothing written', async () => {
    const bad = file('bad.json', readFileSync(example, 'utf8').replace('BTC-27FEB26-80000-C', 'BTC-28FEB26-80000-C'))
    const page = join(folder, 'never.html')
    const ended = await zkrisk('margin', bad, '--html', page, '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'portfolio.unknown-instrument', leg: 'BTC-28FEB26-80000-C' })
    expect(existsSync(page)).toBe(false)
    expect(errorOf(await zkrisk('margin', '--json')).code).toBe('service.account-choice')
    expect(errorOf(await zkrisk('margin', 'absent.json', '--json')).code).toBe('service.portfolio-missing')
    expect(errorOf(await zkrisk('margin', example, '--now', '2026-02-06', '--json')).code).toBe(
      'portfolio.stale-surface',
    )
  })
})
