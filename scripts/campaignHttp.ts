/**
 * Requests that no client should send, to a running demonstration of the service: how each was answered. None may be a failure of
 * the service, and what it proves meanwhile goes on.
 *
 *   npm run campaign:http                       20,000 requests
 *   npm run campaign:http -- --requests 1000 --seed 7 --json
 *
 * Exits 0 only if none was answered 5xx.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonLog } from '../prover/service/daemon/log.ts'
import { runServe } from '../prover/service/daemon/serving.ts'
import { openServeDemo } from '../prover/service/development/serveDemo.ts'
import { writeSecretFile } from '../prover/service/wholeFile.ts'
import { fuzzHttp } from './tools/httpFuzz.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

const flags = readFlags({ requests: whole(1, 10_000_000, 20_000), seed: whole(0, 1_000_000_000, 1), json: isThere })
const { requests, seed } = flags
const folder = mkdtempSync(join(tmpdir(), 'zkrisk-http-'))
const key = randomBytes(32).toString('hex')
const apiKeys = join(folder, 'keys.json')
writeSecretFile(apiKeys, JSON.stringify({ keys: [{ name: 'campaign', key, scopes: ['read', 'prove', 'operate'] }] }))

const ended = new AbortController()
const opened = Promise.withResolvers<string>()
const failed: string[] = []
const log = { ...jsonLog('error', (line) => failed.push(line)), listening: opened.resolve }
const place = await openServeDemo((line) => console.error(line))
const serving = runServe({
  ...place,
  triggers: { triggers: ['observations'], heartbeatSeconds: 3600, spotMove: 0.005 },
  surface: { http: '127.0.0.1:0', apiKeys, rate: 100_000, log },
  signal: ended.signal,
  onEvent: () => undefined,
})
const began = performance.now()
const result = await fuzzHttp(await opened.promise, key, requests, seed)
const seconds = (performance.now() - began) / 1000
ended.abort()
const { confirmed } = await serving
rmSync(folder, { recursive: true, force: true })
if (flags.json) console.log(JSON.stringify({ ...result, seconds, confirmed, failed }, null, 2))
else {
  for (const [status, count] of Object.entries(result.byStatus)) console.log(`${status}: ${count}`)
  for (const { request, answer } of result.failures.slice(0, 20)) console.log(`FAILED ${request}\n  ${answer}`)
  for (const line of failed.slice(0, 20)) console.log(line)
  console.log(
    `${requests} requests in ${seconds.toFixed(0)} s, ${result.failures.length} failures, ${confirmed} batches confirmed meanwhile.`,
  )
}
process.exit(result.failures.length === 0 ? 0 : 1)
