import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type PortfolioStatementName, portfolioStatements } from '../../circuits/statements.ts'
import { layoutHash, portfolioLayoutHash } from '../../prover/statement/layout.ts'
import { type Chain, eventsOf, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import { modelIdOf } from './engine.ts'

const modelId = modelIdOf('live')
const hash = (byte: string) => `0x${byte.repeat(32)}`
const Status = { none: 0n, active: 1n, disabled: 2n }
const GUARDIAN_ROLE = 7n

let chain: Chain
let council: Contract
let models: Contract
let model: Record<string, unknown>

beforeAll(async () => {
  chain = await startChain()
  council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
  models = await chain.deploy('ModelRegistry', council)
  model = {
    verifier: council.target, // any contract: what it verifies is not asked here
    markets: 8n,
    observations: 2n,
    status: Status.none,
    allowsBacklog: true,
    layoutHash: layoutHash('marketRisk'),
    verificationKeyHash: hash('11'),
    manifestHash: hash('22'),
  }
})

const register = (change: Record<string, unknown> = {}, id = modelId) =>
  models.getFunction('register')(id, { ...model, ...change })

describe('R1: a list of models', () => {
  test('takes a model under a new id and tells what it is', async () => {
    await chain.undone(async () => {
      const [event] = eventsOf(await mined(register()), models)
      const expected = { ...model, status: Status.active }
      expect(event?.args.model.toObject()).toEqual(expected)
      expect((await models.getFunction('modelOf')(modelId)).toObject()).toEqual(expected)
      expect((await models.getFunction('activeModel')(modelId)).toArray()).toEqual([model.verifier, 8n, 2n, true])
    })
  })

  test('never points an id elsewhere, not even a disabled one', async () => {
    await chain.undone(async () => {
      await mined(register())
      await expectRevert(register(), models, 'ModelAlreadyRegistered', [modelId])
      await mined(models.getFunction('disable')(modelId))
      await expectRevert(register(), models, 'ModelAlreadyRegistered', [modelId])
    })
  })

  test('refuses another layout, a verifier without code, and a model without places', async () => {
    await expectRevert(register({ layoutHash: hash('33') }), models, 'LayoutUnknown', [hash('33')])
    const nobody = await chain.signers[3]?.getAddress()
    await expectRevert(register({ verifier: nobody }), models, 'VerifierWithoutCode', [nobody])
    await expectRevert(register({ markets: 0n }), models, 'ModelWithoutPlaces', [0n, 2n])
    await expectRevert(register({ observations: 0n }), models, 'ModelWithoutPlaces', [8n, 0n])
    await register.call(undefined, { markets: 1n, observations: 1n }, modelIdOf('least'))
  })

  test('takes every statement that the contracts speak, and gives each only to whom it is for', async () => {
    const layouts = [
      layoutHash('marketRisk'),
      ...(Object.keys(portfolioStatements) as PortfolioStatementName[]).map(portfolioLayoutHash),
    ]
    expect(new Set(layouts).size).toBe(5)
    await chain.undone(async () => {
      for (const [kind, layout] of layouts.entries()) {
        const id = modelIdOf(`kind-${kind}`)
        expect(await models.getFunction('kindOf')(layout)).toBe(BigInt(kind))
        await mined(register({ layoutHash: layout }, id))
        const ofMarkets = models.getFunction('activeModel')(id)
        if (kind === 0) await ofMarkets
        else await expectRevert(ofMarkets, models, 'ModelOfAnotherKind', [id, BigInt(kind), 0n])
        for (const asked of layouts.keys()) {
          const answer = models.getFunction('activeModelOfKind')(id, asked)
          if (asked === kind) expect((await answer).toArray()).toEqual([model.verifier, 8n, 2n])
          else await expectRevert(answer, models, 'ModelOfAnotherKind', [id, BigInt(kind), BigInt(asked)])
        }
      }
    })
  })

  test('knows unknown, active and disabled, and disables only what is active', async () => {
    await chain.undone(async () => {
      const activeModel = models.getFunction('activeModel')
      const disable = models.getFunction('disable')
      expect((await models.getFunction('modelOf')(modelId)).status).toBe(Status.none)
      await expectRevert(activeModel(modelId), models, 'ModelNotActive', [modelId, Status.none])
      await expectRevert(disable(modelId), models, 'ModelNotActive', [modelId, Status.none])
      await mined(register())
      const [event] = eventsOf(await mined(disable(modelId)), models)
      expect(event?.name).toBe('ModelDisabled')
      await expectRevert(activeModel(modelId), models, 'ModelNotActive', [modelId, Status.disabled])
      await expectRevert(disable(modelId), models, 'ModelNotActive', [modelId, Status.disabled])
    })
  })

  test('lets a guardian disable at once and nothing else, and strangers nothing', async () => {
    const [, guardian, stranger] = chain.signers
    const selector = models.interface.getFunction('disable')?.selector
    await mined(council.getFunction('setTargetFunctionRole')(models, [selector], GUARDIAN_ROLE))
    await mined(council.getFunction('grantRole')(GUARDIAN_ROLE, guardian, 0))
    await mined(register())
    for (const signer of [guardian, stranger]) {
      const address = await signer?.getAddress()
      const call = (models.connect(signer as never) as Contract).getFunction('register')(modelIdOf('other'), model)
      await expectRevert(call, models, 'AccessManagedUnauthorized', [address])
    }
    const asStranger = models.connect(stranger as never) as Contract
    const address = await stranger?.getAddress()
    await expectRevert(asStranger.getFunction('disable')(modelId), models, 'AccessManagedUnauthorized', [address])
    await mined((models.connect(guardian as never) as Contract).getFunction('disable')(modelId))
  })
})
