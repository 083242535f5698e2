/** S8: whatever happens to `zkrisk serve`, nothing it prints holds a key, a password or the path of an RPC address. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encryptKeystoreJsonSync, hexlify, randomBytes, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { type Ended, run, temporaryFolder } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
const canary = new Wallet(hexlify(randomBytes(32)))
const PASSWORD = 'canary-password-of-nobody'
const PATH = 'canary-path-of-nobody'
const secrets = [canary.privateKey.slice(2), canary.privateKey.slice(2).toUpperCase(), PASSWORD, PATH]

let tryOut: TryOut
let proxy: FaultProxy
const outputs: string[] = []

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  proxy = await FaultProxy.start(tryOut.rpc)
  const { address, privateKey } = canary
  const options = { scrypt: { N: 2, r: 8, p: 1 } }
  const write = (name: string, text: string, mode = 0o600) => writeFileSync(file(name), text, { mode })
  write('canary.key', privateKey)
  write('cut.key', privateKey.slice(0, -1))
  write('open.key', privateKey, 0o644)
  write('keystore.json', encryptKeystoreJsonSync({ address, privateKey }, PASSWORD, options))
  write('cut.json', JSON.stringify({ version: 3, crypto: privateKey }))
  write('password', PASSWORD)
  write('wrong', `${PASSWORD}-not`)
  write(
    'keeper.mjs',
    `export const publicKey = async () => { throw new Error('${privateKey}') }\nexport const signDigest = publicKey\n`,
  )
  write('broken.mjs', `throw new Error('${privateKey}')\n`)
})
afterAll(async () => {
  proxy.close()
  await tryOut.close()
})

const throughProxy = (failing: () => void) => (): string => {
  failing()
  return proxy.url
}

async function serve(rpc: string, ...args: readonly string[]): Promise<Ended> {
  const place = ['--rpc', `${rpc}/${PATH}`, '--deployment', tryOut.deploymentFile, '--store', file('canary.sqlite')]
  const ended = await run(process.execPath, [cli, 'serve', ...place, ...args], { env: { ZKRISK_DEBUG: '1' } })
  outputs.push(ended.stdout, ended.stderr)
  return ended
}

describe('S8: what `zkrisk serve` prints', () => {
  // The account has nothing: each run ends, and says why.
  it.each([
    ['a key file', ['--key-file', 'canary.key'], 'service.balance-too-low'],
    ['a keystore', ['--key-file', 'keystore.json', '--password-file', 'password'], 'service.balance-too-low'],
    ['a wrong password', ['--key-file', 'keystore.json', '--password-file', 'wrong'], 'service.password-wrong'],
    ['no password', ['--key-file', 'keystore.json'], 'service.password-missing'],
    ['a key that is cut short', ['--key-file', 'cut.key'], 'service.key-malformed'],
    ['a keystore that is none', ['--key-file', 'cut.json', '--password-file', 'password'], 'service.key-malformed'],
    ['a key file that others may read', ['--key-file', 'open.key'], 'service.key-file-mode'],
    ['a keeper that fails', ['--signer', 'keeper.mjs'], 'service.key-keeper'],
    ['a keeper that cannot be loaded', ['--signer', 'broken.mjs'], 'service.key-keeper-module'],
  ])('%s', async (_, args, code) => {
    const paths = args.map((arg) => (arg.startsWith('--') ? arg : file(arg)))
    const { stdout, stderr } = await serve(tryOut.rpc, ...paths)
    expect(stdout + stderr).toContain(code)
  })

  it.each([
    ['a node that cannot be reached', 'registry.rpc-unreachable', () => 'http://127.0.0.1:9'],
    ['a node of another chain', 'registry.wrong-chain', throughProxy(() => proxy.lie({ eth_chainId: () => '0x1' }))],
    ['a node that answers nonsense', 'registry.rpc', throughProxy(() => proxy.fail('no-json', ['eth_getCode']))],
  ])('%s', async (_, code, rpc) => {
    proxy.mend()
    const { stdout, stderr } = await serve(rpc(), '--key-file', file('canary.key'), '--json')
    expect(stdout + stderr).toContain(code)
  })

  it('holds nothing of any of them', () => {
    const printed = outputs.join('\n')
    expect(printed.length).toBeGreaterThan(1000)
    for (const secret of secrets) expect(printed.includes(secret), secret.slice(0, 6)).toBe(false)
  })
})
