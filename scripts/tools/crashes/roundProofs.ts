/** Proofs of accounts at the newest round, for one registry of margins or another: arrays of options once for all of them. */
import type { PortfolioClient, RoundWords } from '../../../prover/registry/index.ts'
import { landArrays, proveArrays, type ProvenArrays } from '../../../prover/service/daemon/portfolios/arrays.ts'
import { proveBooks } from '../../../prover/service/daemon/portfolios/books.ts'
import { landMargins, placesOf, proveMargins } from '../../../prover/service/daemon/portfolios/margins.ts'
import { marginModelOf, type PortfolioModels } from '../../../prover/service/daemon/portfolios/place.ts'
import { type Book, marginAt, type Priced } from './holders.ts'
import type { Maker } from './proving.ts'

/** A margin that was proven and landed. */
export type Evidence = { readonly initialE8: bigint; readonly maintenanceE8: bigint }

/** What an account holds, under the key that it is reported by. */
export type Keyed = { readonly key: string; readonly book: Book }

type Registry = { readonly client: PortfolioClient; readonly models: PortfolioModels }

export class RoundProofs {
  /** Made since it was last set. */
  made = 0
  readonly #maker: Maker
  #at: { readonly round: RoundWords; readonly market: Priced } | undefined
  #arrays: ProvenArrays | undefined

  constructor(maker: Maker) {
    this.#maker = maker
  }

  /** What follows is of this round. */
  begin(round: RoundWords, market: Priced): void {
    this.#at = { round, market }
    this.#arrays = undefined
  }

  /** Proves accounts and has a registry hold it, as many in a proof as its model has places. */
  async land(registry: Registry, accounts: readonly Keyed[]): Promise<ReadonlyMap<string, Evidence>> {
    const proven = new Map<string, Evidence>()
    const places = placesOf(marginModelOf(registry))
    const ascending = accounts.toSorted((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
    for (let from = 0; from < ascending.length; from += places) {
      const some = ascending.slice(from, from + places)
      for (const [key, evidence] of await this.#landBatch(registry, some)) proven.set(key, evidence)
    }
    return proven
  }

  async #landBatch({ client, models }: Registry, accounts: readonly Keyed[]) {
    if (this.#at === undefined) throw new Error('No round was published.')
    const { round, market } = this.#at
    const place = { client, models, round }
    const provables = accounts.map(({ book }) => marginAt(book, market))
    const reported = await Promise.all(accounts.map(({ key }) => client.account(key)))
    if (this.#arrays === undefined && provables.some(({ arrays }) => arrays.length > 0)) {
      this.#arrays = await proveArrays(place, this.#maker, provables)
      this.made += this.#arrays.size
      await landArrays(
        place,
        [...this.#arrays.values()].flatMap(({ proven }) => proven ?? []),
      )
    }
    const books = await proveBooks(place, this.#maker, provables, reported, this.#arrays ?? new Map())
    const batches = await proveMargins(place, this.#maker, provables, reported)
    await landMargins(place, books, batches)
    this.made += books.reduce((sum, each) => sum + each.books.length, 0) + batches.length
    return accounts.map(({ key }, i) => [key, (provables[i] as ReturnType<typeof marginAt>).margin] as const)
  }
}
