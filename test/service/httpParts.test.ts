/** Parts of the HTTP interface that need no service: keys, limits, addresses, requests, logs. */
import { chmodSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { humanLog, jsonLog, plainLog } from '../../prover/service/daemon/log.ts'
import { readApiKeys } from '../../prover/service/http/apiKeys.ts'
import { Board } from '../../prover/service/http/board.ts'
import { createLimitedServer } from '../../prover/service/http/limitedServer.ts'
import { Gate, Places, RateLimiter } from '../../prover/service/http/limits.ts'
import { limitsFor } from '../../prover/service/http/readiness.ts'
import { parseHttpAddress } from '../../prover/service/http/server.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { errorOf, temporaryFolder, zkrisk } from './zkrisk.ts'

const folder = temporaryFolder()
const KEY = 'k'.repeat(32)

function keysFile(content: unknown): string {
  const file = join(folder, 'keys.json')
  writeSecretFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('API keys', () => {
  const one = (turned: object = {}) => ({ keys: [{ name: 'ops', key: KEY, scopes: ['prove'], ...turned }] })

  it('W1: are taken from 32 bytes on, for their scopes', () => {
    const keys = readApiKeys(keysFile(one()))
    expect(keys.require(`Bearer ${KEY}`, 'prove')).toBe('ops')
    expect(() => keys.require(`Bearer ${KEY}`, 'operate')).toThrow(/scope `operate`/)
    for (const header of [
      undefined,
      '',
      KEY,
      `Bearer ${KEY}k`,
      `Bearer ${KEY.slice(1)}`,
      `Basic ${KEY}`,
      `Bearer ${KEY} ${KEY}`,
    ]) {
      expect(() => keys.require(header, 'prove')).toThrow(/Expected `Authorization: Bearer <key>`/)
    }
  })

  it.each([
    [
      'a key of 31 bytes',
      one({ key: KEY.slice(1) }),
      'keys.0.key: expected 32 to 256 printable characters without spaces',
    ],
    ['a key with a space', one({ key: `${KEY} k` }), 'keys.0.key: expected'],
    ['a scope that there is not', one({ scopes: ['rule'] }), 'keys.0.scopes.0: expected some of read, prove, operate'],
    ['no scope', one({ scopes: [] }), 'keys.0.scopes: expected some of'],
    [
      'the same key twice',
      { keys: [...one().keys, { ...one().keys[0], name: 'other' }] },
      'other: its name or its key stands twice',
    ],
    ['no keys', { keys: [] }, 'keys: expected { "keys"'],
    ['a list', [], 'the file: expected { "keys"'],
    ['no JSON', `{ "${KEY}`, 'it is no JSON'],
  ])('are refused with %s, and no message has a key', (_, content, says) => {
    const refused = thrownBy(() => readApiKeys(keysFile(content)))
    expect(refused).toMatchObject({ code: 'service.api-keys' })
    expect(refused.message).toContain(says)
    expect(refused.message).not.toContain(KEY.slice(1))
    expect(refused.cause).toBeUndefined()
  })

  it.skipIf(process.platform === 'win32')('are refused in a file that others may read', () => {
    const file = keysFile(one())
    chmodSync(file, 0o640)
    expect(thrownBy(() => readApiKeys(file))).toMatchObject({ code: 'service.key-file-mode', mode: 0o640 })
  })
})

function thrownBy(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('an address to listen at', () => {
  it('is a host with a port, or a port of this machine', () => {
    expect(parseHttpAddress('127.0.0.1:8080')).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(parseHttpAddress('8080')).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(parseHttpAddress('[::1]:65535')).toEqual({ host: '::1', port: 65_535 })
    expect(parseHttpAddress('localhost:0')).toEqual({ host: 'localhost', port: 0 })
  })

  it.each([
    '',
    ':8080',
    '127.0.0.1',
    '127.0.0.1:65536',
    '[127.0.0.1]:80',
    '::1:80',
    'http://127.0.0.1:80',
    'a b:80',
    '-1',
  ])('is not "%s"', (text) => {
    expect(thrownBy(() => parseHttpAddress(text))).toMatchObject({ code: 'service.http-address', value: text })
  })

  it('is needed by what is about it, as a command says', async () => {
    const place = ['serve', '--rpc', 'http://127.0.0.1:1', '--deployment', 'none.json']
    for (const flag of [
      ['--api-keys', 'keys.json'],
      ['--max-lag', '5'],
      ['--min-balance', '1'],
    ]) {
      const ended = await zkrisk(...place, ...flag, '--json')
      expect([ended.code, errorOf(ended)]).toMatchObject([
        2,
        { code: 'service.option-alone', option: flag[0]?.slice(2), missing: 'http' },
      ])
    }
    const ended = await zkrisk('serve', '--demo', '--rpc', 'http://127.0.0.1:1', '--json')
    expect([ended.code, errorOf(ended)]).toMatchObject([
      2,
      { code: 'service.option-besides', option: 'rpc', other: 'demo' },
    ])
    expect((await zkrisk('serve', '--json')).code).toBe(2)
  })
})

describe('limits', () => {
  it('W2: a client begins with a burst, goes on at its rate, and takes nothing from others', () => {
    const limiter = new RateLimiter({ perSecond: 2, burst: 3 })
    const asked: readonly (readonly [string, number, number])[] = [
      ...Array.from({ length: 3 }, () => ['a', 0, 0] as const),
      ['a', 0, 1],
      ['b', 0, 0],
      ['a', 499, 1],
      ['a', 500, 0],
      ['a', 501, 1],
      ...Array.from({ length: 3 }, () => ['a', 60_000, 0] as const),
      ['a', 60_000, 1],
    ]
    for (const [client, nowMs, waitSeconds] of asked) expect(limiter.take(client, nowMs)).toBe(waitSeconds)
  })

  it('so many at once, and one more when one is done', () => {
    const gate = new Gate(2, 'streams')
    gate.enter()
    gate.enter()
    expect(thrownBy(() => gate.enter())).toMatchObject({ code: 'http.too-busy' })
    gate.leave()
    gate.enter()
  })

  it('so many of one client, whoever else asks, and so many of all', () => {
    const places = new Places(3, 2)
    const enter = (clients: readonly string[]) => clients.map((client) => places.enter(client))
    expect(enter(['a', 'a', 'a', 'b', 'b'])).toEqual([undefined, undefined, 'own', undefined, 'all'])
    places.leave('a')
    expect(enter(['a', 'b'])).toEqual([undefined, 'all'])
    for (const client of ['a', 'a', 'b']) places.leave(client)
    expect(enter(['b', 'b', 'b'])).toEqual([undefined, undefined, 'own'])
  })

  it('W2: so long for an answer to be read, where it is no stream', async () => {
    const limiter = new RateLimiter({ perSecond: 100, burst: 100 })
    const named = { probes: new Set<string>(), streams: new Set(['/stream']), headers: {} }
    // Neither is ever answered.
    const parts = { limiter, ...named, answerMs: 200, refused: () => undefined }
    const server = createLimitedServer(() => undefined, parts, {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ask = (line: string) => {
      const socket = connect(port, '127.0.0.1')
      const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(line)))
      socket.resume().write(`${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      return { socket, closed }
    }
    const stream = ask('GET /stream')
    for (const line of ['GET /figures', 'POST /stream']) expect(await ask(line).closed).toBe(line)
    expect(stream.socket.closed).toBe(false)
    stream.socket.destroy()
    server.close()
    await stream.closed
  })

  it('are a minute for a head of a chain that money is on, and none on a development chain', () => {
    expect(limitsFor(1n, 3900n, {})).toMatchObject({ headAgeSeconds: 60, hasTimeOfDay: true, feedAgeSeconds: 3900 })
    expect(limitsFor(31337n, 3900n, {})).toMatchObject({ headAgeSeconds: undefined, hasTimeOfDay: false })
  })
})

describe('logs', () => {
  const secret = 'ab'.repeat(32)
  const event = {
    step: 'retrying',
    code: 'registry.rpc',
    detail: `https://user:${secret}@node.example/v3/${secret}?key=${secret} did not answer`,
  } as const

  it('are a JSON object a line, without secrets and what addresses hold', () => {
    const lines: string[] = []
    const log = jsonLog('info', (line) => lines.push(line))
    log.event(event)
    log.event({ step: 'signed', job: 'j' })
    log.failed('GET', '/v1/markets', Object.assign(new Error('no'), { key: secret, privateKey: secret }))
    log.heartbeat({
      ready: false,
      checks: [{ name: 'rpc', ok: false, says: 'away' }],
      jobs: { planned: 1, proven: 0, signed: 0, confirmed: 2, superseded: 0 },
    })
    const told = lines.map((line) => JSON.parse(line))
    expect(told.map((line) => [line.level, line.event])).toEqual([
      ['warn', 'retrying'],
      ['error', 'http-failed'],
      ['info', 'heartbeat'],
    ])
    expect(told[0].msg).toBe('https://node.example did not answer')
    expect(told[2]).toMatchObject({ ready: false, failing: [{ name: 'rpc', says: 'away' }], jobs: { planned: 1 } })
    expect(lines.join('')).not.toContain(secret)
  })

  it('are a line a step for people, from the level that they want', () => {
    const lines: string[] = []
    const log = humanLog('warn', (line) => lines.push(line))
    log.event({ step: 'confirmed', job: 'a'.repeat(64), detail: 'BTC-USD #1' })
    log.event({ step: 'superseded', job: 'a'.repeat(64), detail: 'OutOfOrder' })
    expect(lines.map((line) => line.slice(26))).toEqual(['superseded  aaaaaaaaaaaa  OutOfOrder'])
  })

  it('are one line to a step for people too, whoever’s words it has, without what a terminal would obey or an address holds', () => {
    const words =
      'a \u001b[2Jb\n2026-11-30  confirmed \u202ec wss://node.example/v2/secret-of-a-node postgres://me:secret@db/x'
    const lines: string[] = []
    const say = (line: string): number => lines.push(line)
    humanLog('info', say).event({ step: 'retrying', detail: words })
    plainLog('human', 'info', say)('warn', 'failed', undefined, words)
    humanLog('info', say).event({ step: 'retrying', detail: 'x'.repeat(1_000_000) })
    const plain = 'a [2Jb 2026-11-30  confirmed c wss://node.example postgres://db'
    expect(lines.slice(0, 2).map((line) => line.slice(26))).toEqual([`retrying  ${plain}`, `warn  failed  ${plain}`])
    expect(lines[2]?.length).toBeLessThan(11_000)
  })
})

describe('the board', () => {
  it('keeps a thousand events, and the alarms that are raised', () => {
    const board = new Board()
    const alarm = { kind: 'stale', of: 'BTC-USD', says: 'old' } as const
    board.record({ step: 'alarm', alarm })
    expect(board.alarms()).toEqual([alarm])
    board.record({ step: 'alarm-cleared', alarm })
    expect(board.alarms()).toEqual([])
    for (let i = 0; i < 1000; i++) board.record({ step: 'planned', job: `${i}` })
    expect(board.after(0)).toHaveLength(1000)
    expect(board.after(1001).map(({ id }) => id)).toEqual([1002])
    // What is sent again was sent when it was first.
    board.record({ step: 'sent', job: '1' })
    const { sent } = board.stagesOf('1')
    board.record({ step: 'sent', job: '1' })
    expect(board.stagesOf('1').sent).toBe(sent)
  })
})
