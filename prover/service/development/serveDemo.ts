/** `zkrisk serve --demo`: a chain in this process, an engine on it, and real prices that come to it hour by hour. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTime } from '../../market/time.ts'
import { realValues } from '../../parameters/real.ts'
import { connectProvider, readDeployment, RegistryClient } from '../../registry/index.ts'
import { workOfCouncil } from '../answers/shadows.ts'
import { describeError } from '../text/terminal.ts'
import { familyOf } from '../workspace.ts'
import { DemoAccounts } from './demoAccounts.ts'
import { openChain, replayFeed } from './tryOut.ts'

/** Two days before the crash, so that there is something to see before it comes. */
const DEMO_START = '2020-03-10 12:00:00'
/** Models whose scores are compared: the one in force, and what it replaced, where that is built. */
const SHADOWS = ['rangeMixture', 'ewma'] as const
/** Hours that come quickly, for charts with a past; then one in so many seconds. */
const QUICK_HOURS = 24
const PAUSE_SECONDS = 3
/** While hours come quickly, a round of options is published every so many. */
const HOURS_A_ROUND = 6
/** Of BTC, where the demonstration starts. */
const START_SPOT = 7900
const LOOK_MS = 200

export type ServeDemo = {
  readonly rpc: string
  readonly deployment: string
  readonly keyFile: string
  readonly store: string
}

/** Everything of it lies in a folder that goes with the process. */
export async function openServeDemo(say: (line: string) => void): Promise<ServeDemo> {
  const folder = mkdtempSync(join(tmpdir(), 'zkrisk-demo-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const deployment = join(folder, 'deployment.json')
  const keyFile = join(folder, 'prover.key')
  const councilKeyFile = join(folder, 'council.key')
  say(`A development chain in this process, its clock at ${DEMO_START} UTC.`)
  const store = join(folder, 'serve.sqlite')
  const start = parseTime(DEMO_START) ?? 0n
  const accounts = await DemoAccounts.prepare(`${store}-rounds`)
  const margins = accounts?.portfolioFile(start, START_SPOT)
  const chain = await openChain({ port: 0, deployment, keyFile, councilKeyFile, start: DEMO_START, margins, say })
  const { url: rpc } = chain
  const built = new Set(chain.deployment.models.map(({ name }) => name))
  for (const model of SHADOWS.filter((name) => built.has(familyOf(name).live))) {
    const shadow = { do: 'add', market: 'BTC-USD', model } as const
    await workOfCouncil({ rpc, deployment }, shadow, { keyFile: councilKeyFile, calldataOnly: false })
    say(`BTC-USD is tried under ${model}, too.`)
  }
  if (accounts === undefined)
    say('Margins of accounts are shown once the circuits of options are built: `npm run build`.')
  else {
    await accounts.report(chain.deployment, rpc, start)
    say('A venue reports three accounts with BTC options; their margins are proven as rounds come.')
  }
  say('Prices of BTC and ETH through the crash of March 2020, an hour at a time. Ctrl-C ends it.')
  void feed(rpc, deployment, accounts, say)
  return { rpc, deployment, keyFile, store }
}

async function feed(
  rpc: string,
  file: string,
  accounts: DemoAccounts | undefined,
  say: (line: string) => void,
): Promise<void> {
  const place = { rpc, deployment: file, market: [], prices: {}, pause: 0, count: 1, say: () => undefined }
  const deployment = await readDeployment(file)
  const { chainId, addresses, block: fromBlock } = deployment
  const provider = await connectProvider(rpc, chainId)
  try {
    const client = await RegistryClient.connect({ registry: addresses.registry, provider, fromBlock })
    for (let hours = 0; ; hours++) {
      const { times } = await replayFeed([], place)
      if (times === 0)
        return say(`All ${hours} hours have been told; nothing new comes. Ctrl-C ends the demonstration.`)
      if (hours >= QUICK_HOURS || hours % HOURS_A_ROUND === 0)
        await accounts?.publish(deployment, provider, ...(await priceNow(client)))
      await untilProven(client)
      if (hours >= QUICK_HOURS) await sleep(1000 * PAUSE_SECONDS)
    }
  } catch (error) {
    // The chain goes with the service; whatever else it was, people should know why nothing comes any more.
    say(`The feed of the demonstration ended: ${describeError(error).message}`)
  } finally {
    provider.destroy()
  }
}

/** Time of the chain, and the price of BTC as its feed last told it. */
async function priceNow(client: RegistryClient): Promise<[bigint, number]> {
  const time = BigInt((await client.provider.getBlock('latest'))?.timestamp ?? 0)
  const newest = (await client.waiting('BTC-USD')).at(-1)
  const { state } = await client.market('BTC-USD')
  return [time, newest === undefined ? Math.exp(realValues(state.volatility).lnPrice) : Number(newest.priceE8) / 1e8]
}

/** The next hour comes when this one is in force: a demonstration has no backlog, however slow the machine. */
async function untilProven(client: RegistryClient): Promise<void> {
  while (true) {
    const waiting = await Promise.all((await client.markets()).map(({ name }) => client.waiting(name)))
    if (waiting.every(({ length }) => length === 0)) return
    await sleep(LOOK_MS)
  }
}
