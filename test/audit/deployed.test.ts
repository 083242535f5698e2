/** The auditor against contracts that were changed: each is rejected, and what was changed is named. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AbiCoder,
  computeAddress,
  concat,
  Contract,
  getCreateAddress,
  id,
  keccak256,
  toBeHex,
  TypedDataEncoder,
  Wallet,
  ZeroAddress,
} from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Audit,
  audit,
  type AuditPins,
  type AuditReport,
  auditToJson,
  formatAudit,
  formatAuditBundle,
  judge,
  parseAuditBundle,
  pinsOfKeys,
  type PinnedDeployment,
  writeAuditBundle,
} from '../../prover/audit/index.ts'
import { judgeCode } from '../../prover/audit/deployed/code.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { compiledContractOf, interfaceOf } from '../../prover/registry/artifacts.ts'
import {
  addMarket,
  attestedFeedOf,
  attestObservation,
  feedDomain,
  submitObservations,
} from '../../prover/registry/index.ts'
import { pack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import {
  deployAccumulator,
  deployPythAdapter,
  deployWormhole,
  ownKeys,
} from '../../scripts/tools/oracles/oracleChain.ts'
import { pythUpdate } from '../../scripts/tools/oracles/payloads.ts'
import { btcFeed } from '../../scripts/tools/oracles/recordings.ts'
import { feedSigners, LiveEngine } from '../registry/liveEngine.ts'
import { errorOf, zkrisk } from '../service/zkrisk.ts'
import { uncheckedSource } from '../registry/uncheckedSource.ts'
import { putBefore, UNCHANGED, withImmutable, withoutCheck } from './tampering.ts'

let engine: LiveEngine
let honest: Audit
let registry: string

beforeAll(async () => {
  engine = await LiveEngine.start(['marketRisk8x2'], { 'BTC-USD': 7_900n })
  await engine.observe({ 'BTC-USD': 7_800n }, 600n)
  await engine.client.submit(await engine.prove('marketRisk8x2'))
  registry = engine.deployment.addresses.registry
  honest = await auditNow()
})

afterAll(() => engine?.close())

/** What the auditor's own file says. */
function pinnedDeployment(): PinnedDeployment {
  const { council, modelRegistry } = engine.deployment.addresses
  const { address, signers, threshold, maxConfidenceBps } = attestedFeedOf(engine.deployment)
  return { council, modelRegistry, sources: [{ address, signers, threshold, maxConfidenceBps }] }
}

function auditNow(pins: Omit<AuditPins, 'chainId' | 'registry'> = {}): Promise<Audit> {
  const provider = engine.chain.ethers.provider as never
  return audit({ registry, provider, keys: engine.auditKeys(), pins: { deployment: pinnedDeployment(), ...pins } })
}

const codeOf = (address: string): Promise<string> => engine.chain.ethers.provider.getCode(address)
const setCode = (address: string, code: string): Promise<unknown> =>
  engine.chain.request('hardhat_setCode', address, code)

/** Every claim that does not hold, with its field. */
function failuresOf({ deployed, models }: AuditReport): readonly string[] {
  const subjects = [...models, ...deployed.contracts, deployed.authority, deployed.reads]
  return subjects.flatMap(({ claims }) =>
    claims.filter(({ holds }) => !holds).map((each) => `${each.claim} ${each.field}`),
  )
}

/** Changes the chain, audits it, and puts it back. */
async function auditedAfter(change: () => Promise<unknown>, pins: Omit<AuditPins, 'chainId' | 'registry'> = {}) {
  return engine.chain.undone(async () => {
    await change()
    return (await auditNow(pins)).report
  })
}

async function expectRejected(report: AuditReport, ...fields: readonly string[]): Promise<void> {
  expect(report.accepted).toBe(false)
  for (const field of fields) expect(failuresOf(report)).toContain(field)
  expect(formatAudit(report)).toContain('REJECTED')
}

