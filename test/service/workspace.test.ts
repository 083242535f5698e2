import { describe, expect, it } from 'vitest'
import { defaultBuilds } from '../../circuits/statements/index.ts'
import { CATCH_UP_BUILD, familyOf, LIVE_BUILD } from '../../prover/service/workspace.ts'
import { modelNames } from '../../prover/volatility/models.ts'

describe('builds of a family', () => {
  it('of the default model are what a first start builds', () => {
    expect([LIVE_BUILD, CATCH_UP_BUILD]).toEqual(defaultBuilds.map(({ name }) => name))
  })

  it('of every model are a live one and one for backlogs, the live one again where there is no other', () => {
    expect(familyOf('ewma')).toEqual({ live: 'marketRisk8x2', catchUp: 'marketRisk1x48' })
    expect(familyOf('garch')).toEqual({ live: 'marketRiskGarch7x2', catchUp: 'marketRiskGarch7x2' })
    expect(new Set(modelNames.map((name) => familyOf(name).live)).size).toBe(modelNames.length)
  })
})
