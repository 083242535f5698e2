import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LIVE_BUILD } from '../../prover/service/workspace.ts'
import { errorOf, run, temporaryFolder, zkrisk, zkriskAlone } from './zkrisk.ts'

const folder = temporaryFolder()
const root = join(import.meta.dirname, '..', '..')
const extract = join(root, 'prover', 'market', 'extracts', 'btc-usd-2020-03.csv')
/** Nothing listens on port 1. */
const DEAD_RPC = 'http://127.0.0.1:1'

const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** Of an engine that is nowhere. */
function deploymentFile(): string {
  const address = `0x${'11'.repeat(20)}`
  const hash = `0x${'33'.repeat(32)}`
  const zero = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '0']))
  const learning = [
    'decayRateX36',
    'horizonSeconds',
    'sqrtHorizonX24',
    'stepUpX18',
    'stepDownX18',
    'multiplierFloorX18',
    'multiplierCeilingX18',
  ]
  const margin = [
    'impliedWeightX10',
    'stressWeightX10',
    'scanMultipleX8',
    'loosenPerSecondX32',
    'tightenPerSecondX32',
    'initialMarginBufferX10',
  ]
  const freshness = [
    'maxObservationAgeSeconds',
    'maxParameterAgeSeconds',
    'stalenessAddOnPerHourX24',
    'maintenanceMarginCapX24',
  ]
  return file(
    'deployment.json',
    JSON.stringify({
      format: 'zk-risk-engine/deployment',
      version: 2,
      chainId: '31337',
      block: 0,
      layoutHash: hash,
      addresses: { council: address, modelRegistry: address, registry: address },
      sources: [{ name: 'other', kind: 'other', address }],
      policy: { learning: zero(learning), margin: zero(margin), freshness: zero(freshness) },
      models: [],
      markets: [],
    }),
  )
}

