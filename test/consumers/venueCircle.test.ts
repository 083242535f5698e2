/** The whole circle of a venue by real proofs: deposit, order, round, fill, margins, effect, a fall, a witness, a liquidation, withdrawals. */
import type { ProvableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, ContractFactory, type TransactionReceipt, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildFolder } from '../../prover/config.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { createProver, type Prover } from '../../prover/proof/index.ts'
import {
  attestRound,
  type PortfolioClient,
  publishRound,
  roundsDomain,
  type RoundWords,
} from '../../prover/registry/index.ts'
import { VENUE_ROLE } from '../../prover/registry/authority.ts'
import { landArrays, proveArrays } from '../../prover/service/daemon/portfolios/arrays.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { provePortfolios } from '../../prover/service/daemon/portfolios/portfolios.ts'
import { policyOf, roundWordsOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays } from '../../prover/service/daemon/portfolios/witness.ts'
import {
  type DevelopmentChain,
  FEED_SIGNER_KEYS,
  FEED_THRESHOLD,
  startDevelopmentChain,
} from '../../prover/service/development/chain.ts'
import { buildPortfolioKeys, deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { positionWord } from '../../prover/statement/optionBook.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { E12 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { coin, type Order, quoteTypes, roundArgument, rules } from './venue.ts'
import { putsAccount } from './putsAccount.ts'

const START = Date.parse('2026-02-05T04:30:00Z') / 1000
const SPOTS = { before: '70853', after: '57000' } as const

let chain: DevelopmentChain
let client: PortfolioClient
type Models = Awaited<ReturnType<typeof deployDevelopmentPortfolio>>['models']
let models: Models
/** Of everything that is proven of an account, which counts it. */
let whole: Models
let rounds: string
let prover: Prover
let venue: Contract
let orders: Contract
let token: Contract
let round: RoundWords
let house: Wallet
let alice: Wallet
let bob: Wallet
/** Position words of the two puts, sold and bought. */
let sold: readonly bigint[]
let bought: readonly bigint[]

const deploy = async (path: string, ...args: readonly unknown[]): Promise<Contract> => {
  const { abi, bytecode } = JSON.parse(readFileSync(join(buildFolder, 'artifacts', path), 'utf8'))
  const made = await new ContractFactory(abi, bytecode, house).deploy(...args)
  await made.waitForDeployment()
  return new Contract(await made.getAddress(), abi, house)
}
const as = (who: Wallet, contract = venue): Contract => contract.connect(who) as Contract
const call = (who: Wallet, name: string, ...args: readonly unknown[]): Promise<TransactionReceipt> =>
  mined(as(who).getFunction(name)(...args))
const keyOf = async (who: Wallet): Promise<string> => (await venue.getFunction('accountOf')(who.address)).key
const candidateOf = async (who: Wallet): Promise<string> => (await venue.getFunction('changeOf')(who.address)).candidate

beforeAll(async () => {
  chain = await startDevelopmentChain(BigInt(START) - 600n)
  house = chain.account('council')
  alice = chain.account('feeder')
  bob = chain.account('prover')
  prover = createProver()
  const { keys } = await buildPortfolioKeys(
    ['riskArray', 'optionBook', 'marginsAlone', 'portfolioMargin', 'scenarioWitness'],
    () => {},
  )
  const any = await putsAccount(SPOTS.before, START, E12, '-2')
  const deployed = await deployDevelopmentPortfolio(chain, keys, policyOf(any))
  const { portfolioMargin: _, ...others } = deployed.models
  const { marginsAlone: __, ...counting } = deployed.models
  ;[client, models, whole] = [deployed.client, others, counting]
  rounds = deployed.deployment.rounds
  const { abi, bytecode } = coin(6)
  const made = await new ContractFactory([...abi] as never, bytecode, house).deploy()
  await made.waitForDeployment()
  token = new Contract(await made.getAddress(), [...abi] as never, house)
  venue = await deploy(
    'contracts/consumers/OptionsVenue.sol/OptionsVenue.json',
    await authority(),
    client.registry,
    token,
    rules,
  )
  const file = join(buildFolder, 'artifacts/contracts/consumers/VenueOrders.sol/VenueOrders.json')
  orders = new Contract(await venue.getFunction('orders')(), JSON.parse(readFileSync(file, 'utf8')).abi, house)
  const council = new Contract(await authority(), ['function grantRole(uint64, address, uint32)'], house)
  await mined(council.getFunction('grantRole')(VENUE_ROLE, venue, 0))
  sold = any.positions.map(positionWord)
  bought = (await putsAccount(SPOTS.before, START, E12, '2')).positions.map(positionWord)
  for (const [who, cash] of [
    [house, 1_000_000n],
    [alice, 20_000n],
    [bob, 500_000n],
  ] as const) {
    await mined(token.getFunction('mint')(who, cash * 10n ** 6n))
    await mined(as(who, token).getFunction('approve')(venue, 2n ** 256n - 1n))
    await call(who, 'deposit', cash * 10n ** 6n)
  }
})
afterAll(async () => {
  await prover?.close()
  await chain?.close()
})

const authority = async (): Promise<string> =>
  new Contract(client.registry, ['function authority() view returns (address)'], chain.provider).getFunction(
    'authority',
  )()

async function publish(provable: ProvableMargin): Promise<void> {
  round = roundWordsOf(marketIdOf('BTC-USD'), [provable])
  await chain.setNextTime(round.asOf)
  const domain = roundsDomain(client.chainId, rounds)
  const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
  await publishRound(house, rounds, await attestRound(domain, signers, round, round.asOf + 600n))
}

/** Margins of accounts, by their keys; alone unless they are to be counted. */
const prove = (accounts: readonly { readonly account: string; readonly provable: ProvableMargin }[], by = models) =>
  provePortfolios(
    { client, models: by, round },
    { prover },
    accounts.toSorted((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1)),
  )

/** An order for options at a premium, placed. */
async function placed(who: Wallet, options: readonly bigint[], premiumE12: bigint): Promise<Order> {
  const terms = { number: 0n, perpsE12: 0n, limitE8: 0n, premiumE12, options }
  const order: Order = { owner: who.address, ...terms, expiresAt: (await chain.now()) + 3_600n }
  await mined(as(who, orders).getFunction('placeOrder')(order))
  return order
}

/** The house takes it at that premium, at the round of now, holding what it holds. */
async function filled(order: Order, housePositions: readonly bigint[], premiumE12: bigint): Promise<void> {
  const orderId = await orders.getFunction('orderIdOf')(order)
  const nonce = BigInt(orderId) % 2n ** 64n
  const quote = { orderId, maker: house.address, premiumE12, deadline: order.expiresAt, nonce }
  const domain = {
    name: 'zk-risk-engine VenueOrders',
    version: '1',
    chainId: client.chainId,
    verifyingContract: orders.target as string,
  }
  const signature = await house.signTypedData(domain, quoteTypes, quote)
  await mined(as(bob, orders).getFunction('fill')(order, quote, signature, roundArgument(round), [], housePositions))
}

describe('R153: the whole circle, by real proofs', () => {
  test('from a deposit to a withdrawal', async () => {
    // An order for two puts sold for 3,000, filled at the next round.
    const order = await placed(alice, sold, -3_000n * E12)
    await publish(await putsAccount(SPOTS.before, START, E12, '-2'))
    await filled(order, [], -3_000n * E12)
    const effect = () => as(bob).getFunction('takeEffect')(alice.address, sold, bought)
    const registry = new Contract(client.registry, ['error MarginNotYetProven(address account)'], house)
    await expectRevert(effect(), registry, 'MarginNotYetProven')
    await prove([
      { account: await candidateOf(alice), provable: await putsAccount(SPOTS.before, START, 23_000n * E12, '-2') },
      { account: await candidateOf(house), provable: await putsAccount(SPOTS.before, START, 997_000n * E12, '2') },
    ])
    await mined(effect())
    const key = await keyOf(alice)
    expect(await client.margin(key)).toMatchObject({ sequence: 1n, asOf: BigInt(START) })

    // A fall, shown by one scenario straight from the new round's arrays.
    const later = START + 120
    const fallen = await putsAccount(SPOTS.after, later, 23_000n * E12, '-2')
    expect(fallen.margin.maintenanceE8).toBeLessThan(0n)
    await publish(fallen)
    const place = { client, models, round }
    const arrays = await proveArrays(place, new ProofMaker({ prover }, 1), [fallen])
    await landArrays(
      place,
      [...arrays.values()].flatMap(({ proven }) => proven ?? []),
    )
    const take = (bps: bigint) => as(bob).getFunction('liquidate')(alice.address, bps, roundArgument(round), sold, [])
    await expectRevert(take(rules.stepBps), venue, 'NotLiquidatable')
    await proveUnhealthyByArrays(
      place,
      { prover },
      { account: key, provable: fallen, sequence: 1n },
      fallen.margin.worstScenario,
    )
    const receipt = await mined(take(rules.stepBps))
    const [event] = eventsOf(receipt, venue).filter(({ name }) => name === 'Liquidated')
    const notional = 60_000n * (E12 / 2n)
    const paid = (notional * rules.startPayBps) / 10_000n
    expect(event?.args.receipt.toObject()).toMatchObject({
      ...{ key, asOf: BigInt(later), sequence: 1n, scenario: 255n, fractionBps: rules.stepBps },
      ...{ notionalE12: notional, cashE12: 5_750n * E12 - paid, bonusBps: -rules.startPayBps, badDebtE12: 0n },
    })

    // Alice is left with too little for a withdrawal, the house is not.
    const [left, one, much] = [17_250n * E12 + paid, 10n ** 6n, 14_000n]
    const after = await putsAccount(SPOTS.after, later, left - much * E12, '-1.5')
    expect(after.margin.initialE8).toBeLessThan(0n)
    const short = after.positions.map(positionWord)
    await call(alice, 'withdraw', much * one, roundArgument(round), short)
    await call(house, 'withdraw', one, roundArgument(round), bought)
    await prove([
      { account: await candidateOf(alice), provable: after },
      { account: await candidateOf(house), provable: await putsAccount(SPOTS.after, later, 996_999n * E12, '2') },
    ])
    const withdrawal = (who: Wallet) => as(bob).getFunction('takeEffect')(who.address, [], [])
    await expectRevert(withdrawal(alice), venue, 'MarginTooLow')
    await mined(withdrawal(house))
    expect(await token.getFunction('balanceOf')(house)).toBe(one)
  })
})

describe('R184: a venue that is expected to leave more unpaid than its fund has', () => {
  test('refuses who opens without a buffer, by figures proven of every account, until the fund has what it must', async () => {
    await call(alice, 'cancelChange', alice.address)
    const at = START + 240
    const cashOf = async (who: Wallet): Promise<bigint> =>
      (await venue.getFunction('accountOf')(who.address)).account.cashE12
    const own = async (who: Wallet, puts: string) => ({
      account: await keyOf(who),
      provable: await putsAccount('47000', at, await cashOf(who), puts),
    })
    const accounts = [await own(alice, '-1.5'), await own(bob, '-0.5'), await own(house, '2')]
    await publish(accounts[0]?.provable as ProvableMargin)
    await client.openCount(round)
    await prove(accounts, whole)
    const shortfallE8 = accounts.reduce((sum, { provable }) => sum + provable.margin.risk.expectedShortfallE8, 0n)
    const defaultsX32 = accounts.reduce(
      (sum, { provable }) => sum + provable.margin.thresholds.defaultProbabilityX32,
      0n,
    )
    expect(shortfallE8).toBeGreaterThan(0n)

    // Carol sells half a put for what leaves her a third of the buffer that is asked of her.
    const carol = new Wallet(`0x${'0c'.repeat(32)}`, chain.provider)
    await (await house.sendTransaction({ to: carol.address, value: 10n ** 18n })).wait()
    await mined(token.getFunction('mint')(carol, 100_000n * 10n ** 6n))
    await mined(as(carol, token).getFunction('approve')(venue, 2n ** 256n - 1n))
    const premium = 6_500n * E12
    const poor = (await putsAccount('47000', at + 120, premium, '-0.5')).margin
    const beyondE8 = poor.maintenanceE8 - poor.initialE8
    const cash = ((beyondE8 / 3n - poor.initialE8) / 100n) * 100n
    await call(carol, 'deposit', cash / 100n)
    const half = (await putsAccount('47000', at + 120, E12, '-0.5')).positions.map(positionWord)
    const order = await placed(carol, half, -premium)
    await publish(await putsAccount('47000', at + 120, E12, '-0.5'))
    await filled(order, bought, -premium)
    await prove([
      {
        account: await candidateOf(carol),
        provable: await putsAccount('47000', at + 120, cash * 10n ** 4n + premium, '-0.5'),
      },
      {
        account: await candidateOf(house),
        provable: await putsAccount('47000', at + 120, (await cashOf(house)) - premium, '2.5'),
      },
    ])
    const policy = await deploy(
      'contracts/consumers/VenuePolicy.sol/VenuePolicy.json',
      await authority(),
      client.registry,
      {
        ...{ floorBps: 0n, ceilingBps: 10_000n, coverBps: 20_000n, defaultsBps: 10_000n, maxAgeSeconds: 3_600n },
      },
    )
    await call(house, 'setPolicy', policy)
    const effect = () => as(bob).getFunction('takeEffect')(carol.address, half, [])
    const standing = (await policy.getFunction('standingOf')(0n)).toObject()
    expect(standing).toMatchObject({
      ...{ asOf: BigInt(at), isKnown: true, accounts: 3n, fundE12: 0n, bufferBps: 10_000n },
      ...{ expectedDefaultsX32: defaultsX32, expectedShortfallE12: shortfallE8 * 10n ** 4n },
      requirementE12: 2n * shortfallE8 * 10n ** 4n,
    })
    await expectRevert(effect(), policy, 'BufferTooLow')
    await mined(token.getFunction('mint')(house, 100_000n * 10n ** 6n))
    await call(house, 'fundInsurance', standing.requirementE12 / 10n ** 6n + 1n)
    await mined(effect())
  })
})
