/** Every command that goes over the markets of a registry, where governance gave some a name that nothing here takes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, encodeBytes32String, JsonRpcProvider, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_VOLATILITY_MODEL, volatilityModels } from '../../circuits/statements/index.ts'
import { readExtract } from '../../prover/market/histories.ts'
import { shadowIdOf } from '../../prover/market/marketId.ts'
import type { PriceRow } from '../../prover/market/prices.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { attestedFeedOf, interfaceOf, RegistryClient } from '../../prover/registry/index.ts'
import { placeToBegin } from '../../prover/registry/market/place.ts'
import { packState } from '../../prover/statement/marketState.ts'
import { pack } from '../../prover/statement/words.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { serveIn } from './serveHere.ts'
import { readJson, startTryOut, type TryOut } from './tryOut.ts'
import { addUntaken } from './untakenMarket.ts'

const folder = temporaryFolder()
const READS_AS_SHADOW = encodeBytes32String('BTC-USD~garch')
type Judged = { readonly name: string; readonly accepted: boolean; readonly sequence: string }

const says = (name: string) => `${JSON.stringify(name)}: governance gave it a name that nothing here takes`

let tryOut: TryOut
let provider: JsonRpcProvider
let at: readonly string[]
beforeAll(async () => {
  tryOut = await startTryOut(folder)
  provider = new JsonRpcProvider(tryOut.rpc, undefined, { staticNetwork: true, cacheTimeout: -1 })
  at = ['--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile]
  const { deployment } = tryOut
  const keyOf = (file: string) => new Wallet(readFileSync(file, 'utf8').trim(), provider)
  const council = keyOf(tryOut.councilKeyFile)
  const client = await RegistryClient.connect({ registry: deployment.addresses.registry, provider })
  const { state } = await client.market('BTC-USD')
  const observation = readExtract('BTC-USD').rows.find(({ asOf }) => asOf === state.volatility.asOf) as PriceRow
  const place = { deployment, council, carrier: keyOf(tryOut.keyFile), state, observation }
  await addUntaken('sol-usd', place)
  await addUntaken('BTC-USD~garch', place)
  // A shadow of one of them, under the model in force.
  const { address: source } = attestedFeedOf(deployment)
  const marketId = encodeBytes32String('sol-usd')
  const model = volatilityModels[DEFAULT_VOLATILITY_MODEL].id
  const begun = await placeToBegin(provider, { source, marketId, fromBlock: deployment.block })
  const registry = new Contract(deployment.addresses.registry, interfaceOf('RiskRegistry'), council)
  const policy = pack('marketPolicy', defaultPolicy.market)
  await (await registry.getFunction('setMarketPolicy')(shadowIdOf(marketId, model), policy)).wait()
  await (await registry.getFunction('addShadow')(marketId, model, packState(state), begun?.place)).wait()
  expect((await client.shadows()).map((shadow) => shadow.marketId)).toEqual([shadowIdOf(marketId, model)])
  await tryOut.feed(1)
})
afterAll(async () => {
  provider?.destroy()
  await tryOut?.close()
})

const jsonOf = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await zkrisk(...args, '--json')
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return JSON.parse(stdout)
}

describe('S86: a market of a name that nothing here takes', () => {
  it('is left out of a batch, which says so, and the others are proven', async () => {
    const out = join(folder, 'batch.json')
    const { markets, leftOut } = await jsonOf('batch', ...at, '-o', out)
    expect(markets).toEqual(['BTC-USD', 'ETH-USD'])
    const untaken = ['sol-usd', READS_AS_SHADOW]
    for (const name of untaken) expect(leftOut).toContainEqual({ name, reason: 'untaken-name' })
    expect(readJson(out).markets.map(({ market }: { market: string }) => market)).toEqual(['BTC-USD', 'ETH-USD'])
    const { stdout } = await zkrisk('batch', ...at, '-o', out)
    for (const name of untaken) expect(stdout).toContain(`\nLeft out: ${says(name)}.`)
    const bundle = join(folder, 'bundle.json')
    await jsonOf('prove', out, '-o', bundle, '--deployment', tryOut.deploymentFile)
    await jsonOf('submit', bundle, ...at, '--key-file', tryOut.keyFile)
    const nothing = await zkrisk('batch', ...at, '-o', out)
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining(says('sol-usd'))])
  })

  it('is not read, which read and the list of shadows say, and the others are', async () => {
    const { markets, untaken } = await jsonOf('read', ...at)
    expect(markets.map(({ market }: { market: string }) => market)).toEqual(['BTC-USD', 'ETH-USD'])
    expect(untaken).toEqual(['sol-usd', READS_AS_SHADOW, expect.stringContaining('sol-usd~')])
    expect((await zkrisk('read', ...at)).stdout).toContain(`Not read: ${says('sol-usd')}.`)
    expect((await jsonOf('read', 'BTC-USD', ...at)).untaken).toEqual([])
    const list = await jsonOf('shadows', 'list', ...at)
    expect([list.shadows, list.untaken]).toEqual([[], expect.arrayContaining(untaken)])
    expect((await zkrisk('shadows', 'list', ...at)).stdout).toContain(says('sol-usd'))
  })

  it('is audited as every other is, on the chain and from a bundle', async () => {
    const bundle = join(folder, 'audit.json')
    const audits = [
      await jsonOf('audit', ...at, '--out', bundle, '--html', join(folder, 'audit.html')),
      await jsonOf('audit', '--bundle', bundle),
    ]
    for (const { accepted, markets, shadows } of audits) {
      expect(accepted).toBe(true)
      const found = [...markets, ...shadows].map((each: Judged) => [each.name, each.accepted, each.sequence])
      for (const name of ['BTC-USD', 'ETH-USD']) expect(found).toContainEqual([name, true, '1'])
      // Nobody could have proven a batch of them with this software.
      for (const name of ['sol-usd', READS_AS_SHADOW, 'sol-usd~rangeMixture'])
        expect(found).toContainEqual([name, true, '0'])
    }
    expect(readFileSync(join(folder, 'audit.html'), 'utf8')).toContain('sol-usd')
  })

  it('keeps the HTTP interface from no figures of the others', async () => {
    const served = await serveIn(tryOut, join(folder, 'http', 'serve.sqlite'))
    try {
      for (const path of ['/v1/markets', '/v1/markets/BTC-USD/series', '/v1/scores', '/v1/feeds', '/readyz']) {
        const answer = await fetch(`${served.url}${path}`)
        expect([path, answer.status, await answer.text()]).toEqual([path, 200, expect.not.stringContaining('sol-usd')])
      }
    } finally {
      await served.end()
    }
  })

  it('is in a deployment that is rebuilt from the chain, with a note, and keeps nobody from using it', async () => {
    const rebuilt = join(folder, 'rebuilt.json')
    const place = ['--rpc', tryOut.rpc, '--registry', tryOut.deployment.addresses.registry]
    const { deployment, findings } = await jsonOf('deployment', ...place, '-o', rebuilt)
    const names = deployment.markets.map(({ name }: { name: string }) => name)
    expect(names).toEqual(['BTC-USD', 'ETH-USD', 'sol-usd', READS_AS_SHADOW])
    expect(findings).toContainEqual(expect.objectContaining({ severity: 'note', of: '"sol-usd"' }))
    const told = (await zkrisk('deployment', ...place)).stdout
    expect(told).toContain('Batches that can be proven here: of BTC-USD, ETH-USD.')
    const settings = ['--rpc', tryOut.rpc, '--deployment', rebuilt, '--key-file', tryOut.keyFile]
    const checked = await jsonOf('serve', ...settings, '--store', join(folder, 'serve.sqlite'), '--check')
    expect(checked).toContainEqual({
      ...{ check: 'registry', status: 'warning', mend: 'They are not served.' },
      found: expect.stringMatching(/^BTC-USD #\d+, ETH-USD #\d+, "sol-usd": governance/),
    })
    const doctor = await zkrisk('doctor', '--rpc', tryOut.rpc, '--deployment', rebuilt, '--json')
    expect(JSON.parse(doctor.stdout).findings.map(({ status }: { status: string }) => status)).not.toContain('wrong')
    await jsonOf('feed', 'replay', '--rpc', tryOut.rpc, '--deployment', rebuilt, '--count', '1')
  })
})
