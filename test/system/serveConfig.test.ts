/** Options of `zkrisk serve` from a file and from the environment, and `--check`, on a real chain. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, Wallet, ZeroAddress } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFolder } from '../../prover/config.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { connectProvider } from '../../prover/registry/index.ts'
import { Program } from '../../prover/service/commands/command.ts'
import { addServeCommand } from '../../prover/service/commands/serve.ts'
import { takeSettings } from '../../prover/service/commands/serveConfig.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { TestPostgres } from '../../scripts/tools/postgres.ts'
import { run, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const cli = join(import.meta.dirname, '../../prover/service/cli.ts')
const fileOf = (settings: unknown): string => {
  const file = join(folder, 'serve.json')
  writeFileSync(file, typeof settings === 'string' ? settings : JSON.stringify(settings))
  return file
}

/** What the command would have, of these. */
function optionsOf(line: readonly string[], settings: unknown, environment: NodeJS.ProcessEnv) {
  const program = new Program({ out: () => {}, err: () => {} })
  addServeCommand(program)
  const [serve] = program.commands
  if (serve === undefined) throw new RangeError('no command')
  serve.action(() => {})
  program.parse(['serve', ...line], { from: 'user' })
  takeSettings(serve, settings === undefined ? undefined : fileOf(settings), environment)
  return serve.opts()
}

describe('S85: options of serve', () => {
  it('are taken from the command line, then from variables, then from the file, then as they are by default', () => {
    const file = { settle: 1, poll: 20, heartbeat: 30, rpc: ['http://a', 'http://b'], near: '2%', accounts: false }
    const options = optionsOf(['--settle', '3'], file, { ZKRISK_SERVE_SETTLE: '2', ZKRISK_SERVE_POLL: '40' })
    expect(options).toMatchObject({ settle: 3, poll: 40, heartbeat: 30, confirmations: 1, near: 0.02, accounts: false })
    expect(options.rpc).toEqual(['http://a', 'http://b'])
    const lists = {
      ZKRISK_SERVE_TRIGGER: 'spot, prediction',
      ZKRISK_SERVE_MARKET: 'BTC-USD',
      ZKRISK_SERVE_RPC: 'http://c',
    }
    expect(optionsOf([], undefined, lists)).toMatchObject({
      ...{ trigger: ['spot', 'prediction'], market: ['BTC-USD'], rpc: 'http://c' },
    })
    expect(optionsOf([], { trigger: 'spot' }, {}).trigger).toEqual(['spot'])
    expect(optionsOf([], undefined, { ZKRISK_SERVE_ACCOUNTS: 'false', ZKRISK_SERVE_HTTP: '' })).toMatchObject({
      accounts: false,
      trigger: ['observations'],
    })
  })

  it('exclude each other across places: what counts more is taken', () => {
    expect(optionsOf(['--signer', 'a.mjs'], { keyFile: 'b' }, {})).toMatchObject({ signer: 'a.mjs' })
    expect(optionsOf(['--signer', 'a.mjs'], { keyFile: 'b' }, {})).not.toHaveProperty('keyFile')
    expect(optionsOf([], { signer: 'a.mjs' }, { ZKRISK_SERVE_KEY_FILE: 'b' })).not.toHaveProperty('signer')
    expect(() => optionsOf([], { keyFile: 'b', signer: 'a.mjs' }, {})).toThrow(/means nothing beside/)
  })

  it.each([
    ['{ "settle": 3', {}, /serve\.json: it is no JSON at line 1/],
    [{ setle: 3 }, {}, /serve\.json: setle: this field is unknown/],
    [
      { settle: 30_000 },
      {},
      /serve\.json: settle: Expected a whole number of at least 0 and at most 10000\. Got 30000/,
    ],
    [{ settle: '3' }, {}, /serve\.json: settle: expected a number/],
    [{ trigger: ['spot', 'moon'] }, {}, /serve\.json: trigger/],
    [{ accounts: 'no' }, {}, /serve\.json: accounts: expected true or false/],
    [
      { database: 'postgres://u:p@h/d' },
      {},
      /serve\.json: database: it is for the command line or the environment alone/,
    ],
    [{ database: 'postgres://u:p@h/d' }, {}, /: set DATABASE_URL\.$/],
    [{ demo: true }, {}, /serve\.json: demo: it is for the command line alone\.$/],
    [{ keyFile: 'b', signer: 'a.mjs' }, {}, /keyFile: it means nothing beside signer\.$/],
    [
      { trigger: ['spott', 'spot'] },
      {},
      /trigger: expected one of obs.*, spot, .*, got "spott": did you mean spot\? docs/,
    ],
    [{ trigger: 'spott' }, {}, /trigger: expected one of obs.*, spot, .*, got "spott": did you mean spot\?$/],
    [{ trigger: [] }, {}, /trigger: expected one at least/],
    [{ log: 'xml' }, {}, /log: expected one of human, json, got "xml"\./],
    [{ rpc: ['http://a', 8545] }, {}, /rpc: expected a list of texts, and number 2 of them is none/],
    [
      { maxFeeGwie: 3 },
      {},
      /maxFeeGwie: this field is unknown: did you mean maxFeeGwei\? docs\/generated\/serve\.schema/,
    ],
    [
      { maxFeeGwie: 3, settle: '3', trigger: ['spott'], poll: 1, database: 'd' },
      { ZKRISK_SERVE_HEARTBEAT: '30' },
      /^(?=.*maxFeeGwie: )(?=.*settle: )(?=.*trigger: )(?=.*poll: Expected )(?=.*database: ).*serve\.schema\.json says how/,
    ],
    ['[]', {}, /serve\.json: expected one object, of options by name\. docs.*serve\.schema\.json says how/],
    [undefined, { ZKRISK_SERVE_DATABASE: 'postgres://u:p@h/d' }, /ZKRISK_SERVE_DATABASE: it is called DATABASE_URL\.$/],
    [
      undefined,
      { ZKRISK_SERVE_SETLE: '3', ZKRISK_SERVE_POLL: 'x' },
      /SETLE: .*did you mean ZKRISK_SERVE_SETTLE\?; ZKRISK_SERVE_POLL: /,
    ],
    [undefined, { ZKRISK_SERVE_SETLE: '3' }, /ZKRISK_SERVE_SETLE: serve has no such option/],
    [undefined, { ZKRISK_SERVE_POLL: 'often' }, /ZKRISK_SERVE_POLL: Expected a whole number of at least 10/],
    [undefined, { ZKRISK_SERVE_ACCOUNTS: 'no' }, /ZKRISK_SERVE_ACCOUNTS: expected true or false, got no/],
  ])('are refused by name: %j %j', (settings, environment, says) => {
    expect(() => optionsOf([], settings, environment)).toThrow(says)
  })
})