describe('an honest deployment', () => {
  it('A7: is accepted, contract by contract, without a word of it typed here', () => {
    expect(honest.report.failure).toBeUndefined()
    expect(
      honest.report.deployed.contracts.map(({ name, claims }) => [name, claims.map(({ claim }) => claim)]),
    ).toEqual([
      ['RiskRegistry', ['A7', 'A9', 'A8']],
      ['ModelRegistry', ['A7', 'A9', 'A8', 'A3']],
      ['RiskCouncil', ['A7', 'A9', 'A3']],
      ['AttestedFeed', ['A7', 'A9', 'A8', 'A10']],
      ['PolicyChecks', ['A7']],
      ['InboxPlaces', ['A7']],
    ])
  })

  it('A10, A11: names signers, threshold, roles, delays, who grants and who cancels, in table and JSON', () => {
    const table = formatAudit(honest.report)
    const signers = feedSigners.map(({ address }) => address)
    expect(table).toMatch(/^ {2}AttestedFeed 0x\w{40}: 2 of 3: /m)
    for (const signer of signers) expect(table).toContain(signer)
    expect(table).toMatch(
      /^ {2}admin, granted by admin, cancelled by admin:\n {4}0x\w{40} {2}at once {2}granted in block \d+ by 0x\w{40}$/m,
    )
    expect(table).toMatch(
      /^ {4}may RiskRegistry: setLearningPolicy, .*setPromotionPolicy, rotateSource, holdPause, liftPause$/m,
    )
    expect(table).toMatch(/^ {2}its own labelRole, .*grantRole, revokeRole: cancelled by admin$/m)
    expect(table).toMatch(/^ {2}guardian, .*^ {4}may RiskRegistry: pause$.*^ {4}may AttestedFeed: revokeSigner$/ms)
    const json = JSON.parse(auditToJson(honest.report))
    expect(json.deployed.contracts[3].committee).toMatchObject({ threshold: 2 })
    expect(json.deployed.authority.roles[0]).toMatchObject({ name: 'admin', grantedBy: 'admin', cancelledBy: 'admin' })
  })

  it('A12: is asked what consumers ask, and answers what follows', () => {
    const asked = honest.record.deployed.reads.map(({ method }) => method)
    for (const method of ['parameters', 'parametersForLiquidation', 'unsafeParameters', 'initialMarginWad']) {
      expect(asked).toContain(method)
    }
    expect(honest.report.deployed.reads.accepted).toBe(true)
  })

  it('A12: is accepted when its parameters are stale, a second before and after, and when the add-on has met its cap', async () => {
    const { asOf } = honest.report.batches[0] as AuditReport['batches'][number]
    const maxAge = honest.record.inForce.maxParameterAgeSeconds
    for (const age of [maxAge, maxAge + 1n, maxAge + 3_601n, maxAge + 360_000n]) {
      const report = await auditedAfter(() => engine.chain.setTime(asOf + age))
      expect(failuresOf(report)).toEqual([])
    }
  })

  it('A7: has code whose every byte matters, but for the compiler’s hash of its input', () => {
    for (const contract of ['ModelRegistry', 'RiskCouncil', 'AttestedFeed'] as const) {
      const { deployedBytecode, immutables } = compiledContractOf(contract)
      const bytes = Buffer.from(deployedBytecode.slice(2), 'hex')
      const free = new Set(
        immutables.flatMap(({ starts }) => starts.flatMap((start) => [...Array(32).keys()].map((i) => start + i))),
      )
      const hash = deployedBytecode.lastIndexOf('a2646970667358221220') / 2 - 1 + 10
      for (let at = 0; at < bytes.length; at += 97) {
        const changed = Buffer.from(bytes)
        changed[at] = (bytes[at] as number) ^ 1
        const record = {
          part: partOf(contract),
          address: ZeroAddress,
          code: `0x${changed.toString('hex')}`,
          creation: null,
          committee: null,
          committeeChanges: [],
          signers: [],
        }
        const isFree = free.has(at) || (at >= hash && at < hash + 32)
        expect([at, judgeCode('at', contract, record).holds]).toEqual([at, isFree])
      }
    }
  })
})

const partOf = (contract: 'ModelRegistry' | 'RiskCouncil' | 'AttestedFeed') =>
  ({ ModelRegistry: 'modelRegistry', RiskCouncil: 'council', AttestedFeed: 'source' })[contract] as
    | 'modelRegistry'
    | 'council'
    | 'source'

