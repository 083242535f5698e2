/** A service in this process that shows itself on a free port, before the chain of a {@link TryOut}. */
import { jsonLog } from '../../prover/service/daemon/log.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import type { SurfaceOptions } from '../../prover/service/http/surface.ts'
import type { TryOut } from './tryOut.ts'

export type Served = {
  readonly url: string
  /** Of its log. */
  readonly lines: readonly string[]
  end(): Promise<void>
}

/** @param trigger - heartbeat: it proves only what is asked for */
export async function serveIn(
  { rpc, deploymentFile, keyFile }: Pick<TryOut, 'rpc' | 'deploymentFile' | 'keyFile'>,
  store: string,
  surface: Partial<SurfaceOptions> = {},
  trigger: 'observations' | 'heartbeat' = 'heartbeat',
): Promise<Served> {
  const ended = new AbortController()
  const opened = Promise.withResolvers<string>()
  const lines: string[] = []
  const log = { ...jsonLog('debug', (line) => lines.push(line)), listening: opened.resolve }
  const serving = runServe({
    ...{ rpc, deployment: deploymentFile, keyFile, store, pollMs: 50, signal: ended.signal },
    triggers: { triggers: [trigger], heartbeatSeconds: 10 ** 9, spotMove: 1 },
    surface: { http: '127.0.0.1:0', rate: 100_000, ...surface, log },
    onEvent: (event) => log.event(event),
  })
  serving.catch(opened.reject)
  const url = await opened.promise
  return {
    ...{ url, lines },
    end: async () => {
      ended.abort()
      await serving
    },
  }
}
