/**
 * Several endpoints of one chain, as one: who hangs, refuses, answers nonsense, serves another chain or falls behind is set
 * aside, the next one is asked, and the first is tried again later.
 */
import { type JsonRpcPayload, keccak256 } from 'ethers'
import { ProverError } from '../../errors.ts'
import { type Channel, EndpointError, openChannel, type RpcAnswer } from './channel.ts'
import { judge, mayAskAgain, saysKnown } from './judgement.ts'

/** No call takes longer. */
const CALL_TIMEOUT_MS = 10_000
/** What development chains alone offer may take them a while, such as mining a thousand blocks. */
const DEVELOPMENT_TIMEOUT_MS = 120_000
/** Endpoints, or tries of the only one, that a call is taken to. */
const MOST_TRIES = 3
/** Pause before the only endpoint is asked again, if it asked for patience; it doubles. */
const PATIENCE_MS = 250
/** Between two looks at all endpoints. */
const LOOK_MS = 10_000
/** How long an endpoint is set aside; it doubles. */
const ASIDE_MS = 2_000
const LONGEST_ASIDE_MS = 300_000
/** As many good answers let an endpoint's failures be forgotten. */
const ANSWERS_TO_FORGIVE = 50
/** From as many endpoints on, one alone that claims a higher block is not believed. */
const ENOUGH_TO_DOUBT = 3

/** An endpoint as others may see it. */
export type EndpointState = {
  readonly origin: string
  readonly status: 'in-use' | 'standing-by' | 'set-aside'
  /** Why it was set aside. */
  readonly reason: string | undefined
  /** Newest block that it has told of. */
  readonly head: number | undefined
}

/** An endpoint was set aside, or is in use again: which one is now, and why. */
export type EndpointChange = { readonly inUse: string; readonly reason: string }

export type EndpointsOptions = {
  readonly timeoutMs?: number
  readonly lookMs?: number
  readonly asideMs?: number
  readonly onChange?: (change: EndpointChange) => void
}

type Endpoint = {
  readonly channel: Channel
  /** Why it is set aside, and until when by the clock that never goes back. */
  aside: { readonly error: ProverError; readonly until: number } | undefined
  /** Its chain was looked at since it last failed. */
  isChecked: boolean
  failures: number
  answers: number
  head: number | undefined
}

export class Endpoints {
  readonly #all: readonly Endpoint[]
  readonly #options: Required<Omit<EndpointsOptions, 'onChange'>>
  #onChange: ((change: EndpointChange) => void) | undefined
  #inUse: Endpoint
  #chainId: bigint | undefined
  #genesis: string | undefined
  /** Head that every endpoint should have reached by the next look. */
  #bar = 0
  #lookedAt = performance.now()
  #isLooking = false
  #id = 1