describe('A7: a registry', () => {
  it('that returns a tenth of the margins is rejected by its code and by what consumers read', async () => {
    const tenth = `function changed(bytes4 sig, bytes memory answer) private pure returns (bytes memory) {
        if (sig == ${sig('parameters')} || sig == ${sig('unsafeParameters')} || sig == ${sig('initialMarginWad')}) {
            assembly { mstore(add(answer, 0x20), div(mload(add(answer, 0x20)), 10)) }
        }
        return answer;
    }`
    const report = await auditedAfter(() => putBefore(engine.chain, registry, tenth))
    await expectRejected(report, 'A7 deployed.RiskRegistry.code', 'A12 reads.parameters(BTC-USD).initialMarginX24')
    const claim = report.deployed.reads.claims.find(({ holds }) => !holds)
    expect(BigInt(claim?.expected ?? 0) / 10n).toBe(BigInt(claim?.found ?? 0))
  })

  it('whose guard-rails were left out is rejected, and says from which byte on', async () => {
    const code = withoutCheck(await codeOf(registry), 'RiskRegistry', 'MaintenanceMarginOutOfBounds')
    const report = await auditedAfter(() => setCode(registry, code))
    await expectRejected(report, 'A7 deployed.RiskRegistry.code')
    expect(formatAudit(report)).toMatch(/found other code from byte \d+ on/)
  })

  it.each(['policyChecks', 'inboxPlaces'] as const)(
    'whose %s, which it made, is other code is rejected',
    async (method) => {
      const contract = new Contract(registry, interfaceOf('RiskRegistry'), engine.chain.ethers.provider as never)
      const address: string = await contract.getFunction(method)()
      const name = { policyChecks: 'PolicyChecks', inboxPlaces: 'InboxPlaces' }[method]
      const yes = await auditedAfter(() => setCode(address, '0x60015f5260205ff3'))
      expect(failuresOf(yes)).toEqual([`A7 deployed.${name}.code`])
      const none = await auditedAfter(() => setCode(address, '0x'))
      expect(failuresOf(none)).toEqual([`A7 deployed.${name}.code`])
    },
  )

  it('whose shadows’ scores can be written is rejected, and the function is named', async () => {
    const body = `${UNCHANGED} function setScore(uint256 slot, uint256 score) external { assembly { sstore(slot, score) } }`
    const report = await auditedAfter(() => putBefore(engine.chain, registry, body))
    await expectRejected(report, 'A7 deployed.RiskRegistry.code')
    expect(formatAudit(report)).toContain(id('setScore(uint256,uint256)').slice(0, 10))
  })
})

const sig = (method: string): string => `bytes4(${interfaceOf('RiskRegistry').getFunction(method)?.selector})`

/** Writes a slot of a contract. */
const store = (address: string, slot: string, value: bigint): Promise<unknown> =>
  engine.chain.request('hardhat_setStorageAt', address, slot, toBeHex(value, 32))

describe('A8: a value that a constructor chose', () => {
  it('is rejected when it was changed: the registry of models that a registry asks', async () => {
    const { chain, deployment } = engine
    const report = await auditedAfter(async () => {
      const other = await chain.deploy('ModelRegistry', deployment.addresses.council)
      const code = withImmutable(
        await codeOf(registry),
        'RiskRegistry',
        'RiskRegistry.models',
        BigInt(other.target as string),
      )
      await setCode(registry, code)
    })
    await expectRejected(report, 'A8 deployed.RiskRegistry.RiskRegistry.models', 'A3 deployed.ModelRegistry.address')
  })

  it('is rejected when it was lowered: the threshold of a feed', async () => {
    const { address } = attestedFeedOf(engine.deployment)
    const report = await auditedAfter(() => store(address, toBeHex(THRESHOLD_SLOT), 1n))
    await expectRejected(report, 'A10 deployed.AttestedFeed.threshold')
  })

  it('is rejected when it is of another chain: the domain that signers sign for', async () => {
    const { address } = attestedFeedOf(engine.deployment)
    const other = TypedDataEncoder.hashDomain(feedDomain(1n, address))
    const code = withImmutable(await codeOf(address), 'AttestedFeed', 'EIP712._cachedDomainSeparator', BigInt(other))
    const report = await auditedAfter(() => setCode(address, code))
    await expectRejected(report, 'A8 deployed.AttestedFeed.EIP712._cachedDomainSeparator')
  })
})

/** Adds a market over a source of its own, with a first observation of it. */
async function addMarketOver(
  source: string,
  observe: (marketId: string, asOf: bigint) => Promise<unknown>,
): Promise<void> {
  const { chain, deployment } = engine
  await observe(marketIdOf('SOL-USD'), await chain.now())
  const other = { name: 'other', kind: 'other' as const, address: source }
  const market = { name: 'SOL-USD', policy: defaultPolicy.market, source: 'other', volatilityModel: 'ewma' as const }
  await addMarket(chain.signers[0] as never, { ...deployment, sources: [...deployment.sources, other] }, market)
}

