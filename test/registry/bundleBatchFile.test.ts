/** Batch files as people write them, and every way to write them wrongly. */
import { describe, expect, it } from 'vitest'
import { ewma } from '../../prover/volatility/ewma.ts'
import { ProverError } from '../../prover/errors.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPolicy, INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../prover/parameters/defaultPolicy.ts'
import { defaultEnginePolicy, defaultMarketPolicy } from '../../prover/parameters/policy.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
import { type Deployment, defaultFreshness, parseBatchFile } from '../../prover/registry/index.ts'

const REGISTRY = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const keyHash = `0x${'11'.repeat(32)}`

const deployment = {
  chainId: 31337n,
  addresses: { registry: REGISTRY },
  policy: { learning: defaultPolicy.learning, margin: defaultPolicy.margin, freshness: defaultFreshness },
  models: [{ name: 'marketRisk8x2' }],
  markets: [{ name: 'BTC-USD' }],
} as unknown as Deployment

const first = { priceE8: 7_900n * 10n ** 8n, asOf: 1_584_000_000n }
const previous = JSON.parse(
  JSON.stringify(
    initialState(ewma, first, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, defaultPolicy),
    (_, value) => (typeof value === 'bigint' ? value.toString() : value),
  ),
)

type BatchFile = { markets: Record<string, unknown>[] } & Record<string, unknown>

function exampleFile(): BatchFile {
  return {
    model: 'marketRisk8x2',
    markets: [
      {
        market: 'BTC-USD',
        sequence: 1,
        inbox: { source: REGISTRY, head: `0x${'ab'.repeat(32)}`, count: 1 },
        previous,
        policy: { ...defaultMarketPolicy },
        observations: [{ price: '7500.5', asOf: '2020-03-12T09:00:00Z', impliedVolatility: '0.9' }],
      },
    ],
  }
}

const parse = (file: unknown, from: Deployment | undefined = deployment) =>
  parseBatchFile(JSON.stringify(file), 'batch.json', {
    verificationKeyHash: keyHash,
    ...(from === undefined ? {} : { deployment: from }),
  })

function refusal(change: (file: BatchFile, market: Record<string, unknown>) => void): ProverError {
  const file = exampleFile()
  change(file, file.markets[0] as Record<string, unknown>)
  try {
    parse(file)
  } catch (error) {
    if (error instanceof ProverError) return error
    throw error
  }
  return expect.fail('Expected a refusal.')
}

describe('a batch file', () => {
  it('takes names, decimals and times as people write them', () => {
    const { batch, names } = parse(exampleFile())
    expect(names).toEqual(['BTC-USD'])
    expect(batch).toMatchObject({ chainId: 31337n, registry: REGISTRY, learning: defaultPolicy.learning })
    expect(batch.markets[0]).toMatchObject({
      marketId: marketIdOf('BTC-USD'),
      policy: defaultPolicy.market,
      observations: [{ priceE8: 750_050_000_000n, asOf: 1_584_003_600n, impliedVolatilityX16: 58_982n, rangeCode: 0n }],
    })
  })

  it('takes words as well, and stands alone without a deployment', () => {
    const file = exampleFile()
    const words = { priceE8: '750050000000', asOf: '1584003600', impliedVolatilityX16: '0', rangeCode: '0' }
    Object.assign(file.markets[0] as object, { observations: [words] })
    const { batch } = parse(
      { ...file, chainId: 31337, registry: REGISTRY, enginePolicy: defaultEnginePolicy },
      undefined as never,
    )
    expect(batch.markets[0]?.observations[0]?.priceE8).toBe(750_050_000_000n)
  })

  it('orders markets by id', () => {
    const file = exampleFile()
    const eth = { ...file.markets[0], market: 'AVAX-USD' }
    const wider = { ...deployment, markets: [{ name: 'BTC-USD' }, { name: 'AVAX-USD' }] } as unknown as Deployment
    expect(parse({ ...file, markets: [...file.markets, eth] }, wider).names).toEqual(['AVAX-USD', 'BTC-USD'])
  })
})