  private constructor(urls: readonly string[], chainId: bigint | undefined, options: EndpointsOptions) {
    this.#all = urls.map((url, i) => ({
      ...{
        channel: openChannel(url, urls.length > 1 ? `${ordinal(i + 1)} of ${urls.length}` : undefined),
        aside: undefined,
        isChecked: false,
      },
      ...{ failures: 0, answers: 0, head: undefined },
    }))
    const [first] = this.#all
    if (first === undefined) throw new RpcUnreachableError('no address', undefined)
    this.#inUse = first
    this.#chainId = chainId
    this.#onChange = options.onChange
    const { timeoutMs = CALL_TIMEOUT_MS, lookMs = LOOK_MS, asideMs = ASIDE_MS } = options
    this.#options = { timeoutMs, lookMs, asideMs }
  }

  /**
   * Looks at every endpoint.
   *
   * @throws {@link RpcUnreachableError} if none answers
   * @throws {@link WrongChainError} if those that answer serve another chain than expected, or, where none is expected, different ones
   */
  static async open(
    urls: readonly string[],
    expectedChainId: bigint | undefined,
    options: EndpointsOptions = {},
  ): Promise<Endpoints> {
    const endpoints = new Endpoints(urls, expectedChainId, options)
    try {
      await endpoints.#begin()
      return endpoints
    } catch (error) {
      endpoints.close()
      throw error
    }
  }

  get chainId(): bigint {
    return this.#chainId ?? 0n
  }

  /** Origin of the endpoint in use. */
  get inUse(): string {
    return this.#inUse.channel.origin
  }

  get state(): readonly EndpointState[] {
    return this.#all.map((endpoint) => ({
      origin: endpoint.channel.origin,
      status: endpoint === this.#inUse ? 'in-use' : endpoint.aside === undefined ? 'standing-by' : 'set-aside',
      reason: endpoint.aside && reasonOf(endpoint.aside.error),
      head: endpoint.head,
    }))
  }

  /** Tells of changes from now on. */
  watch(onChange: (change: EndpointChange) => void): void {
    this.#onChange = onChange
  }

  /**
   * Asks the endpoint in use, and others where it fails.
   *
   * @throws {@link EndpointError} of the last one asked, {@link WrongChainError} if no endpoint serves the chain any more
   */
  async ask(payload: JsonRpcPayload): Promise<RpcAnswer> {
    if (performance.now() - this.#lookedAt > this.#options.lookMs) void this.#look()
    const isTransaction = payload.method === 'eth_sendRawTransaction'
    if (isTransaction) this.#sendToOthers(payload)
    const tried = new Set<Endpoint>()
    let unsupported: RpcAnswer | undefined
    let failure: ProverError | undefined
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const endpoint = this.#nextOf(tried)
      if (endpoint === undefined) break
      tried.add(endpoint)
      try {
        const answer = await this.#askOne(endpoint, payload)
        if (judge(payload, answer).kind === 'unsupported') unsupported = answer
        else return isTransaction ? await this.#asKnown(endpoint, payload, answer) : answer
      } catch (error) {
        if (!(error instanceof ProverError)) throw error
        failure = error
        this.#setAside(endpoint, error)
        if (!mayAskAgain(payload.method)) break
        if (await this.#shouldWait(error, tries)) tried.clear()
      }
    }
    if (unsupported !== undefined) return unsupported
    throw failure ?? this.#unreachable()
  }

  close(): void {
    for (const { channel } of this.#all) channel.close()
  }

  async #begin(): Promise<void> {
    const found = await Promise.allSettled(this.#all.map((endpoint) => this.#ownChainId(endpoint)))
    const chainIds = found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    for (const [i, each] of found.entries()) {
      if (each.status === 'rejected') this.#setAside(this.#all[i] as Endpoint, each.reason)
    }
    const [first] = chainIds
    if (first === undefined) throw this.#unreachable()
    const expected = this.#chainId
    if (expected !== undefined && !chainIds.includes(expected)) throw new WrongChainError(expected, first)
    const other = chainIds.find((chainId) => chainId !== first)
    if (expected === undefined && other !== undefined) throw new WrongChainError(first, other)
    this.#chainId = expected ?? first
    if (this.#all.length === 1) return
    this.#genesis = await this.#commonGenesis()
    await this.#look()
  }

  /** First block of most endpoints; of the first one named, where as many say otherwise. */
  async #commonGenesis(): Promise<string | undefined> {
    const well = this.#all.filter(({ aside }) => aside === undefined)
    const found = await Promise.all(well.map((endpoint) => this.#ownGenesis(endpoint).catch(() => undefined)))
    const hashes = found.filter((hash) => hash !== undefined)
    const votes = (hash: string): number => hashes.filter((other) => other === hash).length
    return hashes.toSorted((a, b) => votes(b) - votes(a))[0]
  }

  /** Each endpoint's chain and head; whoever is behind what was known one look ago is set aside. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const now = performance.now()
      const due = this.#all.filter(({ aside }) => aside === undefined || aside.until <= now)
      await Promise.all(due.map((endpoint) => this.#lookAt(endpoint)))
      const seen = due.filter(({ aside, head }) => aside === undefined && head !== undefined)
      const isBehind = ({ head }: Endpoint): boolean => (head ?? 0) < this.#bar
      // If all of them are, the chain was reorganised, or the bar was a lie.
      if (!seen.every(isBehind)) {
        for (const endpoint of seen.filter(isBehind)) {
          this.#setAside(endpoint, this.#fault(endpoint, `it is behind, at block ${endpoint.head} of ${this.#bar}`))
        }
      }
      const heads = seen.map(({ head }) => head ?? 0).sort((a, b) => b - a)
      this.#bar = heads[heads.length >= ENOUGH_TO_DOUBT ? 1 : 0] ?? 0
      this.#choose('it is well again')
    } finally {
      this.#isLooking = false
      this.#lookedAt = performance.now()
    }
  }

  async #lookAt(endpoint: Endpoint): Promise<void> {
    try {
      await this.#check(endpoint)
      const head = Number(await this.#value(endpoint, 'eth_blockNumber', []))
      // A head that fell is heard of, lest one that was once too high hides that an endpoint stands still.
      endpoint.head = head
      endpoint.aside = undefined
    } catch (error) {
      this.#setAside(endpoint, error as ProverError)
    }
  }

  /** @throws {@link EndpointError} or {@link WrongChainError} unless it serves the chain, from the same first block */
  async #check(endpoint: Endpoint): Promise<void> {
    const chainId = await this.#ownChainId(endpoint)
    if (chainId !== this.#chainId) throw new WrongChainError(this.#chainId ?? 0n, chainId)
    if (!endpoint.isChecked && this.#all.length > 1) {
      const hash = await this.#ownGenesis(endpoint)
      this.#genesis ??= hash
      if (hash !== undefined && hash !== this.#genesis) throw new WrongGenesisError(endpoint.channel.origin)
    }
    endpoint.isChecked = true
  }

  async #ownChainId(endpoint: Endpoint): Promise<bigint> {
    return BigInt((await this.#value(endpoint, 'eth_chainId', [])) as string)
  }

  async #ownGenesis(endpoint: Endpoint): Promise<string | undefined> {
    const block = (await this.#value(endpoint, 'eth_getBlockByNumber', ['0x0', false])) as { hash?: unknown } | null
    return typeof block?.hash === 'string' ? block.hash : undefined
  }

  async #value(endpoint: Endpoint, method: string, params: unknown[]): Promise<unknown> {
    const answer = await this.#raw(endpoint, { jsonrpc: '2.0', id: this.#id++, method, params })
    if ('result' in answer) return answer.result
    throw this.#fault(endpoint, 'it refused the question', method)
  }

  async #askOne(endpoint: Endpoint, payload: JsonRpcPayload): Promise<RpcAnswer> {
    if (!endpoint.isChecked) await this.#check(endpoint)
    // An answer that was on its way when it was set aside changes nothing.
    const wasAside = endpoint.aside !== undefined
    const answer = await this.#raw(endpoint, payload)
    endpoint.answers++
    if (endpoint.answers >= ANSWERS_TO_FORGIVE) endpoint.failures = 0
    if (wasAside) {
      endpoint.aside = undefined
      this.#choose('it answers again')
    }
    return answer
  }

  async #raw(endpoint: Endpoint, payload: JsonRpcPayload): Promise<RpcAnswer> {
    const { timeoutMs } = this.#options
    const limit = mayAskAgain(payload.method) ? timeoutMs : Math.max(timeoutMs, DEVELOPMENT_TIMEOUT_MS)
    const answer = await endpoint.channel.ask(payload, limit)
    const judgement = judge(payload, answer)
    if (judgement.kind !== 'fault') return answer
    const { reason, isBusy } = judgement
    throw new EndpointError({ origin: endpoint.channel.origin, method: payload.method, reason, isBusy })
  }

  #nextOf(tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const left = this.#all.filter((endpoint) => !tried.has(endpoint) && !isOfAnotherChain(endpoint))
    if (left.includes(this.#inUse) && this.#inUse.aside === undefined) return this.#inUse
    const since = (endpoint: Endpoint): number => endpoint.aside?.until ?? 0
    // Where none is well, the one that was set aside first.
    return left.toSorted((a, b) => since(a) - since(b))[0]
  }

  #setAside(endpoint: Endpoint, error: ProverError): void {
    const now = performance.now()
    // Of many calls that fail together the first one counts.
    if (endpoint.aside !== undefined && endpoint.aside.until > now) return
    const pause = Math.min(this.#options.asideMs * 2 ** endpoint.failures, LONGEST_ASIDE_MS)
    const wasWell = endpoint.aside === undefined
    endpoint.aside = { error, until: now + pause }
    endpoint.failures++
    endpoint.answers = 0
    endpoint.isChecked = false
    this.#choose()
    if (wasWell) this.#tell(`${endpoint.channel.origin} is set aside: ${reasonOf(error)}`)
  }

  /** The first that is well; where none is, the one in use stays so. */
  #choose(why?: string): void {
    const best = this.#all.find(({ aside }) => aside === undefined)
    if (best === undefined || best === this.#inUse) return
    this.#inUse = best
    if (why !== undefined) this.#tell(`${best.channel.origin}: ${why}`)
  }

  #tell(reason: string): void {
    if (this.#all.length > 1) this.#onChange?.({ inUse: this.inUse, reason })
  }

  /** The only endpoint is asked again if it asked for patience. */
  async #shouldWait(error: ProverError, tries: number): Promise<boolean> {
    const isBusy = error instanceof EndpointError && error.isBusy
    if (!isBusy || this.#all.length > 1 || tries + 1 >= MOST_TRIES) return false
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS * 2 ** tries))
    return true
  }

  /** Whoever accepts a transaction may keep it to itself: all that are well are told. */
  #sendToOthers(payload: JsonRpcPayload): void {
    for (const endpoint of this.#all) {
      if (endpoint === this.#inUse || endpoint.aside !== undefined || !endpoint.isChecked) continue
      const { timeoutMs } = this.#options
      endpoint.channel.ask(payload, timeoutMs).catch((error: ProverError) => this.#setAside(endpoint, error))
    }
  }

  /** A transaction that the node holds already was accepted, perhaps when its first answer was lost. */
  async #asKnown(endpoint: Endpoint, payload: JsonRpcPayload, answer: RpcAnswer): Promise<RpcAnswer> {
    if ('result' in answer) return answer
    const hash = keccak256((payload.params as readonly string[])[0] ?? '0x')
    const text = String((answer.error as { message?: unknown }).message)
    const accepted: RpcAnswer = { id: payload.id, result: hash }
    if (saysKnown(text)) return accepted
    if (!/nonce/i.test(text)) return answer
    const held = await this.#value(endpoint, 'eth_getTransactionByHash', [hash]).catch(() => null)
    return held === null ? answer : accepted
  }

  #fault(endpoint: Endpoint, reason: string, method = 'eth_blockNumber'): EndpointError {
    return new EndpointError({ origin: endpoint.channel.origin, method, reason, isBusy: false })
  }

  /** Why no endpoint is left to ask. */
  #unreachable(): ProverError {
    const [first] = this.#all
    if (first?.aside !== undefined && this.#all.every(isOfAnotherChain)) return first.aside.error
    return new RpcUnreachableError(this.#all.map(({ channel }) => channel.origin).join(', '), first?.aside?.error)
  }
}

/** 1st, 2nd, 3rd, 4th: of as few as anybody names. */
const ordinal = (place: number): string => `${place}${['th', 'st', 'nd', 'rd'][place] ?? 'th'}`

const reasonOf = (error: ProverError): string => (error instanceof EndpointError ? error.reason : error.message)

const isOfAnotherChain = ({ aside }: Endpoint): boolean =>
  aside?.error instanceof WrongChainError || aside?.error instanceof WrongGenesisError

/** No node answers at the RPC address. */
export class RpcUnreachableError extends ProverError {
  readonly code = 'registry.rpc-unreachable'
  readonly origin: string

  constructor(origin: string, cause: unknown) {
    super(`No Ethereum node answers at ${origin}. Start it, or correct the RPC address.`, { cause })
    this.origin = origin
  }
}

/** The node serves another chain than the one meant. */
export class WrongChainError extends ProverError {
  readonly code = 'registry.wrong-chain'
  readonly expected: bigint
  readonly found: bigint

  constructor(expected: bigint, found: bigint) {
    super(`Expected chain ${expected}, but the node serves chain ${found}. Use an RPC address of chain ${expected}.`)
    this.expected = expected
    this.found = found
  }
}

/** An endpoint's chain has the id that is meant, and another first block. */
export class WrongGenesisError extends ProverError {
  readonly code = 'registry.wrong-genesis'
  readonly origin: string

  constructor(origin: string) {
    super(
      `The chain at ${origin} has another first block than that of the other RPC addresses. Give addresses of one chain.`,
    )
    this.origin = origin
  }
}
