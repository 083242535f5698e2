/** Oracles' own contracts on a chain, and ours that read them. */
import {
  type Contract,
  computeAddress,
  encodeBytes32String,
  getAddress,
  Interface,
  id,
  SigningKey,
  toBeHex,
  ZeroAddress,
  zeroPadValue,
} from 'ethers'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { type Chain, mined } from '../chains/chain.ts'
import { aggregatorPart, chainlinkPart, redStoneReader, wormholePart } from './foreignContracts.ts'
import { pythEmitter, wormholeMessage } from './payloads.ts'

export const btc = marketIdOf('BTC-USD')
export const eth = marketIdOf('ETH-USD')

/** What adapters are made with here; a test changes what it is about. */
export const defaultFreshness = {
  maxAgeSeconds: 60n,
  maxConfidenceBps: 50n,
  uptimeFeed: ZeroAddress,
  graceSeconds: 0n,
} as const
export type Freshness = { readonly [field in keyof typeof defaultFreshness]: bigint | string }
export type Feed = { readonly marketId: string; readonly feedId: string; readonly decimals: bigint }

/** Keys of our own, for payloads that nobody recorded. */
export const ownKeys = (name: string, count: number): readonly SigningKey[] =>
  Array.from({ length: count }, (_, i) => new SigningKey(id(`${name} ${i}`)))

const governance = { chain: 1n, address: zeroPadValue('0x04', 32) } as const
/** Where nobody is known: no key has such an address. */
const nobody = (i: number): string => getAddress(toBeHex(0xdead0000 + i, 20))

/**
 * Wormhole's core contract with a guardian set. One that does not come first is reached by governance, as on any chain: each set
 * names the next.
 */
export async function deployWormhole(
  chain: Chain,
  guardians: readonly (string | undefined)[],
  set = 0,
): Promise<Contract> {
  const [founder] = ownKeys('founder', 1) as [SigningKey]
  const known = guardians.map((guardian, i) => guardian ?? nobody(i))
  const setup = await chain.deploy(wormholePart('Setup'))
  const implementation = await chain.deploy(wormholePart('Implementation'))
  const call = new Interface(['function setup(address,address[],uint16,uint16,bytes32,uint256)']).encodeFunctionData(
    'setup',
    [
      implementation.target,
      set === 0 ? known : [computeAddress(founder)],
      2,
      governance.chain,
      governance.address,
      31337,
    ],
  )
  const core = await chain.deploy(wormholePart('Wormhole'), setup.target, call)
  for (let next = 1; next <= set; next++) {
    const members = next === set ? known : [computeAddress(founder)]
    const payload = [
      zeroPadValue('0x436f7265', 32),
      '0x02',
      '0x0000',
      toBeHex(next, 4),
      toBeHex(members.length, 1),
      ...members,
    ]
    const upgrade = wormholeMessage(
      [founder],
      next - 1,
      governance,
      BigInt(next),
      `0x${payload.map((part) => part.slice(2)).join('')}`,
    )
    await mined(core.getFunction('submitNewGuardianSet')(upgrade))
  }
  return core
}

/** Our reader of Pyth's updates over a core contract. */
export const deployAccumulator = (chain: Chain, core: Contract): Promise<Contract> =>
  chain.deploy('PythAccumulator', core.target, pythEmitter.chain, pythEmitter.address)

export const deployPythAdapter = (
  chain: Chain,
  pyth: Contract,
  feeds: readonly Feed[],
  fresh: Partial<Freshness> = {},
  bounds: Partial<typeof defaultPlausibility> = {},
): Promise<Contract> =>
  chain.deploy(
    'PythAdapter',
    pyth.target,
    feeds,
    { ...defaultFreshness, ...fresh },
    { ...defaultPlausibility, ...bounds },
  )

/** Chainlink's verifier behind its proxy, with a configuration's signers; as few may be faulty as make so many signatures enough. */
export async function deployVerifier(chain: Chain, digest: string, signers: readonly string[], signatures: number) {
  const proxy = await chain.deploy(chainlinkPart('llo-feeds/v0.5.0/VerifierProxy'), ZeroAddress)
  const verifier = await chain.deploy(chainlinkPart('llo-feeds/v0.5.0/Verifier'), proxy.target)
  const others = Array.from({ length: Math.max(0, 3 * signatures - 2 - signers.length) }, (_, i) => nobody(i))
  await mined(proxy.getFunction('initializeVerifier')(verifier.target))
  await mined(verifier.getFunction('setConfig')(digest, [...signers, ...others], signatures - 1, []))
  return { proxy, verifier }
}

export const deployStreamsAdapter = (
  chain: Chain,
  verifier: Contract,
  feeds: readonly Feed[],
  fresh: Partial<Freshness> = {},
): Promise<Contract> =>
  chain.deploy(
    'ChainlinkStreamsAdapter',
    verifier.target,
    feeds,
    { ...defaultFreshness, ...fresh },
    defaultPlausibility,
  )

/** RedStone's own consumer, and our adapter over it. */
export async function deployRedStone(chain: Chain, signers?: readonly string[], fresh: Partial<Freshness> = {}) {
  const reader = await chain.deploy(redStoneReader(signers))
  const feeds = [
    { marketId: btc, feedId: encodeBytes32String('BTC'), decimals: 8n },
    { marketId: eth, feedId: encodeBytes32String('ETH'), decimals: 8n },
  ]
  const adapter = await chain.deploy(
    'RedStoneAdapter',
    reader.target,
    feeds,
    { ...defaultFreshness, ...fresh },
    defaultPlausibility,
  )
  return { adapter, reader }
}

/** Chainlink's aggregator of 2020 behind its proxy, to which this chain's first account alone submits. */
export async function deployPushedFeed(chain: Chain, decimals: bigint, least: bigint, greatest: bigint) {
  const [oracle] = chain.signers
  const aggregator = await chain.deploy(
    aggregatorPart('FluxAggregator'),
    ZeroAddress,
    0,
    1_800,
    ZeroAddress,
    least,
    greatest,
    decimals,
    'BTC / USD',
  )
  await mined(aggregator.getFunction('changeOracles')([], [oracle?.address], [oracle?.address], 1, 1, 0))
  const proxy = await chain.deploy(aggregatorPart('EACAggregatorProxy'), aggregator.target, ZeroAddress)
  return { aggregator, proxy }
}

/** Chainlink's uptime feed of Arbitrum, to which this chain's first account speaks as the messenger from the other chain. */
export async function deployUptimeFeed(chain: Chain): Promise<Contract> {
  const [messenger] = chain.signers
  const alias = 0x1111000000000000000000000000000000001111n
  const sender = BigInt.asUintN(160, BigInt(messenger?.address ?? 0) - alias)
  const access = await chain.deploy(chainlinkPart('shared/access/SimpleWriteAccessController'))
  const flags = await chain.deploy(chainlinkPart('l2ep/Flags'), access.target, access.target)
  const feed = await chain.deploy(
    chainlinkPart('l2ep/arbitrum/ArbitrumSequencerUptimeFeed'),
    flags.target,
    toBeHex(sender, 20),
  )
  for (const controlled of [flags, access]) await mined(controlled.getFunction('addAccess')(feed.target))
  await mined(feed.getFunction('disableAccessCheck')())
  return feed
}
