/** The auditor of margins against changed contracts, changed signatures, and an audit that travels. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbiCoder, concat, Contract, keccak256, toBeHex, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  auditPortfolioOffline,
  formatPortfolioAudit,
  judgePortfolio,
  pinsOfKeys,
  type PortfolioAudit,
  type PortfolioAuditReport,
  writePortfolioAuditBundle,
} from '../../prover/audit/index.ts'
import { contractsFor, madeIn } from '../../prover/audit/deployed/code.ts'
import { formatPortfolioAuditBundle, parsePortfolioAuditBundle } from '../../prover/audit/portfolio/auditBundle.ts'
import { ProverError } from '../../prover/errors.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { renderPortfolioAuditReport } from '../../prover/service/report/portfolioAuditReport.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { type PortfolioChain, provePortfolioChain } from './portfolioChain.ts'
import { withImmutable, withoutCheck } from './tampering.ts'

let chain: PortfolioChain
let whole: PortfolioAudit
let registry: string
let arrays: string
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portfolio-audit-'))
  chain = await provePortfolioChain()
  registry = chain.development.deployment.registry
  arrays = chain.development.deployment.arrays
  whole = await chain.audit()
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await chain?.close()
})

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

const request = (method: string, ...params: readonly unknown[]): Promise<unknown> =>
  chain.development.chain.provider.send(method, [...params])
const codeOf = (address: string): Promise<string> => chain.development.chain.provider.getCode(address)

/** Changes the chain, audits it, and puts it back. */
async function auditedAfter(change: () => Promise<unknown>): Promise<PortfolioAuditReport> {
  const snapshot = await request('evm_snapshot')
  try {
    await change()
    return (await chain.audit()).report
  } finally {
    await request('evm_revert', snapshot)
  }
}

const failuresOf = ({ deployed, rounds }: PortfolioAuditReport): readonly string[] =>
  [...deployed.contracts, deployed.authority, deployed.reads, rounds].flatMap(({ claims }) =>
    claims.filter(({ holds }) => !holds).map((each) => `${each.claim} ${each.field}`),
  )

describe('an honest portfolio registry', () => {
  it('A7: is accepted, contract by contract, those that it made among them', () => {
    expect(whole.report.failure).toBeUndefined()
    expect(whole.report.deployed.contracts.map(({ name }) => name)).toEqual([
      'PortfolioRegistry',
      'ModelRegistry',
      'RiskCouncil',
      'RiskArrays',
      'AttestedRounds',
      'BatchVerifier',
      'Improvement',
      'OpenInterest',
      'BatchVerifier',
      'PortfolioPolicyBounds',
    ])
    expect(formatPortfolioAudit(whole.report)).toMatch(/^ {4}may AttestedRounds: setCommittee, revokeSigner$/m)
    expect(formatPortfolioAudit(whole.report)).toMatch(/^ {2}AttestedRounds 0x\w{40}: 2 of 3: /m)
    const may = /^ {2}venue, .*^ {4}may PortfolioRegistry: reportAccount, reportCandidate, replaceAccount$/ms
    expect(formatPortfolioAudit(whole.report)).toMatch(may)
  })

  it('A12: is accepted when its margins are stale, a second before and after', async () => {
    const [margin] = whole.report.margins
    const age = whole.record.freshness[0]?.maxMarginAgeSeconds ?? 0n
    for (const later of [age, age + 1n]) {
      const report = await auditedAfter(() =>
        request('evm_mine', toBeHex((margin?.asOf ?? 0n) + later).replace(/^0x0/, '0x')),
      )
      expect(failuresOf(report)).toEqual([])
    }
  })
})

