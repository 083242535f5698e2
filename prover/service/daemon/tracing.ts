/**
 * What `zkrisk serve` does with a batch as spans, for a collector of OpenTelemetry: observation, plan, witness, proof, sign, send and
 * land, under one of the batch. They are made of the events that logs are made of, so that the service itself knows nothing of them.
 */
import type { Attributes, Span } from '@opentelemetry/api'
import { packageVersion } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { withPackages } from '../optionalPackages.ts'
import type { ServeEvent } from './serve.ts'

export type Tracing = {
  hear(event: ServeEvent): void
  /** Sends what is left, and waits for it a moment at most. */
  close(): Promise<void>
}

type Api = typeof import('@opentelemetry/api')

/** Where spans go by OpenTelemetry's own variables: to an address for traces, or to one for all signals. */
const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const
const PACKAGES = ['api', 'sdk-trace-base', 'exporter-trace-otlp-http', 'resources'].map(
  (name) => `@opentelemetry/${name}`,
)
/** A collector that does not answer holds up nobody's end for longer. */
const CLOSING_MS = 2_000
/** Batches whose spans are open; one that nothing is heard of any more is ended when so many came after it. */
const MOST_OPEN = 256
/** Of an observation before its plan: what is older was replayed, or waited for a service that did not run. */
const MOST_WAITING_MS = 3_600_000

/**
 * @param endpoint - of a collector, such as http://127.0.0.1:4318; by default what OpenTelemetry's variables say
 * @returns undefined where nobody asked for traces: nothing of it is loaded then
 * @throws {@link TracesEndpointError}, {@link PackagesMissingError}
 */
export async function openTracing(endpoint?: string): Promise<Tracing | undefined> {
  const set = ENDPOINTS.map((name) => process.env[name]).find((value) => value !== undefined && value !== '')
  const named = endpoint ?? set
  if (named === undefined || process.env.OTEL_SDK_DISABLED === 'true') return undefined
  if (!URL.canParse(named) || !/^https?:$/.test(new URL(named).protocol)) throw new TracesEndpointError()
  const [api, { BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await withPackages('A collector of traces', PACKAGES, () =>
      Promise.all([
        import('@opentelemetry/api'),
        import('@opentelemetry/sdk-trace-base'),
        import('@opentelemetry/exporter-trace-otlp-http'),
        import('@opentelemetry/resources'),
      ]),
    )
  // The exporter reads the variables itself, with headers and all else that they may say.
  const exporter = new OTLPTraceExporter(
    endpoint === undefined ? {} : { url: `${endpoint.replace(/\/$/, '')}/v1/traces` },
  )
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': process.env.OTEL_SERVICE_NAME ?? 'zkrisk',
      'service.version': packageVersion,
    }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const spans = new BatchSpans(api, provider.getTracer('zkrisk', packageVersion))
  return {
    hear: (event) => spans.hear(event),
    close: async () => {
      spans.endAll()
      const late = new Promise((resolve) => setTimeout(resolve, CLOSING_MS).unref())
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    },
  }
}

/** A batch on its way: its span, and when its last step ended, unix milliseconds. */
type Open = { readonly span: Span; readonly attributes: Attributes; last: number }

class BatchSpans {
  private readonly api: Api
  private readonly tracer: ReturnType<Api['trace']['getTracer']>
  private readonly open = new Map<string, Open>()

  constructor(api: Api, tracer: ReturnType<Api['trace']['getTracer']>) {
    this.api = api
    this.tracer = tracer
  }

  hear(event: ServeEvent): void {
    const { job, step } = event
    if (job === undefined) return
    const now = Date.now()
    if (step === 'planned') this.begin(job, event, now)
    else if (step === 'proven' || step === 'statement-proven') this.proven(job, event, now)
    else if (step === 'signed') this.step(job, 'sign', now)
    else if (step === 'sent') this.step(job, 'send', now)
    else if (step === 'confirmed')
      this.end(job, now, event.gasUsed === undefined ? {} : { 'zkrisk.gas': event.gasUsed })
    else if (step === 'superseded') this.fail(job, now)
  }

  endAll(): void {
    for (const { span } of this.open.values()) span.end()
    this.open.clear()
  }

  /** A batch that is planned again, after its proof failed, begins anew. */
  private begin(job: string, { build, plan }: ServeEvent, now: number): void {
    this.open.get(job)?.span.end()
    const began = plan?.beganAt ?? now
    const newest = 1000 * Math.max(0, ...(plan?.markets ?? []).map(({ asOf }) => asOf))
    const isWaiting = newest <= began && began - newest < MOST_WAITING_MS
    const attributes: Attributes = {
      'zkrisk.job': job,
      ...(build === undefined ? {} : { 'zkrisk.build': build }),
      ...(plan === undefined
        ? {}
        : {
            'zkrisk.model': plan.modelId,
            'zkrisk.markets': plan.markets.map(({ name }) => name),
            'zkrisk.sequences': plan.markets.map(({ sequence }) => sequence),
          }),
    }
    const span = this.tracer.startSpan('batch', { startTime: isWaiting ? newest : began, attributes })
    this.keep(job, { span, attributes, last: isWaiting ? newest : began })
    if (isWaiting) this.step(job, 'observation', began)
    this.step(job, 'plan', now)
  }

  /** Margins of accounts take several proofs, each told of by itself; of all of them together there is nothing more to tell. */
  private proven(job: string, { proof, build }: ServeEvent, now: number): void {
    if (proof === undefined) return
    const { milliseconds, witnessMilliseconds, backend } = proof
    const began = now - milliseconds
    const open = this.of(job, began)
    open.last = Math.max(open.last, began)
    const of: Attributes = build === undefined ? {} : { 'zkrisk.build': build }
    this.step(job, 'witness', open.last + witnessMilliseconds, of)
    this.step(job, 'proof', now, { ...of, 'zkrisk.backend': backend })
  }

  /** From the end of the step before. */
  private step(job: string, name: string, end: number, more: Attributes = {}): void {
    const open = this.of(job, end)
    const context = this.api.trace.setSpan(this.api.ROOT_CONTEXT, open.span)
    const attributes = { ...open.attributes, ...more }
    this.tracer.startSpan(name, { startTime: open.last, attributes }, context).end(end)
    open.last = end
  }

  private end(job: string, now: number, more: Attributes): void {
    this.step(job, 'land', now, more)
    this.open.get(job)?.span.end(now)
    this.open.delete(job)
  }

  private fail(job: string, now: number): void {
    const { span } = this.of(job, now)
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: 'superseded' })
    span.end(now)
    this.open.delete(job)
  }

  /** A service that takes up another one's batch hears of it first when its next step is done. */
  private of(job: string, now: number): Open {
    const known = this.open.get(job)
    if (known !== undefined) return known
    const attributes = { 'zkrisk.job': job }
    return this.keep(job, {
      span: this.tracer.startSpan('batch', { startTime: now, attributes }),
      attributes,
      last: now,
    })
  }

  private keep(job: string, open: Open): Open {
    this.open.set(job, open)
    for (const [old, { span }] of this.open) {
      if (this.open.size <= MOST_OPEN) break
      span.end()
      this.open.delete(old)
    }
    return open
  }
}

/** Traces were asked for, and nobody knows where to. */
export class TracesEndpointError extends ProverError {
  readonly code = 'service.traces-endpoint'

  constructor() {
    super(
      'Expected the http address of a collector of traces, such as http://127.0.0.1:4318, in --traces or OTEL_EXPORTER_OTLP_ENDPOINT, ' +
        'got something else. Correct it, or leave it out: nothing is traced then.',
    )
  }
}
