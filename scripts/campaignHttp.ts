/**
 * Requests that no client should send, to a running demonstration of the service: how each was answered. None may be a failure of
 * the service, and what it proves meanwhile goes on. Then a flood at ten times the rate that is allowed, beside a thousand sockets
 * that send their headers slowly: how fast it proves and how soon probes are answered, in turns alone and flooded.
 *
 *   npm run campaign:http                       20,000 requests; 60 s of flood
 *   npm run campaign:http -- --requests 1000 --flood 10 --sockets 100 --seed 7 --json
 *
 * Exits 0 only if none was answered 5xx, half of the probes within 0.1 s, and it proves under the flood --drop per cent slower at most.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonLog } from '../prover/service/daemon/log.ts'
import { runServe } from '../prover/service/daemon/serving.ts'
import { openServeDemo } from '../prover/service/development/serveDemo.ts'
import { writeSecretFile } from '../prover/service/wholeFile.ts'
import { type FloodResult, measureFlood, type Pace } from './tools/httpFlood.ts'
import { fuzzHttp } from './tools/httpFuzz.ts'
import { decimal, isThere, readFlags, whole } from './tools/flags.ts'

const flags = readFlags({
  requests: whole(1, 10_000_000, 20_000),
  flood: whole(0, 86_400, 60),
  sockets: whole(0, 10_000, 1_000),
  drop: decimal(0, 100, 10),
  seed: whole(0, 1_000_000_000, 1),
  json: isThere,
})
const { requests, seed } = flags
/** Ten times what one client may. */
const FLOOD_PER_SECOND = 1_000
const PROBE_MS = 100
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
const flood = { perSecond: FLOOD_PER_SECOND, sockets: flags.sockets }
const flooded = flags.flood === 0 ? undefined : await measureFlood(folder, flags.flood, flood)
rmSync(folder, { recursive: true, force: true })
if (flags.json) console.log(JSON.stringify({ ...result, seconds, confirmed, failed, flooded }, null, 2))
else {
  for (const [status, count] of Object.entries(result.byStatus)) console.log(`${status}: ${count}`)
  for (const { request, answer } of result.failures.slice(0, 20)) console.log(`FAILED ${request}\n  ${answer}`)
  for (const line of failed.slice(0, 20)) console.log(line)
  console.log(
    `${requests} requests in ${seconds.toFixed(0)} s, ${result.failures.length} failures, ${confirmed} batches confirmed meanwhile.`,
  )
  if (flooded !== undefined) console.log(textOf(flooded))
}
process.exit(result.failures.length === 0 && (flooded === undefined || holds(flooded)) ? 0 : 1)

function holds({ flooded, drop }: FloodResult): boolean {
  return flooded.probeMs.median <= PROBE_MS && drop.percent <= flags.drop
}

function textOf({ alone, flooded, drop, answers, flooderPercent }: FloodResult): string {
  const paceText = ({ batchesPerMinute, probeMs }: Pace): string =>
    `${batchesPerMinute.toFixed(1)} batches a minute, probes ${probeMs.median.toFixed(0)} ms (worst ${probeMs.worst.toFixed(0)})`
  return [
    `alone: ${paceText(alone)}`,
    `flooded: ${paceText(flooded)}, ${drop.percent.toFixed(1)} ± ${drop.error.toFixed(1)} % fewer; ${JSON.stringify(answers)}`,
    `the flooder itself took ${flooderPercent.toFixed(1)} % of the machine`,
  ].join('\n')
}