describe('a wrong batch file', () => {
  it('with a market nobody knows is refused by name', () => {
    const error = refusal((_, market) => Object.assign(market, { market: 'DOGE-USD' }))
    expect(error).toMatchObject({ code: 'registry.batch-market', market: 'DOGE-USD', field: 'markets[0].market' })
    const nameless = refusal((_, market) => Object.assign(market, { market: 'no name' }))
    expect(nameless).toMatchObject({ code: 'registry.batch-market', market: 'no name' })
  })

  it('with a model nobody knows is refused by name', () => {
    expect(refusal((file) => Object.assign(file, { model: 'marketRisk9x9' }))).toMatchObject({
      code: 'registry.unknown-model',
      model: 'marketRisk9x9',
    })
    expect(refusal((file) => Object.assign(file, { model: 'marketRisk1x48' }))).toMatchObject({
      code: 'registry.unknown-model',
    })
  })

  it.each([
    ['zero', '0'],
    ['negative', '-5'],
    ['NaN', 'NaN'],
    ['empty', ''],
    ['with separators', '7,500'],
    ['with nine decimals', '1.123456789'],
    ['over range', '9999999999'],
  ])('with a price that is %s is refused at the price', (_, price) => {
    const error = refusal((_file, market) => Object.assign(market, { observations: [{ price, asOf: 1_584_003_600 }] }))
    expect(error).toMatchObject({ code: 'registry.file-field', field: 'markets[0].observations[0].price' })
  })

  it.each([
    ['no time', undefined],
    ['a time without zone', '2020-03-12T09:00:00'],
    ['a negative time', -1],
  ])('with %s is refused at the time', (_, asOf) => {
    const error = refusal((_file, market) => Object.assign(market, { observations: [{ price: '7500', asOf }] }))
    expect(error).toMatchObject({ code: 'registry.file-field', field: 'markets[0].observations[0].asOf' })
  })

  it.each([
    ['an unknown field', (file: BatchFile) => Object.assign(file, { extra: 1 }), 'extra'],
    ['no markets', (file: BatchFile) => Object.assign(file, { markets: [] }), 'markets'],
    [
      'a state without its time',
      (file: BatchFile) => {
        const { asOf: _, ...volatility } = previous.volatility
        Object.assign(file.markets[0] as object, { previous: { ...previous, volatility } })
      },
      'markets[0].previous.volatility.asOf',
    ],
    [
      'a state field over its width',
      (file: BatchFile) => {
        const volatility = { ...previous.volatility, lnPriceX26: (1n << 32n).toString() }
        Object.assign(file.markets[0] as object, { previous: { ...previous, volatility } })
      },
      'markets[0].previous.volatility.lnPriceX26',
    ],
    [
      'an address without checksum',
      (file: BatchFile) => {
        const inbox = { source: REGISTRY.toLowerCase(), head: `0x${'ab'.repeat(32)}`, count: 1 }
        Object.assign(file.markets[0] as object, { inbox })
      },
      'markets[0].inbox.source',
    ],
  ])('with %s is refused there', (_, change, field) => {
    expect(refusal(change as never)).toMatchObject({ code: 'registry.file-field', field })
  })

  it('with a policy out of range is refused at the entry', () => {
    const error = refusal((_, market) => Object.assign(market, { policy: { ...defaultMarketPolicy, maxReturn: 7 } }))
    expect(error).toMatchObject({ code: 'parameters.policy', entry: 'maxReturn' })
  })

  it('that needs a deployment and has none says what is missing', () => {
    expect(() => parseBatchFile(JSON.stringify(exampleFile()), 'batch.json', { verificationKeyHash: keyHash })).toThrow(
      expect.objectContaining({ code: 'registry.file-field', field: 'chainId' }),
    )
  })
})
