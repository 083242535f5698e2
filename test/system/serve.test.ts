import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../prover/audit/index.ts'
import { marketAuditKeys } from '../../prover/service/answers/auditing.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { run, temporaryFolder } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const store = join(folder, 'state', 'serve.sqlite')
const script = join(import.meta.dirname, 'serveUntil.ts')
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')

let tryOut: TryOut
let landed = 0n
beforeAll(async () => {
  tryOut = await startTryOut(folder)
})
afterAll(() => tryOut.close())

/** Runs the service until it dies, or stops, at a step. */
async function serveUntil(end: { dieAt: string } | { stopAt: string }) {
  const { rpc, deploymentFile: deployment, keyFile } = tryOut
  const ended = await run(process.execPath, [script, JSON.stringify({ rpc, deployment, keyFile, store, ...end })])
  const events = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: string; job?: string })
  return { ...ended, events }
}

describe('zkrisk serve', () => {
  it.each(['planned', 'proven', 'signed', 'sent', 'confirmed'])(
    'S7: killed with -9 right after %s, the next one loses nothing and doubles nothing',
    async (step) => {
      await tryOut.feed(1)
      landed++
      const killed = await serveUntil({ dieAt: step })
      expect(killed.signal).toBe('SIGKILL')
      const job = killed.events.at(-1)?.job

      if (step !== 'confirmed') {
        const resumed = await serveUntil({ stopAt: 'confirmed' })
        expect(resumed.stderr).toBe('')
        expect(resumed.code).toBe(0)
        expect(resumed.events.find((event) => event.step === 'confirmed')?.job).toBe(job)
        // A stored proof is not made again.
        const provenAgain = resumed.events.some((event) => event.step === 'proven')
        expect(provenAgain).toBe(step === 'planned')
      }
      expect(await tryOut.sequences()).toEqual({ 'BTC-USD': landed, 'ETH-USD': landed })
    },
  )

  it('has kept every job and its signed transaction, one nonce each', async () => {
    const { chainId, addresses } = tryOut.deployment
    const jobs = await SqliteJobStore.open(store, { chainId, registry: addresses.registry })
    const all = await jobs.jobs()
    expect(all.map(({ status }) => status)).toEqual(new Array(Number(landed)).fill('confirmed'))
    const signed = await Promise.all(all.map(({ id }) => jobs.transactions(id)))
    const nonces = signed.flat().map(({ nonce }) => nonce)
    expect(nonces.toSorted((a, b) => a - b)).toEqual([...Array(Number(landed)).keys()])
    await jobs.close()
  })

  it('S71: ends with 0 on SIGTERM, after the job under way, and does not show the key', async () => {
    await tryOut.feed(1)
    landed++
    const args = ['serve', '--rpc', tryOut.rpc, '--deployment', tryOut.deploymentFile, '--key-file', tryOut.keyFile]
    const child = spawn(process.execPath, [cli, ...args, '--store', store], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        // A second signal would end it at once.
        if (output.includes('  planned  ') && !child.killed) child.kill('SIGTERM')
      })
    }
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(0)
    expect(output).toContain('confirmed')
    expect(output).toContain('stopped')
    expect(output).not.toContain('5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a')
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': landed, 'ETH-USD': landed })
  })

  it('an auditor accepts all that the killed services landed', async () => {
    const { addresses, block } = tryOut.deployment
    const keys = await marketAuditKeys()
    const { report } = await audit({ rpcUrl: tryOut.rpc, registry: addresses.registry, fromBlock: block, keys })
    expect(report.failure).toBeUndefined()
    expect(report.batches).toHaveLength(Number(landed))
  })
})
