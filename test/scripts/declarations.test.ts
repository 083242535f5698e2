/** Faults of declarations, each refused by name. */
import { expect, it } from 'vitest'
import {
  builds,
  lists,
  retiredVolatilityModelIds,
  statements,
  volatilityModels,
  words,
} from '../../circuits/statements/index.ts'
import type { Build, Section, Statement, VolatilityModelRow, Word } from '../../circuits/statements/language.ts'
import { claimRows } from '../../scripts/generators/claims.ts'
import { type Declarations, declarationFaults } from '../../scripts/generators/faults.ts'

const claims = new Set(claimRows().map(({ id }) => id))

it('the declarations are sound', () => {
  expect(
    declarationFaults({ words, statements, builds, lists, volatilityModels, retiredVolatilityModelIds }, claims),
  ).toEqual([])
})

const price = { name: 'priceE8', bits: 48, meaning: 'a price', claim: 'V1' } as const
const word: Word = { title: 'A price', fields: [price] }
const statement: Statement = {
  template: 'Prices',
  parameters: ['markets'],
  inputs: [{ repeat: 'markets', sections: [{ name: 'before', word: 'price', meaning: 'before' }] }],
  outputs: [{ sections: [{ name: 'after', word: 'price', meaning: 'after' }] }],
}
const build: Build = { name: 'prices8', statement: 'prices', sizes: [{ name: 'markets', value: 8 }], meaning: 'eight' }
const declared = (change: Partial<Declarations> = {}): Declarations => ({
  words: { price: word },
  statements: { prices: statement },
  builds: [build],
  lists: {},
  volatilityModels: {},
  retiredVolatilityModelIds: [3],
  ...change,
})
const withWord = (change: Partial<Word>) => declared({ words: { price: { ...word, ...change } } })
const withStatement = (change: Partial<Statement>) => declared({ statements: { prices: { ...statement, ...change } } })
const withBuild = (change: Partial<Build>) => declared({ builds: [{ ...build, ...change }] })
const withList = (...sections: readonly Section[]) => declared({ lists: { both: { title: 'Both', sections } } })
const size = (name: string, value: number) => ({ name, value })
const model = { id: 1, template: 'Ewma', variances: 2, readsOptionalPolicy: false, claim: 'V1' } as const
/** Models, of which `built` have a build, beside a state with room for two variances. */
const withModels = (rows: Record<string, VolatilityModelRow>, built: readonly number[] = [1]) =>
  declared({
    words: { price: word, volatilityState: { title: 'A state', fields: ['0', '1'].map(variance) } },
    statements: { prices: { ...statement, parameters: ['markets', 'volatilityModel'] } },
    builds: built.map((id) => ({
      ...build,
      name: `prices8of${id}`,
      sizes: [...build.sizes, size('volatilityModel', id)],
    })),
    volatilityModels: rows,
  })
const variance = (i: string) => ({ ...price, name: `variance${i}X36`, bits: 46 })

it('a small declaration is sound', () => {
  expect(declarationFaults(declared(), claims)).toEqual([])
  expect(declarationFaults(withModels({ ewma: model }), claims)).toEqual([])
})

it.each([
  [
    'volatility model ewma has the id 3 of one that is gone; take one that nobody has had',
    withModels({ ewma: { ...model, id: 3 } }, [3]),
  ],
  ['word price has 249 bits; a word holds 248', withWord({ fields: [{ ...price, bits: 249 }] })],
  ['word price has 288 bits; a word holds 248', withWord({ perWord: 6 })],
  ['word price holds 0 elements', withWord({ perWord: 0 })],
  [
    'word price: field priceE8 has 48 bits, and 281474976710656 is no bound of it',
    withWord({ fields: [{ ...price, greatest: 2 ** 48 }] }),
  ],
  ['word price: field priceE8 has 48 bits, and -1 is no bound of it', withWord({ fields: [{ ...price, least: -1 }] })],
  [
    'word price: field priceE8 is bounded by floorE8, which is no other field of the word',
    withWord({ fields: [{ ...price, least: { field: 'floorE8' } }] }),
  ],
  ['word price has no field', withWord({ fields: [] })],
  ['word price has two fields priceE8', withWord({ fields: [price, price] })],
  ['word price: field priceE8 has 0 bits', withWord({ fields: [{ ...price, bits: 0 }] })],
  ['names claim X9, which no document makes', withWord({ fields: [{ ...price, claim: 'X9' as never }] })],
  ['its field freeE8 has no claim', withWord({ fields: [price, { name: 'freeE8', bits: 8, meaning: 'free' }] })],
  ['repeats by accounts, which is no parameter', withStatement({ inputs: [{ repeat: 'accounts', sections: [] }] })],
  ['has two sections before', withStatement({ outputs: statement.inputs })],
  [
    'section after is made of rate, which is no word',
    withStatement({ outputs: [{ sections: [{ name: 'after', word: 'rate', meaning: '' }] }] }),
  ],
  ['has a constant shift, which is no parameter', withStatement({ constants: { shift: 4 } })],
  ['list both: section now is made of rate, which is no word', withList({ name: 'now', word: 'rate', meaning: 'now' })],
  [
    'list both has two sections now',
    withList({ name: 'now', word: 'price', meaning: '' }, { name: 'now', word: 'price', meaning: '' }),
  ],
  [
    'list both repeats by markets, which a build chooses',
    withList({ name: 'now', word: 'price', count: ['markets'], meaning: '' }),
  ],
  ['statement prices has no build', declared({ builds: [] })],
  ['build prices8 has no size markets', withBuild({ sizes: [] })],
  [
    'build prices8 has a size strikes, which Prices does not take',
    withBuild({ sizes: [...build.sizes, size('strikes', 5)] }),
  ],
  ['build prices8 has two sizes markets', withBuild({ sizes: [...build.sizes, ...build.sizes] })],
  ['build prices8: size markets is 1.5', withBuild({ sizes: [size('markets', 1.5)] })],
  [
    'is of rates, which is no statement',
    declared({ builds: [build, { ...build, name: 'rates8', statement: 'rates' }] }),
  ],
  ['there are two builds prices8', declared({ builds: [build, build] })],
  ['two volatility models have the id 1', withModels({ ewma: model, garch: { ...model, template: 'Garch' } })],
  ['two volatility models are templates Ewma', withModels({ ewma: model, garch: { ...model, id: 2 } }, [1, 2])],
  ['volatility model ewma has the id 0', withModels({ ewma: { ...model, id: 0 } }, [0])],
  ['volatility model ewma has the id 256', withModels({ ewma: { ...model, id: 256 } }, [256])],
  ['volatility model ewma keeps 3 variances; a state has room for 2', withModels({ ewma: { ...model, variances: 3 } })],
  ['volatility model ewma names claim X9', withModels({ ewma: { ...model, claim: 'X9' as never } })],
  ['volatility model garch has no build', withModels({ ewma: model, garch: { ...model, id: 2, template: 'Garch' } })],
  ['build prices8of3 is of volatility model 3, which there is not', withModels({ ewma: model }, [1, 3])],
])('%s', (fault, declarations) => {
  const found = declarationFaults(declarations, claims)
  expect(found).toEqual(expect.arrayContaining([expect.stringContaining(fault)]))
  expect(found.every((line) => line.startsWith('circuits/statements: '))).toBe(true)
})
