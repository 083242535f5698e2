/** Brings changed payloads of oracles to our adapters, over the oracles' own contracts, and counts what becomes of them. */
import type { Contract } from 'ethers'
import { computeAddress } from 'ethers'
import { type Chain, GAS_LIMIT, startChain } from '../chains/chain.ts'
import { mutantsOf } from './mutants.ts'
import {
  btc,
  deployAccumulator,
  deployPythAdapter,
  deployRedStone,
  deployStreamsAdapter,
  deployVerifier,
  deployWormhole,
  eth,
  ownKeys,
} from './oracleChain.ts'
import { pythUpdate, redStonePayload, streamsPayload } from './payloads.ts'
import {
  btcFeed,
  ethFeed,
  hasRecordings,
  pythRecordings,
  recordedGuardians,
  redStoneRecordings,
  streamsRecording,
  streamsSigners,
  timeOfPackages,
} from './recordings.ts'

/** A payload that its adapter takes at its time. */
type Case = {
  readonly oracle: string
  readonly adapter: Contract
  /** Whose errors the adapter passes on. */
  readonly verifiers: readonly Contract[]
  readonly marketId: string
  readonly payload: string
  readonly asOf: bigint
  readonly wrap: (payload: string) => unknown
}

export type Counted = {
  readonly oracle: string
  readonly payloads: number
  readonly mutants: number
  readonly accepted: number
  /** Reverts with no error of ours, by which nobody would know what was wrong. */
  readonly unnamed: number
  readonly refusals: Readonly<Record<string, number>>
}

const STREAMS = 'Chainlink Data Streams'
const asIs = (payload: string): unknown => payload
const asList = (payload: string): unknown => [payload]

/**
 * @param count    - mutants of each oracle
 * @param recorded - recorded payloads, where they are there; else some of our own
 */
export async function runMutationCampaign(
  count: number,
  seed: number,
  recorded = hasRecordings,
): Promise<readonly Counted[]> {
  const chain = await startChain(new Date('2024-07-01'))
  const cases = recorded ? await recordedCases(chain) : await ownCases(chain)
  // Time only goes on.
  const inTime = [...cases].sort((a, b) => Number(a.asOf - b.asOf))
  const outcomes: { readonly oracle: string; readonly found: Readonly<Record<string, number>> }[] = []
  for (const one of inTime) {
    const signed = inTime.filter(({ oracle }) => oracle === one.oracle).map(({ payload }) => payload)
    const mutants = mutantsOf(one.payload, Math.ceil(count / signed.length), seed, signed)
    outcomes.push({ oracle: one.oracle, found: await chain.undone(() => outcomesOf(chain, one, mutants)) })
  }
  return [...Map.groupBy(outcomes, ({ oracle }) => oracle)].map(([oracle, all]) =>
    countedOf(
      oracle,
      all.map(({ found }) => found),
    ),
  )
}

function countedOf(oracle: string, all: readonly Readonly<Record<string, number>>[]): Counted {
  const sums: Record<string, number> = {}
  for (const [name, times] of all.flatMap((found) => Object.entries(found))) sums[name] = (sums[name] ?? 0) + times
  const { [ACCEPTED]: accepted = 0, [UNNAMED]: unnamed = 0, ...refusals } = sums
  const mutants = Object.values(sums).reduce((sum, times) => sum + times, 0)
  return { oracle, payloads: all.length, mutants, accepted, unnamed, refusals }
}

const ACCEPTED = 'accepted'
const UNNAMED = 'unnamed'