describe('zkrisk', () => {
  it('shows help with an example for every command and ends with 0', async () => {
    const { code, stdout } = await zkriskAlone('--help')
    expect(code).toBe(0)
    const commands = [
      'demo',
      'params',
      'policy',
      'models',
      'batch',
      'prove',
      'verify',
      'submit',
      'deploy',
      'serve',
      'read',
      'audit',
      'keys',
      'doctor',
      'chain',
      'feed',
    ]
    for (const command of commands) expect(stdout).toContain(`  ${command}`)
    for (const args of [['prove'], ['serve'], ['audit'], ['keys', 'verify'], ['feed', 'replay']]) {
      const help = await zkrisk(...args, '--help')
      expect(help.code).toBe(0)
      expect(help.stdout).toContain('Example:\n  $ zkrisk ')
    }
  })

  it('ends with 2 on wrong usage: unknown command, missing option, malformed number', async () => {
    expect((await zkriskAlone('prophesy')).code).toBe(2)
    expect((await zkrisk('prove', 'batch.json')).code).toBe(2)
    expect((await zkrisk('params', extract, '--rows', 'many')).code).toBe(2)
    expect((await zkrisk('verify', 'bundle.json', '--chain-id', 'main')).code).toBe(2)
    expect((await zkrisk('chain', '--port', '65536')).stderr).toContain(
      'a whole number of at least 0 and at most 65535',
    )
    const { stderr } = await zkriskAlone('prove', 'batch.json')
    expect(stderr).toContain('zkrisk: expected -o, --out <file>, found none.\n        code service.usage')
    expect(errorOf(await zkriskAlone('params', extract, '--json', '--row', '30'))).toEqual({
      code: 'service.usage',
      message: 'unknown option --row: did you mean --rows?',
    })
  })

  it.each([
    [['worker', '--timeout', '3000000'], 2_147_483],
    [['serve', '--poll', '99999999999'], 2_147_483_647],
    [['read', '--rpc', DEAD_RPC, '--poll', '2147484'], 2_147_483],
    [['feed', 'replay', '--pause', '2147484'], 2_147_483],
  ] as const)('S84: refuses a time that no timer runs, with the longest: %s', async (args, most) => {
    const { code, stderr } = await zkrisk(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(`at most ${most}`)
  })

  it('refuses a worker memory in which hardly a circuit is loaded, with the least and why', async () => {
    const worker = (memory: string) =>
      zkrisk('worker', '--database', 'postgres://127.0.0.1', '--keys', 'none', '--memory', memory)
    const { code, stderr } = await worker('0.01')
    expect(code).toBe(2)
    expect(stderr).toMatch(/--memory: expected at least 0\.25: so much the smallest circuit takes .*, got "0\.01"/)
    // Which is taken: what is wrong now comes after it.
    expect((await worker('0.25')).stderr).toContain('service.keys-folder')
  })

  it('names what does instead of an option that is missing', async () => {
    const [worker, retry] = [await zkrisk('worker'), await zkrisk('jobs', 'retry', '--database', 'postgres://x/y')]
    expect([worker.code, retry.code]).toEqual([2, 2])
    expect(worker.stderr).toContain('Expected --database, or the variable DATABASE_URL, found none.')
    expect(retry.stderr).toContain('Expected --all, or the beginnings of jobs’ ids, found none.')
  })

  const strangle = join(root, 'docs', 'examples', 'short-strangle.json')
  const served = ['serve', '--rpc', DEAD_RPC, '--deployment', 'absent.json']
  const priced = ['price', '--forward', '100', '--strike', '100', '--vol', '50%']
  it.each([
    ['service.proving-option', ['margin', strangle, '--margins-alone']],
    ['service.proving-option', ['margin', strangle, '--unhealthy']],
    ['service.proving-option', ['margin', strangle, '-o', 'margin.json']],
    ['service.proving-option', ['margin', strangle, '--rpc', DEAD_RPC]],
    ['service.proving-option', ['margin', strangle, '--prove', '--rpc', DEAD_RPC]],
    ['service.proving-option', ['margin', strangle, '--prove', '--venue-key-file', 'venue.key']],
    ['service.proving-option', ['margin', strangle, '--chain', 'chain.csv', '-o', 'margin.json']],
    ['service.unhealthy-besides', ['margin', strangle, '--prove', '--unhealthy', '--margins-alone']],
    ['service.prove-through', ['margin', strangle, '--chain', 'chain.csv', '--prove']],
    ['service.option-alone', ['margin', strangle, '--spot', '70000']],
    ['service.option-alone', ['margin', strangle, '--max-age-seconds', '600']],
    ['service.option-besides', ['margin', strangle, '--chain', 'chain.csv', '--explain']],
    ['service.account-choice', ['margin']],
    ['service.time-option', ['margin', strangle, '--now', 'soon']],
    ['service.expiry-choice', priced],
    ['service.option-alone', [...priced, '--days', '30', '--as-of', '2026-02-05']],
    ['portfolio.not-decimal', [...priced, '--days', 'ten']],
    ['portfolio.unit', [...priced, '--days', '30', '--rate', '4']],
    ['service.option-besides', ['verify', 'bundle.json', '--unpinned', '--keys', 'keys']],
    ['service.option-besides', ['audit', '--bundle', 'audit.json', '--rpc', DEAD_RPC]],
    ['service.option-besides', ['audit', '--bundle', 'audit.json', '-o', 'again.json']],
    ['service.audit-target', ['audit', '--rpc', DEAD_RPC]],
    ['service.account-address', ['audit', '--rpc', DEAD_RPC, '--registry', '0x1']],
    ['service.option-alone', ['doctor', '--registry', `0x${'11'.repeat(20)}`]],
    ['service.flags-together', ['keys', 'verify', LIVE_BUILD, '--zkey', 'final.zkey']],
    ['service.place-missing', ['read', '--rpc', DEAD_RPC]],
    ['service.usage', ['serve', '--demo', '--near', '5']],
    ['service.usage', ['serve', '--demo', '--near', '0']],
    ['service.usage', ['serve', '--demo', '--carry', '100%']],
    ['service.usage', ['margin', strangle, '--prove', '--database']],
    ['service.usage', [...served, '--market', 'btc-usd']],
    ['service.usage', [...served, '--market', '--check']],
    ['service.usage', [...served, '--config', '--check']],
    ['service.usage', [...served, '--min-balance', '1e30']],
    ['service.option-alone', [...served, '--spot-move', '0.1']],
    ['service.option-alone', [...served, '--trigger', 'spot', '--liquidation-window', '60']],
    ['service.option-alone', [...served, '--rate', '5']],
    ['service.option-besides', ['serve', '--demo', '--store', 'demo.sqlite']],
    ['service.option-besides', ['serve', '--demo', '--prove-here', 'never']],
    ['service.option-besides', ['serve', '--demo', '--password-file', 'word']],
    ['service.http-address', ['serve', '--demo', '--http', 'nonsense']],
    ['service.http-exposed', ['serve', '--demo', '--http', '0.0.0.0:8091']],
    ['service.proving-option', ['margin', strangle, '--database', 'postgres://x/y']],
  ])('ends with 2 and %s where a command is called wrongly: %j', async (code, args) => {
    const ended = await zkrisk(...args, '--json')
    expect([ended.code, errorOf(ended).code]).toEqual([2, code])
  })

  it('says what is wrong with an address: too few digits, or its checksum', async () => {
    const said = async (address: string): Promise<string> =>
      (await zkrisk('audit', '--rpc', DEAD_RPC, '--registry', address)).stderr
    expect(await said('0x1')).toContain('Check it for digits left out.')
    expect(await said('0x5FbDB2315678afecb367f032d93F642f64180aA4')).toContain('checksum (EIP-55)')
  })

  it.each([
    ['service.portfolio-missing', ['margin', 'absent.json']],
    ['service.file-write', ['chain', '--port', '0', '--deployment', root]],
    ['service.api-keys', ['serve', '--demo', '--api-keys', root]],
    ['service.keys-folder', ['serve', '--demo', '--keys', 'absent']],
    ['service.store-unusable', [...served, '--store', join(root, 'package.json', 'serve.sqlite')]],
    ['portfolio.stale-surface', ['margin', strangle, '--now', '2026-02-06']],
    ['options.term-out-of-range', [...priced, '--days', '800']],
  ])('ends with 1 and %s where what it was called for is refused: %j', async (code, args) => {
    const ended = await zkrisk(...args, '--json')
    expect([ended.code, errorOf(ended).code]).toEqual([1, code])
  })

  it.skipIf(process.platform !== 'linux')(
    'refuses a store where nothing can be made before anything else',
    async () => {
      const error = errorOf(await zkrisk(...served, '--store', '/proc/zkrisk/serve.sqlite', '--json'))
      expect(error).toMatchObject({ code: 'service.store-unusable', message: expect.stringContaining('ENOENT') })
    },
  )

  it('says what a share is where a number is none', async () => {
    const { stderr } = await zkrisk('serve', '--demo', '--near', '5')
    expect(stderr).toContain('--near: expected a share above 0 and below 1, such as 0.02, or 2% in per cent, got "5".')
  })

  it('says what names a registry besides a deployment', async () => {
    const two = join(root, 'docs', 'examples', 'two-markets.json')
    const ended = await zkrisk('margin', two, '--prove', '--rpc', DEAD_RPC, '--json')
    expect(errorOf(ended)).toMatchObject({ code: 'service.proving-option', option: 'rpc', missing: 'deployment' })
    expect(errorOf(ended).message).toContain('without --deployment, or --registry alone for several markets')
  })

  it('S82: names a folder of rounds that is none', async () => {
    const at = ['--rpc', DEAD_RPC, '--deployment', deploymentFile(), '--json']
    for (const rounds of [file('no-folder', ''), '/dev/null/x']) {
      const error = errorOf(await zkrisk('serve', ...at, '--rounds', rounds))
      expect(error).toMatchObject({ code: 'service.rounds-folder', message: expect.stringContaining(` ${rounds},`) })
    }
    const beside = await zkrisk('serve', ...at, '--no-accounts', '--rounds', folder)
    expect(errorOf(beside)).toMatchObject({ code: 'service.option-besides' })
  })

  it('names a folder of keys that is not there', async () => {
    const absent = join(folder, 'no-keys')
    for (const args of [
      ['serve', '--rpc', DEAD_RPC, '--deployment', deploymentFile()],
      ['worker', '--database', 'postgres://localhost:1/x'],
    ]) {
      const ended = await zkrisk(...args, '--keys', absent, '--json')
      expect([ended.code, errorOf(ended).code, errorOf(ended).folder]).toEqual([1, 'service.keys-folder', absent])
      expect(errorOf(ended).message).toContain(absent)
    }
  })

  const portfolioFile = strangle
  it.each([
    ['a portfolio', (name: string) => ['serve', '--rpc', DEAD_RPC, '--deployment', name], portfolioFile],
    ['a portfolio', (name: string) => ['policy', 'check', name], portfolioFile],
    ['a portfolio', (name: string) => ['feed', 'live', '--dry-run', '--feeds', name], portfolioFile],
    ['a portfolio', (name: string) => ['deploy', '--config', name, '--rpc', DEAD_RPC], portfolioFile],
    ['a portfolio', (name: string) => ['prove', name, '-o', join(folder, 'b.json')], portfolioFile],
    ['a portfolio', (name: string) => ['verify', name], portfolioFile],
    ['a deployment, which commands take as `--deployment`', (name: string) => ['margin', name], undefined],
    ['a deployment, which commands take as `--deployment`', (name: string) => ['verify', name], undefined],
  ] as const)('says that a file is %s where another kind was expected: %s', async (kind, args, name) => {
    const ended = await zkrisk(...args(name ?? deploymentFile()), '--json')
    expect([ended.code, errorOf(ended).message]).toEqual([1, expect.stringContaining(`got ${kind}`)])
  })

  it('ends by itself, without being cut off, and loses nothing of what it says to a slow reader', async () => {
    const hook = file('exit.mjs', `process.exit = () => { process.stderr.write('cut off\\n'); process.reallyExit() }`)
    const cli = join(root, 'prover', 'service', 'cli.ts')
    const script = `"$0" --import "$1" "$2" params "$3" --json | (sleep 1; cat)`
    const { stdout, stderr, code } = await run('bash', [
      '-o',
      'pipefail',
      '-c',
      script,
      process.execPath,
      hook,
      cli,
      extract,
    ])
    expect([code, stderr.includes('cut off')]).toEqual([0, false])
    // More than a pipe holds.
    expect(stdout.length).toBeGreaterThan(65_536)
    expect(() => JSON.parse(stdout)).not.toThrow()
  })

  it('names a file that is not there, and why, wherever one is opened', async () => {
    const missing = join(folder, 'no.zkey')
    for (const args of [
      ['keys', 'contribute', missing, join(folder, 'next.zkey'), '--name', 'Ada'],
      ['keys', 'begin', LIVE_BUILD, missing, join(folder, 'next.zkey')],
    ]) {
      const { code, stderr } = await zkrisk(...args)
      expect(code).toBe(1)
      expect(stderr).toContain(
        `${missing}: expected a file that can be opened, but there is no such file. Check the path.`,
      )
      expect(stderr).toContain('code service.file')
    }
  })

  it('refuses a chain that starts outside of the extract, before anything is deployed', async () => {
    for (const start of ['2020-03-01', '2020-03-17', '2025-01-01', 'noon']) {
      const { code, stderr } = await zkrisk('chain', '--port', '0', '--start', start)
      expect(code).toBe(2)
      expect(stderr).toMatch(
        /^zkrisk: Expected --start as a time within the project’s extract, 2020-03-08 to 2020-03-16 UTC/,
      )
    }
  })

  it('prints message, code and what to do on a failure, and no stack', async () => {
    const { code, stdout, stderr } = await zkriskAlone('params', join(folder, 'absent.csv'))
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('market.file-missing')
    expect(stderr).not.toContain('    at ')
  })
})

describe('a command in a process that ran others before', () => {
  it.each([
    ['help', ['audit', '--help']],
    ['a result', ['params', extract, '--rows', '3']],
    ['a result as JSON', ['params', extract, '--rows', '3', '--json']],
    ['a refusal', ['params', join(folder, 'absent.csv')]],
    ['a refusal as JSON', ['params', join(folder, 'absent.csv'), '--json']],
    ['wrong usage', ['params', extract, '--rows', 'many']],
  ])('ends and says the same as in one of its own: %s', async (_, args) => {
    const [among, besides, alone] = await Promise.all([zkrisk(...args), zkrisk('prophesy'), zkriskAlone(...args)])
    expect(among).toEqual(alone)
    expect(besides.code).toBe(2)
  })
})

describe.skipIf(process.platform !== 'linux')('standard output that takes nothing (/dev/full)', () => {
  const command = [process.execPath, join(root, 'prover', 'service', 'cli.ts')]
  const full = ['-c', 'exec "$@" > /dev/full', 'bash', ...command]

  it('is told by name, and what failed before it is told all the same', async () => {
    const told = await run('bash', [...full, 'params', extract, '--json'])
    expect([told.code, told.stderr]).toEqual([
      1,
      expect.stringMatching(/zkrisk: Standard output could not be written: .*ENOSPC.*\n {8}code service\.output\n$/),
    ])
    expect(told.stderr).not.toContain('node:')
    const failed = await run('bash', [...full, 'margin', join(folder, 'nowhere.json'), '--json'])
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/code service\.portfolio-missing\n$/)])
    expect(failed.stderr).not.toContain('node:')
  })

  it('S66: ends no feeds: they are heard and observations are made', async () => {
    const probe = createServer()
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => probe.close(resolve))
    const recording = ['--recording', `BTC-USD=${extract}`, '--recorded', '--dry-run', '--speed', '36000']
    const address = `127.0.0.1:${port}`
    const child = spawn('bash', [...full, 'feed', 'live', ...recording, '--json', '--http', address])
    const ended = once(child, 'exit')
    const observed = async (): Promise<boolean> => {
      const metrics = await fetch(`http://${address}/metrics`).then(
        (response) => response.text(),
        () => '',
      )
      return /steps_total\{market="BTC-USD",outcome="observed"\} [1-9]/.test(metrics)
    }
    while (child.exitCode === null && !(await observed())) await sleep(100)
    expect(child.exitCode).toBe(null)
    child.kill('SIGTERM')
    // Its totals are what nobody can be told.
    expect(await ended).toEqual([1, null])
  })
})

