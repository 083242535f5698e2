/** The circle by real proofs: as `zkrisk demo` shows it, as its page has it, and behind a port for whoever asks. */
import { readFileSync, symlinkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildFolder } from '../../prover/config.ts'
import type { Circle } from '../../prover/service/development/circle.ts'
import { openChain } from '../../prover/service/development/tryOut.ts'
import { CATCH_UP_BUILD, LIVE_BUILD } from '../../prover/service/workspace.ts'
import { aaveText, hedgedText } from '../../prover/service/text/circleText.ts'
import { errorOf, temporaryFolder, zkrisk, zkriskWith } from '../service/zkrisk.ts'
import { type Served, serveIn } from './serveHere.ts'

const folder = temporaryFolder()
const steps = ['Venue', 'Fall', 'Liquidation', 'Open interest', 'Hedge', 'Aave', 'Audit']

describe('the demo with the circle', () => {
  it('opens an account, liquidates it, hedges, moves Aave’s collateral and audits it all', async () => {
    const report = join(folder, 'circle.html')
    const { code, stdout, stderr } = await zkrisk(
      ...['demo', '--circle', '--batches', '2', '--report', report, '--json'],
    )
    expect(code).toBe(0)
    const { circle } = JSON.parse(stdout)
    expect(circle.accepted).toBe(true)
    // Opened with hardly more than the initial margin, and below maintenance at the lower price.
    expect(Number(circle.opened.initial)).toBeGreaterThan(0)
    expect(Number(circle.opened.initial)).toBeLessThan(Number(circle.opened.cash) / 50)
    const { receipt, ...liquidated } = circle.liquidated
    expect(Number(liquidated.spot)).toBeLessThan(Number(circle.opened.spot))
    expect(Number(liquidated.maintenance)).toBeLessThan(0)
    expect(receipt).toMatchObject({
      ...{ accepted: true, pinned: true, venue: circle.venue, owner: circle.opened.seller, otherReporters: [] },
      evidence: { kind: 'witness', report: 1, maintenance: liquidated.maintenance },
      taken: { fractionBps: 2_500, badDebt: '0' },
    })
    expect(circle.hedge).toMatchObject({ accounts: 3, deltaBefore: '-1.25', deltaAfter: '0', bought: '1.25' })
    // The pool's fee alone is 30 bps.
    expect(circle.hedge.slippageBps).toBeGreaterThan(30)
    expect(circle.hedge.slippageBps).toBeLessThan(90)
    const { before, held, after, healthBefore, healthAfter } = circle.aave
    expect(before).toEqual({ loanToValue: 0.8, threshold: 0.825, bonus: 1.05 })
    expect(after.threshold).toBeCloseTo(Math.max(held.threshold, before.threshold - 0.05), 9)
    expect(after.loanToValue).toBeLessThanOrEqual(held.loanToValue)
    expect(Number(healthAfter) / Number(healthBefore)).toBeCloseTo(after.threshold / before.threshold, 6)
    expect(circle.audits).toEqual([
      expect.objectContaining({ registry: circle.registry, accepted: true, pinned: true, margins: 2, witnesses: 1 }),
      expect.objectContaining({ registry: circle.hedge.registry, accepted: true, margins: 3, witnesses: 0 }),
    ])
    const page = readFileSync(report, 'utf8')
    for (const step of steps) {
      expect(stderr).toContain(`\n  ${step}: `)
      expect(page).toContain(`<p><b>${step}</b>: `)
    }
    expect(page).toContain('✓ margins, liquidation and open interest accepted by the audit')
  })

  it('is left out where its circuits are not built, says how to build them, and is not missed', async () => {
    const build = join(folder, 'markets')
    mkdirSync(join(build, 'circuits'), { recursive: true })
    for (const name of ['artifacts', 'keys', 'native']) symlinkSync(join(buildFolder, name), join(build, name))
    for (const name of [LIVE_BUILD, CATCH_UP_BUILD]) {
      symlinkSync(join(buildFolder, 'circuits', name), join(build, 'circuits', name))
    }
    const args = ['demo', '--batches', '1', '--report', join(folder, 'without.html')]
    const { code, stdout, stderr } = await zkriskWith(build, ...args, '--json')
    expect(stderr).toContain('`npx zkrisk demo --circle` builds them')
    expect(JSON.parse(stdout).circle).toBeNull()
    expect(code).toBe(0)
  })

  it('tells of a step whose packages are missing by what it needs', () => {
    const missing = { leftOut: 'It needs a package.' }
    expect([...hedgedText(missing), aaveText(missing)]).toEqual([
      'Hedge: left out. It needs a package.',
      'Aave: left out. It needs a package.',
    ])
  })
})