describe('A7: a changed portfolio registry', () => {
  it('that is a proxy, or code without state, is told as no engine, and not as a fault of the node', async () => {
    const proxy = concat(['0x363d3d373d3d3d363d73', registry, '0x5af43d82803e903d91602b57fd5bf3'])
    for (const code of [proxy, await codeOf(registry)]) {
      const { address } = Wallet.createRandom()
      const snapshot = await request('evm_snapshot')
      await request('hardhat_setCode', address, code)
      const failed = chain.audit({ registry: address })
      await expect(failed).rejects.toMatchObject({ code: 'audit.no-council', registry: address })
      await request('evm_revert', snapshot)
    }
  })

  it('that no longer asks whether a round is stale is rejected', async () => {
    const code = withoutCheck(await codeOf(arrays), 'RiskArrays', 'RoundStale')
    const report = await auditedAfter(() => request('hardhat_setCode', arrays, code))
    expect(report.accepted).toBe(false)
    expect(failuresOf(report)).toEqual(['A7 deployed.RiskArrays.code'])
  })

  it.each([
    ['PortfolioRegistry', 0],
    ['PortfolioRegistry', 1],
    ['RiskArrays', 0],
    ['RiskArrays', 1],
  ] as const)('where %s has made its contract number %i as code that says yes is rejected', async (maker, i) => {
    const made = madeIn(maker, await codeOf(maker === 'RiskArrays' ? arrays : registry))
    const { part, address } = made[i] as (typeof made)[number]
    const yes = '0x60015f5260205ff3'
    const report = await auditedAfter(() => request('hardhat_setCode', address, yes))
    expect(failuresOf(report)).toEqual([`A7 deployed.${contractsFor[part][0]}.code`])
  })

  it('whose open interest is counted by other code, or for another registry, is rejected', async () => {
    const counts =
      madeIn('PortfolioRegistry', await codeOf(registry)).find(({ part }) => part === 'counts')?.address ?? ''
    const code = await codeOf(counts)
    const lax = withoutCheck(code, 'OpenInterest', 'OpenInterestNotComplete')
    const changed = await auditedAfter(() => request('hardhat_setCode', counts, lax))
    expect(failuresOf(changed)).toContain('A7 deployed.OpenInterest.code')
    for (const name of ['OpenInterest.registry', 'OpenInterest.arrays']) {
      const contracts = whole.record.deployed.contracts.map((each) =>
        each.part === 'counts'
          ? { ...each, code: withImmutable(each.code, 'OpenInterest', name, BigInt(counts)) }
          : each,
      )
      const report = await judgePortfolio({ ...whole.record, deployed: { ...whole.record.deployed, contracts } })
      expect(failuresOf(report)).toEqual([`A8 deployed.OpenInterest.${name}`])
    }
  })

  it('A8: that takes rounds of another source, or of another market, is rejected', async () => {
    const market = withImmutable(await codeOf(arrays), 'RiskArrays', 'RiskArrays.marketId', 1n)
    const report = await auditedAfter(() => request('hardhat_setCode', arrays, market))
    expect(failuresOf(report)).toContain('A8 deployed.RiskArrays.RiskArrays.marketId')
    const state = withImmutable(await codeOf(registry), 'PortfolioRegistry', 'BookFolding.emptyState', 1n)
    const other = await auditedAfter(() => request('hardhat_setCode', registry, state))
    expect(failuresOf(other)).toContain('A8 deployed.PortfolioRegistry.BookFolding.emptyState')
  })

  it('R85: that takes arrays of another contract than its constructor was given is rejected', async () => {
    const contracts = whole.record.deployed.contracts.map((each) =>
      each.part === 'portfolioRegistry'
        ? { ...each, code: withImmutable(each.code, 'PortfolioRegistry', 'PortfolioMargins.arrays', BigInt(registry)) }
        : each,
    )
    const report = await judgePortfolio({ ...whole.record, deployed: { ...whole.record.deployed, contracts } })
    expect(failuresOf(report)).toContain('A8 deployed.PortfolioRegistry.PortfolioMargins.arrays')
  })

  it('A12: whose margins were written over is rejected, and the field is named', async () => {
    const report = await auditedAfter(async () => {
      const at = (slot: number) =>
        keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'uint256'], [chain.account, slot]))
      for (let slot = 0; slot < 8; slot++) {
        const thresholds = toBeHex(BigInt(at(slot)) + 3n, 32)
        const value = BigInt((await request('eth_getStorageAt', registry, thresholds, 'latest')) as string)
        if (value !== 0n) await request('hardhat_setStorageAt', registry, thresholds, toBeHex(value ^ 1n, 32))
      }
    })
    expect(failuresOf(report)).toEqual([
      expect.stringMatching(`A12 reads\\.unsafeThresholds\\(${chain.account}\\)\\.(liquidation|default)`),
    ])
  })
})