describe('zkrisk params', () => {
  it('prints parameters through time as table, CSV and JSON', async () => {
    const table = await zkrisk('params', extract, '--from', '2020-03-11', '--rows', '6')
    expect(table.code).toBe(0)
    expect(table.stdout).toContain('maintenance')
    const csv = await zkrisk('params', extract, '--format', 'csv', '-o', join(folder, 'p.csv'))
    expect(csv.code).toBe(0)
    const json = await zkrisk('params', extract, '--json')
    const rows = JSON.parse(json.stdout)
    expect(readFileSync(join(folder, 'p.csv'), 'utf8').trim().split('\n')).toHaveLength(rows.length + 1)
    expect(rows[0]).toMatchObject({ time: expect.stringContaining('2020-03-08'), price: expect.any(String) })
  })

  it('writes a report with plots', async () => {
    const plot = join(folder, 'plot.html')
    expect((await zkrisk('params', extract, '--plot', plot)).code).toBe(0)
    expect(readFileSync(plot, 'utf8')).toContain('<svg')
  })

  it('says on standard error how a file was read, and takes what decides where it can be read in two ways', async () => {
    const bars = ['03/02/2020,5,5,5,"8,889"', '04/02/2020,5,5,5,"8,890"']
    const ambiguous = file('ambiguous.csv', ['Date,a,b,c,Close', ...bars].join('\n'))
    expect(errorOf(await zkrisk('params', ambiguous, '--json'))).toMatchObject({ code: 'market.decimal-mark', row: 2 })
    const marked = await zkrisk('params', ambiguous, '--json', '--decimal-mark', 'point')
    expect(errorOf(marked)).toMatchObject({ code: 'market.date-order', row: 2 })
    const decided = ['--decimal-mark', 'point', '--date-order', 'day-first'] as const
    const { code, stdout, stderr } = await zkrisk('params', ambiguous, '--json', ...decided)
    expect([code, JSON.parse(stdout).length]).toEqual([0, 1])
    expect(stderr).toMatch(/2 rows every 86,400 s, oldest first; "Date", "Close", dates day-first/)
    expect(stderr.match(/Warning: .* a move between rows spans 24 horizons/g)).toHaveLength(1)
    const daily = await zkrisk('params', ambiguous, '--json', ...decided, '--horizon', '24h')
    expect(daily.stderr).toContain('2 rows every 86,400 s')
    expect(daily.stderr).not.toContain('Warning')
  })

  it('takes columns by name and number, other units, and leaves bad rows out by name', async () => {
    const bare = file(
      'bare.csv',
      ['0,2020-03-12 00:00,0.0000005', '0,2020-03-12 01:00,x', '0,2020-03-12 02:00,0.0000006'].join('\n'),
    )
    expect(errorOf(await zkrisk('params', bare, '--json'))).toMatchObject({ code: 'market.header-missing' })
    const columns = ['--columns', 'id,time,price'] as const
    const chosen = await zkrisk('params', bare, '--json', ...columns, '--skip-bad-rows')
    expect(JSON.parse(chosen.stdout)).toMatchObject([{ price: '0.0000006', priceUnits: 1e9 }])
    expect(chosen.stderr).toContain('held as prices of 1,000,000,000 units (--price-units 1000000000)')
    const rest = ['--price-units', '1000', '--skip-bad-rows'] as const
    const named = await zkrisk('params', bare, '--json', ...columns, ...rest)
    const numbered = await zkrisk('params', bare, '--json', '--time-column', '2', '--price-column', '3', ...rest)
    expect(JSON.parse(named.stdout)).toMatchObject([{ price: '0.0000006', priceUnits: 1000 }])
    expect(numbered.stdout).toBe(named.stdout)
    expect(named.stderr).toContain('Left out: ')
    expect(named.stderr).toContain('row 2, column "price"')
  })

  const hour = (n: number): string => `2020-03-12 0${n}:00:00`
  const rows = (...prices: readonly string[]): string => prices.map((price, i) => `${hour(i)},${price}`).join('\n')
  it.each([
    ['a negative price', `time,price\n${rows('1', '-2')}\n`, 'market.price-negative', 3],
    ['times out of order', `time,price\n${hour(2)},1\n${hour(1)},1\n${hour(3)},1\n`, 'market.time-order', 3],
    ['a missing header', `${rows('1', '2')}\n`, 'market.header-missing', 1],
  ])('names code and row of %s and writes nothing', async (_, content, code, row) => {
    const out = join(folder, 'never.csv')
    const ended = await zkrisk('params', file('bad.csv', content), '--json', '-o', out)
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code, row })
    expect(existsSync(out)).toBe(false)
  })
})

