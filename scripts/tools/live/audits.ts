/** Both registries of a live engine audited by the command, as anybody does. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../sources.ts'
import type { LiveEngine } from './liveEngine.ts'

export type Audited = {
  readonly accepted: boolean
  readonly batches: number
  readonly margins: number
  readonly witnesses: number
  /** Of the first registry that was not accepted. */
  readonly failure: unknown
  readonly seconds: number
}

const cli = join(root, 'prover', 'service', 'cli.ts')

/** @throws if a verdict was not come to */
export async function audited({ url, deploymentFile, deployment }: LiveEngine): Promise<Audited> {
  const began = performance.now()
  const markets = await auditOf(['--rpc', url, '--deployment', deploymentFile])
  const { registry = '' } = deployment.portfolio ?? {}
  const margins = await auditOf(['--rpc', url, '--registry', registry, '--from-block', String(deployment.block)])
  return {
    accepted: markets.accepted && margins.accepted,
    batches: markets.batches?.length ?? 0,
    margins: margins.margins?.length ?? 0,
    witnesses: margins.witnesses?.length ?? 0,
    failure: markets.failure ?? margins.failure,
    seconds: (performance.now() - began) / 1000,
  }
}

type Verdict = {
  readonly accepted: boolean
  readonly batches?: readonly unknown[]
  readonly margins?: readonly unknown[]
  readonly witnesses?: readonly unknown[]
  readonly failure?: unknown
}

async function auditOf(flags: readonly string[]): Promise<Verdict> {
  const child = spawn(process.execPath, [cli, 'audit', ...flags, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await new Promise((resolve) => child.on('close', resolve))
  const verdict = JSON.parse(text)
  if (typeof verdict.accepted !== 'boolean') throw new Error(`The audit ended with: ${text}`)
  return verdict
}
