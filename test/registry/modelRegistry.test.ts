import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { StatementName } from '../../circuits/statements/index.ts'
import { defaultEnginePolicy, encodeEnginePolicy } from '../../prover/parameters/policy.ts'
import { layoutKinds, policyWordsOf } from '../../prover/registry/index.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { pack } from '../../prover/statement/words.ts'
import { type Chain, eventsOf, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { deployModelRegistry } from '../../scripts/tools/chains/knownLayouts.ts'
import { freshness as portfolioFreshness, policy } from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'
import { freshness, modelIdOf } from './engine.ts'

const modelId = modelIdOf('live')
const hash = (byte: string) => `0x${byte.repeat(32)}`
const Status = { none: 0n, active: 1n, disabled: 2n }
const GUARDIAN_ROLE = 7n
const statements = layoutKinds.filter((kind) => kind !== 'none')
const kindOf = (statement: StatementName) => BigInt(layoutKinds.indexOf(statement))

let chain: Chain
let council: Contract
let models: Contract
let model: Record<string, unknown>

beforeAll(async () => {
  chain = await startChain()
  council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
  models = await deployModelRegistry(chain, council)
  model = {
    verifier: council.target, // any contract: what it verifies is not asked here
    places: 8n,
    slots: 2n,
    status: Status.none,
    allowsBacklog: true,
    volatilityModel: 3n,
    layoutHash: layoutHash('marketRisk'),
    verificationKeyHash: hash('11'),
    manifestHash: hash('22'),
  }
})

const register = (change: Record<string, unknown> = {}, id = modelId) =>
  models.getFunction('register')(id, { ...model, ...change })
const active = (id: string, layout = layoutHash('marketRisk')) => models.getFunction('activeModel')(id, layout)

describe('R1: a list of models', () => {
  test('takes a model under a new id and tells what it is', async () => {
    await chain.undone(async () => {
      const [event] = eventsOf(await mined(register()), models)
      const expected = { ...model, status: Status.active }
      expect(event?.args.model.toObject()).toEqual(expected)
      expect((await models.getFunction('modelOf')(modelId)).toObject()).toEqual(expected)
      expect((await active(modelId)).toArray()).toEqual([model.verifier, 8n, 2n, true, 3n])
    })
  })

  test('counts the active models of a family', async () => {
    await chain.undone(async () => {
      const count = (family: number) => models.getFunction('activeModelsOf')(layoutHash('marketRisk'), family)
      expect(await count(3)).toBe(0n)
      await mined(register())
      await mined(register({}, modelIdOf('second')))
      expect([await count(3), await count(1)]).toEqual([2n, 0n])
      await mined(models.getFunction('disable')(modelId))
      expect(await count(3)).toBe(1n)
      await expectRevert(models.getFunction('disable')(modelId), models, 'ModelNotActive')
      expect(await count(3)).toBe(1n)
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

  test('refuses a layout that is not registered, a verifier without code, and a model without places', async () => {
    await expectRevert(register({ layoutHash: hash('33') }), models, 'LayoutUnknown', [hash('33')])
    const nobody = await chain.signers[3]?.getAddress()
    await expectRevert(register({ verifier: nobody }), models, 'VerifierWithoutCode', [nobody])
    await expectRevert(register({ places: 0n }), models, 'ModelWithoutPlaces', [0n, 2n])
    await expectRevert(register({ slots: 0n }), models, 'ModelWithoutPlaces', [8n, 0n])
    await register.call(undefined, { places: 1n, slots: 1n }, modelIdOf('least'))
  })

  test('R34: has a family for every model of market risk, and for no other', async () => {
    for (const statement of statements) {
      const isOut = statement === 'marketRisk' ? [0n] : [1n, 255n]
      for (const volatilityModel of isOut) {
        const call = register({ layoutHash: layoutHash(statement), volatilityModel })
        await expectRevert(call, models, 'VolatilityModelOutOfPlace', [kindOf(statement), volatilityModel])
      }
    }
  })

  test('gives a model of a layout to whom speaks it, and to nobody else', async () => {
    await chain.undone(async () => {
      for (const [i, statement] of statements.entries()) {
        const id = modelIdOf(`kind-${i}`)
        const layout = layoutHash(statement)
        const volatilityModel = statement === 'marketRisk' ? 3n : 0n
        await mined(register({ layoutHash: layout, volatilityModel }, id))
        for (const asked of statements) {
          const answer = active(id, layoutHash(asked))
          const expected = [model.verifier, 8n, 2n, true, volatilityModel]
          if (asked === statement) expect((await answer).toArray()).toEqual(expected)
          else await expectRevert(answer, models, 'ModelOfAnotherLayout', [id, layout, layoutHash(asked)])
        }
        await expectRevert(active(id, hash('00')), models, 'ModelOfAnotherLayout', [id, layout, hash('00')])
      }
    })
  })

  test('knows unknown, active and disabled, and disables only what is active', async () => {
    await chain.undone(async () => {
      const disable = models.getFunction('disable')
      expect((await models.getFunction('modelOf')(modelId)).status).toBe(Status.none)
      await expectRevert(active(modelId), models, 'ModelNotActive', [modelId, Status.none])
      await expectRevert(disable(modelId), models, 'ModelNotActive', [modelId, Status.none])
      await mined(register())
      const [event] = eventsOf(await mined(disable(modelId)), models)
      expect(event?.name).toBe('ModelDisabled')
      await expectRevert(active(modelId), models, 'ModelNotActive', [modelId, Status.disabled])
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
      const theirs = models.connect(signer as never) as Contract
      const calls = [
        theirs.getFunction('register')(modelIdOf('other'), model),
        theirs.getFunction('registerLayout')(hash('33'), kindOf('marketRisk')),
      ]
      for (const call of calls) await expectRevert(call, models, 'AccessManagedUnauthorized', [address])
    }
    const asStranger = models.connect(stranger as never) as Contract
    const address = await stranger?.getAddress()
    await expectRevert(asStranger.getFunction('disable')(modelId), models, 'AccessManagedUnauthorized', [address])
    await mined((models.connect(guardian as never) as Contract).getFunction('disable')(modelId))
  })
})

describe('R33: a list of layouts', () => {
  const id = modelIdOf('later')
  const registerLayout = (layout: string, kind: bigint) => models.getFunction('registerLayout')(layout, kind)

  test('takes one that no contract was compiled with, and then models of it', async () => {
    await chain.undone(async () => {
      expect(await models.getFunction('kindOf')(hash('33'))).toBe(0n)
      const [event] = eventsOf(await mined(registerLayout(hash('33'), kindOf('riskArray'))), models)
      expect([event?.name, event?.args.toArray()]).toEqual(['LayoutRegistered', [hash('33'), kindOf('riskArray')]])
      expect(await models.getFunction('kindOf')(hash('33'))).toBe(kindOf('riskArray'))
      await mined(register({ layoutHash: hash('33'), volatilityModel: 0n }, id))
      expect((await active(id, hash('33'))).toArray()).toEqual([model.verifier, 8n, 2n, true, 0n])
      const args = [id, hash('33'), layoutHash('riskArray')]
      await expectRevert(active(id, layoutHash('riskArray')), models, 'ModelOfAnotherLayout', args)
    })
  })

  test('never changes what a layout is for, and takes it once', async () => {
    for (const statement of statements) {
      const layout = layoutHash(statement)
      expect(await models.getFunction('kindOf')(layout)).toBe(kindOf(statement))
      for (const kind of [kindOf(statement), kindOf('marketRisk'), kindOf('unhealthyWitness'), 0n]) {
        const args = [layout, kindOf(statement)]
        await expectRevert(registerLayout(layout, kind), models, 'LayoutAlreadyRegistered', args)
      }
    }
  })

  test('takes no layout without hash or kind', async () => {
    const kind = kindOf('marketRisk')
    await expectRevert(registerLayout(hash('33'), 0n), models, 'LayoutWithoutKind', [hash('33'), 0n])
    await expectRevert(registerLayout(hash('00'), kind), models, 'LayoutWithoutKind', [hash('00'), kind])
    await expectRevert(register({ layoutHash: hash('00') }, id), models, 'LayoutUnknown', [hash('00')])
  })

  test('lets no registry be deployed whose layouts it does not know, or knows as something else', async () => {
    const { learning, margin } = encodeEnginePolicy(defaultEnginePolicy)
    const words = [pack('learningPolicy', learning), pack('marginPolicy', margin)]
    const market = ['RiskRegistry', () => [...words, freshness], ['marketRisk']] as const
    const round = () => [council, hash('11'), policyWordsOf(policy), portfolioFreshness]
    const arrays = ['RiskArrays', round, ['riskArray']] as const
    const ofAccounts = [
      'optionBook',
      'portfolioMargin',
      'marginsAlone',
      'arrayMargin',
      'unhealthyWitness',
      'scenarioWitness',
    ] as const
    const overMarkets = ['optionBook', 'crossMargins'] as const
    expect(new Set(['marketRisk', 'riskArray', ...ofAccounts, ...overMarkets])).toEqual(new Set(statements))
    const portfolio = ['PortfolioRegistry', () => [council, 0n], ofAccounts] as const
    const arraysOf = (marketId: string) => {
      const place = [council, models, council, marketId]
      return chain.deploy('RiskArrays', ...place, policyWordsOf(policy), portfolioFreshness)
    }
    const ofMarkets = [(await arraysOf(hash('11'))).target, (await arraysOf(hash('22'))).target]
    const cross = ['CrossMarginRegistry', () => [ofMarkets, 0n, [0n, 0n], 0n], overMarkets] as const
    for (const [contract, args, spoken] of [market, arrays, portfolio, cross]) {
      for (const [i, statement] of spoken.entries()) {
        const other = await chain.deploy('ModelRegistry', council)
        const name = (layout: StatementName, kind = layout) =>
          mined(other.getFunction('registerLayout')(layoutHash(layout), kindOf(kind)))
        for (const earlier of spoken.slice(0, i)) await name(earlier)
        const layout = layoutHash(statement)
        await expectRevert(chain.deploy(contract, council, other, ...args()), other, 'LayoutUnknown', [layout])
        const wrong = statement === 'riskArray' ? 'optionBook' : 'riskArray'
        await name(statement, wrong)
        const found = [layout, kindOf(wrong), kindOf(statement)]
        await expectRevert(chain.deploy(contract, council, other, ...args()), other, 'LayoutOfAnotherKind', found)
      }
    }
  })
})
