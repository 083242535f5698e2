import { describe, expect, it } from 'vitest'
import { defaultBuilds } from '../../circuits/statements/index.ts'
import { CATCH_UP_BUILD, familyOf, LIVE_BUILD, loadMarketKeys } from '../../prover/service/workspace.ts'
import { modelNames } from '../../prover/volatility/models.ts'
import { temporaryFolder } from './zkrisk.ts'

const none = temporaryFolder()

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

describe('keys of all that prove markets', () => {
  it('are missed of the default model where nobody says what is deployed, else of what is', async () => {
    const missing = { code: 'proof.keys-missing' }
    await expect(loadMarketKeys(none)).rejects.toMatchObject({ ...missing, circuit: LIVE_BUILD })
    await expect(loadMarketKeys(none, ['marketRisk8x2'])).rejects.toMatchObject({
      ...missing,
      circuit: 'marketRisk8x2',
    })
    const circuits = (await loadMarketKeys(undefined, ['marketRisk8x2'])).map(({ circuit }) => circuit)
    expect(circuits).toContain('marketRisk8x2')
  })
})
