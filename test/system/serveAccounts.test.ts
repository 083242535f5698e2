/** Margins of accounts in a running service: from reports and rounds on the chain to margins in force there. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AccountsRange, type Held } from '../../scripts/tools/chains/accountsRange.ts'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { type RunServeOptions, runServe } from '../../prover/service/daemon/serving.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
let range: AccountsRange
beforeAll(async () => {
  range = await AccountsRange.start(folder)
}, 120_000)
afterAll(async () => {
  await range?.close()
})

type Running = {
  readonly events: readonly ServeEvent[]
  /** Waits until so many accounts are in force, or something else has been told. */
  until(holds: (events: readonly ServeEvent[]) => boolean): Promise<void>
  end(): Promise<void>
}

function serveAccounts(store: string, accounts: RunServeOptions['accounts'] = {}): Running {
  const ended = new AbortController()
  const events: ServeEvent[] = []
  let told = (): void => undefined
  const serving = runServe({
    ...{ rpc: range.url, deployment: range.deploymentFile, keyFile: range.keyFile, store, pollMs: 50 },
    triggers: { triggers: ['heartbeat'], heartbeatSeconds: 10 ** 9, spotMove: 1 },
    accounts: accounts === false ? false : { rounds: range.rounds, ...accounts },
    signal: ended.signal,
    onEvent: (event) => {
      events.push(event)
      told()
    },
  })
  serving.catch(() => told())
  return {
    events,
    until: async (holds) => {
      while (!holds(events)) {
        const next = new Promise<void>((resolve) => {
          told = resolve
        })
        await Promise.race([next, serving.then(() => Promise.reject(new Error('the service has ended')))])
      }
    },
    end: async () => {
      ended.abort()
      await serving
    },
  }
}

const ofAccount = (events: readonly ServeEvent[], account: string) =>
  events.filter((event) => event.account?.account === account).map(({ account: own }) => own)
const builds = (events: readonly ServeEvent[]) =>
  events.filter(({ step }) => step === 'statement-proven').map(({ build }) => build?.replace(/[0-9x]+$/, ''))

describe('a service with a registry of margins', () => {
  const [well, poor] = [1, 2].map((number) => `0x${number.toString(16).padStart(40, '0')}`) as [string, string]
  let held: Held

  it('proves what was reported: arrays once, books, margins; whoever is below maintenance first', async () => {
    held = range.held(30_000n)
    const below = range.held(2_000n)
    await range.report(well, held)
    await range.report(poor, below)
    const round = await range.publish()
    const service = serveAccounts(join(folder, 'first.sqlite'))
    await service.until((events) => ofAccount(events, well).length > 0 && ofAccount(events, poor).length > 1)
    await service.end()
    const expected = range.margin(round, held)
    const margin = await range.client.margin(well)
    expect(margin).toMatchObject({ initialE8: expected.initialE8, maintenanceE8: expected.maintenanceE8, sequence: 1n })
    expect(margin.asOf).toBe(round.round.asOf)
    expect((await range.client.margin(poor)).maintenanceE8).toBe(range.margin(round, below).maintenanceE8)
    expect((await range.client.marginForLiquidation(poor)).liquidatable).toBe(true)
    expect(ofAccount(service.events, poor)[0]).toMatchObject({ isUnhealthy: true, sequence: 1 })
    expect(builds(service.events)).toEqual([
      ...['riskArray', 'riskArray', 'scenarioWitness'],
      ...['optionBook', 'optionBook', 'portfolioMargin'],
    ])
    expect([...(await range.taken()).values()].every((times) => times === 1)).toBe(true)
  }, 180_000)
})