describe('A10: a source', () => {
  it('without signers, to which anybody appends, is rejected unless the auditor vouches for its code', async () => {
    const { chain } = engine
    await chain.undone(async () => {
      const source = await chain.deploy(uncheckedSource())
      await addMarketOver(source.target as string, (marketId, asOf) => {
        const observation = { priceE8: 10n ** 10n, asOf, impliedVolatilityX16: 0n, rangeCode: 0n }
        return mined(source.getFunction('append')(marketId, pack('observation', observation)))
      })
      const { report } = await auditNow()
      await expectRejected(report, 'A7 deployed.AttestedFeed.code')
      expect(formatAudit(report)).toContain(
        'expected the code of AttestedFeed or ScaledFeed or MedianFeed or PythAdapter or ',
      )
      const vouched = await auditNow({ trustedCode: [keccak256(await codeOf(source.target as string))] })
      expect(vouched.report.failure).toBeUndefined()
    })
  })

  it('that reads an oracle is known by its code; one behind which another oracle was put is rejected', async () => {
    const { chain } = engine
    await chain.undone(async () => {
      const guardians = ownKeys('guardian', 1)
      const core = await deployWormhole(
        chain,
        guardians.map((guardian) => computeAddress(guardian)),
      )
      const feeds = [{ marketId: marketIdOf('SOL-USD'), feedId: btcFeed, decimals: 8n }]
      const adapter = await deployPythAdapter(chain, await deployAccumulator(chain, core), feeds)
      const source = adapter.target as string
      await addMarketOver(source, (marketId, publishTime) => {
        const price = { id: btcFeed, price: 10n ** 10n, confidence: 0n, exponent: -8n, publishTime }
        return mined(adapter.getFunction('take')(marketId, [pythUpdate([price], guardians)]))
      })
      const { report } = await auditNow()
      expect(report.failure).toBeUndefined()
      expect(report.deployed?.contracts.map(({ name }) => name)).toContain('PythAdapter')
      await setCode(source, withImmutable(await codeOf(source), 'PythAdapter', 'PythAdapter.pyth', 0xbadn))
      await expectRejected((await auditNow()).report, 'A8 deployed.PythAdapter.PythAdapter.pyth')
    })
  })

  it('of fewer or other signers than the auditor’s file says is rejected; of those it says, accepted', async () => {
    const pinned = pinnedDeployment()
    const [source] = pinned.sources
    const of = (change: object) => auditNow({ deployment: { ...pinned, sources: [{ ...source, ...change } as never] } })
    const signers = source?.signers ?? []
    await expectRejected((await of({ threshold: 3 })).report, 'A10 deployed.AttestedFeed.threshold')
    await expectRejected((await of({ signers: signers.slice(1) })).report, 'A10 deployed.AttestedFeed.signers')
    await expectRejected((await of({ maxConfidenceBps: 99 })).report, 'A10 deployed.AttestedFeed.maxConfidenceBps')
    expect((await of({ signers: signers.toReversed() })).report.accepted).toBe(true)
  })

  it('whose signers the council replaced, and the guardian revoked one of, is accepted, and told change by change', async () => {
    const report = await auditedAfter(changeCommittee)
    expect(failuresOf(report)).toEqual([])
    const [first, , third] = feedSigners.map(({ address }) => address)
    const other = strangerSigner.address
    const signers = sorted([first, third, other])
    const owner = await engine.chain.signers[0]?.getAddress()
    const table = formatAudit(report)
    expect(table).toMatch(new RegExp(`^ {4}set to 2 of 3: ${signers.join(' ')}, in block \\d+ at .* by ${owner}$`, 'm'))
    expect(table).toMatch(new RegExp(`^ {4}revoked ${third}, in block \\d+ at .* by ${owner}$`, 'm'))
    const left = signers.filter((signer) => signer !== third)
    expect(table).toMatch(new RegExp(`^ {2}AttestedFeed 0x\\w{40}: 2 of 2: ${left.join(' ')}$`, 'm'))
  })

  it('whose signers are not those to which its changes lead is rejected', async () => {
    const { record } = await engine.chain.undone(async () => {
      await changeCommittee()
      return auditNow()
    })
    const at = 'A10 deployed.AttestedFeed'
    const lies = [
      [(feed: Feed) => feed.committeeChanges.pop(), `${at}.signers`],
      [(feed: Feed) => feed.committeeChanges.splice(1, 1), `${at}.signers`],
      [(feed: Feed) => feed.committeeChanges.shift(), `${at}.committeeChanges[0].signers`],
      [
        (feed: Feed) => Object.assign(feed.committeeChanges[0] ?? {}, { threshold: 1 }),
        `${at}.committeeChanges[0].threshold`,
      ],
      [(feed: Feed) => Object.assign(feed.committeeChanges[1] ?? {}, { threshold: 1 }), `${at}.threshold`],
      [(feed: Feed) => feed.committee.signers.push(ZeroAddress), `${at}.signers`],
      [
        (feed: Feed) => Object.assign(feed.committeeChanges[2] ?? {}, { signer: ZeroAddress }),
        `${at}.committeeChanges[2].signer`,
      ],
      [(feed: Feed) => Object.assign(feed.signers[1] ?? {}, { isSigner: true }), `${at}.signers`],
    ] as const
    for (const [lie, field] of lies) {
      const copy = structuredClone(record)
      lie(copy.deployed.contracts.find(({ part }) => part === 'source') as never)
      expect(failuresOf(await judge(copy))).toEqual([field])
    }
    const hidden = await auditedAfter(async () => {
      const slot = keccak256(
        AbiCoder.defaultAbiCoder().encode(['address', 'uint256'], [feedSigners[2]?.address, SIGNERS_SLOT]),
      )
      await store(attestedFeedOf(engine.deployment).address, slot, 0n)
    })
    await expectRejected(hidden, `${at}.signers`)
  })

  it('A9: whose constructor made somebody a signer besides, under the very same code, is rejected', async () => {
    const { chain } = engine
    await chain.undone(async () => {
      const hidden = feedSigners.slice(0, 2).map((signer) => signer.address)
      const { address, data } = await feedWithHiddenSigners(hidden)
      await mined(chain.signers[5]?.sendTransaction({ data, gasLimit: 5_000_000n }) as never)
      const feed = await chain.ethers.getContractAt([...interfaceOf('AttestedFeed').fragments], address)
      for (const signer of hidden) expect(await feed.getFunction('isSigner')(signer)).toBe(true)
      await addMarketOver(address, async (marketId, asOf) => {
        const observation = { priceE8: 10n ** 10n, confidenceE8: 0n, impliedVolatilityX16: 0n, rangeCode: 0n }
        const attested = { ...observation, marketId, asOf, deadline: asOf + 3_600n }
        const signed = await attestObservation(feedDomain(31337n, address), feedSigners.slice(0, 2), attested)
        await submitObservations(chain.signers[3] as never, address, [signed])
      })
      const { report } = await auditNow()
      await expectRejected(report, 'A9 deployed.AttestedFeed.creation')
      expect(failuresOf(report).some((failure) => failure.startsWith('A7'))).toBe(false)
    })
  })
})

