import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { emptyBook } from '../../prover/portfolio/book.ts'
import {
  AccountUnreportedError,
  deployPortfolio,
  ExpiryUnknownError,
  NoSignerError,
  PortfolioClient,
  type PortfolioDeployment,
  policyWordsOf,
  RegistryMissingError,
  WrongChainError,
} from '../../prover/registry/index.ts'
import { arraysCall } from '../../prover/registry/portfolio/calldata.ts'
import { stateRoot } from '../../prover/statement/optionBook.ts'
import { emptyAccount, holdingsWords } from '../../prover/statement/portfolioMargin.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import {
  amountsWords,
  type ArrayKey,
  E8,
  modelIdOf,
  PortfolioEngine,
  policy,
  roundAt,
} from '../../scripts/tools/chains/portfolioEngine.ts'

const EXPIRY = 2_000_000_000n
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [1n, 2n, 3n, 4n, 5n, 6n].map((strike) => strike * E8) }
const nobody = `0x${'ab'.repeat(20)}`

let engine: PortfolioEngine
let deployment: PortfolioDeployment
let registry: Contract
let venue: string

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  venue = (await engine.chain.signers[5]?.getAddress()) as string
  deployment = await deployPortfolio(engine.chain.signers[0] as never, {
    council: engine.council.target as string,
    modelRegistry: engine.models.target as string,
    market: 'ETH-USD',
    rounds: { signers: engine.roundSigners.map(({ address }) => address).toReversed(), threshold: 2 },
    policy,
    venue,
    models: [],
  })
  registry = await engine.chain.ethers.getContractAt('PortfolioRegistry', deployment.registry)
})

const connect = (change: object = {}) =>
  PortfolioClient.connect({ registry: deployment.registry, provider: engine.chain.ethers.provider as never, ...change })

describe('R27: a deployed portfolio registry', () => {
  test('has the policy, the rounds and the empty state that it was given', async () => {
    expect(await registry.getFunction('emptyState')()).toBe(await stateRoot(emptyBook))
    const client = await connect()
    expect(await client.policy()).toEqual({ version: 1n, words: policyWordsOf(policy) })
    expect(await client.roundSource()).toEqual({ rounds: deployment.rounds, marketId: deployment.marketId })
    const rounds = await engine.chain.ethers.getContractAt('AttestedRounds', deployment.rounds)
    expect(await rounds.getFunction('threshold')()).toBe(2n)
  })

  test('knows its venue, which may report and nothing else', async () => {
    const { holdings: [holdings] = [], collateralAmounts } = holdingsWords(emptyAccount.holdings)
    const signer = engine.chain.signers[5] as never
    const asVenue = registry.connect(signer) as Contract
    await mined(asVenue.getFunction('reportAccount')(nobody, [], holdings, collateralAmounts))
    const arrays = await engine.chain.ethers.getContractAt('RiskArrays', deployment.arrays)
    const ofArrays = arrays.connect(signer) as Contract
    const set = ofArrays.getFunction('setPortfolioPolicy')(policyWordsOf(policy))
    await expectRevert(set, arrays, 'AccessManagedUnauthorized', [venue])
    const asAdmin = registry.getFunction('reportAccount')(nobody, [], holdings, collateralAmounts)
    await expectRevert(asAdmin, registry, 'AccessManagedUnauthorized', [await engine.chain.signers[0]?.getAddress()])
  })

  test('counts places left as accounts that hold nothing, as the twin does', async () => {
    const { holdings: [holdings] = [], collateralAmounts } = holdingsWords(emptyAccount.holdings)
    expect([holdings, collateralAmounts]).toEqual([(1n << 60n) + (1n << 144n) + (1n << 228n), amountsWords()])
  })
})

describe('R29: the client of a portfolio registry', () => {
  test('says what is wrong before it sends', async () => {
    await expect(connect({ registry: nobody })).rejects.toThrow(RegistryMissingError)
    await expect(connect({ expectedChainId: 1n })).rejects.toThrow(WrongChainError)
    const client = await connect()
    await expect(client.report(`0x${'cd'.repeat(20)}`)).rejects.toThrow(AccountUnreportedError)
    await expect(client.reportAccount(nobody, [], 0n, [0n, 0n])).rejects.toThrow(NoSignerError)
    const round = await engine.round([EXPIRY])
    const proven = await engine.array(round, key)
    const other = roundAt(round.asOf, [EXPIRY], 1n)
    expect(() => arraysCall(other, modelIdOf('riskArray'), [proven])).toThrow(ExpiryUnknownError)
  })

  test('names the contract’s refusals', async () => {
    const round = await engine.round([EXPIRY])
    const proven = await engine.array(round, key)
    const unpublished = { ...round, marketId: deployment.marketId }
    const client = await connect({ signer: engine.chain.signers[0] })
    const submitted = client.submitArrays(unpublished, modelIdOf('riskArray'), [proven])
    await expect(submitted).rejects.toMatchObject({ code: 'registry.reverted', reason: 'RoundUnknown' })
    const wrongKind = engine.client.submitArrays(round, modelIdOf('optionBook'), [proven])
    await expect(wrongKind).rejects.toMatchObject({ reason: 'ModelOfAnotherLayout' })
    await expect(client.margin(nobody)).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
  })

  test('lands what it is given and says what it cost', async () => {
    const round = await engine.round([EXPIRY])
    const landed = await engine.client.submitArrays(round, modelIdOf('riskArray'), [await engine.array(round, key)])
    expect(landed.gasUsed).toBeGreaterThan(250_000n)
    expect(await engine.client.isArrayAccepted(engine.arrayRoot(round, key), round.asOf)).toBe(true)
  })
})
