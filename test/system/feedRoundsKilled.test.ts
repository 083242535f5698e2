/** `zkrisk feed live --rounds`, killed with -9 wherever it is: what a restart publishes, and whose words are in the folder. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Contract, toQuantity } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { hashOfWords } from '../../prover/registry/portfolio/rounds.ts'
import { parseRoundFile } from '../../prover/service/daemon/accounts/roundBook.ts'
import { AccountsRange } from '../../scripts/tools/chains/accountsRange.ts'
import { root } from '../../scripts/tools/sources.ts'
import { temporaryFolder } from '../service/zkrisk.ts'
import { feedsOfQuotes, type Quoted, serveQuotes } from './quotedOptions.ts'
import { signerKeyFilesIn } from './signerKeys.ts'

const folder = temporaryFolder()
const signerKeyFile = signerKeyFilesIn(folder)
let range: AccountsRange
let quoted: Quoted
let rounds = ''

beforeAll(async () => {
  range = await AccountsRange.start(folder)
  rounds = join(folder, 'published')
  mkdirSync(rounds)
  await range.chain.send('evm_setNextBlockTimestamp', [toQuantity(Math.floor(Date.now() / 1000))])
  await range.chain.send('evm_mine', [])
  quoted = await serveQuotes(8000)
  // Of one account one transaction is on its way at a time: here they are rounds.
  quoted.hasPrices = false
  writeFileSync(join(folder, 'feeds.json'), JSON.stringify(feedsOfQuotes(quoted)))
})
afterEach(async () => {
  await range.chain.send('evm_setAutomine', [true])
  quoted.atMs = () => Date.now()
  for (const each of living.splice(0)) each.kill('SIGKILL')
})
afterAll(async () => {
  await quoted?.close()
  await range?.close()
})

type Told = { readonly kind: string; readonly asOf?: number; readonly code?: string; readonly reason?: string }
const living: { kill(signal: NodeJS.Signals): unknown }[] = []

/** The command in a process of its own. */
function start() {
  const { url, deploymentFile, keyFile } = range
  const place = [
    '--rpc',
    url,
    '--deployment',
    deploymentFile,
    '--key-file',
    keyFile,
    '--signer-key-file',
    ...signerKeyFile,
  ]
  const args = ['feed', 'live', '--json', '--feeds', join(folder, 'feeds.json'), ...place, '--rounds', rounds]
  const child = spawn(process.execPath, [join(root, 'prover', 'service', 'cli.ts'), ...args])
  living.push(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  const told = (): readonly Told[] =>
    text
      .split(/(?<=^\})\n/m)
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  return {
    told,
    until: async (isIt: (told: readonly Told[]) => boolean) => {
      const patience = performance.now() + 60_000
      while (!isIt(told())) {
        if (performance.now() > patience || child.exitCode !== null)
          throw new Error(`Not in time: ${text.slice(-2000)}`)
        await sleep(10)
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}
const has = (kind: string, asOf?: number) => (told: readonly Told[]) =>
  told.some((each) => each.kind === kind && (asOf ?? each.asOf) === each.asOf)

/** Rounds of the chain, each once, with the hash of its market's words. */
async function published(): Promise<readonly { readonly asOf: number; readonly marketHash: string }[]> {
  const own = interfaceOf('AttestedRounds')
  const source = new Contract(range.deployment.portfolio?.rounds ?? '', own, range.chain)
  const logs = await source.queryFilter('RoundPublished')
  return logs.map((log) => {
    const args = own.parseLog(log)?.args
    return { asOf: Number(args?.asOf), marketHash: args?.marketHash as string }
  })
}

async function requireWordsOfAll(): Promise<void> {
  const all = await published()
  expect(new Set(all.map(({ asOf }) => asOf)).size).toBe(all.length)
  for (const { asOf, marketHash } of all) {
    const name = `BTC-USD-${asOf}.round.json`
    const { marketWords } = parseRoundFile(readFileSync(join(rounds, name), 'utf8'), name)
    expect([asOf, hashOfWords(marketWords.map(BigInt))]).toEqual([asOf, marketHash])
  }
}

/** Quotes are of a time that is later than any before, and stay so until they are thawed. */
const freeze = (): number => {
  const at = 1000 * Math.floor(Date.now() / 1000 + 2)
  quoted.atMs = () => at
  return at / 1000
}

describe('S73: after kill -9', () => {
  it('a round that was published is not published again, and the next one that is due is', async () => {
    const asOf = freeze()
    const first = start()
    await first.until(has('round', asOf))
    await first.kill()
    const count = (await published()).length
    const second = start()
    await second.until(has('connected'))
    await sleep(6000)
    expect((await published()).length).toBe(count)
    quoted.atMs = () => Date.now()
    await second.until(has('round'))
    await second.kill()
    expect((await published()).length).toBeGreaterThan(count)
    await requireWordsOfAll()
  })

  /** A process that is killed when its round has been sent, and is not mined yet. */
  async function killOnItsWay(): Promise<number> {
    await range.chain.send('evm_setAutomine', [false])
    const asOf = freeze()
    const first = start()
    const patience = performance.now() + 60_000
    while ((await range.chain.send('eth_pendingTransactions', [])).length === 0 && performance.now() < patience)
      await sleep(20)
    await first.kill()
    return asOf
  }

  async function mine(): Promise<void> {
    await range.chain.send('evm_mine', [])
    await range.chain.send('evm_setAutomine', [true])
  }

  it('a round that is on its way then keeps its words, whatever is quoted of its second', async () => {
    const asOf = await killOnItsWay()
    quoted.factor = 1.1
    const second = start()
    await second.until((told) => told.some(({ code }) => code === 'service.round-words-kept'))
    await mine()
    quoted.atMs = () => Date.now()
    await second.until(has('round'))
    await second.kill()
    expect((await published()).map((each) => each.asOf)).toContain(asOf)
    await requireWordsOfAll()
  })

  it('a round that is on its way then, and is quoted again as it was, is published once, and told', async () => {
    const asOf = await killOnItsWay()
    const second = start()
    await second.until((told) => told.some(({ kind }) => kind === 'round-refused'))
    await mine()
    quoted.atMs = () => Date.now()
    await second.until(has('round', asOf))
    await second.until((told) => told.some((each) => each.kind === 'round' && each.asOf !== asOf))
    await second.kill()
    expect((await published()).filter((each) => each.asOf === asOf).length).toBe(1)
    await requireWordsOfAll()
  })

  it('at whichever moment: no time twice, no round without its words, and with each start the first quotes that are later', async () => {
    quoted.factor = 1
    for (const milliseconds of [0, 3, 10, 40, 200]) {
      const before = (await published()).length
      const files = readdirSync(rounds).length
      const feeds = start()
      await feeds.until(() => readdirSync(rounds).length > files)
      await sleep(milliseconds)
      await feeds.kill()
      const next = start()
      await next.until(has('round'))
      await next.kill()
      expect((await published()).length).toBeGreaterThan(before)
    }
    await requireWordsOfAll()
  })
})
