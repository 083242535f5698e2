import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { modelNames } from '../../prover/volatility/models.ts'
import { root } from '../../scripts/tools/sources.ts'
import { errorOf, zkrisk } from './zkrisk.ts'

const folder = mkdtempSync(join(tmpdir(), 'models-'))
afterAll(() => rmSync(folder, { recursive: true }))
const extract = (asset: string): string => join(root, 'prover', 'market', 'extracts', `${asset}-usd-2020-03.csv`)

/** The extract with a low and a high of one per cent about each close. */
const bars = (() => {
  const [, ...lines] = readFileSync(extract('btc'), 'utf8').trim().split('\n')
  const cells = lines.map((line) => line.split(',').map(Number) as [number, number])
  const rows = cells.map(([time, price]) =>
    [time, (price * 1.01).toFixed(4), price, (price * 0.99).toFixed(4)].join(','),
  )
  const file = join(folder, 'bars.csv')
  writeFileSync(file, `timestamp,high,close,low\n${rows.join('\n')}\n`)
  return file
})()

describe('zkrisk models', () => {
  it('compares every model by asset and period, with coverage, score, shortfall and rows', async () => {
    const page = join(folder, 'models.html')
    const { code, stdout, stderr } = await zkrisk('models', extract('btc'), extract('eth'), '--html', page)
    expect(stderr).toContain(page)
    expect(code).toBe(0)
    for (const text of ['btc-usd', 'eth-usd', 'constant', ...modelNames, '100 % with high and low']) {
      expect(stdout).toContain(text)
    }
    expect(stdout).toMatch(/Best by score: \w+ .*Markets are bound to rangeMixture unless/)
    const markup = readFileSync(page, 'utf8')
    expect(markup).not.toMatch(/https?:|src=|href="(?!#)|@import|url\(/)
    expect(markup.match(/<section/g)).toHaveLength(4)
    expect(markup).toContain('margins through March 2020')
    // Every model and the constant in each of two score charts, a dot each of the one month, and three of margins
    const curves = modelNames.length + 1
    expect(markup.match(/class="(?:series|dot) /g)?.length).toBe(2 * (2 * curves + 1 + 3 * curves))
  })

  it('prints the same as JSON: files of one asset follow each other, a range is seen', async () => {
    const { code, stdout } = await zkrisk('models', bars, bars, '--asset', 'BTC', '--asset', 'BTC', '--json')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout)
    expect(answer).toMatchObject({ defaultModel: 'rangeMixture' })
    expect(answer.assets).toHaveLength(1)
    const [asset] = answer.assets
    expect(asset).toMatchObject({
      name: 'BTC',
      sources: [bars, bars],
      observations: 216,
      rangedShare: 1,
      spacingSeconds: 3600,
    })
    expect(asset.models.map(({ name }: { name: string }) => name)).toEqual(['constant', ...modelNames])
    for (const { whole, alpha } of asset.models) {
      expect(whole.down.score).toBeGreaterThanOrEqual(whole.down.meanMove)
      expect(alpha).toBeCloseTo(0.005, 5)
    }
  })

  it('gathers rows to fewer observations on request', async () => {
    const { stdout } = await zkrisk('models', bars, '--observe-seconds', '7200', '--json')
    expect(JSON.parse(stdout).assets[0]).toMatchObject({ observations: 108, rangedShare: 1 })
  })

  it('leaves ranges out on request, as a source does that attests none', async () => {
    const { stdout } = await zkrisk('models', bars, '--closes-only', '--json')
    expect(JSON.parse(stdout).assets[0]).toMatchObject({ observations: 216, rangedShare: 0 })
  })

  /** Rows of {@link bars} from one to before another, as a file of their own. */
  const part = (name: string, from: number, to: number): string => {
    const [header, ...lines] = readFileSync(bars, 'utf8').trim().split('\n')
    const file = join(folder, `${name}.csv`)
    writeFileSync(file, `${[header, ...lines.slice(from, to)].join('\n')}\n`)
    return file
  }

  it('takes the files of one asset in whatever order they are named, and overlapping ones once', async () => {
    const [first, second] = [part('first', 0, 120), part('second', 100, 216)]
    const { stdout } = await zkrisk('models', second, first, '--asset', 'BTC', '--asset', 'BTC', '--json')
    expect(JSON.parse(stdout).assets[0]).toMatchObject({ observations: 216, sources: [first, second] })
  })

  it('takes a file that runs from the newest row to the oldest beside one that does not', async () => {
    const [header, ...lines] = readFileSync(bars, 'utf8').trim().split('\n')
    const turned = join(folder, 'turned.csv')
    writeFileSync(turned, `${[header, ...lines.slice(0, 120).reverse()].join('\n')}\n`)
    const { stdout } = await zkrisk('models', turned, part('rest', 120, 216), '--asset', 'A', '--asset', 'A', '--json')
    expect(JSON.parse(stdout).assets[0]).toMatchObject({ observations: 216 })
  })

  it('refuses files of one asset that leave a gap between them, unless it is allowed', async () => {
    const files = [part('early', 0, 100), part('late', 130, 216), '--asset', 'BTC', '--asset', 'BTC']
    const refused = await zkrisk('models', ...files, '--json')
    expect(refused.code).toBe(1)
    expect(errorOf(refused)).toMatchObject({ code: 'service.asset-gap', asset: 'BTC', gapSeconds: 31 * 3600 })
    const { stdout } = await zkrisk('models', ...files, '--max-gap-seconds', '200000', '--json')
    expect(JSON.parse(stdout).assets[0]).toMatchObject({ observations: 186 })
  })

  it('refuses rows that are out of order, repeated, missing, or outside their range, by name', async () => {
    const [header, ...lines] = readFileSync(bars, 'utf8').trim().split('\n')
    const refusalOf = async (name: string, rows: readonly string[]): Promise<string> => {
      const file = join(folder, `${name}.csv`)
      writeFileSync(file, `${[header, ...rows].join('\n')}\n`)
      const { code, stderr } = await zkrisk('models', file)
      expect(code).toBe(1)
      return stderr
    }
    const [one = '', two = '', ...rest] = lines
    expect(await refusalOf('swapped', [two, one, ...rest])).toContain('market.time-order')
    expect(await refusalOf('repeated', [one, one, two, ...rest])).toContain('market.time-repeated')
    expect(await refusalOf('gap', [one, two, ...rest.slice(20)])).toContain('market.time-gap')
    const [time, high, , low] = one.split(',')
    expect(await refusalOf('outside', [[time, high, Number(high) * 2, low].join(','), two, ...rest])).toContain(
      'market.price-range',
    )
  })

  it('says so where rows are further apart than a prediction reaches', async () => {
    const { stderr } = await zkrisk('models', bars, '--observe-seconds', '86400')
    expect(stderr.match(/has a row every 86,400 s, predictions are for 3,600 s/g)).toHaveLength(1)
    expect((await zkrisk('models', bars)).stderr).not.toContain('Warning')
  })

  it('refuses assets and files that do not pair, and times that are none', async () => {
    const unpaired = await zkrisk('models', bars, '--asset', 'BTC', '--asset', 'ETH', '--json')
    expect(unpaired.code).toBe(2)
    expect(errorOf(unpaired)).toMatchObject({ code: 'service.asset-count', assets: 2, files: 1 })
    expect((await zkrisk('models', bars, '--from', 'yesterday')).stderr).toContain('service.time-option')
    expect((await zkrisk('models', join(folder, 'absent.csv'))).stderr).toContain('market.file-missing')
  })
})