type Feed = {
  committee: { signers: string[] }
  committeeChanges: object[]
  signers: object[]
}

const strangerSigner = new Wallet(toBeHex(14, 32))
const sorted = (accounts: readonly (string | undefined)[]): readonly string[] =>
  accounts.filter((each) => each !== undefined).toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))

/** The council replaces the second of three signers, then the guardian revokes the third. */
async function changeCommittee(): Promise<void> {
  const feed = new Contract(
    attestedFeedOf(engine.deployment).address,
    interfaceOf('AttestedFeed'),
    engine.chain.signers[0] as never,
  )
  const [first, , third] = feedSigners.map(({ address }) => address)
  await mined(feed.getFunction('setCommittee')(sorted([first, third, strangerSigner.address]), 2))
  await mined(feed.getFunction('revokeSigner')(third))
}

/** Where a feed keeps how many must sign, and who. */
const [THRESHOLD_SLOT, SIGNERS_SLOT] = [4, 5]

/** Creation code that leaves a true feed's code behind, and signers in its storage whom nobody named. */
async function feedWithHiddenSigners(
  hidden: readonly string[],
): Promise<{ readonly address: string; readonly data: string }> {
  const { ethers, signers } = engine.chain
  const from = (await signers[5]?.getAddress()) ?? ''
  const address = getCreateAddress({ from, nonce: await ethers.provider.getTransactionCount(from) })
  const values = [
    ['EIP712._cachedThis', BigInt(address)],
    ['EIP712._cachedDomainSeparator', BigInt(TypedDataEncoder.hashDomain(feedDomain(31337n, address)))],
  ] as const
  let runtime = await codeOf(attestedFeedOf(engine.deployment).address)
  for (const [name, value] of values) runtime = withImmutable(runtime, 'AttestedFeed', name, value)
  const slots = hidden.map((signer) =>
    keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'uint256'], [signer, SIGNERS_SLOT])),
  )
  const length = toBeHex((runtime.length - 2) / 2, 2)
  // SSTORE of a 1 each, and of the threshold, which takes 36 bytes, then CODECOPY and RETURN of what follows these 10 more.
  const stores = [
    ...slots.flatMap((slot) => ['0x60017f', slot, '0x55']),
    ...['0x60027f', toBeHex(THRESHOLD_SLOT, 32), '0x55'],
  ]
  const copy = ['0x61', length, '0x8060', toBeHex(36 * (hidden.length + 1) + 10, 1), '0x5f395ff3']
  return { address, data: concat([...stores, ...copy, runtime]) }
}