describe('zkrisk feed attest', () => {
  it('says how it reads a price with three digits behind its only point, before anything is signed', async () => {
    const place = ['--rpc', DEAD_RPC, '--deployment', join(folder, 'absent.json'), '--signer-key-file', 'a.key']
    const said = async (price: string) => (await zkrisk('feed', 'attest', 'BTC-USD', price, ...place)).stderr
    expect(await said('65.000')).toContain('<price>: "65.000" is read as 65, with a decimal point')
    expect(await said('65000.5')).not.toContain('decimal point')
  })
})

describe('a price file with highs and without lows', () => {
  const wide = [
    'time,high,unten,close',
    ...['00:00,8000,7900,7950', '01:00,7900,7700,7800', '02:00,7900,7700,7800'].map((row) => `2020-03-12 ${row}`),
  ].join('\n')

  it('is warned of, until --low-column names them', async () => {
    const bars = file('high-alone.csv', wide)
    const warned = (await zkrisk('params', bars)).stderr
    expect(warned).toContain('Warning:')
    expect(warned).toContain('"high" is taken for the highs, no column for the lows: closes alone are read')
    const named = (await zkrisk('params', bars, '--low-column', 'unten')).stderr
    expect(named).not.toContain('closes alone')
    expect(named).toContain('"unten", "high"')
  })
})

