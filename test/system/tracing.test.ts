/** Spans of a service as a collector of OpenTelemetry gets them, and what becomes of the service where nobody collects. */
import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTracing } from '../../prover/service/daemon/tracing.ts'
import { errorOf, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> }
type Span = {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code?: number }
}

const folder = temporaryFolder()
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
let tryOut: TryOut
let collector: Server
let silent: Server
const bodies: string[] = []
const silentRequests: string[] = []

const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const listening = (server: Server): Promise<Server> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  collector = await listening(
    createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      request.on('end', () => {
        if (request.url === '/v1/traces') bodies.push(body)
        response.setHeader('content-type', 'application/json').end('{}')
      })
    }),
  )
  // It takes every request and answers none.
  silent = await listening(createServer(({ url }) => void silentRequests.push(url ?? '')))
})
afterAll(async () => {
  for (const server of [collector, silent]) {
    server.closeAllConnections()
    server.close()
  }
  await tryOut.close()
})

const spansIn = (all: readonly string[]): readonly Span[] =>
  all.flatMap((body) =>
    JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
      scopeSpans.flatMap(({ spans }) => spans),
    ),
  )

const attribute = ({ attributes }: Span, key: string): unknown =>
  Object.values(attributes.find((each) => each.key === key)?.value ?? {})[0]

/** Serves one batch, as from the command line, and ends. */
async function serveOne(environment: NodeJS.ProcessEnv, ...flags: readonly string[]) {
  await tryOut.feed(1)
  const files = ['--deployment', tryOut.deploymentFile, '--key-file', tryOut.keyFile]
  const args = ['serve', '--rpc', tryOut.rpc, ...files, '--store', join(folder, 'traced.sqlite'), ...flags]
  const child = spawn(process.execPath, [cli, ...args], {
    ...{ env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  let output = ''
  let stopped = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (!output.includes('  in-force  ') || stopped > 0) return
      stopped = performance.now()
      child.kill('SIGTERM')
    })
  }
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, output, endMs: performance.now() - stopped }
}

describe('S44: spans of a batch', () => {
  it('go to the collector that OpenTelemetry’s variable names, each step after the one before, and tell no secret', async () => {
    bodies.length = 0
    const { code } = await serveOne({ OTEL_EXPORTER_OTLP_ENDPOINT: addressOf(collector) })
    expect(code).toBe(0)
    const spans = spansIn(bodies)
    const [batch] = spans.filter(({ name }) => name === 'batch')
    const steps = spans.filter(({ parentSpanId }) => parentSpanId === batch?.spanId)
    // The chain stands in 2020: its observations wait for nobody.
    expect(steps.map(({ name }) => name)).toEqual(['plan', 'witness', 'proof', 'sign', 'send', 'land'])
    for (const [i, step] of steps.entries()) {
      expect(BigInt(step.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(step.startTimeUnixNano))
      const before = BigInt(steps[i - 1]?.endTimeUnixNano ?? batch?.startTimeUnixNano ?? 0)
      expect(BigInt(step.startTimeUnixNano)).toBeGreaterThanOrEqual(before)
      expect(step.traceId).toBe(batch?.traceId)
      expect(attribute(step, 'zkrisk.job')).toMatch(/^[0-9a-f]{64}$/)
    }
    const models = tryOut.deployment.models.map(({ modelId }) => modelId)
    expect(models).toContain(attribute(batch as Span, 'zkrisk.model'))
    expect(JSON.stringify(attribute(batch as Span, 'zkrisk.markets'))).toContain('BTC-USD')
    expect(JSON.stringify(attribute(batch as Span, 'zkrisk.sequences'))).toContain('1')
    const all = bodies.join()
    expect(all).toContain('"service.name"')
    for (const secret of ['5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a', tryOut.rpc, folder])
      expect(all).not.toContain(secret)
  })

  it('go nowhere where nobody asked for them, and to --traces where that is given', async () => {
    bodies.length = 0
    const unasked = { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '' }
    expect((await serveOne(unasked)).code).toBe(0)
    expect(bodies).toEqual([])
    const disabled = { OTEL_EXPORTER_OTLP_ENDPOINT: addressOf(collector), OTEL_SDK_DISABLED: 'true' }
    expect((await serveOne(disabled)).code).toBe(0)
    expect(bodies).toEqual([])
    expect((await serveOne(unasked, '--traces', addressOf(collector))).code).toBe(0)
    expect(spansIn(bodies).map(({ name }) => name)).toContain('land')
  })

  it('stop nothing where the collector is gone, or takes requests and answers none', async () => {
    const before = await tryOut.sequences()
    const gone = await serveOne({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    const hung = await serveOne({ OTEL_EXPORTER_OTLP_ENDPOINT: addressOf(silent) })
    expect([gone.code, hung.code]).toEqual([0, 0])
    expect(silentRequests).toContain('/v1/traces')
    expect(Math.max(gone.endMs, hung.endMs)).toBeLessThan(15_000)
    expect((await tryOut.sequences())['BTC-USD']).toBe((before['BTC-USD'] ?? 0n) + 2n)
  })

  it('refuse an address that is none before anything is opened', async () => {
    const files = ['--deployment', tryOut.deploymentFile, '--key-file', tryOut.keyFile]
    const args = ['serve', '--rpc', tryOut.rpc, ...files, '--traces', 'collector:4318', '--json']
    expect(errorOf(await zkrisk(...args)).code).toBe('service.traces-endpoint')
  })

  it('begin when a fresh observation was made, say what was superseded, and end a batch whose plan was taken up from another', async () => {
    bodies.length = 0
    const tracing = await openTracing(addressOf(collector))
    const now = Date.now()
    const asOf = Math.floor(now / 1000) - 60
    const plan = { beganAt: now, modelId: `0x${'11'.repeat(32)}`, markets: [{ name: 'BTC-USD', sequence: 7, asOf }] }
    tracing?.hear({ step: 'planned', job: 'a', build: 'marketRiskRange6x2', plan })
    tracing?.hear({ step: 'superseded', job: 'a', detail: 'StateMoved' })
    tracing?.hear({ step: 'confirmed', job: 'b', gasUsed: 5 })
    await tracing?.close()
    const spans = spansIn(bodies)
    const of = (job: string, name: string) =>
      spans.find((span) => span.name === name && attribute(span, 'zkrisk.job') === job)
    expect(of('a', 'observation')?.startTimeUnixNano).toBe(`${asOf}000000000`)
    expect(of('a', 'batch')).toMatchObject({ startTimeUnixNano: `${asOf}000000000`, status: { code: 2 } })
    expect(of('b', 'land')).toBeDefined()
    expect(spans.filter(({ name }) => name === 'batch')).toHaveLength(2)
  })
})