describe('A1: a verifier', () => {
  it('A13: that returns true, the key’s constants behind it, is rejected, by a node and offline with everything pinned', async () => {
    const { verifier } = engine.deployment.models[0] as (typeof engine.deployment.models)[number]
    const code = await codeOf(verifier)
    await engine.chain.undone(async () => {
      // PUSH1 1, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN, and the true code, which nothing reaches.
      await setCode(verifier, concat(['0x60015f5260205ff3', code]))
      const { report, record } = await auditNow()
      await expectRejected(report, 'A1 models.verifierCode')
      const file = formatAuditBundle(record)
      expect(file).not.toContain('compiled')
      const bundle = parseAuditBundle(Buffer.from(file), 'audit.json')
      const pins = {
        chainId: 31337n,
        registry,
        verificationKeyHashes: pinsOfKeys(engine.auditKeys()).verificationKeyHashes ?? [],
      }
      expect((await judge(bundle, pins)).failure?.claim).toMatchObject({ claim: 'A1', field: 'models.verifierCode' })
    })
    const pins = { chainId: 31337n, registry, ...pinsOfKeys(engine.auditKeys()) }
    expect(
      (await judge(parseAuditBundle(Buffer.from(formatAuditBundle(honest.record)), 'audit.json'), pins)).accepted,
    ).toBe(true)
  })
})

