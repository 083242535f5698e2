/** `zkrisk read`: what it says of a registry is what contracts answer, before proofs, after them, and when they are old. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_VOLATILITY_MODEL } from '../../circuits/statements/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { connectProvider, interfaceOf } from '../../prover/registry/index.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { LIVE_BUILD } from '../../prover/service/workspace.ts'
import { errorOf, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const NOBODY = '0x00000000000000000000000000000000000000AA'

let tryOut: TryOut
let provider: Awaited<ReturnType<typeof connectProvider>>
beforeAll(async () => {
  tryOut = await startTryOut(folder)
  provider = await connectProvider(tryOut.rpc)
})
afterAll(async () => {
  provider.destroy()
  await tryOut.close()
})

const place = () => ['--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile]
const read = async (...args: readonly string[]) =>
  JSON.parse((await zkrisk('read', ...args, ...place(), '--json')).stdout)
const marketOf = async (name: string) => (await read(name)).markets[0]
const registry = () => new Contract(tryOut.deployment.addresses.registry, interfaceOf('RiskRegistry'), provider)
const percent = (valueX24: bigint) => (100 * Number(valueX24)) / 2 ** 24
async function at(time: bigint): Promise<void> {
  await provider.send('evm_mine', [`0x${time.toString(16)}`])
}

/** Proves what waits; what the service told. */
async function serveOnce(): Promise<readonly ServeEvent[]> {
  const stop = new AbortController()
  const events: ServeEvent[] = []
  const { rpc, deploymentFile: deployment, keyFile } = tryOut
  await runServe({
    ...{ rpc, deployment, keyFile, store: join(folder, 'serve.sqlite'), pollMs: 20, signal: stop.signal },
    triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.01 },
    onEvent: (event) => {
      events.push(event)
      if (event.step === 'confirmed') stop.abort()
    },
  })
  return events
}

