/** Margins of accounts in a running service: from reports and rounds on the chain to margins in force there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { AccountsRange, type Held } from '../../scripts/tools/chains/accountsRange.ts'
import type { ServeEvent } from '../../prover/service/daemon/serve.ts'
import { type RunServeOptions, runServe } from '../../prover/service/daemon/serving.ts'
import { AccountsOnChain } from '../../prover/service/daemon/accounts/ledger.ts'
import { roundFileOf } from '../../prover/service/daemon/accounts/roundBook.ts'
import { jsonLog } from '../../prover/service/daemon/log.ts'
import { isoTime } from '../../prover/service/text/figures.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'

const folder = temporaryFolder()
let range: AccountsRange
beforeAll(async () => {
  range = await AccountsRange.start(folder)
})
afterAll(async () => {
  await range?.close()
})

type Running = {
  readonly events: readonly ServeEvent[]
  /** Waits until so many accounts are in force, or something else has been told. */
  until(holds: (events: readonly ServeEvent[]) => boolean): Promise<void>
  end(): Promise<void>
}

const DAY_LONG = { maxRoundAgeSeconds: 86_400n, maxMarginAgeSeconds: 86_400n, maxRoundLagSeconds: 86_400n }

function serveAccounts(
  store: string,
  accounts: Exclude<RunServeOptions['accounts'], false> = {},
  meanwhile: (event: ServeEvent) => Promise<void> = async () => {},
  surface?: RunServeOptions['surface'],
): Running {
  const ended = new AbortController()
  const events: ServeEvent[] = []
  let told = (): void => undefined
  const serving = runServe({
    ...{ rpc: range.url, deployment: range.deploymentFile, keyFile: range.keyFile, store, pollMs: 50 },
    triggers: { triggers: ['heartbeat'], heartbeatSeconds: 10 ** 9, spotMove: 1 },
    accounts: { rounds: range.rounds, ...accounts },
    ...(surface === undefined ? {} : { surface }),
    signal: ended.signal,
    onEvent: async (event) => {
      await meanwhile(event)
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

const KEY = 'k'.repeat(32)
const listening = Promise.withResolvers<string>()
const log = { ...jsonLog('error', () => {}), listening: listening.resolve }

function keysFile(): string {
  const file = join(folder, 'keys.json')
  writeSecretFile(file, JSON.stringify({ keys: [{ name: 'venue', key: KEY, scopes: ['prove'] }] }))
  return file
}

let requests = 0
async function post(url: string, body: object, key = KEY): Promise<object> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `round-${requests++}-of-a-test` }
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/v1/rounds`, {
    ...{ method: 'POST', headers: { ...headers, ...authorization }, body: JSON.stringify(body) },
  })
  return { ...(await answer.json()), status: answer.status }
}

const ofAccount = (events: readonly ServeEvent[], account: string) =>
  events.filter((event) => event.account?.account === account).map(({ account: own }) => own)
const builds = (events: readonly ServeEvent[]) =>
  events.filter(({ step }) => step === 'statement-proven').map(({ build }) => build?.replace(/[0-9x]+$/, ''))

const countsOf = (names: readonly (string | undefined)[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(names, (name) => name ?? '')).map(([name, of]) => [name, of?.length]),
  )

describe('a service with a registry of margins', () => {
  const address = (number: number): string => `0x${number.toString(16).padStart(40, '0')}`
  const [well, poor, third, fourth, fifth, sixth, seventh] = [1, 2, 3, 4, 5, 6, 7].map(address) as [
    ...[string, string, string, string, string],
    ...[string, string],
  ]
  const marginOf = async (account: string) => {
    const { initialE8, maintenanceE8, asOf, sequence } = await range.client.margin(account)
    return { initialE8, maintenanceE8, asOf, sequence }
  }
  const expected = (round: Awaited<ReturnType<typeof range.publish>>, held: Held, sequence = 1n) => {
    const { initialE8, maintenanceE8 } = range.margin(round, held)
    return { initialE8, maintenanceE8, asOf: round.round.asOf, sequence }
  }
  const store = (name: string): string => join(folder, `${name}.sqlite`)
  let first: Awaited<ReturnType<typeof range.publish>>
  let newest: typeof first

  it('takes what `zkrisk margin --report` reported and published, the round’s words among it', async () => {
    const own = JSON.parse(
      readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json'), 'utf8'),
    )
    const file = join(folder, 'perpetuals.json')
    writeFileSync(file, JSON.stringify({ ...own, account: { cash: 20_000, perps: { quantity: 0.5 } } }))
    const at = ['--rpc', range.url, '--deployment', range.deploymentFile, '--account', fifth]
    const refused = await zkrisk('margin', file, '--report', range.rounds, '--prove', ...at, '--json')
    expect(refused.code).toBe(2)
    const { code, stdout } = await zkrisk('margin', file, '--report', range.rounds, ...at, '--json')
    expect(code).toBe(0)
    const { reported, im } = JSON.parse(stdout)
    expect(reported).toMatchObject({ report: 1, round: isoTime(range.example.round.asOf) })
    const service = serveAccounts(store('reported'))
    await service.until((events) => ofAccount(events, fifth).length > 0)
    await service.end()
    expect(Number((await marginOf(fifth)).initialE8) / 1e8).toBe(im)
  })

  it('S20: proves what was reported, arrays once, and shows who is below maintenance before anything else', async () => {
    const [held, below] = [range.held(30_000n), range.held(2_000n)]
    await range.report(well, held)
    await range.report(poor, below)
    first = await range.publish()
    const service = serveAccounts(store('first'))
    await service.until((events) => ofAccount(events, well).length > 0 && ofAccount(events, poor).length > 1)
    await service.end()
    expect(await marginOf(well)).toEqual(expected(first, held))
    expect(await marginOf(poor)).toEqual(expected(first, below))
    expect((await range.client.marginForLiquidation(poor)).liquidatable).toBe(true)
    expect(service.events.find(({ account }) => account !== undefined)?.account).toMatchObject({
      ...{ account: poor, isUnhealthy: true, sequence: 1 },
    })
    const made = { riskArray: 2, scenarioWitness: 1, optionBook: 2, portfolioMargin: 2 }
    expect(countsOf(builds(service.events))).toEqual(made)
    expect([...(await range.taken()).values()].every((times) => times === 1)).toBe(true)
  })

  it('S21: proves only what moved: another report in the arrays in force, though a later round is there', async () => {
    await range.publish(1_001_000n)
    const held = range.held(31_000n)
    await range.report(well, held)
    const service = serveAccounts(store('second'))
    await service.until((events) => ofAccount(events, well).length > 0)
    await service.end()
    expect(countsOf(builds(service.events))).toEqual({ optionBook: 1, portfolioMargin: 1 })
    expect(await marginOf(well)).toEqual(expected(first, held, 2n))
  })

  it('waits for the words of a round when no other one serves, and says so', async () => {
    await range.setFreshness({ ...DAY_LONG, maxRoundLagSeconds: 100n })
    const held = range.perpetuals(50_000n)
    await range.report(third, held)
    const round = await range.publish(1_010_000n, 200n, false)
    const service = serveAccounts(store('third'), {}, async () => {}, { http: '127.0.0.1:0', apiKeys: keysFile(), log })
    const isWaiting = ({ step, detail = '' }: ServeEvent): boolean =>
      step === 'unserved' && /words of the round/.test(detail)
    await service.until((events) => events.some(isWaiting))
    expect(builds(service.events)).toEqual([])
    const file = roundFileOf('BTC-USD', range.words(round))
    const url = await listening.promise
    const pipeline = async () => (await fetch(`${url}/v1/accounts/pipeline`)).json()
    expect(await pipeline()).toMatchObject({ round: null, roundWithoutWords: isoTime(round.round.asOf), inForce: [] })
    expect(await post(url, file, '')).toMatchObject({ status: 401, code: 'http.key-refused' })
    expect(await post(url, { ...file, market: 'ETH-USD' })).toMatchObject({
      status: 422,
      code: 'service.round-of-others',
    })
    expect(await post(url, { ...file, expiries: [['0x1']] })).toMatchObject({ status: 400, code: 'http.invalid' })
    expect(await post(url, file)).toEqual({ status: 202, market: 'BTC-USD', asOf: isoTime(round.round.asOf) })
    await service.until((events) => ofAccount(events, third).length > 0)
    expect(await pipeline()).toMatchObject({
      ...{ round: isoTime(round.round.asOf), roundWithoutWords: null, underWay: [], pausedFor: null, leftOut: [] },
      inForce: [{ account: third, sequence: 1, isUnhealthy: false, waitedSeconds: expect.any(Number) }],
      jobs: [
        {
          status: 'confirmed',
          build: expect.stringMatching(/^portfolioMargin/),
          trigger: expect.stringMatching(/^report: /),
        },
      ],
    })
    expect((await (await fetch(`${url}/v1/batches`)).json()).batches).toEqual([])
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/zkrisk_account_jobs_total\{build="portfolioMargin\d",outcome="confirmed"\} 1/)
    expect(metrics).toMatch(/zkrisk_triggers_total\{trigger="report"\} 1/)
    expect(metrics).toMatch(/zkrisk_account_wait_seconds_count\{outcome="healthy"\} 1/)
    await service.end()
    expect(await marginOf(third)).toEqual(expected(round, held))
  })

  it('S22: leaves out whom nothing can be proven of, says why, once, and goes on with the others', async () => {
    const { positions, holdings } = range.held(50_000n)
    const unlisted = positions.map((each) => ({ ...each, expiry: each.expiry + 86_400n }))
    const held = range.perpetuals(51_000n)
    await range.report(fourth, { positions: unlisted, holdings })
    await range.report(third, held)
    const service = serveAccounts(store('fourth'))
    await service.until((events) => ofAccount(events, third).length > 0)
    await service.end()
    const told = service.events.filter(({ step }) => step === 'left-out')
    expect(told.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(new RegExp(`^${fourth}: .*array of the round`)),
    ])
    expect((await marginOf(third)).sequence).toBe(2n)
    await range.report(fourth, range.perpetuals(1_000_000n))
  })

  it('S23: drops what later rounds have overtaken while it was proven, and proves the newest', async () => {
    const held = range.perpetuals(52_000n)
    await range.report(third, held)
    newest = await range.publish(1_020_000n, 200n)
    let published = 1
    const service = serveAccounts(store('fifth'), {}, async ({ step }) => {
      if (step === 'planned' && published++ === 1) newest = await range.publish(1_021_000n, 200n)
    })
    await service.until((events) => ofAccount(events, third).length > 0 && ofAccount(events, fourth).length > 0)
    await service.end()
    expect(await marginOf(third)).toEqual(expected(newest, held, 3n))
    const ended = service.events.filter(({ step }) => step === 'superseded')
    expect(ended.map(({ detail }) => detail)).toEqual([expect.stringMatching(/overtaken/)])
    await range.setFreshness(DAY_LONG)
  })

  it('S24: counts all accounts of a round when it is to, and tells when all are in', async () => {
    const service = serveAccounts(store('counted'), { countEvery: 1 })
    await service.until((events) => events.some(({ step }) => step === 'counted'))
    await service.end()
    const { accounts, unhealthy } = await range.client.openInterest()
    expect({ accounts, unhealthy }).toEqual({ accounts: 5n, unhealthy: 1n })
    expect([...(await range.taken()).values()].every((times) => times === 1)).toBe(true)
    expect(await range.isAuditAccepted()).toBe(true)
  })

  it('S56: proves an account of few options straight from its arrays where its proof is its own, and by books where others share it', async () => {
    const held = range.heldInOne(40_000n)
    await range.report(sixth, held)
    const first = serveAccounts(store('apart'))
    await first.until((events) => ofAccount(events, sixth).length > 0)
    await first.end()
    expect(countsOf(builds(first.events))).toEqual({ arrayMargin: 1 })
    expect(await marginOf(sixth)).toEqual(expected(newest, held))
    const two = [range.heldInOne(41_000n), range.heldInOne(42_000n)] as const
    await range.report(sixth, two[0])
    await range.report(seventh, two[1])
    const second = serveAccounts(store('together'))
    await second.until((events) => [sixth, seventh].every((account) => ofAccount(events, account).length > 0))
    await second.end()
    expect(countsOf(builds(second.events))).toEqual({ optionBook: 2, portfolioMargin: 1 })
    expect(await marginOf(sixth)).toEqual(expected(newest, two[0], 2n))
    expect(await marginOf(seventh)).toEqual(expected(newest, two[1]))
    expect(await range.isAuditAccepted()).toBe(true)
  })

  it('S74: asks for no call that brought arrays of rounds that are remembered no more, however many there were', async () => {
    const { client, deployment } = range
    const ask = vi.spyOn(client.provider, 'getTransaction')
    const read = async () => {
      const ledger = new AccountsOnChain({
        ...{ client, fromBlock: deployment.block, arrayModel: undefined, onWords: () => undefined },
      })
      ask.mockClear()
      await ledger.follow()
      return { asked: ask.mock.calls.length, rounds: ledger.rounds, arrays: ledger.arraysOf(first.round.asOf) }
    }
    const before = await read()
    expect(before.asked).toBeGreaterThan(0)
    expect(before.arrays.length).toBeGreaterThan(0)
    for (let times = 0; times < 256; times++) await range.publish(undefined, 1n, false)
    expect(await read()).toMatchObject({ asked: 0, arrays: [], rounds: { length: 256 } })
  })
})
