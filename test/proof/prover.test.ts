import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, copyFileSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CircuitKeys, KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { createProver, type ProverOptions } from '../../prover/proof/backends/prover.ts'
import { SnarkjsProver } from '../../prover/proof/backends/snarkjsProver.ts'
import { verifyProof } from '../../prover/proof/verify.ts'
import { UnsatisfiedCircuitError } from '../../prover/proof/backends/witnessCalculator.ts'
import {
  lookalikeCircuit,
  passThroughCircuit,
  polynomialCircuit,
  polynomialInput,
  widerCircuit,
} from './smallCircuits.ts'

let directory: string
let keys: CircuitKeys
let otherKeys: Record<'wider' | 'lookalike' | 'passThrough', CircuitKeys>
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prover-'))
  const store = new KeyStore(directory)
  const options = { threads: 1 }
  keys = await store.loadOrMakeDevelopmentKeys(await polynomialCircuit(), options)
  otherKeys = {
    wider: await store.loadOrMakeDevelopmentKeys(await widerCircuit(), options),
    lookalike: await store.loadOrMakeDevelopmentKeys(await lookalikeCircuit(), options),
    passThrough: await store.loadOrMakeDevelopmentKeys(await passThroughCircuit(), options),
  }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('a prover', () => {
  let prover: SnarkjsProver
  beforeAll(() => {
    prover = new SnarkjsProver({ threads: 1 })
  })
  afterAll(() => prover.close())

  it('gives proofs that both verifiers accept, warm from the second on', async () => {
    const first = await prover.prove(keys, polynomialInput)
    const second = await prover.prove(keys, polynomialInput)
    for (const proven of [first, second]) {
      expect(await verifyProof(keys.verificationKey, proven)).toEqual({ accepted: true })
    }
    expect(second.proof).not.toEqual(first.proof)
    expect(second.publicSignals).toEqual(first.publicSignals)
    expect(first.timings.load).toBeGreaterThan(second.timings.load)
    expect(second.timings.total).toBeGreaterThan(second.timings.proof)
  })

  it('keeps several circuits, and the order of calls', async () => {
    const pass = { challenge: 7n, first: 5n, second: 6n }
    const finished: string[] = []
    const proven = await Promise.all(
      [keys, otherKeys.passThrough, keys].map(async (circuit, i) => {
        const result = await prover.prove(circuit, circuit === keys ? polynomialInput : pass)
        finished.push(`${circuit.circuit} ${i}`)
        return result
      }),
    )
    expect(finished).toEqual(['polynomial 0', 'passThrough 1', 'polynomial 2'])
    expect(proven[1]?.publicSignals).toEqual([5n, 6n, 7n])
  })

  it('proves on when its whole group is asked to stop, as by Ctrl-C: its parent ends it', async () => {
    await prover.warm(keys)
    const pid = prover.pid as number
    const inHand = prover.prove(keys, polynomialInput)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal)
    expect(await verifyProof(keys.verificationKey, await inHand)).toEqual({ accepted: true })
    await prover.prove(keys, polynomialInput)
    expect(prover.pid).toBe(pid)
  })

  it('reports what is wrong with an input by class, and goes on', async () => {
    const refused = prover.prove(keys, { ...polynomialInput, small: [43690n, 2n] })
    await expect(refused).rejects.toBeInstanceOf(UnsatisfiedCircuitError)
    await expect(refused).rejects.toMatchObject({ code: 'proof.unsatisfied', circuit: 'polynomial' })
    const missing = prover.prove(keys, { challenge: 1n })
    await expect(missing).rejects.toMatchObject({ code: 'proof.circuit-input', signal: '*' })
    const { pid } = prover
    await prover.prove(keys, polynomialInput)
    expect(prover.pid).toBe(pid)
  })

  it('H2: never lets a proof out that does not verify', async () => {
    const wrongKey = { ...keys, verificationKey: otherKeys.lookalike.verificationKey }
    await expect(prover.prove(wrongKey, polynomialInput)).rejects.toMatchObject({ code: 'proof.self-verification' })
    // As many wires and signals, but other constraints: only the finished proof shows it.
    const { zkey, verificationKey, manifest } = otherKeys.lookalike
    const lookalike = {
      ...keys,
      zkey,
      verificationKey,
      manifest: { ...manifest, wasmSha256: keys.manifest.wasmSha256 },
    }
    await expect(prover.prove(lookalike, polynomialInput)).rejects.toMatchObject({
      code: 'proof.self-verification',
      circuit: 'polynomial',
      cause: { code: 'proof.rejected' },
    })
    await prover.prove(keys, polynomialInput)
  })

  it('T1: refuses a proving key of another circuit', async () => {
    const { zkey, manifest } = otherKeys.wider
    const { zkeySha256 } = manifest
    const consistent = { ...keys, zkey, manifest: { ...keys.manifest, zkeySha256 } }
    await expect(prover.prove(consistent, polynomialInput)).rejects.toMatchObject({ code: 'proof.wrong-circuit' })
  })

  it.each(['zkey', 'wasm'] as const)('T1: refuses a %s that is not the one its manifest names', async (kind) => {
    await withProver(async (cold) => {
      const file = otherKeys.wider[kind]
      const corrupt = { code: 'proof.corrupt-key-file', file }
      await expect(cold.prove({ ...keys, [kind]: file }, polynomialInput)).rejects.toMatchObject(corrupt)
      const missing = join(directory, 'missing')
      await expect(cold.prove({ ...keys, [kind]: missing }, polynomialInput)).rejects.toMatchObject({ file: missing })
    })
  })
})

