/** `zkrisk deploy` of a registry of margins over several markets: what is planned, what stands, and what doctor and auditor say of it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDeployment } from '../../prover/registry/index.ts'
import { CrossClient } from '../../prover/registry/portfolio/crossClient.ts'
import { readConfig } from '../../prover/service/deploying/config.ts'
import { errorOf, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { type Cast, castOn, configOf, deployArgs, type OtherChain, startOtherChain } from './deployed.ts'

const folder = temporaryFolder()
let chain: OtherChain
let cast: Cast
beforeAll(async () => {
  chain = await startOtherChain(1337)
  cast = await castOn(chain)
})
afterAll(() => chain.close())

const crossOf = (change: object = {}) => ({
  markets: [{ market: 'BTC-USD', spreadCredit: 0.4 }, { market: 'ETH-USD' }],
  rounds: { signers: cast.signers.map(({ address }) => address), threshold: 2 },
  venue: cast.guardian.address,
  ...change,
})

let folders = 0
function freshFolder(): string {
  const path = join(folder, `run${folders++}`)
  mkdirSync(path)
  return path
}

describe('R190: a registry of margins over several markets', () => {
  it('is refused at its field where markets, venue or threshold do not fit', async () => {
    const refusalOf = async (cross: object, besides: object = {}): Promise<unknown> => {
      const file = join(freshFolder(), 'deploy.json')
      writeFileSync(file, JSON.stringify(configOf(1337, cast, { cross, ...besides })))
      return readConfig(file).then(
        () => 'taken',
        (error: { field?: string }) => error.field,
      )
    }
    const [btc, eth, sol] = ['BTC-USD', 'ETH-USD', 'SOL-USD'].map((market) => ({ market }))
    expect(await refusalOf(crossOf())).toBe('taken')
    expect(await refusalOf(crossOf({ markets: [btc] }))).toBe('cross.markets')
    expect(await refusalOf(crossOf({ markets: [btc, eth, sol] }))).toBe('cross.markets')
    expect(await refusalOf(crossOf({ markets: [eth, btc] }))).toBe('cross.markets[1].market')
    expect(await refusalOf(crossOf({ markets: [btc, btc] }))).toBe('cross.markets[1].market')
    expect(await refusalOf(crossOf({ markets: [{ ...btc, spreadCredit: 0.81 }, eth] }))).toBe(
      'cross.markets[0].spreadCredit',
    )
    const { signers } = crossOf().rounds
    expect(await refusalOf(crossOf({ rounds: { signers, threshold: 4 } }))).toBe('cross.rounds.threshold')
    const portfolio = { market: 'BTC-USD', rounds: crossOf().rounds, venue: cast.canceller.address }
    expect(await refusalOf(crossOf(), { portfolio })).toBe('cross.venue')
    expect(await refusalOf(crossOf(), { portfolio: { ...portfolio, venue: cast.guardian.address } })).toBe('taken')
  })

  it('stands after as much gas as was said, is gone on with, looked at and audited', async () => {
    const at = freshFolder()
    const args = deployArgs(at, chain, cast, configOf(1337, cast, { cross: crossOf(), markets: [] }))
    const done = await zkrisk(...args, '--yes', '--json')
    expect(done.code).toBe(0)
    const { plan, gasUsed } = JSON.parse(done.stdout)
    expect(plan.models.map(({ build }: { build: string }) => build)).toEqual([
      'marketRisk8x2',
      'riskArray5',
      'optionBook8x5',
      'crossMargins2x2',
    ])
    expect(Number(gasUsed)).toBeLessThan(plan.estimatedGas)
    expect(Number(gasUsed)).toBeGreaterThan(0.85 * plan.estimatedGas)
    const again = await zkrisk(...args, '--yes', '--json')
    expect(JSON.parse(again.stdout).plan.stepsDone).toBe(plan.steps.length)

    const file = join(at, 'deployment.json')
    const { cross, addresses } = await readDeployment(file)
    const registry = cross?.registry ?? ''
    expect(cross?.models).toHaveLength(3)
    const client = await CrossClient.connect({ registry, provider: chain.provider })
    expect(client.markets.map(({ arrays }) => arrays)).toEqual(cross?.markets.map(({ arrays }) => arrays))
    expect(await client.modelRegistry()).toBe(addresses.modelRegistry)
    expect((await client.crossPolicy()).maxRoundsApartSeconds).toBe(60n)

    const doctor = await zkrisk('doctor', '--deployment', file, '--rpc', chain.rpc)
    expect(doctor.stdout).toContain('cross registry')
    expect(doctor.stdout).toContain('risk arrays ETH-USD')
    expect(doctor.stdout).toMatch(/reportCrossAccount/)
    const audit = await zkrisk('audit', '--rpc', chain.rpc, '--registry', registry, '--deployment', file)
    expect(audit.stdout).toMatch(/^ACCEPTED: 0 of 0 arrays, 0 of 0 margins; (\d+) of \1 claims hold/m)
    expect(audit.code).toBe(0)
    const margin = await zkrisk(
      'margin',
      'docs/examples/two-markets.json',
      '--prove',
      '--rpc',
      chain.rpc,
      '--deployment',
      file,
      '--key-file',
      join(at, 'deployer.key'),
      '--json',
    )
    expect(errorOf(margin).code).toBe('service.account-not-named')
  })
})