/** Liquidations of the venue and trades of the hedging agent, as a service tells of them. */
async function tellsOfCircle({ url }: Served, { places, opened, liquidated, hedged }: Circle): Promise<void> {
  const json = async (address: string) => (await fetch(`${url}${address}`)).json()
  const { liquidations, venue, says } = await json('/v1/liquidations')
  expect([venue, says]).toEqual([places.venue, null])
  const kinds = liquidations.map(({ kind }: { kind: string }) => kind)
  expect(kinds.indexOf('liquidated')).toBeLessThan(kinds.indexOf('unhealthy'))
  const [taken] = liquidations.filter(({ kind }: { kind: string }) => kind === 'liquidated')
  expect(taken).toMatchObject({
    transactionHash: liquidated.transactionHash,
    taken: { owner: opened.seller, evidence: 'witness', fractionPercent: 25, badDebtQuote: '0' },
  })
  expect(Number(taken.taken.notionalQuote)).toBeGreaterThan(0)
  expect(
    new Set(
      liquidations.flatMap(
        (each: { kind: string; taken: unknown }) => (each.kind === 'liquidated') === (each.taken !== null),
      ),
    ),
  ).toEqual(new Set([true]))
  expect((await json('/v1/liquidations?limit=1')).liquidations).toHaveLength(1)
  if ('leftOut' in hedged) return
  const { trades, ...hedge } = await json('/v1/hedge')
  // What the vaults were counted at, of the agent's own registry, and all of it held since.
  expect(hedge).toMatchObject({
    agent: hedged.agent,
    says: null,
    netDelta: -1.25,
    wantedDelta: 1.25,
    positionDelta: '1.25',
  })
  expect(trades).toEqual([expect.objectContaining({ bought: '1.25', targetDelta: '1.25', gapDelta: '1.25' })])
  expect(Number(trades[0].cashQuote)).toBeCloseTo(-1.25 * (Number(hedged.priceE8) / 1e8), 0)
  expect((await json('/v1/status')).parts).toEqual({ fleet: false, portfolio: true, accounts: true, hedge: true })
}

describe('zkrisk chain --circle', () => {
  it('S46: serves it behind a port: the receipt, both audits and a service’s liquidations and hedge are asked for there', async () => {
    const files = {
      deployment: join(folder, 'deployment.json'),
      keyFile: join(folder, 'prover.key'),
      councilKeyFile: join(folder, 'council.key'),
    }
    const options = { port: 0, ...files, start: '2020-03-12 09:00:00', circle: true, say: () => {} }
    const { url, circle, close } = await openChain(options)
    const at = ['--rpc', url, '--deployment', files.deployment]
    const asked = ['--venue', circle?.places.venue ?? '', '--account', circle?.opened.seller ?? '']
    const told = await zkrisk('receipt', ...at, ...asked, '--json')
    expect(told.code).toBe(0)
    const { accepted, pinned, transactionHash } = JSON.parse(told.stdout)
    const { transactionHash: expected } = circle?.liquidated ?? {}
    expect({ accepted, pinned, transactionHash }).toEqual({ accepted: true, pinned: true, transactionHash: expected })
    for (const registry of [[], ['--registry', circle?.places.registry ?? '']]) {
      const { code, stdout } = await zkrisk('audit', ...at, ...registry, '--json')
      expect(JSON.parse(stdout).accepted).toBe(true)
      expect(code).toBe(0)
    }
    const ofVenue = await zkrisk('audit', ...at, '--registry', circle?.places.venue ?? '', '--json')
    expect(errorOf(ofVenue).message).toContain('the contract OptionsVenue')
    const served = await serveIn(
      { rpc: url, deploymentFile: files.deployment, keyFile: files.keyFile },
      join(folder, 'serve.sqlite'),
    )
    await tellsOfCircle(served, circle as Circle)
    await served.end()
    await close()
  })

  it('refuses a start after which no price is left to prove', async () => {
    const refused = await zkrisk('chain', '--circle', '--start', '2020-03-16 23:00:00', '--json')
    expect(errorOf(refused)).toMatchObject({ code: 'service.nothing-to-replay' })
  })

  it('refuses --margins beside it, whose registry would be another', async () => {
    const refused = await zkrisk('chain', '--circle', '--margins', 'portfolio.json', '--json')
    expect(refused.code).toBe(2)
    expect(errorOf(refused)).toMatchObject({ code: 'service.option-besides' })
  })
})