describe('zkrisk read', () => {
  it('lists markets that nothing was proven of yet', async () => {
    const { markets, chainId, council, roles } = await read()
    expect(chainId).toBe('31337')
    expect(council).toBe(tryOut.deployment.addresses.council)
    expect(roles).toEqual([{ role: 'admin', account: expect.stringMatching(/^0x/), delayHours: 0 }])
    const nothing = { status: 'not-proven', parameters: null, asOf: null, build: null, sequence: 0 }
    expect(markets).toMatchObject([
      { market: 'BTC-USD', ...nothing, volatilityModel: DEFAULT_VOLATILITY_MODEL },
      { market: 'ETH-USD', ...nothing },
    ])
  })

  it('says what contracts answer, with the build that proved it; and serve says what it put in force', async () => {
    await tryOut.feed(1)
    const events = await serveOnce()
    const answered = await registry().getFunction('parameters')(marketIdOf('ETH-USD'))
    const [btc, eth] = (await read()).markets
    expect(eth).toMatchObject({
      market: 'ETH-USD',
      status: 'in-force',
      sequence: 1,
      asOf: new Date(Number(answered.asOf) * 1000).toISOString().replace('.000Z', 'Z'),
      parameters: {
        initialMarginPercent: percent(answered.initialMarginX24),
        maintenanceMarginPercent: percent(answered.maintenanceMarginX24),
        liquidationThresholdPercent: percent(answered.liquidationThresholdX24),
        volatilityPercent: percent(answered.volatilityX24),
      },
      build: LIVE_BUILD,
      source: { name: 'attested', kind: 'attestedFeed', address: tryOut.deployment.sources[0]?.address },
    })
    expect(eth.forLiquidation.maintenanceMarginPercent).toBe(eth.parameters.maintenanceMarginPercent)
    const told = events.filter(({ step }) => step === 'in-force').map(({ market, detail }) => ({ market, detail }))
    expect(told.map(({ market }) => market)).toEqual(
      [btc, eth].map(({ market, sequence, asOf, parameters }) => ({
        ...{ name: market, sequence, asOf },
        initialMarginPercent: parameters.initialMarginPercent,
        maintenanceMarginPercent: parameters.maintenanceMarginPercent,
      })),
    )
    expect(told[1]?.detail).toContain(`ETH-USD #1: initial margin ${eth.parameters.initialMarginPercent.toFixed(2)} %`)
    const { stdout } = await zkrisk('read', ...place())
    expect(stdout).toContain(`${eth.parameters.initialMarginPercent.toFixed(2)} %`)
    expect(stdout).toContain(LIVE_BUILD)
  })

  it('tells stale from fresh to the second, and what liquidations read then', async () => {
    const { parameters, asOf } = await marketOf('BTC-USD')
    const { maxParameterAgeSeconds } = await read()
    const staleFrom = BigInt(Date.parse(asOf) / 1000 + maxParameterAgeSeconds)
    await at(staleFrom)
    expect(await marketOf('BTC-USD')).toMatchObject({ status: 'in-force', ageSeconds: maxParameterAgeSeconds })
    await at(staleFrom + 3600n)
    const stale = await marketOf('BTC-USD')
    const [tightened] = await registry().getFunction('parametersForLiquidation')(marketIdOf('BTC-USD'))
    expect(stale).toMatchObject({ status: 'stale', parameters })
    expect(stale.forLiquidation.maintenanceMarginPercent).toBe(percent(tightened.maintenanceMarginX24))
    expect(stale.forLiquidation.maintenanceMarginPercent).toBeGreaterThan(parameters.maintenanceMarginPercent)
    expect((await zkrisk('read', ...place())).stdout).toContain('BTC-USD is stale: plain reads are refused')
  })

  it('reads a shadow as one, and a registry without a deployment file', async () => {
    await zkrisk('shadows', 'add', 'BTC-USD', 'ewma', ...place(), '--key-file', tryOut.councilKeyFile)
    expect(await marketOf('BTC-USD~ewma')).toMatchObject({ status: 'not-proven', volatilityModel: 'ewma' })
    await tryOut.feed(1)
    await serveOnce()
    const alone = ['--rpc', tryOut.rpc, '--registry', tryOut.deployment.addresses.registry, '--json']
    const { markets } = JSON.parse((await zkrisk('read', ...alone)).stdout)
    expect(markets.map(({ market }: { market: string }) => market)).toEqual(['BTC-USD', 'ETH-USD', 'BTC-USD~ewma'])
    expect(markets[0]).toMatchObject({ build: LIVE_BUILD, source: { name: null, kind: null } })
  })

  it('refuses by name what is not there', async () => {
    const refused = async (...args: readonly string[]) => errorOf(await zkrisk('read', ...args, '--json'))
    const { registry: own, modelRegistry } = tryOut.deployment.addresses
    const unknown = await refused('DOGE-USD', ...place())
    expect(unknown).toMatchObject({ code: 'registry.unknown-market', market: 'DOGE-USD' })
    expect(unknown.message).toContain('BTC-USD, ETH-USD')
    expect(await refused('btc-usd', ...place())).toMatchObject({ code: 'market.name' })
    expect(await refused('--rpc', tryOut.rpc, '--registry', modelRegistry)).toMatchObject({
      code: 'registry.not-a-registry',
      address: modelRegistry,
    })
    expect(await refused('--rpc', tryOut.rpc, '--registry', NOBODY)).toMatchObject({
      code: 'registry.registry-missing',
    })
    const without = await refused('--account', NOBODY, ...place())
    expect(without).toMatchObject({ code: 'service.no-portfolio' })
    expect(without.message).not.toContain('several markets')
    expect(await refused('--account', '0x12', ...place())).toMatchObject({ code: 'service.account-address' })
    expect(await refused('--account', NOBODY, '--portfolio', own, ...place())).toMatchObject({
      code: 'registry.not-a-registry',
      address: own,
    })
    expect((await zkrisk('read', '--rpc', tryOut.rpc)).code).toBe(2)
  })

  it('watches: a line when something changes, none when only time goes by', async () => {
    const child = spawn(process.execPath, [cli, 'read', 'BTC-USD', ...place(), '--watch', '--poll', '0.1', '--json'])
    const lines: string[] = []
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)))
    const until = (count: number) => expect.poll(() => lines.length, { timeout: 120_000 }).toBe(count)
    await until(1)
    const { time } = await provider.getBlock('latest').then((block) => ({ time: BigInt(block?.timestamp ?? 0) }))
    await at(time + 60n)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(lines).toHaveLength(1)
    await at(time + 86_400n)
    await until(2)
    expect(lines.map((line) => JSON.parse(line).markets[0].status)).toEqual(['in-force', 'stale'])
    child.kill('SIGINT')
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  })
})
