/** A chain on which an account was liquidated twice, by a witness and by its margins, with real proofs: what receipts are of. */
import type { ProvableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Contract, ContractFactory, JsonRpcProvider, type TransactionReceipt, Wallet } from 'ethers'
import { buildFolder } from '../../prover/config.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { createProver } from '../../prover/proof/index.ts'
import { attestRound, publishRound, roundsDomain, type RoundWords } from '../../prover/registry/index.ts'
import { VENUE_ROLE } from '../../prover/registry/authority.ts'
import { landArrays, proveArrays } from '../../prover/service/daemon/portfolios/arrays.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { provePortfolios } from '../../prover/service/daemon/portfolios/portfolios.ts'
import { policyOf, roundWordsOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays } from '../../prover/service/daemon/portfolios/witness.ts'
import {
  developmentChainBehind,
  FEED_SIGNER_KEYS,
  FEED_THRESHOLD,
  serveDevelopmentChain,
} from '../../prover/service/development/chain.ts'
import { buildPortfolioKeys, deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { positionWord } from '../../prover/statement/optionBook.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12 } from '../../scripts/tools/chains/portfolioEngine.ts'
import { coin, quoteTypes, roundArgument, rules } from '../consumers/venue.ts'
import { putsAccount } from '../consumers/putsAccount.ts'

const START = Date.parse('2026-02-05T04:30:00Z') / 1000
const TOKEN = 10n ** 6n

export type ReceiptChain = {
  readonly url: string
  readonly venue: string
  readonly registry: string
  readonly owner: string
  /** Transactions: of a quarter by a witness, at the price it was shown at; then of all by margins, at the auction's end. */
  readonly byWitness: string
  readonly byMargins: string
  /** What the twin says of the account when it had just traded, above maintenance. */
  readonly opened: ProvableMargin
  /** At the witness's round. */
  readonly fallen: ProvableMargin
  /** And at the round of the margins. */
  readonly left: ProvableMargin
  readonly provider: JsonRpcProvider
  close(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A trade, a fall that a witness shows, a liquidation of a quarter, a deposit, margins below 0, a liquidation of the rest: about a minute. */
export async function liquidateTwice(): Promise<ReceiptChain> {
  const server = await serveDevelopmentChain(BigInt(START) - 600n, await freePort())
  const provider = new JsonRpcProvider(server.url, undefined, { cacheTimeout: -1, pollingInterval: 25 })
  const chain = developmentChainBehind(provider)
  const prover = createProver()
  const [house, alice, bob] = (['council', 'feeder', 'prover'] as const).map((role) => chain.account(role)) as [
    Wallet,
    Wallet,
    Wallet,
  ]
  const carol = new Wallet(`0x${'0c'.repeat(32)}`, provider)
  const any = await putsAccount('70853', START, E12, '-2', '0.5')
  const { keys } = await buildPortfolioKeys(['riskArray', 'optionBook', 'marginsAlone', 'scenarioWitness'], () => {})
  const { client, models, deployment } = await deployDevelopmentPortfolio(chain, keys, policyOf(any))
  const registry = new Contract(client.registry, ['function authority() view returns (address)'], house)
  const authority: string = await registry.getFunction('authority')()
  const made = await new ContractFactory(...codeOf(coin(6)), house).deploy()
  await made.waitForDeployment()
  const token = new Contract(await made.getAddress(), coin(6).abi as never, house)
  const venue = await deployed(house, 'OptionsVenue', authority, client.registry, token, { ...rules, bondBps: 4_000n })
  const orders = new Contract(await venue.getFunction('orders')(), artifactOf('VenueOrders').abi as never, house)
  const council = new Contract(authority, ['function grantRole(uint64, address, uint32)'], house)
  await mined(council.getFunction('grantRole')(VENUE_ROLE, venue, 0))
  await (await house.sendTransaction({ to: carol.address, value: 10n ** 18n })).wait()
  const as = (who: Wallet, contract = venue): Contract => contract.connect(who) as Contract
  const call = (who: Wallet, name: string, ...args: readonly unknown[]): Promise<TransactionReceipt> =>
    mined(as(who).getFunction(name)(...args))
  for (const [who, cash] of [
    [house, 1_000_000n],
    [alice, 22_000n],
    [bob, 500_000n],
    [carol, 500_000n],
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

  // Two puts sold for 3,000 and half a perpetual bought.
  const sold = any.positions.map(positionWord)
  const bought = (await putsAccount('70853', START, E12, '2', '-0.5')).positions.map(positionWord)
  const now = await chain.now()
  const order = {
    ...{ owner: alice.address, number: 0n, perpsE12: E12 / 2n, limitE8: 2n ** 48n, premiumE12: -3_000n * E12 },
    ...{ expiresAt: now + 3_600n, options: sold },
  }
  await mined(as(alice, orders).getFunction('placeOrder')(order))
  await publish(any)
  const orderId = await orders.getFunction('orderIdOf')(order)
  const quote = { orderId, maker: house.address, premiumE12: -3_000n * E12, deadline: now + 3_600n, nonce: 0n }
  const domain = {
    ...{ name: 'zk-risk-engine VenueOrders', version: '1', chainId: client.chainId },
    verifyingContract: orders.target as string,
  }
  const signature = await house.signTypedData(domain, quoteTypes, quote)
  await mined(as(bob, orders).getFunction('fill')(order, quote, signature, roundArgument(round), [], []))
  const opened = await putsAccount('70853', START, 25_000n * E12, '-2', '0.5')
  await prove([
    { account: await candidateOf(alice), provable: opened },
    { account: await candidateOf(house), provable: await putsAccount('70853', START, 997_000n * E12, '2', '-0.5') },
  ])
  await mined(as(bob).getFunction('takeEffect')(alice.address, sold, bought))

  // A fall: marked, shown by one scenario, a quarter taken over.
  const later = START + 120
  await publish(await putsAccount('57000', later, 0n, '-2', '0.5'))
  await call(bob, 'mark', alice.address, roundArgument(round), sold)
  const marked = await stateOf(alice)
  const fallen = await putsAccount('57000', later, marked.cashE12, '-2', '0.5')
  const place = { client, models, round }
  const arrays = await proveArrays(place, new ProofMaker({ prover }, 1), [fallen])
  await landArrays(
    place,
    [...arrays.values()].flatMap(({ proven }) => (proven === undefined ? [] : [proven])),
  )
  const shown = { account: marked.key as string, provable: fallen, sequence: marked.reports as bigint }
  await proveUnhealthyByArrays(place, { prover }, shown, fallen.margin.worstScenario)
  const byWitness = (await call(bob, 'liquidate', alice.address, 2_500n, roundArgument(round), sold, [])).hash

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
  const end = Number(since + rules.auctionSeconds)
  await publish(await putsAccount('54000', end, 0n, '-1.5', '0.375'))
  const byMargins = (await call(carol, 'liquidate', alice.address, 10_000n, roundArgument(round), words, [])).hash
  await prover.close()
  return {
    ...{
      url: server.url,
      venue: venue.target as string,
      registry: client.registry,
      owner: alice.address,
      byWitness,
      byMargins,
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
