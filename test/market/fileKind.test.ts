/** What kind of file of ours some JSON is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { kindOfFormat, otherKindThan } from '../../prover/market/fileKind.ts'

const example = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'examples', name), 'utf8'))

it('is told by its format, or by what stands in it', () => {
  const found = (json: unknown) => otherKindThan(undefined, json)?.split(',')[0]
  expect(found(example('short-strangle.json'))).toBe('a portfolio')
  expect(found(example('two-markets.json'))).toBe('a portfolio')
  expect(found({ format: 'zk-risk-engine/deployment', version: 2 })).toBe('a deployment')
  expect(found({ format: 'zk-risk-engine/round' })).toBe('a round’s words')
  expect(found({ feeds: [] })).toBe('a file of feeds')
  expect(found({ engine: {}, market: {} })).toBe('a policy')
  expect(found({ Scenario: {} })).toBe('a case of Derive’s tests')
  expect(found({ council: {}, sources: [], models: [], markets: [] })).toBe('a configuration')
  expect(found({ model: 'x', markets: [] })).toBe('a batch')
  expect(found({ crypto: {}, version: 3 })).toBe('an encrypted key')
  expect(found({ keys: [] })).toBe('a file of keys of the HTTP interface')
})

it('is nothing of what is expected, nor of what nobody knows', () => {
  expect(otherKindThan('portfolio', example('short-strangle.json'))).toBeUndefined()
  expect(otherKindThan('deployment', { format: 'zk-risk-engine/deployment' })).toBeUndefined()
  for (const json of [{}, [], null, 5, 'feeds', { other: 1 }, { format: 'zk-risk-engine/unheard-of' }])
    expect(otherKindThan('portfolio', json)).toBeUndefined()
  expect([kindOfFormat('zk-risk-engine/receipt'), kindOfFormat('other'), kindOfFormat(5)]).toEqual([
    ...['receipt', undefined, undefined],
  ])
})