describe('zkrisk keys', () => {
  it('names the file of a truncated proving key, and proves nothing with it', async () => {
    const keys = join(folder, 'keys')
    mkdirSync(keys)
    // A folder of keys is named by its circuit.
    const circuit = readFileSync(join(root, 'build', 'circuits', LIVE_BUILD, `${LIVE_BUILD}.r1cs`))
    const name = createHash('sha256').update(circuit).digest('hex')
    cpSync(join(root, 'build', 'keys', name), join(keys, name), { recursive: true })
    expect((await zkrisk('keys', 'verify', LIVE_BUILD, '--keys', keys)).code).toBe(0)
    truncateSync(join(keys, name, 'proving.zkey'), 1000)
    const ended = await zkrisk('keys', 'verify', '--keys', keys, '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({
      code: 'proof.corrupt-key-file',
      file: expect.stringContaining('proving.zkey'),
    })
    const doctor = await zkrisk('doctor', '--keys', keys, '--json')
    expect(doctor.code).toBe(1)
    expect(JSON.parse(doctor.stdout)).toContainEqual(
      expect.objectContaining({ check: `keys ${LIVE_BUILD}`, status: 'wrong', mend: expect.any(String) }),
    )
  })

  it('says that keys are missing and how to make them', async () => {
    const ended = await zkrisk('keys', 'verify', '--keys', join(folder, 'none'), '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'proof.keys-missing', message: expect.stringContaining('keys setup') })
  })
})