describe('S85: a fault that a file or a variable brings', () => {
  const given = { rpc: 'http://127.0.0.1:1', deployment: 'none.json' }
  const refusal = async (settings: object, env: NodeJS.ProcessEnv = {}, ...flags: string[]): Promise<string> => {
    const line = ['serve', '--config', fileOf({ ...given, ...settings }), ...flags]
    const { code, stderr } =
      Object.keys(env).length === 0 ? await zkrisk(...line) : await run(process.execPath, [cli, ...line], { env })
    expect(code).toBe(2)
    return stderr
  }

  it('is told in the file’s words, or the variable’s, not as a flag that nobody gave', async () => {
    const beside = /zkrisk: rounds of \S+serve\.json means nothing beside accounts: false of \S+serve\.json\./
    expect(await refusal({ accounts: false, rounds: 'r' })).toMatch(beside)
    expect(await refusal({ rounds: 'r' }, {}, '--no-accounts')).toMatch(
      /rounds of \S+ means nothing beside --no-accounts/,
    )
    expect(await refusal({ maxLag: '3' })).toMatch(/maxLag of \S+serve\.json means nothing without --http/)
    expect(await refusal({ accounts: false }, { ZKRISK_SERVE_NEAR: '2%' })).toMatch(
      /ZKRISK_SERVE_NEAR means nothing beside accounts: false of/,
    )
  })

  it('is told without how files are written where that is of no help', async () => {
    const { stderr } = await zkrisk('serve', '--config', join(folder, 'nowhere.json'))
    expect(stderr).toMatch(/nowhere\.json: there is no such file\.$/m)
  })

  it('names which of several addresses is none, and nothing that is in it', async () => {
    const settings = fileOf({ ...given, rpc: ['http://127.0.0.1:1/secret', 'htp//node/secret'] })
    const { stdout, stderr } = await zkrisk('serve', '--config', settings, '--check')
    expect(stdout).toMatch(/WRONG +node +Expected an RPC address .*, got something that is no address: the 2nd of 2\./)
    expect(stdout + stderr).not.toContain('secret')
  })
})

