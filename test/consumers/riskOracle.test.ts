/**
 * What stewards read, and what a workflow of Chainlink's carries, over the registry that takes proofs: here of a circuit that states
 * nothing, so that a test may prove anything. The forwarder is Chainlink's own contract.
 */
import { AbiCoder, concat, type Contract, getBytes, keccak256, SigningKey, toBeHex, Wallet } from 'ethers'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AaveMarket } from '../../prover/service/development/aaveMarket.ts'
import { eventsOf, GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { chainlinkPart } from '../../scripts/tools/oracles/foreignContracts.ts'
import { Engine, freshness, type Market } from '../registry/engine.ts'
import { expectRevert, revertDataOf } from '../reverts.ts'

const E8 = 10n ** 8n
const TYPE = 'CollateralUpdate'
const SUPPORTS = ['onReport(bytes,bytes)', 'supportsInterface(bytes4)'] as const
const coder = AbiCoder.defaultAbiCoder()

/** Reads as Aave's edge stewards do: the latest update of a type and a market, once, in time, each value within a bound of its own. */
const steward = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IRiskOracle} from "contracts/consumers/IRiskOracle.sol";
import {IAaveConfigurator} from "contracts/consumers/IAaveConfigurator.sol";
contract EdgeSteward {
    error UpdateExpired(uint256 timestamp);
    error UpdateExecuted(uint256 updateId);
    uint256 public constant EXPIRATION = 6 hours;
    IRiskOracle public immutable oracle;
    IAaveConfigurator public immutable configurator;
    mapping(address => uint256) public executed;
    constructor(IRiskOracle o, IAaveConfigurator c) { oracle = o; configurator = c; }
    function updateCollateral(address asset) external {
        IRiskOracle.RiskParameterUpdate memory update =
            oracle.getLatestUpdateByParameterAndMarket("CollateralUpdate", asset);
        if (update.timestamp + EXPIRATION < block.timestamp) revert UpdateExpired(update.timestamp);
        if (update.updateId <= executed[asset]) revert UpdateExecuted(update.updateId);
        executed[asset] = update.updateId;
        (uint256 ltv, uint256 threshold, uint256 bonus) = abi.decode(update.newValue, (uint256, uint256, uint256));
        configurator.configureReserveAsCollateral(asset, ltv, threshold, bonus);
    }
}`

let engine: Engine
let btc: Market
let unproven: Market
let market: AaveMarket
let asset: string
let oracle: Contract
let forwarder: Contract
let courier: Contract
let snapshot: unknown
let kept: Market
const nodes = [1n, 2n, 3n, 4n].map((n) => new Wallet(toBeHex(0xabcdn + n, 32)))

beforeAll(async () => {
  engine = await Engine.start(3)
  ;[btc, , unproven] = engine.markets as [Market, Market, Market]
  const { chain, registry } = engine
  const collateral = { ltvBps: 7_000n, thresholdBps: 7_500n, bonusBps: 10_500n }
  market = await AaveMarket.open(chain.signers[0] as never, [{ name: 'BTC', priceE8: 50_000n * E8, collateral }])
  asset = market.reserve('BTC').asset.target as string
  await move(50_000n)
  oracle = await chain.deploy('RiskOracleView', registry, [asset], [btc.marketId])
  forwarder = await chain.deploy(chainlinkPart('keystone/KeystoneForwarder'))
  courier = await chain.deploy('CreCourier', forwarder, registry, oracle)
  const set = forwarder.getFunction('setConfig')
  await mined(
    set(
      1,
      1,
      1,
      nodes.map(({ address }) => address),
    ),
  )
})

beforeEach(async () => {
  snapshot = await engine.chain.request('evm_snapshot')
  kept = { ...btc, waiting: [...btc.waiting] }
})

afterEach(async () => {
  await engine.chain.request('evm_revert', snapshot)
  Object.assign(btc, kept)
})

/** An observation, proven and in force. */
async function move(price: bigint): Promise<void> {
  await engine.observe(btc, price * E8, 60n)
  await engine.land(engine.batch([btc]))
}

const publish = () => oracle.getFunction('publish')(asset, { gasLimit: GAS_LIMIT })
const latest = () => oracle.getFunction('getLatestUpdateByParameterAndMarket')(TYPE, asset)

/** What the registry holds, in Aave's units. */
async function heldBps(): Promise<readonly bigint[]> {
  const held = await engine.registry.getFunction('parameters')(btc.marketId)
  const bps = (x24: bigint): bigint => (x24 * 10_000n) >> 24n
  const bonusX24 = (1n << 24n) - held.maintenanceMarginX24 - held.liquidationThresholdX24
  return [bps(held.maxLoanToValueX24), bps(held.liquidationThresholdX24), 10_000n + bps(bonusX24)]
}
const tripleOf = (bytes: string): readonly bigint[] => coder.decode(['uint256', 'uint256', 'uint256'], bytes).toArray()

/** Calldata of the batch that is next, and the batch. */
async function nextSubmission(price: bigint) {
  await engine.observe(btc, price * E8, 60n)
  const batch = engine.batch([btc])
  const proof = await engine.prove(batch)
  const { modelId, commitment, updates, observationWords } = batch
  const args = [modelId, commitment, proof, updates, observationWords]
  return { batch, calldata: engine.registry.interface.encodeFunctionData('submit', args) }
}

const reportOf = (submission: string, assets: readonly string[]): string =>
  coder.encode(['bytes', 'address[]'], [submission, assets])

let executions = 0n

/** Has the forwarder deliver a report that enough of its nodes have signed; whether the courier took it. */
async function deliver(report: string, signers = nodes.slice(0, 2)) {
  executions += 1n
  const [execution, workflow] = [toBeHex(executions, 32), toBeHex(7, 32)]
  const metadata = concat(['0x01', execution, toBeHex(0, 4), toBeHex(1, 4), toBeHex(1, 4), workflow, toBeHex(0, 32)])
  const [raw, context] = [concat([metadata, report]), toBeHex(5, 96)]
  const digest = keccak256(concat([keccak256(raw), context]))
  const signatures = signers.map(({ privateKey }) => {
    const { r, s, yParity } = new SigningKey(privateKey).sign(digest)
    return concat([r, s, toBeHex(yParity, 1)])
  })
  const receipt = await mined(
    forwarder.getFunction('report')(courier, raw, context, signatures, { gasLimit: GAS_LIMIT }),
  )
  return { receipt, taken: eventsOf(receipt, forwarder).at(-1)?.args.result as boolean }
}

describe('R177: the oracle of stewards', () => {
  test('writes down what the registry holds, with ids, history and the event, whoever asks', async () => {
    const [published] = eventsOf(await mined(publish()), oracle)
    const first = await heldBps()
    expect(tripleOf(published?.args.newValue)).toEqual(first)
    const update = await latest()
    expect(tripleOf(update.newValue)).toEqual(first)
    const { asOf, sequence } = await engine.registry.getFunction('parameters')(btc.marketId)
    expect(update.toObject()).toMatchObject({
      ...{ timestamp: asOf, referenceId: btc.marketId, previousValue: '0x', updateType: TYPE, updateId: 1n },
      ...{ market: asset, additionalData: coder.encode(['bytes32', 'uint256'], [btc.marketId, sequence]) },
    })
    await move(43_000n)
    const second = await heldBps()
    expect(second).not.toEqual(first)
    await mined((oracle.connect(engine.chain.signers[9] as never) as Contract).getFunction('publish')(asset))
    const newest = await latest()
    expect([newest.updateId, tripleOf(newest.newValue), tripleOf(newest.previousValue)]).toEqual([2n, second, first])
    // What is no longer held is still what was published.
    const { newValue, previousValue } = await oracle.getFunction('getUpdateById')(1)
    expect([tripleOf(newValue), previousValue]).toEqual([first, '0x'])
    expect(await oracle.getFunction('updateCounter')()).toBe(2n)
    expect(await oracle.getFunction('latestUpdateIdByMarketAndType')(asset, TYPE)).toBe(2n)
    expect((await oracle.getFunction('getAllUpdateTypes')()).toArray()).toEqual([TYPE])
    expect(await oracle.getFunction('description')()).toMatch(/proven/)
    for (const signer of engine.chain.signers.slice(0, 3))
      expect(await oracle.getFunction('isAuthorized')(await signer.getAddress())).toBe(false)
  })

  test('has the signatures and the event that stewards were compiled with', () => {
    const theirs = [
      'getLatestUpdateByParameterAndMarket(string,address)',
      'getUpdateById(uint256)',
      'latestUpdateIdByMarketAndType(address,string)',
      'updateCounter()',
      'getAllUpdateTypes()',
      'isAuthorized(address)',
      'description()',
    ]
    for (const signature of theirs)
      expect(oracle.interface.getFunction(signature)?.stateMutability).toMatch(/view|pure/)
    const parameters = 'string,bytes,bytes,uint256,string,uint256,address,bytes'
    const event = oracle.interface.getEvent('ParameterUpdated')
    expect(event?.format('sighash')).toBe(`ParameterUpdated(${parameters})`)
    expect(event?.inputs.map(({ indexed }) => indexed)).toEqual([false, false, false, false, true, true, true, false])
    const struct = oracle.interface
      .getFunction('getUpdateById')
      ?.outputs[0]?.components?.map(({ type, name }) => [type, name])
    expect(struct).toEqual([
      ['uint256', 'timestamp'],
      ['bytes', 'newValue'],
      ['string', 'referenceId'],
      ['bytes', 'previousValue'],
      ['string', 'updateType'],
      ['uint256', 'updateId'],
      ['address', 'market'],
      ['bytes', 'additionalData'],
    ])
  })

  test('says nothing that the registry does not hold now: refused by name', async () => {
    const other = `0x${'11'.repeat(20)}`
    await expectRevert(latest(), oracle, 'NothingPublished', [asset])
    await expectRevert(oracle.getFunction('publish')(other), oracle, 'MarketUnknown', [other])
    await mined(publish())
    await expectRevert(publish(), oracle, 'AlreadyPublished', [asset, 1n, 1n])
    const read = oracle.getFunction('getLatestUpdateByParameterAndMarket')
    await expectRevert(read('supplyCap', asset), oracle, 'UpdateTypeUnknown', ['supplyCap'])
    await expectRevert(read(TYPE, other), oracle, 'MarketUnknown', [other])
    for (const id of [0n, 2n])
      await expectRevert(oracle.getFunction('getUpdateById')(id), oracle, 'UpdateUnknown', [id, 1n])
    expect(await oracle.getFunction('latestUpdateIdByMarketAndType')(asset, 'supplyCap')).toBe(0n)
    const deploy = engine.chain.deploy('RiskOracleView', engine.registry, [other], [unproven.marketId])
    await expectRevert(deploy, engine.registry, 'NotYetProven', [unproven.marketId])
    const make = (assets: readonly string[], marketIds: readonly string[]) =>
      engine.chain.deploy('RiskOracleView', engine.registry, assets, marketIds)
    await expectRevert(make([asset, other], [btc.marketId]), oracle, 'ListsDiffer', [2n, 1n])
    await expectRevert(make([asset], [btc.marketId, btc.marketId]), oracle, 'ListsDiffer', [1n, 2n])
    await expectRevert(make([asset, asset], [btc.marketId, btc.marketId]), oracle, 'MarketRepeated', [asset])
    await make([asset, other], [btc.marketId, btc.marketId])
    await engine.chain.undone(async () => {
      const { asOf } = await latest().then(() => engine.registry.getFunction('parameters')(btc.marketId))
      await engine.chain.setTime(asOf + freshness.maxParameterAgeSeconds)
      await latest()
      await engine.chain.setTime(asOf + freshness.maxParameterAgeSeconds + 1n)
      await expectRevert(latest(), engine.registry, 'ParametersStale')
    })
    await move(43_000n)
    await expectRevert(latest(), oracle, 'PublishedNoLongerHeld', [1n, 1n, 2n])
  })

  test('a steward that exists takes its values whole, once, and none that the registry left behind', async () => {
    const edge = await engine.chain.deploy(compileContract('EdgeSteward', steward), oracle, market.configurator)
    await mined(market.acl.getFunction('addRiskAdmin')(edge))
    const update = () => edge.getFunction('updateCollateral')(asset, { gasLimit: GAS_LIMIT })
    await mined(publish())
    await move(43_000n)
    await expectRevert(update(), oracle, 'PublishedNoLongerHeld')
    await mined(publish())
    await mined(update())
    const { ltvBps, thresholdBps, bonusBps } = await market.collateral('BTC')
    expect([ltvBps, thresholdBps, bonusBps]).toEqual(await heldBps())
    await expectRevert(update(), edge, 'UpdateExecuted', [2n])
  })
})

describe('R178: the courier of a workflow', () => {
  test('is what Chainlink’s forwarder delivers to: ERC-165 by both names', async () => {
    const supports = courier.getFunction('supportsInterface')
    for (const signature of SUPPORTS) expect(await supports(keccak256(Buffer.from(signature)).slice(0, 10))).toBe(true)
    for (const id of ['0xffffffff', '0x12345678']) expect(await supports(id)).toBe(false)
  })

  test('carries a proof to the registry and what it then holds to the oracle, in one report', async () => {
    const { batch, calldata } = await nextSubmission(43_000n)
    const { taken, receipt } = await deliver(reportOf(calldata, [asset]))
    expect(taken).toBe(true)
    await engine.accept(btc, batch.updates[0] as never)
    expect(await engine.registry.getFunction('sequence')(btc.marketId)).toBe(2n)
    expect(eventsOf(receipt, oracle).map(({ name }) => name)).toEqual(['ParameterUpdated'])
    expect(tripleOf((await latest()).newValue)).toEqual(await heldBps())
    // What somebody else has carried meanwhile stops nothing that is left to carry.
    await move(44_000n)
    const second = await deliver(reportOf(calldata, [asset]))
    expect(second.taken).toBe(true)
    expect(eventsOf(second.receipt, courier).map(({ args }) => args.to)).toEqual([engine.registry.target])
    expect((await latest()).updateId).toBe(2n)
  })

  test('moves nothing that was not proven, whatever a report says', async () => {
    const { batch, calldata } = await nextSubmission(43_000n)
    const before = await engine.registry.getFunction('unsafeParameters')(btc.marketId)
    const other = { ...batch, updates: batch.updates.map((one) => ({ ...one, parameters: one.parameters + 1n })) }
    const { modelId, commitment, observationWords } = batch
    const changed = engine.registry.interface.encodeFunctionData('submit', [
      modelId,
      commitment,
      await engine.prove(batch),
      other.updates,
      observationWords,
    ])
    const reports = [
      reportOf(changed, []),
      reportOf(`${calldata.slice(0, -2)}01`, []),
      reportOf('0x', []),
      reportOf('0x12', []),
      reportOf(engine.registry.interface.encodeFunctionData('setMarketPolicy', [btc.marketId, 1n]), []),
      reportOf('0x', [market.pool.target as string]),
      '0x',
      '0x1234',
    ]
    for (const report of reports) expect((await deliver(report)).taken).toBe(false)
    const after = await engine.registry.getFunction('unsafeParameters')(btc.marketId)
    expect(after.proven.toArray()).toEqual(before.proven.toArray())
    expect(await oracle.getFunction('updateCounter')()).toBe(0n)
    expect((await deliver(reportOf(calldata, []))).taken).toBe(true)
  })

  test('refuses by name: another caller, a report of another form, another function, nothing carried', async () => {
    const { chain } = engine
    const as = async (caller: string, report: string) => {
      await chain.request('hardhat_impersonateAccount', caller)
      await chain.request('hardhat_setBalance', caller, '0xde0b6b3a7640000')
      const signer = await chain.ethers.getSigner(caller)
      return (courier.connect(signer as never) as Contract).getFunction('onReport')('0x', report, {
        gasLimit: GAS_LIMIT,
      })
    }
    const stranger = await (chain.signers[5] as { getAddress(): Promise<string> }).getAddress()
    const own = forwarder.target as string
    const { calldata } = await nextSubmission(43_000n)
    await expectRevert(as(stranger, reportOf(calldata, [])), courier, 'NotForwarder', [stranger, own])
    await expectRevert(as(own, '0x1234'), courier, 'ReportMalformed', [2n])
    const setter = engine.registry.interface.encodeFunctionData('setMarketPolicy', [btc.marketId, 1n])
    const submit = calldata.slice(0, 10)
    await expectRevert(as(own, reportOf(setter, [asset])), courier, 'NotSubmission', [setter.slice(0, 10), submit])
    await expectRevert(as(own, reportOf('0x', [])), courier, 'NothingCarried', ['0x'])
    const [unknown] = [market.pool.target as string]
    const reason = oracle.interface.encodeErrorResult('MarketUnknown', [unknown])
    await expectRevert(as(own, reportOf('0x', [unknown])), courier, 'NothingCarried', [reason])
    await mined(as(own, reportOf(calldata, [])))
  })

  test('is not reached by a report that too few nodes have signed', async () => {
    const sent = deliver(reportOf('0x', [asset]), [nodes[0] as Wallet, nodes[0] as Wallet])
    const data = await sent.then(
      () => '',
      (error: unknown) => revertDataOf(error) ?? '',
    )
    expect(forwarder.interface.parseError(getBytes(data))?.name).toBe('DuplicateSigner')
    expect(await oracle.getFunction('updateCounter')()).toBe(0n)
  })
})