/** A prover for one test. */
async function withProver<Result>(job: (prover: SnarkjsProver) => Promise<Result>, options: ProverOptions = {}) {
  const prover = new SnarkjsProver({ threads: 1, ...options })
  try {
    return await job(prover)
  } finally {
    await prover.close()
  }
}

describe('a child process that fails', () => {
  it('H1: costs the proof under way and no other', async () => {
    await withProver(async (prover) => {
      for (const signal of ['SIGKILL', 'SIGABRT'] as const) {
        await prover.warm(keys)
        const [doomed, next] = [prover.prove(keys, polynomialInput), prover.prove(keys, polynomialInput)]
        await new Promise((resolve) => setImmediate(resolve))
        const { pid } = prover
        process.kill(pid as number, signal)
        await expect(doomed).rejects.toMatchObject({ code: 'proof.prover-crashed', signal })
        expect(await verifyProof(keys.verificationKey, await next)).toEqual({ accepted: true })
        expect(prover.pid).not.toBe(pid)
      }
    })
  })

  it('H1: is replaced when it ends between proofs', async () => {
    await withProver(async (prover) => {
      await prover.warm(keys)
      const { pid } = prover
      process.kill(pid as number, 'SIGKILL')
      await expect.poll(() => prover.pid, { timeout: 120_000 }).toBeUndefined()
      await prover.prove(keys, polynomialInput)
    })
  })

  it.skipIf(process.platform !== 'linux')('H1: that cannot be started costs the proof, and no other', async () => {
    const { execPath } = process
    const busy = join(directory, 'busy')
    copyFileSync('/bin/true', busy)
    chmodSync(busy, 0o755)
    // What is open for writing cannot be executed: the start throws.
    const handle = openSync(busy, 'r+')
    await withProver(async (prover) => {
      process.execPath = busy
      try {
        await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({
          code: 'proof.prover-crashed',
          report: expect.stringContaining('ETXTBSY'),
        })
      } finally {
        process.execPath = execPath
        closeSync(handle)
      }
      await prover.prove(keys, polynomialInput)
    })
  })

  it('H1: is ended when it hangs, and replaced', async () => {
    await withProver(
      async (prover) => {
        await prover.warm(keys)
        const { pid } = prover
        process.kill(pid as number, 'SIGSTOP')
        await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({
          code: 'proof.prover-timeout',
          circuit: 'polynomial',
          timeoutMs: 10_000,
        })
        await expect.poll(() => isRunning(pid as number), { timeout: 120_000 }).toBe(false)
        await prover.prove(keys, polynomialInput)
      },
      { timeoutMs: 10_000 },
    )
  })

  it('H1: is ended when it takes more memory than it may', async () => {
    await withProver(
      async (prover) => {
        await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({
          code: 'proof.prover-out-of-memory',
          memoryBytes: 40 * 2 ** 20,
        })
      },
      // Less than Node itself takes.
      { memoryBytes: 40 * 2 ** 20 },
    )
  })
})

describe('closing', () => {
  it('fails the proof under way and those that wait', async () => {
    const prover = new SnarkjsProver({ threads: 1 })
    await prover.warm(keys)
    const { pid } = prover
    const proofs = [prover.prove(keys, polynomialInput), prover.prove(keys, polynomialInput)]
    const failures = Promise.all(
      proofs.map((proof) => expect(proof).rejects.toMatchObject({ code: 'proof.prover-closed' })),
    )
    await new Promise((resolve) => setImmediate(resolve))
    await prover.close()
    await failures
    expect(isRunning(pid as number)).toBe(false)
    await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({ code: 'proof.prover-closed' })
    await prover.close()
  })

  it.each(['', 'process.kill(process.pid, "SIGKILL")'])(
    'is not needed: a program that proves and then does "%s" ends, its child too',
    async (ending) => {
      const module = new URL('../../prover/proof/index.ts', import.meta.url).href
      const script = `
        import { createProver, verifyProof, parseVerificationKey } from '${module}'
        import { readFileSync } from 'node:fs'
        const keys = ${JSON.stringify({ ...keys, verificationKey: undefined })}
        const verificationKey = parseVerificationKey(JSON.parse(readFileSync(keys.verificationKeyFile, 'utf8')))
        const prover = createProver({ threads: 2 })
        const input = { challenge: '1', secret: '2', small: [3, 1] }
        const proven = await prover.prove({ ...keys, verificationKey }, input)
        const { accepted } = await verifyProof(verificationKey, proven)
        console.log(JSON.stringify({ pid: prover.pid, accepted }))
        setTimeout(() => { ${ending} }, 50)`
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
      let output = ''
      let answered = 0
      child.stdout.on('data', (text) => {
        output += text
        answered = performance.now()
      })
      const [code, signal] = await once(child, 'close')
      const { pid, accepted } = JSON.parse(output)
      expect(accepted).toBe(true)
      expect([code, signal]).toEqual(ending === '' ? [0, null] : [null, 'SIGKILL'])
      expect(performance.now() - answered).toBeLessThan(5_000)
      await expect.poll(() => isRunning(pid), { timeout: 120_000 }).toBe(false)
    },
  )
})

describe('choosing a backend', () => {
  it('takes what it is told, by argument or by the environment', () => {
    process.env.ZKRISK_PROVER = 'abacus'
    try {
      const refusal = expect.objectContaining({ code: 'proof.unknown-backend', backend: 'abacus' })
      expect(() => createProver()).toThrow(refusal)
      expect(createProver({}, 'snarkjs')).toBeInstanceOf(SnarkjsProver)
    } finally {
      delete process.env.ZKRISK_PROVER
    }
    expect(() => createProver({}, 'toString')).toThrow(expect.objectContaining({ code: 'proof.unknown-backend' }))
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