describe('zkrisk serve', () => {
  let tryOut: TryOut
  beforeAll(async () => {
    tryOut = await startTryOut(folder)
  })
  afterAll(() => tryOut?.close())

  const settings = () => ({
    ...{ rpc: tryOut.rpc, deployment: tryOut.deploymentFile, keyFile: tryOut.keyFile },
    store: join(folder, 'state', 'serve.sqlite'),
  })
  /** By what is checked. */
  const findingsOf = async (own: object) => {
    const { code, stdout, stderr } = await zkrisk(
      'serve',
      '--config',
      fileOf({ ...settings(), ...own }),
      '--check',
      '--json',
    )
    expect(stderr).toBe('')
    const found = JSON.parse(stdout) as { check: string; status: string; found: string }[]
    return { code, found: Object.fromEntries(found.map(({ check, ...each }) => [check, each])) }
  }

  it('S85: --check looks at all that it would open, and begins nothing', async () => {
    const { code, found } = await findingsOf({ http: '127.0.0.1:0' })
    expect(Object.entries(found).filter(([, { status }]) => status !== 'ok' && status !== 'warning')).toEqual([])
    expect(code).toBe(0)
    const checks = [
      'deployment',
      'keys',
      'node',
      'account',
      'balance',
      'registry',
      'models',
      'store',
      'API keys',
      'HTTP',
      'rounds',
      'traces',
    ]
    expect(Object.keys(found)).toEqual(checks)
    expect(found.registry?.found).toBe('BTC-USD #0, ETH-USD #0')
    // Its blocks are of March 2020.
    expect(found.node?.found).toMatch(
      /block \d+, \d+ d \d+ h old, which is no fault: a development chain has a time of/,
    )
    expect(existsSync(join(folder, 'state'))).toBe(false)
  })

  it.each([
    ['node', 'missing', { rpc: 'http://127.0.0.1:1' }, /No Ethereum node answers at http:\/\/127\.0\.0\.1:1/],
    ['account', 'missing', { keyFile: join(folder, 'none.key') }, /none\.key/],
    ['registry', 'missing', { market: ['XRP-USD'] }, /XRP-USD/],
    ['store', 'wrong', { store: join(folder, 'deployment.json') }, /deployment\.json/],
    ['API keys', 'missing', { http: '127.0.0.1:0', apiKeys: join(folder, 'none.json') }, /none\.json, but there is no/],
    ['API keys', 'wrong', { http: '127.0.0.1:0', apiKeys: folder }, /it is a folder/],
    ['HTTP', 'wrong', { http: '0.0.0.0:8080' }, /0\.0\.0\.0/],
    ['rounds', 'wrong', { rounds: join(folder, 'deployment.json') }, /deployment\.json/],
    ['traces', 'wrong', { traces: 'nonsense' }, /collector/],
    ['keys', 'missing', { keys: join(folder, 'none') }, /none/],
    ['deployment', 'missing', { deployment: join(folder, 'none.json') }, /none\.json/],
    ['deployment', 'wrong', { deployment: folder }, /it is a folder/],
  ])('--check names what is not there and what is wrong: %s, %s', async (check, status, own, says) => {
    const { code, found } = await findingsOf(own)
    expect(found[check]).toMatchObject({ status, found: expect.stringMatching(says) })
    expect(code).toBe(1)
  })

  it('S85: --check tells of an address that is taken, an account without coins and a store that a service has open', async () => {
    const taken = new URL(tryOut.rpc).host
    expect((await findingsOf({ http: taken })).found.HTTP).toMatchObject({
      status: 'wrong',
      found: expect.stringMatching(/EADDRINUSE/),
    })
    expect((await findingsOf({ http: taken })).found.HTTP?.found).toBe(
      `Could not listen at ${taken} (it is in use, EADDRINUSE). End what uses it, or choose another with --http.`,
    )
    const keyFile = join(folder, 'poor.key')
    writeSecretFile(keyFile, `${Wallet.createRandom().privateKey}\n`)
    expect((await findingsOf({ keyFile })).found.balance).toMatchObject({ status: 'missing', found: 'nothing' })
    const { chainId, addresses } = tryOut.deployment
    const store = join(folder, 'held.sqlite')
    const held = await SqliteJobStore.open(store, { chainId, registry: addresses.registry })
    expect((await findingsOf({ store })).found.store).toMatchObject({
      status: 'warning',
      found: expect.stringMatching(/a service has it open/),
    })
    await held.close()
    expect((await findingsOf({ store })).found.store).toMatchObject({ status: 'ok' })
    const other = join(folder, 'other.sqlite')
    await (await SqliteJobStore.open(other, { chainId, registry: ZeroAddress })).close()
    const found = { status: 'wrong', mend: expect.stringMatching(/of another deployment/) }
    expect((await findingsOf({ store: other })).found.store).toMatchObject(found)
  })

  it('S88: --check finds a database in which the service may not make what it needs, and makes nothing there', async () => {
    const postgres = await TestPostgres.start(temporaryFolder())
    const role = `tenant_${process.pid}`
    try {
      const database = await postgres.database()
      await postgres.ask(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
      const poor = new URL(database)
      poor.username = poor.password = role
      const { store: _, ...own } = settings()
      const check = (url: string) => zkrisk('serve', '--config', fileOf(own), '--database', url, '--check')
      const found = await check(poor.href)
      expect(found.stdout).toMatch(
        /^WRONG {4}store .*: tenant_\d+ may not create the schema zkrisk .*`GRANT CREATE ON/m,
      )
      expect(found.code).toBe(1)
      expect(await check(database)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^ok .*begun at the first/m),
      })
      expect(await postgres.ask(`SELECT FROM pg_namespace WHERE nspname LIKE 'zkrisk%'`, database)).toEqual([])
    } finally {
      await postgres.ask(`DROP ROLE IF EXISTS ${role}`)
      await postgres.close()
    }
  })

  it('S85: --check marks in words what is not there apart from what is there and wrong', async () => {
    const own = { ...settings(), keyFile: join(folder, 'none.key'), http: '0.0.0.0:8080' }
    const { stdout } = await zkrisk('serve', '--config', fileOf(own), '--check')
    expect(stdout).toMatch(/^MISSING {2}account /m)
    expect(stdout).toMatch(/^WRONG {4}HTTP /m)
  })

  it.skipIf(process.platform !== 'linux')(
    'S85: --check says of a place in which nothing can be made that a store cannot begin there, and warns of rounds',
    async () => {
      const wrong = { status: 'wrong', found: expect.stringMatching(/nothing can be made in \/proc\/zkrisk, .*ENOENT/) }
      const begun = await findingsOf({ store: '/proc/zkrisk/serve.sqlite' })
      expect([begun.code, begun.found.store]).toEqual([1, wrong])
      const { code, found } = await findingsOf({ rounds: '/proc/zkrisk/rounds' })
      expect(found.rounds).toMatchObject({
        status: 'warning',
        found: expect.stringMatching(/nothing can be made.*ENOENT/),
      })
      expect(code).toBe(0)
    },
  )

  it('S85: --check says of a circuit that is there and cannot be read that it cannot be read', async () => {
    const build = temporaryFolder()
    const circuit = join(build, 'circuits', 'marketRiskRange6x2')
    mkdirSync(join(build, 'circuits'))
    // Whoever runs this may be root, whom no mode keeps out.
    symlinkSync(circuit, circuit)
    for (const part of ['artifacts', 'keys', 'native']) symlinkSync(join(buildFolder, part), join(build, part))
    const line = ['serve', '--config', fileOf(settings()), '--check', '--json']
    const { stdout } = await run(process.execPath, [cli, ...line], { env: { ZKRISK_BUILD: build } })
    const found = (JSON.parse(stdout) as { check: string; found: string }[]).filter(({ check }) => check === 'keys')
    expect(found).toMatchObject([{ status: 'wrong', found: expect.stringMatching(/6x2 cannot be read: .*chmod/) }])
  })

  it('S85: --check asks the registry whether it takes proofs by the keys that are here', async () => {
    const own = await startTryOut(temporaryFolder())
    const provider = await connectProvider(own.rpc)
    try {
      const { addresses, models } = own.deployment
      const council = new Wallet(readFileSync(own.councilKeyFile, 'utf8').trim(), provider)
      const registry = new Contract(addresses.modelRegistry, interfaceOf('ModelRegistry'), council)
      const found = async () => (await findingsOf({ rpc: own.rpc, deployment: own.deploymentFile })).found.models
      const here = await found()
      expect(here?.status).toBe('ok')
      const checked = here?.found.split(', ') ?? []
      expect(checked).toContain('marketRiskRange6x2')
      for (const [i, circuit] of checked.entries()) {
        const { modelId } = models.find(({ name }) => name === circuit) ?? {}
        await (await registry.getFunction('disable')(modelId)).wait()
        const says = expect.stringContaining(`Model ${circuit} (${modelId}) was disabled`)
        expect(await found()).toMatchObject({ status: i + 1 < checked.length ? 'warning' : 'wrong', found: says })
      }
    } finally {
      provider.destroy()
      await own.close()
    }
  })

  it('S85: goes on with the store of a chain that was reorganised while nobody served, however deep it is by then', async () => {
    const own = await startTryOut(temporaryFolder())
    const provider = await connectProvider(own.rpc)
    const store = join(own.folder, 'serve.sqlite')
    const there = async () =>
      (await findingsOf({ rpc: own.rpc, deployment: own.deploymentFile, keyFile: own.keyFile, store })).found.store
    const batches = async (count: number): Promise<void> => {
      const options = { rpc: own.rpc, deployment: own.deploymentFile, keyFile: own.keyFile, store, stopAt: 'confirmed' }
      for (let batch = 0; batch < count; batch++) {
        await own.feed(1)
        const script = join(import.meta.dirname, 'serveUntil.ts')
        expect((await run(process.execPath, [script, JSON.stringify(options)])).code).toBe(0)
      }
    }
    const undone = async (work: () => Promise<void>, blocks: string): Promise<void> => {
      const before = await provider.send('evm_snapshot', [])
      await work()
      await provider.send('evm_revert', [before])
      await provider.send('hardhat_mine', [blocks])
    }
    try {
      // All that it ever brought in force is gone.
      await undone(() => batches(3), '0x20')
      expect(await there()).toMatchObject({ status: 'ok' })
      // Deeper than a reorganisation is looked for, nothing tells this chain from another one.
      const shallow = await provider.send('evm_snapshot', [])
      await provider.send('hardhat_mine', ['0x40'])
      expect(await there()).toMatchObject({ status: 'wrong', found: expect.stringMatching(/of another chain/) })
      await provider.send('evm_revert', [shallow])
      // One that is there tells that the chain is the same, beyond all that a reorganisation undoes.
      await batches(1)
      await undone(() => batches(3), '0x100')
      expect(await there()).toMatchObject({ status: 'ok' })
    } finally {
      provider.destroy()
      await own.close()
    }
  })

  it('S85: does not go on with the store of a chain that was begun anew, though id and addresses are the same', async () => {
    const { rpc, keyFile, deploymentFile: deployment } = tryOut
    const { store } = settings()
    const serveUntil = (at: string) => {
      const script = join(import.meta.dirname, 'serveUntil.ts')
      return run(process.execPath, [
        script,
        JSON.stringify({ rpc: at, deployment, keyFile, store, stopAt: 'confirmed' }),
      ])
    }
    const before = readFileSync(deployment, 'utf8')
    const anew = await startTryOut(folder)
    try {
      expect(anew.deployment.addresses).toEqual(JSON.parse(before).addresses)
      const there = async () => (await findingsOf({ rpc: anew.rpc })).found.store
      for (let batch = 1; batch <= 3; batch++) {
        // So few may be what a reorganisation undid.
        expect(await there()).toMatchObject({ status: 'ok' })
        await tryOut.feed(1)
        expect((await serveUntil(rpc)).code).toBe(0)
      }
      expect(await there()).toMatchObject({ status: 'wrong', found: expect.stringMatching(/begun anew/) })
      const refused = await zkrisk('serve', '--config', fileOf({ ...settings(), rpc: anew.rpc }))
      expect(refused.stderr).toMatch(/serve\.sqlite is of another chain, .*\n\s+code service\.store-other-chain/)
      expect(refused.code).toBe(1)
    } finally {
      await anew.close()
    }
    // Its own chain takes it.
    expect((await findingsOf({})).code).toBe(0)
  })
})