describe('zkrisk audit', () => {
  it('A3: tells an auditor without keys where to take them, not to make them', async () => {
    const bundle = file('audit.json', '{}')
    const none = join(folder, 'nobody')
    const ended = await zkrisk('audit', '--bundle', bundle, '--keys', none, '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'service.audit-keys-missing', folder: none })
    expect(errorOf(ended).message).toMatch(/do not come from the prover.*published.*--keys/)
    expect(errorOf(ended).message).not.toContain('keys setup')
    // With keys the file itself is the next thing to be wrong.
    expect(errorOf(await zkrisk('audit', '--bundle', bundle, '--json')).code).not.toBe('service.audit-keys-missing')
  })
})

describe('zkrisk against nodes that do not answer, or answer for another chain', () => {
  it('says that no node answers', async () => {
    const registry = `0x${'11'.repeat(20)}`
    const ended = await zkrisk('audit', '--rpc', DEAD_RPC, '--registry', registry, '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended).code).toBe('registry.rpc-unreachable')
    const doctor = await zkrisk('doctor', '--rpc', DEAD_RPC, '--json')
    expect(doctor.code).toBe(1)
    expect(JSON.parse(doctor.stdout)).toContainEqual(expect.objectContaining({ check: 'RPC', status: 'missing' }))
  })

  it('names expected and found chain', async () => {
    const node = createServer((_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}'))
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
    const rpc = `http://127.0.0.1:${(node.address() as AddressInfo).port}`
    const key = file('prover.key', `0x${'22'.repeat(32)}`)
    const args = [
      '--rpc',
      rpc,
      '--deployment',
      deploymentFile(),
      '--key-file',
      key,
      '--store',
      join(folder, 's.sqlite'),
    ]
    const ended = await zkrisk('serve', ...args, '--json')
    node.close()
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'registry.wrong-chain', expected: '31337', found: '1' })
    expect(existsSync(join(folder, 's.sqlite'))).toBe(false)
  })
})