describe('A10: a round', () => {
  const publish = interfaceOf('AttestedRounds')

  /** The first round as it would have been published otherwise. */
  async function republished(
    change: (call: { signatures: { signer: string; signature: string }[]; deadline: bigint }) => void,
  ) {
    const copy = structuredClone(whole.record) as Mutable<typeof whole.record>
    const [round] = copy.rounds
    const parsed = publish.parseTransaction({ data: round?.calldata ?? '' })
    const [said, signed] = [parsed?.args[0].toObject(), parsed?.args[1]]
    const call = {
      signatures: [...signed].map(({ signer, signature }) => ({ signer, signature })),
      deadline: said.deadline,
    }
    change(call)
    const args = [{ ...said, expiryHashes: [...said.expiryHashes], deadline: call.deadline }, call.signatures]
    Object.assign(round ?? {}, { calldata: publish.encodeFunctionData('publish', args) })
    return failuresOf(await judgePortfolio(copy as never))
  }

  it('bears the signatures of as many signers as its source takes, over exactly this round', async () => {
    expect(await republished(() => undefined)).toEqual([])
    expect(await republished((call) => call.signatures.pop())).toContain('A10 rounds[0].signatures.length')
    expect(await republished((call) => Object.assign(call, { deadline: call.deadline + 1n }))).toContain(
      'A10 rounds[0].signatures[0].signature',
    )
    expect(await republished((call) => call.signatures.reverse())).toContain('A10 rounds[0].signatures[1].signer')
    const stranger = `0x${'00'.repeat(19)}01`
    expect(await republished((call) => Object.assign(call.signatures[0] ?? {}, { signer: stranger }))).toContain(
      'A10 rounds[0].signatures[0].signer',
    )
  })

  it('is judged by the committee of then: one that was replaced afterwards is accepted, one replaced before is not', async () => {
    const snapshot = await request('evm_snapshot')
    try {
      const council = chain.development.chain.account('council')
      const source = new Contract(whole.record.context.rounds, interfaceOf('AttestedRounds'), council)
      await mined(source.getFunction('setCommittee')([council.address], 1))
      const { report, record } = await chain.audit()
      expect(report.failure).toBeUndefined()
      expect(formatPortfolioAudit(report)).toMatch(/^ {4}set to 1 of 1: 0x\w{40}, in block \d+ at .* by 0x\w{40}$/m)
      const copy = structuredClone(record) as Mutable<typeof record>
      const { committeeChanges = [] } = copy.deployed.contracts.find(({ part }) => part === 'rounds') ?? {}
      Object.assign(committeeChanges[1] ?? {}, { block: committeeChanges[0]?.block, logIndex: 1_000 })
      expect(failuresOf(await judgePortfolio(copy as never))).toEqual(['A10 rounds[0].signatures.length'])
    } finally {
      await request('evm_revert', snapshot)
    }
  })

  it('R41: and no proof of a model that was paused then: one that is paused afterwards changes nothing', async () => {
    const snapshot = await request('evm_snapshot')
    try {
      const council = chain.development.chain.account('council')
      const models = new Contract(whole.record.context.modelRegistry, interfaceOf('ModelRegistry'), council)
      const [paused] = whole.record.models
      await mined(models.getFunction('pause')(paused?.modelId))
      const { report, record } = await chain.audit()
      expect(report.failure).toBeUndefined()
      const copy = structuredClone(record) as Mutable<typeof record>
      const [pause] = copy.models[0]?.pauses ?? []
      const { block, timestamp } = whole.record.transactions[0] ?? { block: 0, timestamp: 0 }
      Object.assign(pause ?? {}, {
        block: block - 1,
        timestamp: timestamp - 60,
        until: BigInt(timestamp + 3 * 86_400 - 60),
      })
      const early = await judgePortfolio(copy as never)
      expect(early.arrays[0]?.claims).toContainEqual(
        expect.objectContaining({ claim: 'R1', holds: false, found: 'not active' }),
      )
    } finally {
      await request('evm_revert', snapshot)
    }
  })

  it('whose publication nobody can read is rejected', async () => {
    const copy = structuredClone(whole.record) as Mutable<typeof whole.record>
    Object.assign(copy.rounds[0] ?? {}, { calldata: null })
    expect(failuresOf(await judgePortfolio(copy as never))).toContain('A10 rounds[0].calldata')
  })
})

describe('an audit bundle of margins', () => {
  const pins = () => ({ chainId: 31337n, registry, ...pinsOfKeys(chain.keys) })

  it('A13: is judged without a chain as the chain was, and of nothing that a bundle brings is it taken that code is ours', async () => {
    const file = join(folder, 'margins.json')
    await writePortfolioAuditBundle(file, whole.record)
    const offline = await auditPortfolioOffline(file, pins())
    expect(offline).toEqual(whole.report)
    const copy = structuredClone(whole.record) as Mutable<typeof whole.record>
    for (const model of copy.models) model.verifierCode = `0x60015f5260205ff3${model.verifierCode.slice(2)}`
    writeFileSync(file, formatPortfolioAuditBundle(copy as never))
    const { verificationKeyHashes = [] } = pins()
    const lied = await auditPortfolioOffline(file, { chainId: 31337n, registry, verificationKeyHashes })
    expect(lied.failure?.claim).toMatchObject({ claim: 'A1', field: 'models.verifierCode' })
  })

  it('A6: is caught and named at 300 flipped bytes', () => {
    const bytes = Buffer.from(formatPortfolioAuditBundle(whole.record))
    const step = Math.floor(bytes.length / 300)
    for (let at = 3; at < bytes.length; at += step) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] as number) ^ 1
      expect(() => parsePortfolioAuditBundle(flipped, 'margins.json')).toThrow(ProverError)
    }
    expect(parsePortfolioAuditBundle(bytes, 'margins.json')).toEqual(whole.record)
  })

  it('has a page with every margin leg by leg, the contracts and who governs', () => {
    const page = renderPortfolioAuditReport(whole.report)
    expect(page).toContain('✓ Accepted')
    for (const { leg } of whole.report.margins.flatMap(({ legs }) => legs)) expect(page).toContain(leg)
    expect(page).toContain(registry)
    expect(page).toContain('2 of 3<')
  })
})
