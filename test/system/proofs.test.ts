import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectProvider } from '../../prover/registry/index.ts'
import { errorOf, temporaryFolder, zkrisk, zkriskWithoutDisk } from '../service/zkrisk.ts'
import { readJson, startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)
/** The batch with one field changed; the field's path has dots. */
const changed = (name: string, field: string, value: unknown): string => {
  const batch = readJson(path('batch.json'))
  const names = field.split('.')
  const last = names.pop() as string
  const holder = names.reduce((inner, part) => inner[part], batch)
  holder[last] = value
  writeFileSync(path(name), JSON.stringify(batch))
  return path(name)
}

let tryOut: TryOut
beforeAll(async () => {
  tryOut = await startTryOut(folder)
  await tryOut.feed(1)
})
afterAll(() => tryOut.close())

describe('from inbox to audit by command', () => {
  it('takes the next batch from the chain, proves it, verifies it, puts it in force, once', async () => {
    const { rpc, deploymentFile, keyFile } = tryOut
    const batch = await zkrisk('batch', '--rpc', rpc, '--deployment', deploymentFile, '-o', path('batch.json'))
    expect(batch).toMatchObject({ code: 0, stdout: expect.stringContaining('BTC-USD, ETH-USD') })
    const proven = await zkrisk('prove', path('batch.json'), '-o', path('bundle.json'), '--json')
    expect(proven.code).toBe(0)
    expect(JSON.parse(proven.stdout)).toMatchObject({ markets: ['BTC-USD', 'ETH-USD'] })

    const verified = await zkrisk('verify', path('bundle.json'), '--json')
    expect(verified.code).toBe(0)
    expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true, pinned: true })

    const submitted = await zkrisk('submit', path('bundle.json'), '--rpc', rpc, '--key-file', keyFile, '--json')
    expect(JSON.parse(submitted.stdout)).toMatchObject({ status: 'applied' })
    const place = ['--rpc', rpc, '--deployment', deploymentFile, '--key-file', keyFile, '--json']
    const again = await zkrisk('submit', path('bundle.json'), ...place)
    expect(JSON.parse(again.stdout)).toEqual({ status: 'already-applied' })
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 1n, 'ETH-USD': 1n })
  })

  it('an auditor accepts it from chain data, and again from a bundle without a chain', async () => {
    const { rpc, deploymentFile } = tryOut
    const args = ['audit', '--rpc', rpc, '--deployment', deploymentFile, '-o', path('audit.json'), '--json']
    const online = await zkrisk(...args)
    expect(online.code).toBe(0)
    expect(JSON.parse(online.stdout)).toMatchObject({ accepted: true, batches: [{ accepted: true }] })
    const offline = await zkrisk('audit', '--bundle', path('audit.json'), '--deployment', deploymentFile)
    expect(offline.code).toBe(0)
    expect(offline.stdout).toContain('ACCEPTED')
  })

  it('says of a bundle of the other kind which command it is for, and of another deployment that the bundle is not for it', async () => {
    const { rpc, deploymentFile, keyFile } = tryOut
    const audited = errorOf(await zkrisk('audit', '--bundle', path('bundle.json'), '--json'))
    expect(audited).toMatchObject({ code: 'registry.file-field', field: 'format' })
    expect(audited.message).toContain('a proof bundle, which `zkrisk verify` checks')
    const verified = errorOf(await zkrisk('verify', path('audit.json'), '--json'))
    expect(verified).toMatchObject({ code: 'registry.file-field', field: 'format' })
    expect(verified.message).toContain('an audit bundle, which `zkrisk audit --bundle` judges')
    const deployment = JSON.parse(readFileSync(deploymentFile, 'utf8'))
    writeFileSync(path('elsewhere.json'), JSON.stringify({ ...deployment, chainId: '1' }))
    const place = ['--rpc', rpc, '--deployment', path('elsewhere.json'), '--key-file', keyFile, '--json']
    const elsewhere = errorOf(await zkrisk('submit', path('bundle.json'), ...place))
    expect(elsewhere).toMatchObject({ code: 'registry.wrong-chain' })
  })
})