/** The payload itself is taken before and after: so nothing is refused for the time of day. */
async function outcomesOf(chain: Chain, one: Case, mutants: readonly string[]): Promise<Record<string, number>> {
  await chain.setTime(one.asOf + 5n)
  const counts: Record<string, number> = {}
  const outcomeOf = (payload: string): Promise<string> =>
    one.adapter
      .getFunction('take')
      .staticCall(one.marketId, one.wrap(payload), { gasLimit: GAS_LIMIT })
      .then(
        () => ACCEPTED,
        (error: unknown) => errorName(one, error),
      )
  const requireTaken = async (): Promise<void> => {
    const outcome = await outcomeOf(one.payload)
    if (outcome !== ACCEPTED) throw new Error(`${one.oracle}: the payload itself is refused, ${outcome}.`)
  }
  await requireTaken()
  for (const mutant of mutants) {
    const outcome = await outcomeOf(mutant)
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  await requireTaken()
  return counts
}

/** Our error; where it says that the oracle's contract refused, with that one's own reason. */
function errorName({ adapter, verifiers }: Case, error: unknown): string {
  const found = revertData(error)
  const parsed = found === undefined ? undefined : adapter.interface.parseError(found)
  if (!parsed) return UNNAMED
  if (parsed.name !== 'VerificationFailed') return parsed.name
  const reason = parsed.args.reason as string
  const inner = verifiers.map((one) => one.interface.parseError(reason)?.name).find((name) => name !== undefined)
  return `VerificationFailed by ${inner ?? 'a revert without a reason'}`
}

/** Where libraries put the bytes a call reverted with differs by path. */
function revertData(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { data, error: inner, info, cause } = error as Record<string, unknown>
  if (typeof data === 'string' && data.startsWith('0x')) return data
  return [data, inner, info, cause].map(revertData).find((found) => found !== undefined)
}

const pythFeeds = [
  { marketId: btc, feedId: btcFeed, decimals: 8n },
  { marketId: eth, feedId: ethFeed, decimals: 8n },
]

async function recordedCases(chain: Chain): Promise<readonly Case[]> {
  const recordings = pythRecordings()
  const { set, guardians } = recordedGuardians(recordings.map(({ update }) => update))
  const accumulator = await deployAccumulator(chain, await deployWormhole(chain, guardians, set))
  const pyth = await deployPythAdapter(chain, accumulator, pythFeeds)
  const report = streamsRecording()
  const { digest, signers } = streamsSigners(report)
  const { proxy, verifier } = await deployVerifier(chain, digest, signers, signers.length)
  const feedId = `0x${report.slice(2 + 2 * 256, 2 + 2 * 288)}`
  const streams = await deployStreamsAdapter(chain, proxy, [{ marketId: eth, feedId, decimals: 18n }])
  const { adapter: redStone, reader } = await deployRedStone(chain)
  const observedAt = BigInt(`0x${report.slice(2 + 2 * 320, 2 + 2 * 352)}`)
  const ofPyth = { oracle: 'Pyth', adapter: pyth, verifiers: [accumulator], marketId: btc, wrap: asList }
  const ofStreams = { oracle: STREAMS, adapter: streams, verifiers: [verifier, proxy], marketId: eth, wrap: asIs }
  const ofRedStone = { oracle: 'RedStone', adapter: redStone, verifiers: [reader], marketId: eth, wrap: asIs }
  return [
    ...recordings.map(({ update, expected }) => ({ ...ofPyth, payload: update, asOf: expected.publishTime })),
    { ...ofStreams, payload: report, asOf: observedAt },
    ...redStoneRecordings().map((payload) => ({ ...ofRedStone, payload, asOf: timeOfPackages(payload) })),
  ]
}

/** The same with keys of our own, where nothing recorded is at hand. */
async function ownCases(chain: Chain): Promise<readonly Case[]> {
  const [guardians, oracles] = [ownKeys('guardian', 13), ownKeys('oracle', 4)]
  const addresses = (keys: typeof oracles): readonly string[] => keys.map((key) => computeAddress(key))
  const asOf = (await chain.now()) + 1_000n
  const price = 50_000n * 10n ** 8n
  const accumulator = await deployAccumulator(chain, await deployWormhole(chain, addresses(guardians)))
  const pyth = await deployPythAdapter(chain, accumulator, pythFeeds)
  const said = { price, confidence: price / 1_000n, exponent: -8n, publishTime: asOf }
  const update = pythUpdate(
    [
      { id: btcFeed, ...said },
      { id: ethFeed, ...said },
    ],
    guardians,
  )
  const [digest, feedId] = [`0x0006${'11'.repeat(30)}`, `0x0003${'22'.repeat(30)}`]
  const { proxy, verifier } = await deployVerifier(chain, digest, addresses(oracles), 2)
  const streams = await deployStreamsAdapter(chain, proxy, [{ marketId: eth, feedId, decimals: 18n }])
  const quoted = { price: price * 10n ** 10n, bid: price * 10n ** 10n - 1n, ask: price * 10n ** 10n + 1n }
  const times = { validFrom: asOf, observedAt: asOf, expiresAt: asOf + 100n }
  const report = streamsPayload(
    { feedId, ...times, nativeFee: 0n, linkFee: 0n, ...quoted },
    digest,
    oracles.slice(0, 2),
  )
  const { adapter: redStone, reader } = await deployRedStone(chain, addresses(oracles))
  const packages = redStonePayload(
    ['BTC', 'ETH'].flatMap((feed) =>
      oracles.slice(0, 3).map((signer) => ({ feed, value: price, timestampMs: asOf * 1_000n, signer })),
    ),
  )
  return [
    { oracle: 'Pyth', adapter: pyth, verifiers: [accumulator], marketId: btc, payload: update, asOf, wrap: asList },
    {
      oracle: STREAMS,
      adapter: streams,
      verifiers: [verifier, proxy],
      marketId: eth,
      payload: report,
      asOf,
      wrap: asIs,
    },
    { oracle: 'RedStone', adapter: redStone, verifiers: [reader], marketId: eth, payload: packages, asOf, wrap: asIs },
  ]
}