describe('A11: a council', () => {
  const callCouncil = async (method: string, ...args: readonly unknown[]) => {
    const { council } = engine.deployment.addresses
    const contract = await engine.chain.ethers.getContractAt([...interfaceOf('RiskCouncil').fragments], council)
    return mined(contract.getFunction(method)(...args))
  }
  const admin = async () => (await engine.chain.signers[0]?.getAddress()) ?? ''

  it('without a delay is rejected where one must be waited for, a second short of it too; of as long a one, accepted', async () => {
    const { provider } = engine.chain.ethers
    expect((await provider.getNetwork()).chainId).toBe(31337n)
    await expectRejected((await auditNow({ leastDelaySeconds: 3_600 })).report, 'A11 council.admin.delaySeconds')
    for (const [delay, accepted] of [
      [3_599, false],
      [3_600, true],
    ] as const) {
      const report = await auditedAfter(async () => callCouncil('grantRole', 0n, await admin(), delay), {
        leastDelaySeconds: 3_600,
      })
      expect(report.deployed.authority.accepted).toBe(accepted)
    }
  })

  it('outside development chains must announce everything 48 hours before', async () => {
    const elsewhere = structuredClone(honest.record) as { context: { chainId: bigint } }
    elsewhere.context.chainId = 1n
    const { deployed } = await judge(elsewhere as never)
    expect(deployed.authority.claims).toContainEqual(
      expect.objectContaining({ claim: 'A11', holds: false, expected: `${48 * 3600} or more` }),
    )
  })

  it('outside development chains keeps no deployer: one that waits long enough, but made a contract, is rejected', async () => {
    const waits = structuredClone(honest.record) as unknown as Elsewhere
    waits.context.chainId = 1n
    for (const { members } of waits.deployed.council.roles)
      for (const member of members) member.delaySeconds = 48 * 3600
    const claimsOf = async () => (await judge(waits as never)).deployed.authority.claims
    expect(await claimsOf()).toContainEqual(expect.objectContaining({ holds: false, field: 'council.deployer' }))
    for (const { creation } of waits.deployed.contracts) if (creation !== null) creation.from = ZeroAddress
    expect(await claimsOf()).toEqual([{ claim: 'A11', holds: true }])
  })

  it('with a foreign administrator, or one who may make administrators, is rejected where governors are pinned', async () => {
    const governors = [await admin()]
    expect((await auditNow({ governors })).report.accepted).toBe(true)
    const stranger = (await engine.chain.signers[7]?.getAddress()) ?? ''
    const second = await auditedAfter(() => callCouncil('grantRole', 0n, stranger, 0), { governors })
    await expectRejected(second, 'A11 council.admin.members')
    expect(formatAudit(second)).toMatch(new RegExp(`^ {4}${stranger} `, 'm'))
    const { registry: target } = engine.deployment.addresses
    const selector = interfaceOf('RiskRegistry').getFunction('addMarket')?.selector
    const through = await auditedAfter(
      async () => {
        await callCouncil('setTargetFunctionRole', target, [selector], 77n)
        await callCouncil('setRoleAdmin', 77n, 78n)
        await callCouncil('grantRole', 78n, stranger, 0)
      },
      { governors },
    )
    await expectRejected(through, 'A11 council.role 78.members')
  })

  it('is asked for all its history: whoever got a role before the registry stood is named', async () => {
    const { creation } = honest.record.deployed.contracts[0] as (typeof honest.record.deployed.contracts)[number]
    const fromBlock = creation?.block ?? 0
    const provider = engine.chain.ethers.provider as never
    const { report } = await audit({ registry, provider, keys: engine.auditKeys(), fromBlock })
    const [first] = report.deployed.authority.roles
    expect(first?.members.map(({ account, grantedInBlock }) => [account, grantedInBlock < fromBlock])).toEqual([
      [await admin(), true],
    ])
  })

  it('that lets anybody register models is rejected; that lets a guardian disable them is not', async () => {
    const { modelRegistry } = engine.deployment.addresses
    const selector = interfaceOf('ModelRegistry').getFunction('register')?.selector
    const everybody = 2n ** 64n - 1n
    const report = await auditedAfter(
      () => callCouncil('setTargetFunctionRole', modelRegistry, [selector], everybody),
      { governors: [await admin()] },
    )
    await expectRejected(report, 'A11 ModelRegistry.register')
  })

  it('that another contract obeys is rejected, be it a registry or a source', async () => {
    const { chain, deployment } = engine
    for (const [contract, address] of [
      ['ModelRegistry', deployment.addresses.modelRegistry],
      ['AttestedFeed', attestedFeedOf(deployment).address],
    ] as const) {
      const report = await auditedAfter(async () => {
        const other = await chain.deploy('RiskCouncil', await admin())
        await callCouncil('updateAuthority', address, other.target)
      })
      await expectRejected(report, `A11 ${contract}.authority`)
    }
  })

  it('that lets anybody replace signers, or anybody cancel what it does, is rejected where it must be governed', async () => {
    const { address } = attestedFeedOf(engine.deployment)
    const everybody = 2n ** 64n - 1n
    const governors = [await admin()]
    for (const method of ['setCommittee', 'revokeSigner']) {
      const selector = interfaceOf('AttestedFeed').getFunction(method)?.selector
      const open = () => callCouncil('setTargetFunctionRole', address, [selector], everybody)
      await expectRejected(await auditedAfter(open, { governors }), `A11 AttestedFeed.${method}`)
      expect((await auditedAfter(open)).accepted).toBe(true)
    }
    const { council } = engine.deployment.addresses
    const grant = interfaceOf('RiskCouncil').getFunction('grantRole')?.selector
    const cancelledBy = (guardian: bigint) =>
      auditedAfter(
        async () => {
          await callCouncil('setTargetFunctionRole', council, [grant], 77n)
          await callCouncil('setRoleGuardian', 77n, guardian)
        },
        { governors },
      )
    await expectRejected(await cancelledBy(everybody), 'A11 council.grantRole.cancelledBy')
    const named = await cancelledBy(1n)
    expect(failuresOf(named)).toEqual([])
    expect(formatAudit(named)).toMatch(/^ {2}its own grantRole: cancelled by guardian$/m)
  })

  it('whose own functions a record leaves out is rejected, and so is one that leaves out a source', async () => {
    const pins = { governors: [await admin()] }
    const without = structuredClone(honest.record)
    without.deployed.council.admin.pop()
    await expectRejected(await judge(without, pins), 'A11 council.admin')
    const ungoverned = structuredClone(honest.record)
    ungoverned.deployed.council.targets.pop()
    await expectRejected(await judge(ungoverned), 'A11 council.targets')
  })

  it('A7: with a door for one account is rejected by its code', async () => {
    const { council } = engine.deployment.addresses
    const stranger = await engine.chain.signers[7]?.getAddress()
    const door = `${UNCHANGED} function canCall(address caller, address, bytes4) external returns (bool, uint32) {
        if (caller == ${stranger}) return (true, 0);
        (, bytes memory answer) = address(${BigInt(`0x${'be'.repeat(20)}`)}).delegatecall(msg.data);
        return abi.decode(answer, (bool, uint32));
    }`
    const report = await auditedAfter(() => putBefore(engine.chain, council, door))
    await expectRejected(report, 'A7 deployed.RiskCouncil.code')
  })
})

