/** A chain with an engine behind a port, as `zkrisk chain` serves it, and what tests ask of it. */
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { Deployment } from '../../prover/registry/index.ts'
import { connectProvider, RegistryClient } from '../../prover/registry/index.ts'
import { openChain, replayFeed } from '../../prover/service/development/tryOut.ts'

export type TryOut = {
  readonly rpc: string
  readonly folder: string
  readonly deployment: Deployment
  readonly deploymentFile: string
  readonly keyFile: string
  readonly councilKeyFile: string
  /** Appends the next hours of the project's extract. */
  feed(hours: number): Promise<void>
  /** How many batches have moved each market. */
  sequences(): Promise<Readonly<Record<string, bigint>>>
  close(): Promise<void>
}

export async function startTryOut(folder: string): Promise<TryOut> {
  const deploymentFile = join(folder, 'deployment.json')
  const keyFile = join(folder, 'prover.key')
  const councilKeyFile = join(folder, 'council.key')
  const files = { deployment: deploymentFile, keyFile, councilKeyFile }
  const options = { port: 0, ...files, start: '2020-03-12 09:00:00', say: () => {} }
  const { url, deployment, close } = await openChain(options)
  return {
    rpc: url,
    folder,
    deployment,
    deploymentFile,
    keyFile,
    councilKeyFile,
    feed: async (hours) => {
      await replayFeed([], {
        rpc: url,
        deployment: deploymentFile,
        market: [],
        pause: 0,
        count: hours,
        prices: {},
        say: () => {},
      })
    },
    sequences: async () => {
      const provider = await connectProvider(url)
      const client = await RegistryClient.connect({ registry: deployment.addresses.registry, provider })
      const entries = await Promise.all(
        deployment.markets.map(async ({ name }) => [name, (await client.market(name)).sequence] as const),
      )
      provider.destroy()
      return Object.fromEntries(entries)
    },
    close,
  }
}

export const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'))
