/** The service with shadows: proven beside their markets, listed and promoted by the command line. */
import { DEFAULT_VOLATILITY_MODEL } from '../../circuits/statements/index.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listShadows } from '../../prover/service/answers/shadows.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { errorOf, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
let tryOut: TryOut
const place = () => ['--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile]
const asCouncil = () => [...place(), '--key-file', tryOut.councilKeyFile]
const list = async () => JSON.parse((await zkrisk('shadows', 'list', ...place(), '--json')).stdout)

/** Serves until nothing waits. */
async function serveAll(): Promise<readonly string[]> {
  const stop = new AbortController()
  const details: string[] = []
  await runServe({
    rpc: tryOut.rpc,
    deployment: tryOut.deploymentFile,
    keyFile: tryOut.keyFile,
    store: `${folder}/serve.sqlite`,
    triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.01 },
    pollMs: 20,
    signal: stop.signal,
    onEvent: async ({ step, detail = '' }) => {
      if (step === 'confirmed') details.push(detail)
      if (step !== 'confirmed') return
      const { shadows } = await listShadows({ rpc: tryOut.rpc, deployment: tryOut.deploymentFile })
      const counts = Object.values(await tryOut.sequences())
      const isDone = shadows.every(({ waiting }) => waiting === 0)
      if (isDone && counts.every((count) => count === counts[0])) stop.abort()
    },
  })
  return details
}

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  for (const model of ['ewma', 'rangeMixture']) {
    const { code, stderr } = await zkrisk('shadows', 'add', 'BTC-USD', model, ...asCouncil())
    expect(stderr).toBe('')
    expect(code).toBe(0)
  }
})
afterAll(() => tryOut.close())

describe('zkrisk serve and zkrisk shadows', () => {
  it('prove shadows beside their markets, hour by hour, and say how they fare', async () => {
    for (let hour = 0; hour < 2; hour++) {
      await tryOut.feed(1)
      const landed = await serveAll()
      // The shadow of the model in force rides with its market.
      expect(landed.join(' ')).toMatch(/BTC-USD #\d+, BTC-USD~rangeMixture #\d+/)
      expect(landed.join(' ')).toMatch(/BTC-USD~ewma #\d+/)
    }
    const { shadows, markets } = await list()
    expect(markets).toContainEqual({ market: 'BTC-USD', model: DEFAULT_VOLATILITY_MODEL })
    expect(shadows).toHaveLength(2)
    for (const shadow of shadows) {
      expect(shadow).toMatchObject({ market: 'BTC-USD', predictions: 2, waiting: 0 })
      expect(shadow.scoreDown).toBeGreaterThan(0)
      expect(shadow.isControl).toBe(shadow.model === DEFAULT_VOLATILITY_MODEL)
    }
    const { stdout } = await zkrisk('shadows', 'list', ...place())
    expect(stdout).toContain('rangeMixture (in force)')
    expect(stdout).toContain('after 168 predictions')
  })

  it('say why a promotion is refused, and what a council with a delay schedules', async () => {
    const early = await zkrisk('shadows', 'promote', 'BTC-USD', 'ewma', ...asCouncil(), '--json')
    expect(early.code).toBe(1)
    expect(errorOf(early)).toMatchObject({ code: 'registry.reverted', reason: 'ShadowUnproven' })
    const others = await zkrisk('shadows', 'promote', 'BTC-USD', 'ewma', ...place(), '--key-file', tryOut.keyFile)
    expect(others.stderr).toContain('Only the council may do this.')
    const unknown = await zkrisk('shadows', 'add', 'BTC-USD', 'crystal', ...asCouncil())
    expect(unknown.stderr).toContain('ewma, garch, rangeMixture')
    const inherited = await zkrisk('shadows', 'add', 'BTC-USD', 'constructor', ...asCouncil())
    expect(inherited.stderr).toContain('ewma, garch, rangeMixture')
    const scheduled = await zkrisk('shadows', 'promote', 'BTC-USD', 'ewma', ...place(), '--calldata')
    expect(scheduled.code).toBe(0)
    expect(scheduled.stdout).toContain(tryOut.deployment.addresses.registry)
    expect(scheduled.stdout).toMatch(/data {3}0x[0-9a-f]{136}\n/)
  })

  it('set the promotion policy, and give a shadow up', async () => {
    const args = ['--least-predictions', '24', '--max-margin-step', '0.05', ...asCouncil()]
    expect((await zkrisk('shadows', 'policy', ...args)).code).toBe(0)
    expect((await list()).leastPredictions).toBe(24)
    for (const outOfRange of ['3', '4294967296']) {
      expect((await zkrisk('shadows', 'policy', '--least-predictions', outOfRange, ...args.slice(2))).code).toBe(2)
    }
    // A shadow is named by its market and its model, not by itself.
    const twice = await zkrisk('shadows', 'remove', 'BTC-USD~rangeMixture', 'ewma', ...asCouncil(), '--json')
    expect(errorOf(twice)).toMatchObject({ code: 'market.name' })
    expect((await zkrisk('shadows', 'remove', 'BTC-USD', 'ewma', ...asCouncil())).code).toBe(0)
    expect((await list()).shadows).toHaveLength(1)
    const gone = await zkrisk('shadows', 'remove', 'BTC-USD', 'ewma', ...asCouncil())
    expect(gone.stderr).toContain('UnknownMarket')
  })
})