describe('A12: what stands in storage', () => {
  it('is rejected where a policy book was put in the place of the true one, and the field is named', async () => {
    const { chain } = engine
    const report = await auditedAfter(async () => {
      const slot = await slotOfBook()
      const book = await codeOf(`0x${(await chain.ethers.provider.getStorage(registry, slot)).slice(26)}`)
      const other = `0x${'b0'.repeat(20)}`
      // The last word is the last market's policy: its lowest field one less.
      await setCode(other, `0x${(BigInt(book.replace('0x00', '0x01')) - 1n).toString(16).replace(/^1/, '00')}`)
      await chain.request('hardhat_setStorageAt', registry, slot, `0x${other.slice(2).padStart(64, '0')}`)
    })
    await expectRejected(report, 'A12 reads.marketPolicy(BTC-USD).word')
    expect(report.deployed.contracts.every(({ accepted }) => accepted)).toBe(true)
  })

  it('A7: is rejected where a registry of models can write it: a function that replaces a verifier', async () => {
    const { modelRegistry } = engine.deployment.addresses
    const body = `${UNCHANGED} function replaceVerifier(bytes32 slot, address verifier) external { assembly { sstore(slot, verifier) } }`
    const report = await auditedAfter(() => putBefore(engine.chain, modelRegistry, body))
    await expectRejected(report, 'A7 deployed.ModelRegistry.code')
  })
})

/** Of the first slots, the one whose address has code that does nothing. */
async function slotOfBook(): Promise<string> {
  const { provider } = engine.chain.ethers
  for (let slot = 0; slot < 8; slot++) {
    const value = await provider.getStorage(registry, slot)
    const code = await codeOf(`0x${value.slice(26)}`)
    if (code.startsWith('0x00') && code.length > 66) return toBeHex(slot)
  }
  throw new Error('The registry has no policy book.')
}

describe('zkrisk audit', () => {
  it('A13: tells whose code it compared with and what was pinned by flag; what is no address or hash is refused by name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'deployed-'))
    try {
      const file = join(folder, 'audit.json')
      await writeAuditBundle(file, honest.record)
      const governor = (await engine.chain.signers[0]?.getAddress()) ?? ''
      const told = await zkrisk('audit', '--bundle', file, '--governor', governor, '--least-delay', '0')
      expect(told.code).toBe(0)
      expect(told.stdout).toMatch(
        /^ {2}code +RiskRegistry, ModelRegistry, RiskCouncil, AttestedFeed, PolicyChecks, InboxPlaces sha256 \w{16}… +this checkout/m,
      )
      expect(told.stdout).toMatch(new RegExp(`^ {2}governors +${governor} +--governor$`, 'm'))
      expect(told.stdout).toMatch(/^ {2}least delay +0 h +--least-delay$/m)
      expect((await zkrisk('audit', '--bundle', file, '--least-delay', '1')).stdout).toContain(
        'council.admin.delaySeconds',
      )
      for (const wrong of [
        ['--governor', governor.slice(0, -1)],
        ['--trust-code', governor],
      ] as const) {
        const refused = await zkrisk('audit', '--bundle', file, ...wrong, '--json')
        expect(refused.code).not.toBe(0)
        expect(errorOf(refused)).toMatchObject({ code: 'service.audit-pin', option: wrong[0], value: wrong[1] })
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('a record', () => {
  it('A9: that leaves out a contract, or how it was created, is rejected and the contract is named', async () => {
    for (const [i, { part }] of honest.record.deployed.contracts.entries()) {
      const without = structuredClone(honest.record) as never as Record
      without.deployed.contracts.splice(i, 1)
      expect([part, (await judge(without as never)).accepted]).toEqual([part, false])
      // What a registry’s constructor made has no transaction of its own.
      if (part === 'policyChecks' || part === 'inboxPlaces') continue
      const hidden = structuredClone(honest.record) as never as Record
      Object.assign(hidden.deployed.contracts[i] ?? {}, { creation: null })
      const report = await judge(hidden as never)
      expect([part, report.failure?.claim.claim, report.failure?.claim.field?.endsWith('.creation')]).toEqual([
        part,
        'A9',
        true,
      ])
    }
  })

  it('A12: of which any answer was changed, left out or repeated is rejected', async () => {
    for (const [i, { answer }] of honest.record.deployed.reads.entries()) {
      const changed = structuredClone(honest.record) as never as Record
      const [first] = changed.deployed.reads[i]?.answer ?? []
      if (first === undefined) throw new Error(`No answer ${i}, ${JSON.stringify(answer)}`)
      first.value = `${first.value}1`
      expect((await judge(changed as never)).failure?.claim.claim).toBe('A12')
    }
    const shorter = structuredClone(honest.record) as never as Record
    shorter.deployed.reads.pop()
    expect((await judge(shorter as never)).failure?.claim).toMatchObject({ claim: 'A12', field: 'deployed.reads' })
  })
})

type Elsewhere = {
  context: { chainId: bigint }
  deployed: {
    contracts: { creation: { from: string } | null }[]
    council: { roles: { members: { delaySeconds: number }[] }[] }
  }
}

type Record = {
  deployed: {
    contracts: { part: string; creation: unknown }[]
    reads: { answer: { name: string; value: string }[] | null }[]
  }
}