describe('bad input, each with a typed error and no partial output', () => {
  const out = path('never.json')
  const prove = (file: string) => zkrisk('prove', file, '-o', out, '--deployment', tryOut.deploymentFile, '--json')

  it.each([
    ['an unknown market', 'registry.batch-market', 'markets.0.market', 'DOGE-USD'],
    ['an unknown model', 'registry.unknown-model', 'model', 'marketRisk9x9'],
    ['a misspelt field', 'registry.file-field', 'markets.0.sequense', 1],
    ['a stale observation', 'parameters.observation-not-newer', 'markets.0.observations.0.asOf', '1500000000'],
    ['a price of zero', 'registry.file-field', 'markets.0.observations.0.priceE8', '0'],
  ])('refuses to prove %s', async (_, code, field, value) => {
    const ended = await prove(changed('bad.json', field, value))
    expect({ code: ended.code, error: errorOf(ended).code }).toEqual({ code: 1, error: code })
    expect(existsSync(out)).toBe(false)
  })

  it('leaves nothing on a full disk, and says so', async () => {
    const ended = await zkriskWithoutDisk('prove', path('batch.json'), '-o', out, '--json')
    expect({ code: ended.code, error: errorOf(ended) }).toMatchObject({
      code: 1,
      error: { code: 'registry.disk-full', file: out },
    })
    expect(existsSync(out)).toBe(false)
  })

  it('catches a changed digit of a bundle', async () => {
    const text = readFileSync(path('bundle.json'), 'utf8')
    const at = text.indexOf('"initialMarginX24"') + '"initialMarginX24": "'.length
    writeFileSync(path('tampered.json'), `${text.slice(0, at)}${text[at] === '1' ? '2' : '1'}${text.slice(at + 1)}`)
    const ended = await zkrisk('verify', path('tampered.json'), '--json')
    expect({ code: ended.code, error: errorOf(ended).code }).toEqual({ code: 1, error: 'registry.section-changed' })
  })

  it('refuses a bundle for another chain by name of both', async () => {
    const ended = await zkrisk('verify', path('bundle.json'), '--chain-id', '1', '--json')
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.stdout).failure).toMatchObject({ field: 'context.chainId', expected: '1', found: '31337' })
  })

  it('says that no node answers, and that a key is missing, before anything is sent', async () => {
    const dead = await zkrisk('submit', path('bundle.json'), '--rpc', 'http://127.0.0.1:1', '--json')
    expect({ code: dead.code, error: errorOf(dead).code }).toEqual({ code: 1, error: 'registry.rpc-unreachable' })
    const keyless = await zkrisk('submit', path('bundle.json'), '--rpc', tryOut.rpc, '--json')
    expect({ code: keyless.code, error: errorOf(keyless).code }).toEqual({ code: 1, error: 'service.key-missing' })
  })

  it.skipIf(process.platform === 'win32')(
    'writes keys for their owner alone, and sends nothing with one that others may read',
    async () => {
      const { rpc, keyFile, councilKeyFile } = tryOut
      for (const file of [keyFile, councilKeyFile]) expect(statSync(file).mode & 0o777).toBe(0o600)
      chmodSync(keyFile, 0o644)
      const open = await zkrisk('submit', path('bundle.json'), '--rpc', rpc, '--key-file', keyFile, '--json')
      chmodSync(keyFile, 0o600)
      expect({ code: open.code, error: errorOf(open).code }).toEqual({ code: 1, error: 'service.key-file-mode' })
    },
  )

  it('a batch whose observations have gone stale is refused by the registry and named', async () => {
    const { rpc, deploymentFile, keyFile } = tryOut
    await tryOut.feed(1)
    const batch = await zkrisk('batch', '--rpc', rpc, '--deployment', deploymentFile, '-o', path('stale.json'))
    expect(batch.code).toBe(0)
    expect((await zkrisk('prove', path('stale.json'), '-o', path('stale-bundle.json'))).code).toBe(0)
    const provider = await connectProvider(rpc)
    await provider.send('evm_increaseTime', [600])
    await provider.send('evm_mine', [])
    provider.destroy()
    const ended = await zkrisk('submit', path('stale-bundle.json'), '--rpc', rpc, '--key-file', keyFile, '--json')
    expect(errorOf(ended)).toMatchObject({ code: 'registry.reverted', reason: 'ObservationStale' })
    const late = await zkrisk('batch', '--rpc', rpc, '--deployment', deploymentFile, '-o', out, '--json')
    expect(errorOf(late)).toMatchObject({
      code: 'service.nothing-waiting',
      leftOut: [{ reason: 'behind' }, { reason: 'behind' }],
    })
    expect(existsSync(out)).toBe(false)
  })
})
