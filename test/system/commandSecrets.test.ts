/** S8: whatever command is given a key, from a file or from the environment, prints nothing of it when the chain or the account fails. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hexlify, randomBytes, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { ProvenBatches } from '../../scripts/tools/chains/provenBatches.ts'
import { run, temporaryFolder, zkrisk } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const example = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json')
const canary = new Wallet(hexlify(randomBytes(32)))
const PATH = 'canary-path-of-nobody'
const secrets = [
  canary.privateKey.slice(2),
  canary.privateKey.slice(2).toUpperCase(),
  BigInt(canary.privateKey).toString(),
]

let range: ProvenBatches
let proxy: FaultProxy
let printed = ''

beforeAll(async () => {
  range = await ProvenBatches.start(folder)
  proxy = await FaultProxy.start(range.url)
  writeFileSync(file('canary.key'), canary.privateKey, { mode: 0o600 })
  writeFileSync(file('bundle.json'), range.batches['BTC-USD'].bundle)
  const { stdout } = await zkrisk('deploy', '--example')
  writeFileSync(file('deploy.json'), stdout)
})
afterAll(async () => {
  proxy?.close()
  await range?.close()
})

/** Of every command that a key is given to: what else it is given. */
const commands: Readonly<Record<string, readonly string[]>> = {
  serve: ['--deployment', file('deployment.json'), '--store', file('canary.sqlite')],
  submit: [file('bundle.json'), '--deployment', file('deployment.json')],
  deploy: ['--config', file('deploy.json'), '--deployment', file('canary.json'), '--yes'],
  margin: [example, '--prove', '--deployment', file('deployment.json')],
  'feed attest': [
    ...['BTC-USD', '5000.00'],
    '--deployment',
    file('deployment.json'),
    '--signer-key-file',
    file('canary.key'),
  ],
  'feed live': [
    ...['--recording', `BTC-USD=${file('deploy.json')}`, '--recorded'],
    '--deployment',
    file('deployment.json'),
  ],
  'shadows add': ['BTC-USD', 'garch', '--deployment', file('deployment.json')],
  'shadows remove': ['BTC-USD', 'garch', '--deployment', file('deployment.json')],
  'shadows promote': ['BTC-USD', 'garch', '--deployment', file('deployment.json')],
  'shadows policy': [
    '--least-predictions',
    '168',
    '--max-margin-step',
    '0.05',
    '--deployment',
    file('deployment.json'),
  ],
}

async function ask(command: string, given: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const args = [cli, ...command.split(' '), ...(commands[command] ?? []), '--rpc', `${proxy.url}/${PATH}`, ...given]
  const { code, stdout, stderr } = await run(process.execPath, args, { env: { ZKRISK_DEBUG: '1', ...env } })
  printed += stdout + stderr
  expect([command, code === 0 || code === 1 ? 'ended' : stderr]).toEqual([command, 'ended'])
  return stdout + stderr
}

describe('S8: a command that is given a key', () => {
  it('is one of these', async () => {
    expect((await withKeys()).toSorted()).toEqual(Object.keys(commands).toSorted())
  })

  it.each(Object.keys(commands))('%s: from a file, at a node that takes no transaction', async (command) => {
    proxy.mend()
    proxy.fail('internal-error', ['eth_sendRawTransaction'])
    expect(await ask(command, ['--key-file', file('canary.key'), '--json'], {})).toContain('"code"')
  })

  it.each(Object.keys(commands))('%s: from the environment, of an account without coins', async (command) => {
    proxy.mend()
    expect(await ask(command, [], { ZKRISK_KEY: canary.privateKey })).toMatch(/code [a-z]+\.[a-z-]+/)
  })

  it('prints nothing of it, nor the path of a node', () => {
    expect(printed.length).toBeGreaterThan(3000)
    for (const secret of [...secrets, PATH]) expect(printed.includes(secret), secret.slice(0, 6)).toBe(false)
  })
})

/** Every command whose help has a key that pays, as far down as there are commands; those that only write one are not. */
async function withKeys(path: readonly string[] = []): Promise<readonly string[]> {
  const { stdout } = await zkrisk(...path, '--help')
  const [, list = ''] = stdout.split('\nCommands:\n')
  const below = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
  const own = / --key-file <file> +(?! |key of a funded)/.test(stdout) ? [path.join(' ')] : []
  const all = await Promise.all(below.map((name) => withKeys([...path, name])))
  return [...own, ...all.flat()]
}
