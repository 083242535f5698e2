/** A chain on which two accounts were liquidated, by witnesses and by margins, in every way, with real proofs: what receipts are of. */
import type { ProvableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Contract, ContractFactory, JsonRpcProvider, type TransactionReceipt, Wallet } from 'ethers'
import { buildFolder } from '../../prover/config.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { createProver } from '../../prover/proof/index.ts'
import { arraysWitnessCall } from '../../prover/registry/portfolio/calldata.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { attestRound, publishRound, roundsDomain, type RoundWords } from '../../prover/registry/index.ts'
import { VENUE_ROLE } from '../../prover/registry/authority.ts'
import { landArrays, proveArrays } from '../../prover/service/daemon/portfolios/arrays.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { provePortfolios } from '../../prover/service/daemon/portfolios/portfolios.ts'
import { policyOf, roundWordsOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays, proveWitnessByArrays } from '../../prover/service/daemon/portfolios/witness.ts'
import {
  developmentChainBehind,
  FEED_SIGNER_KEYS,
  FEED_THRESHOLD,
  serveDevelopmentChain,
} from '../../prover/service/development/chain.ts'
import { buildPortfolioKeys, deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { positionWord } from '../../prover/statement/optionBook.ts'
import { keepOwnTime, mined } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { E12 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { coin, quoteTypes, roundArgument, rules } from '../consumers/venue.ts'
import { putsAccount } from '../consumers/putsAccount.ts'

const START = Date.parse('2026-02-05T04:30:00Z') / 1000
const TOKEN = 10n ** 6n

/** Whoever owns it has it call others, by a call that it carries or by one that it kept before. */
const purse = compileContract(
  'Purse',
  `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Purse {
    bytes private kept;
    function keep(bytes calldata data) external { kept = data; }
    function runKept(address to) external { run(to, kept); }
    function run(address to, bytes memory data) public {
        (bool done, bytes memory why) = to.call(data);
        if (!done) assembly { revert(add(why, 0x20), mload(why)) }
    }
}`,
)

export type ReceiptChain = {
  readonly url: string
  readonly venue: string
  readonly registry: string
  readonly owner: string
  /** Transactions: of a quarter by a witness, at the price it was shown at; then of all by margins, at the auction's end. */
  readonly byWitness: string
  readonly byMargins: string
  /** Of another account, thrice by a witness and the liquidation in one: by its sender, by a contract that carries the call, by one that does not. */
  readonly other: string
  readonly inOne: string
  readonly carried: string
  readonly hidden: string
  /** What the twin says of that account at the first of them, and at the second. */
  readonly otherFallen: ProvableMargin
  readonly otherCarried: ProvableMargin
  /** What the twin says of the account when it had just traded, above maintenance. */
  readonly opened: ProvableMargin
  /** At the witness's round. */
  readonly fallen: ProvableMargin
  /** And at the round of the margins. */
  readonly left: ProvableMargin
  readonly provider: JsonRpcProvider
  close(): Promise<void>
}

/** The chain's clock moves by a second a block, however long proofs take. */
class OwnTimeProvider extends JsonRpcProvider {
  readonly #node = {
    request: ({ method, params = [] }: Parameters<Requests['request']>[0]) => super.send(method, params),
  }

  constructor(...args: ConstructorParameters<typeof JsonRpcProvider>) {
    super(...args)
    keepOwnTime(this.#node as Requests, 1n)
  }

  override send(method: string, params: unknown[]): Promise<unknown> {
    return (this.#node as Requests).request({ method, params })
  }
}
type Requests = { request(call: { readonly method: string; readonly params?: unknown[] }): Promise<unknown> }

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * A trade, a fall that a witness shows, a liquidation of a quarter, a deposit, margins below 0, a liquidation of the rest; and of another
 * account three of a quarter, each with its witness: about a minute and a half.
 */
export async function liquidateInEveryWay(): Promise<ReceiptChain> {
  const server = await serveDevelopmentChain(BigInt(START) - 600n, await freePort())
  const provider = new OwnTimeProvider(server.url, undefined, { cacheTimeout: -1, pollingInterval: 25 })
  const chain = developmentChainBehind(provider)
  const prover = createProver()
  const [house, alice, bob] = (['council', 'feeder', 'prover'] as const).map((role) => chain.account(role)) as [
    Wallet,
    Wallet,
    Wallet,
  ]
  const [carol, dave, erin, frank] = ['0c', '0d', '0e', '0f'].map(
    (byte) => new Wallet(`0x${byte.repeat(32)}`, provider),
  ) as [Wallet, Wallet, Wallet, Wallet]
  const any = await putsAccount('70853', START, E12, '-2', '0.5')
  const { keys } = await buildPortfolioKeys(['riskArray', 'optionBook', 'marginsAlone', 'scenarioWitness'], () => {})
  const { client, models, deployment } = await deployDevelopmentPortfolio(chain, keys, policyOf(any))
  const registry = new Contract(client.registry, ['function authority() view returns (address)'], house)
  const authority: string = await registry.getFunction('authority')()
  const minted = await new ContractFactory(...codeOf(coin(6)), house).deploy()
  await minted.waitForDeployment()
  const token = new Contract(await minted.getAddress(), coin(6).abi as never, house)
  const venue = await deployed(house, 'OptionsVenue', authority, client.registry, token, { ...rules, bondBps: 4_000n })
  const orders = new Contract(await venue.getFunction('orders')(), artifactOf('VenueOrders').abi as never, house)
  const council = new Contract(authority, ['function grantRole(uint64, address, uint32)'], house)
  await mined(council.getFunction('grantRole')(VENUE_ROLE, venue, 0))
  for (const { address: to } of [carol, dave, erin, frank]) {
    await (await house.sendTransaction({ to, value: 10n ** 18n })).wait()
  }
  const as = (who: Wallet, contract = venue): Contract => contract.connect(who) as Contract
  const call = (who: Wallet, name: string, ...args: readonly unknown[]): Promise<TransactionReceipt> =>
    mined(as(who).getFunction(name)(...args))
  for (const [who, cash] of [
    [house, 1_000_000n],
    [alice, 22_000n],
    [bob, 500_000n],
    [carol, 500_000n],
    [dave, 22_000n],
    [erin, 1_000_000n],
    [frank, 500_000n],
  ] as const) {
    await mined(token.getFunction('mint')(who, 2n * cash * TOKEN))
    await mined(as(who, token).getFunction('approve')(venue, 2n ** 256n - 1n))
    await call(who, 'deposit', cash * TOKEN)
  }
  let round = undefined as unknown as RoundWords
  const publish = async (provable: ProvableMargin): Promise<void> => {
    round = roundWordsOf(marketIdOf('BTC-USD'), [provable])
    await chain.setNextTime(round.asOf)
    const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
    const domain = roundsDomain(client.chainId, deployment.rounds)
    await publishRound(house, deployment.rounds, await attestRound(domain, signers, round, round.asOf + 600n))
  }
  const prove = (accounts: readonly { readonly account: string; readonly provable: ProvableMargin }[]) =>
    provePortfolios(
      { client, models, round },
      { prover },
      accounts.toSorted((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1)),
    )
  const stateOf = async (who: Wallet) => {
    const { key, account } = await venue.getFunction('accountOf')(who.address)
    return { key, ...account.toObject() }
  }
  const candidateOf = async (who: Wallet): Promise<string> =>
    (await venue.getFunction('changeOf')(who.address)).candidate

  const arraysOf = async (provable: ProvableMargin): Promise<void> => {
    const place = { client, models, round }
    const arrays = await proveArrays(place, new ProofMaker({ prover }, 1), [provable])
    await landArrays(
      place,
      [...arrays.values()].flatMap(({ proven }) => (proven === undefined ? [] : [proven])),
    )
  }
  /** A quarter of the other account, marked at the newest round, with the witness that shows it. */
  const otherInOne = async (spot: string, time: number, puts: string, perps: string) => {
    const words = (await putsAccount(spot, time, 0n, puts, perps)).positions.map(positionWord)
    await call(bob, 'mark', dave.address, roundArgument(round), words)
    const { key, reports: sequence, cashE12 } = await stateOf(dave)
    const provable = await putsAccount(spot, time, cashE12, puts, perps)
    await arraysOf(provable)
    const account = { account: key as string, sequence: sequence as bigint }
    const proving = proveWitnessByArrays(
      { client, models, round },
      { prover },
      { ...account, provable },
      provable.margin.worstScenario,
    )
    const { arrayModelId, witnessModelId, proven } = await proving
    const { method, args } = arraysWitnessCall(round, arrayModelId, witnessModelId, account, proven)
    const witness = interfaceOf('PortfolioRegistry').encodeFunctionData(method, [...args])
    const liquidation = [dave.address, 2_500n, words, [], witness]
    return { provable, data: venue.interface.encodeFunctionData('liquidateByWitness', liquidation) }
  }
  /** A contract with an account of its own. */
  const openPurse = async (): Promise<Contract> => {
    const opened = await new ContractFactory(...codeOf(purse), frank).deploy()
    await opened.waitForDeployment()
    const contract = new Contract(await opened.getAddress(), purse.abi as never, frank)
    await mined(token.getFunction('mint')(contract, 500_000n * TOKEN))
    for (const [to, method, ...args] of [
      [token, 'approve', venue.target, 2n ** 256n - 1n],
      [venue, 'deposit', 500_000n * TOKEN],
    ] as const) {
      const data = to.interface.encodeFunctionData(method, args)
      await mined(contract.getFunction('run')(to, data))
    }
    return contract
  }

  // Two puts sold for 3,000 and half a perpetual bought, by two accounts.
  const sold = any.positions.map(positionWord)
  const bought = (await putsAccount('70853', START, E12, '2', '-0.5')).positions.map(positionWord)
  const now = await chain.now()
  const domain = {
    ...{ name: 'zk-risk-engine VenueOrders', version: '1', chainId: client.chainId },
    verifyingContract: orders.target as string,
  }
  const placed = [
    { seller: alice, maker: house },
    { seller: dave, maker: erin },
  ].map(({ seller, maker }) => ({
    ...{ seller, maker },
    order: {
      ...{ owner: seller.address, number: 0n, perpsE12: E12 / 2n, limitE8: 2n ** 48n, premiumE12: -3_000n * E12 },
      ...{ expiresAt: now + 3_600n, options: sold },
    },
  }))
  for (const { seller, order } of placed) await mined(as(seller, orders).getFunction('placeOrder')(order))
  await publish(any)
  for (const { maker, order } of placed) {
    const orderId = await orders.getFunction('orderIdOf')(order)
    const quote = { orderId, maker: maker.address, premiumE12: -3_000n * E12, deadline: now + 3_600n, nonce: 0n }
    const signature = await maker.signTypedData(domain, quoteTypes, quote)
    await mined(as(bob, orders).getFunction('fill')(order, quote, signature, roundArgument(round), [], []))
  }
  const opened = await putsAccount('70853', START, 25_000n * E12, '-2', '0.5')
  const made = await putsAccount('70853', START, 997_000n * E12, '2', '-0.5')
  await prove(
    await Promise.all(
      placed.flatMap(({ seller, maker }) => [
        candidateOf(seller).then((account) => ({ account, provable: opened })),
        candidateOf(maker).then((account) => ({ account, provable: made })),
      ]),
    ),
  )
  for (const { seller } of placed) await mined(as(bob).getFunction('takeEffect')(seller.address, sold, bought))

  // A fall: marked, shown by one scenario, a quarter taken over.
  const later = START + 120
  await publish(await putsAccount('57000', later, 0n, '-2', '0.5'))
  await call(bob, 'mark', alice.address, roundArgument(round), sold)
  const marked = await stateOf(alice)
  const fallen = await putsAccount('57000', later, marked.cashE12, '-2', '0.5')
  await arraysOf(fallen)
  const shown = { account: marked.key as string, provable: fallen, sequence: marked.reports as bigint }
  await proveUnhealthyByArrays({ client, models, round }, { prover }, shown, fallen.margin.worstScenario)
  const byWitness = (await call(bob, 'liquidate', alice.address, 2_500n, roundArgument(round), sold, [])).hash
  const first = await otherInOne('57000', later, '-2', '0.5')
  const inOne = (await mined(frank.sendTransaction({ to: venue, data: first.data }) as never)).hash

  // A deposit that is too little, another fall, margins of what is left, and all of it taken when liquidators are paid.
  const rest = START + 300
  const three = await putsAccount('55000', rest, 0n, '-1.5', '0.375')
  const words = three.positions.map(positionWord)
  await call(alice, 'deposit', 5n * TOKEN)
  await publish(three)
  await call(bob, 'mark', alice.address, roundArgument(round), words)
  const short = await stateOf(alice)
  const left = await putsAccount('55000', rest, short.cashE12, '-1.5', '0.375')
  await prove([{ account: short.key, provable: left }])
  await call(alice, 'deposit', 7n * TOKEN)
  await call(bob, 'flag', alice.address)
  const since = (await stateOf(alice)).flaggedAt as bigint
  const second = await otherInOne('55000', rest, '-1.5', '0.375')
  const carried = (await mined((await openPurse()).getFunction('run')(venue, second.data))).hash
  const end = Number(since + rules.auctionSeconds)
  await publish(await putsAccount('54000', end, 0n, '-1.5', '0.375'))
  const byMargins = (await call(carol, 'liquidate', alice.address, 10_000n, roundArgument(round), words, [])).hash
  const third = await otherInOne('54000', end, '-1.125', '0.2813')
  const keeping = await openPurse()
  await mined(keeping.getFunction('keep')(third.data))
  const hidden = (await mined(keeping.getFunction('runKept')(venue))).hash
  await prover.close()
  return {
    ...{
      url: server.url,
      venue: venue.target as string,
      registry: client.registry,
      owner: alice.address,
      byWitness,
      byMargins,
      ...{ other: dave.address, inOne, carried, hidden },
      ...{ otherFallen: first.provable, otherCarried: second.provable },
      opened,
      fallen,
      left,
      provider,
    },
    close: async () => {
      await chain.close()
      await server.close()
    },
  }
}

type Artifact = { readonly abi: never; readonly bytecode: string }
const artifactOf = (name: string): Artifact =>
  JSON.parse(readFileSync(join(buildFolder, `artifacts/contracts/consumers/${name}.sol/${name}.json`), 'utf8'))
const codeOf = ({ abi, bytecode }: { readonly abi: unknown; readonly bytecode: string }): [never, string] => [
  abi as never,
  bytecode,
]
async function deployed(by: Wallet, name: string, ...args: readonly unknown[]): Promise<Contract> {
  const made = await new ContractFactory(...codeOf(artifactOf(name)), by).deploy(...args)
  await made.waitForDeployment()
  return new Contract(await made.getAddress(), artifactOf(name).abi, by)
}
