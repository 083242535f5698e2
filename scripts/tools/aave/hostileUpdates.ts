/** Updates that may not be taken, brought to the gate as anybody could bring them; what each is refused with is counted. */
import { type Contract, type Interface, toBeHex } from 'ethers'
import { Random } from '../cases/random.ts'
import { mined } from '../chains/chain.ts'
import type { Collateral } from '../../../prover/service/development/aaveMarket.ts'
import { E18, first, GatedMarket, type Held, HOUR, marketId, parametersOf, rules, shareX24 } from './gatedMarket.ts'

export type HostileOutcome = {
  readonly updates: number
  readonly applied: number
  /** Refusals that no custom error of ours, nor a code of Aave's own, says the reason of. */
  readonly unnamed: number
  readonly refusals: Readonly<Record<string, number>>
  /** Whether the pool has to the bit what it had. */
  readonly poolUnchanged: boolean
}

/** An update that somebody tries; nothing of it is kept. */
type Attempt = () => Promise<unknown>

/** Makes attempts over a state of the chain that is put back after them. */
type Scene = (at: GatedMarket, random: Random, count: number) => AsyncGenerator<Attempt>

const ONE_X24 = 1n << 24n
const lower: Collateral = { ltvBps: 7_700n, thresholdBps: 8_000n, bonusBps: 10_500n }

/** Calls that say what they would do, by an outsider. */
const tried = (at: GatedMarket, name: string, ...args: readonly unknown[]): Promise<unknown> =>
  (at.gate.connect(at.signer(19)) as Contract).getFunction(name).staticCall(...args)

const ways = ['announce', 'applyAnnounced', 'lowerLoanToValue'] as const
const anyWay = (at: GatedMarket, random: Random): Promise<unknown> => {
  const name = ways[Number(random.below(3n))] as (typeof ways)[number]
  return name === 'applyAnnounced' ? tried(at, name, at.asset, at.accounts()) : tried(at, name, at.asset)
}

/** Straight to Aave, past the gate. */
async function* pastTheGate(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  const configurator = at.market.configurator.connect(at.signer(19)) as Contract
  for (let i = 0; i < count; i++) {
    const [ltv, threshold] = [random.below(10_001n), random.below(10_001n)]
    const bonus = 10_000n + random.below(2_000n)
    yield () => configurator.getFunction('configureReserveAsCollateral').staticCall(at.asset, ltv, threshold, bonus)
  }
}

/** A registry that says what no proof could put in force. */
async function* unprovable(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  await at.announced(lower)
  for (let i = 0; i < count; i++) {
    const [own, off] = [parametersOf(lower), random.between(1n, 1n << 20n)]
    const changes: readonly Partial<Held>[] = [
      { maxLoanToValueX24: own.maxLoanToValueX24 - off },
      { initialMarginX24: own.initialMarginX24 + off },
      { liquidationThresholdX24: own.liquidationThresholdX24 - off },
      { maintenanceMarginX24: ONE_X24 - own.liquidationThresholdX24 + off },
      { maintenanceMarginX24: random.wide(256) | (1n << 25n) },
      { liquidationThresholdX24: 0n, maintenanceMarginX24: ONE_X24 - shareX24(500n), maxLoanToValueX24: 0n },
    ]
    const change = changes[i % changes.length] as Partial<Held>
    const initial = change.maxLoanToValueX24 === 0n ? { initialMarginX24: ONE_X24 } : {}
    await at.hold(lower, { ...change, ...initial })
    yield () => anyWay(at, random)
  }
}

/** A triple that breaks one of Aave's joint rules. */
async function* notJoint(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  for (let i = 0; i < count; i++) {
    const thresholdBps = random.between(6_000n, 9_000n)
    const broken: readonly Collateral[] = [
      { ltvBps: thresholdBps + random.between(1n, 400n), thresholdBps, bonusBps: 10_500n },
      { ltvBps: thresholdBps - 100n, thresholdBps, bonusBps: 10_000n },
    ]
    await at.hold(broken[i % broken.length] as Collateral)
    yield () => anyWay(at, random)
  }
}

/** A market that is stale, paused, or forgotten. */
async function* notInForce(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  await at.announced(lower)
  for (let i = 0; i < count; i++) {
    await at.refresh()
    const stops = [
      ['setAge', random.between(3_902n, 10n ** 8n)],
      ['setPaused', random.between(60n, 10n ** 6n)],
    ] as const
    const [name, value] = stops[i % 2] as (typeof stops)[number]
    await mined(at.registry.getFunction('setPaused')(marketId, 0n))
    await mined(at.registry.getFunction(name)(marketId, value))
    yield () => anyWay(at, random)
  }
}

/** Lists that leave somebody out, name somebody twice, or are not in order. */
async function* wrongLists(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  await at.announced(lower)
  const all = at.accounts()
  const place = (): number => Number(random.below(BigInt(all.length)))
  for (let i = 0; i < count; i++) {
    const [one, other] = [place(), place()]
    const lists: readonly (readonly string[])[] = [
      all.filter((_, at) => at !== one && random.below(4n) !== 0n),
      [...all.slice(0, one + 1), ...all.slice(one)],
      one === other ? [...all].reverse() : swapped(all, one, other),
      [...all, ...all],
      withContract(all, at),
      [toBeHex(0n, 20), ...all],
    ]
    yield () => tried(at, 'applyAnnounced', at.asset, lists[i % lists.length])
  }
}

const swapped = (all: readonly string[], one: number, other: number): readonly string[] =>
  all.map((account, i) => (i === one ? all[other] : i === other ? all[one] : account) as string)

const withContract = (all: readonly string[], at: GatedMarket): readonly string[] =>
  [...all, at.registry.target as string].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))

/** Before its time, after it, or once the registry has turned. */
async function* outOfTime(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  const half = Math.ceil(count / 3)
  await at.hold(lower)
  await mined(at.announce())
  const from = (await at.chain.now()) + rules.delaySeconds
  const apply = () => tried(at, 'applyAnnounced', at.asset, at.accounts())
  for (let i = 0; i < half; i++) {
    const room = from - (await at.chain.now()) - 2n
    if (room > 0n && i % 20 === 0) await at.chain.setTime((await at.chain.now()) + random.between(1n, room))
    yield apply
  }
  await at.wait(rules.delaySeconds)
  for (let i = 0; i < half; i++) {
    await at.hold({ ...lower, thresholdBps: 8_250n + random.below(300n) })
    yield apply
  }
  await at.wait(rules.validSeconds + HOUR)
  for (let i = 2 * half; i < count; i++) {
    await at.hold({ ...lower, thresholdBps: random.between(7_700n, 8_200n) })
    yield apply
  }
}

/** Thresholds that make more accounts liquidatable than a window takes, and steps that a window has not. */
async function* tooFar(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  const half = Math.ceil(count / 2)
  for (let i = 0; i < half; i++) {
    const thresholdBps = random.between(7_750n, 7_900n)
    yield () =>
      at.chain.undone(async () => {
        await at.announced({ ...lower, thresholdBps })
        await tried(at, 'applyAnnounced', at.asset, at.accounts())
      })
  }
  await at.setRules({ lowerBps: 1n })
  await at.announced({ ...first, thresholdBps: 8_249n })
  await mined(at.apply())
  await at.hold({ ...first, thresholdBps: 8_200n })
  await mined(at.announce())
  await at.wait(rules.delaySeconds)
  for (let i = half; i < count; i++) {
    await at.hold({ ...first, thresholdBps: random.between(8_000n, 8_200n) })
    yield () => tried(at, 'applyAnnounced', at.asset, at.accounts())
  }
}

/** Assets that nobody bound, and what only the council may do. */
async function* notTheirs(at: GatedMarket, random: Random, count: number): AsyncGenerator<Attempt> {
  const calls: readonly (readonly [string, readonly unknown[]])[] = [
    ['setRules', [at.asset, { ...rules, lowerBps: 2_000n }]],
    ['releaseAsset', [at.asset]],
    ['bindAsset', [at.asset, marketId, rules]],
    ['setAuthority', [toBeHex(random.wide(160), 20)]],
  ]
  for (let i = 0; i < count; i++) {
    const [name, args] = calls[i % calls.length] as (typeof calls)[number]
    const stranger = toBeHex(random.wide(160) | 1n, 20)
    if (i % 2 === 0) yield () => tried(at, name, ...args)
    else yield () => tried(at, 'applyAnnounced', stranger, at.accounts())
  }
}

const scenes: readonly Scene[] = [
  pastTheGate,
  unprovable,
  notJoint,
  notInForce,
  wrongLists,
  outOfTime,
  tooFar,
  notTheirs,
]

/** Brings so many updates to a gate with eight borrowers near their threshold. */
export async function bringHostileUpdates(count: number, seed: number): Promise<HostileOutcome> {
  const at = await GatedMarket.open()
  for (let i = 0; i < 8; i++) await at.borrower(2 + i, (20_000n - 50n * BigInt(i)) * E18)
  const before = await configurationOf(at)
  const random = new Random(BigInt(seed))
  const answers: (string | undefined)[] = []
  const each = Math.ceil(count / scenes.length)
  for (const scene of scenes) {
    await at.chain.undone(async () => {
      const asked = Math.min(each, count - answers.length)
      for await (const attempt of scene(at, random, asked)) answers.push(await refusalOf(at, attempt))
    })
  }
  const refusals: Record<string, number> = {}
  for (const answer of answers) if (answer !== undefined) refusals[answer] = (refusals[answer] ?? 0) + 1
  return {
    updates: answers.length,
    applied: answers.filter((answer) => answer === undefined).length,
    unnamed: refusals[UNNAMED] ?? 0,
    refusals,
    poolUnchanged: (await configurationOf(at)) === before,
  }
}

const configurationOf = async (at: GatedMarket): Promise<bigint> =>
  (await at.market.pool.getFunction('getConfiguration')(at.asset))[0] as bigint

const UNNAMED = 'without a name'

/** What an attempt was refused with; undefined if it was not. */
async function refusalOf(at: GatedMarket, attempt: Attempt): Promise<string | undefined> {
  try {
    await attempt()
    return undefined
  } catch (error) {
    const data = revertDataIn(error)
    const known = [at.gate.interface, at.registry.interface].map((one) => nameIn(one, data))
    return known.find((name) => name !== undefined) ?? UNNAMED
  }
}

function nameIn(contract: Interface, data: string | undefined): string | undefined {
  const parsed = data === undefined ? null : contract.parseError(data)
  // Aave's own errors are numbers in a string: 4 is a caller who is neither risk nor pool admin.
  return parsed?.name === 'Error' ? `Aave's error ${parsed.args[0]}` : parsed?.name
}

function revertDataIn(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { data, error: inner, info, cause } = error as Record<string, unknown>
  if (typeof data === 'string' && data.startsWith('0x')) return data
  return [data, inner, info, cause].map(revertDataIn).find((found) => found !== undefined)
}
