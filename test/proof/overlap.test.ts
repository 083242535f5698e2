import { existsSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProverError } from '../../prover/errors.ts'
import { FallbackProver } from '../../prover/proof/backends/fallbackProver.ts'
import { type CircuitKeys, KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { nativeFolder, nativeProgram, selfTestCircuit, selfTestKeys } from '../../prover/proof/backends/nativeBuild.ts'
import { NativeProver } from '../../prover/proof/backends/nativeProver.ts'
import { SELF_TEST_INPUT } from '../../prover/proof/backends/nativeSelfTest.ts'
import { createProver, type Prover, type Proven } from '../../prover/proof/backends/prover.ts'
import { SnarkjsProver } from '../../prover/proof/backends/snarkjsProver.ts'
import { TwoStages } from '../../prover/proof/backends/twoStages.ts'
import { verifyProof } from '../../prover/proof/verify.ts'
import { passThroughCircuit, polynomialCircuit, polynomialInput } from './smallCircuits.ts'
import { missing } from './nativeMissing.ts'

let directory: string
let keys: CircuitKeys
let otherKeys: CircuitKeys
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'overlap-'))
  const store = new KeyStore(join(directory, 'keys'))
  keys = await store.loadOrMakeDevelopmentKeys(await polynomialCircuit(), { threads: 1 })
  otherKeys = await store.loadOrMakeDevelopmentKeys(await passThroughCircuit(), { threads: 1 })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const otherInput = (first: bigint) => ({ challenge: 7n, first, second: 6n })

async function expectValid(proven: Proven, circuit: CircuitKeys = keys): Promise<void> {
  expect(await verifyProof(circuit.verificationKey, proven)).toEqual({ accepted: true })
}

async function using<P extends Prover>(prover: P, job: (prover: P) => Promise<void>): Promise<void> {
  try {
    await job(prover)
  } finally {
    await prover.close()
  }
}

/** Settled outcomes: a number of the first public signal, or a code. */
const outcome = (proof: Promise<Proven>): Promise<unknown> =>
  proof.then(
    ({ publicSignals }) => publicSignals[0],
    (error: ProverError) => error.code,
  )

const backends: readonly (readonly [string, () => Prover])[] = [
  ['snarkjs', () => new SnarkjsProver({ threads: 1 })],
  ...(missing === undefined
    ? ([
        ['native', () => new NativeProver()],
        ['auto', () => createProver({ threads: 1 }, 'auto')],
      ] as const)
    : []),
]

describe.each(backends)('many proofs asked for at once, %s', (_, create) => {
  it('N4: are answered in the order of the calls, refusals among them', async () => {
    await using(create(), async (prover) => {
      const finished: number[] = []
      const asked = [
        prover.prove(otherKeys, otherInput(100n)),
        prover.prove(keys, { challenge: 1n }),
        prover.prove(otherKeys, otherInput(102n)),
        prover.prove(keys, { ...polynomialInput, small: [43690n, 2n] }),
        prover.prove({ ...keys, manifest: { ...keys.manifest, wasmSha256: '0' } }, polynomialInput),
        prover.prove(
          { ...otherKeys, zkey: keys.zkey, manifest: { ...otherKeys.manifest, zkeySha256: '0' } },
          otherInput(1n),
        ),
        prover.prove(otherKeys, otherInput(106n)),
      ]
      for (const [i, proof] of asked.entries()) {
        const note = (): void => void finished.push(i)
        proof.then(note, note)
      }
      expect(await Promise.all(asked.map(outcome))).toEqual([
        100n,
        'proof.circuit-input',
        102n,
        'proof.unsatisfied',
        'proof.corrupt-key-file',
        'proof.corrupt-key-file',
        106n,
      ])
      expect(finished).toEqual([0, 1, 2, 3, 4, 5, 6])
      for (const i of [0, 2, 6]) await expectValid((await asked[i]) as Proven, otherKeys)
    })
  })

  it('N4: are all refused when it is closed', async () => {
    const prover = create()
    await prover.warm(keys)
    const asked = [0, 1, 2, 3].map(() => outcome(prover.prove(keys, polynomialInput)))
    await prover.close()
    expect(await Promise.all(asked)).toEqual(asked.map(() => 'proof.prover-closed'))
  })
})

describe('work in two stages', () => {
  /** Stages that wait for the test, and what has begun. */
  function stages() {
    const begun: string[] = []
    const open = new Map<string, PromiseWithResolvers<string>>()
    const begin = (name: string): Promise<string> => {
      begun.push(name)
      const waiting = Promise.withResolvers<string>()
      open.set(name, waiting)
      return waiting.promise
    }
    const settle = async (name: string, error?: Error): Promise<void> => {
      if (error === undefined) open.get(name)?.resolve(name)
      else open.get(name)?.reject(error)
      await sleep(1)
      await sleep(1)
    }
    const witness = (job: string): Promise<string> => begin(`witness ${job}`)
    const proof = (job: string, _: string, handedOver: () => void): Promise<string> => {
      begin(`sent ${job}`).then(handedOver)
      return begin(`proof ${job}`)
    }
    return { begun, settle, work: new TwoStages(witness, proof) }
  }

  it('N4: prepares the next job while one is finished, one at a time in each stage', async () => {
    const { begun, settle, work } = stages()
    const results = ['a', 'b', 'c'].map((job) => work.run(job))
    const expected: string[] = []
    for (const [done, begins] of [
      ['', ['witness a']],
      // Nothing computes in this thread before the witness has left it.
      ['witness a', ['sent a', 'proof a']],
      ['sent a', ['witness b']],
      ['witness b', ['witness c']],
      ['witness c', []],
      ['proof a', ['sent b', 'proof b']],
      ['sent b', []],
      ['proof b', ['sent c', 'proof c']],
      ['proof c', []],
    ] as const) {
      expected.push(...begins)
      await settle(done)
      expect(begun, `after ${done}`).toEqual(expected)
    }
    expect(await Promise.all(results)).toEqual(['proof a', 'proof b', 'proof c'])
  })

  it('N4: sends what was prepared before it prepares more', async () => {
    const { begun, settle, work } = stages()
    const first = work.run('a')
    await settle('')
    await settle('witness a')
    const others = [work.run('b'), work.run('c')]
    await settle('sent a')
    await settle('proof a')
    await settle('witness b')
    expect(begun).not.toContain('witness c')
    await settle('sent b')
    expect(begun).toContain('witness c')
    for (const done of ['proof b', 'witness c', 'proof c']) await settle(done)
    expect(await Promise.all([first, ...others])).toEqual(['proof a', 'proof b', 'proof c'])
  })

  it('N4: tells a failure of the first stage in its turn, and goes on after one of either', async () => {
    const { begun, settle, work } = stages()
    const told: string[] = []
    for (const job of ['a', 'b', 'c', 'd']) {
      work.run(job).then(
        () => told.push(job),
        (error: Error) => told.push(error.message),
      )
    }
    for (const done of ['', 'witness a', 'sent a']) await settle(done)
    await settle('witness b', new Error('no witness of b'))
    await settle('witness c')
    expect(told).toEqual([])
    await settle('proof a')
    expect(told).toEqual(['a', 'no witness of b'])
    // Not sent, but over.
    await settle('proof c', new Error('no proof of c'))
    for (const done of ['witness d', 'proof d']) await settle(done)
    expect(told).toEqual(['a', 'no witness of b', 'no proof of c', 'd'])
    expect(begun).not.toContain('proof b')
  })
})

describe.skipIf(missing !== undefined)('several proofs under way in the native prover', () => {
  it('N4: the worker is given the next input while a proof is made, and no more', async () => {
    await using(new NativeProver(), async (prover) => {
      await prover.warm(keys)
      const pid = prover.pid as number
      process.kill(pid, 'SIGSTOP')
      const given: number[] = []
      // An input is read when it is sent.
      const noted = (i: number) => ({
        get challenge() {
          given.push(i)
          return 7n
        },
        first: BigInt(i),
        second: 6n,
      })
      const asked = [0, 1, 2, 3].map((i) => outcome(prover.prove(otherKeys, noted(i))))
      await sleep(100)
      expect(given).toEqual([0, 1])
      process.kill(pid, 'SIGCONT')
      expect(await Promise.all(asked)).toEqual([0n, 1n, 2n, 3n])
      expect(given).toEqual([0, 1, 2, 3])
    })
  })

  it('H1: a native process that crashes costs the first of them', async () => {
    await using(new NativeProver(), async (prover) => {
      await prover.warm(keys)
      const pid = prover.pid as number
      process.kill(pid, 'SIGSTOP')
      const asked = [1n, 2n, 3n, 4n].map((first) => outcome(prover.prove(otherKeys, otherInput(first))))
      await sleep(300)
      process.kill(pid, 'SIGKILL')
      expect(await Promise.all(asked)).toEqual(['proof.native-crashed', 2n, 3n, 4n])
      expect(prover.pid).not.toBe(pid)
    })
  })

  it.skipIf(!existsSync('/proc/self/status'))('H1: a worker that crashes costs the first of them', async () => {
    await using(new NativeProver(), async (prover) => {
      await prover.warm(keys)
      const pid = prover.pid as number
      process.kill(pid, 'SIGSTOP')
      const asked = [1n, 2n, 3n].map((first) => outcome(prover.prove(otherKeys, otherInput(first))))
      await sleep(300)
      process.kill(workerOf(prover), 'SIGKILL')
      process.kill(pid, 'SIGCONT')
      expect(await Promise.all(asked)).toEqual(['proof.prover-crashed', 2n, 3n])
    })
  })

  it('H1: one that hangs costs the first of them, and the others have their whole time', async () => {
    await using(new NativeProver({ timeoutMs: 5_000 }), async (prover) => {
      await prover.warm(keys)
      process.kill(prover.pid as number, 'SIGSTOP')
      const asked = [1n, 2n, 3n].map((first) => outcome(prover.prove(otherKeys, otherInput(first))))
      expect(await Promise.all(asked)).toEqual(['proof.prover-timeout', 2n, 3n])
    })
  })

  it('N1: given up while several are under way, it costs none of them, and says so once', async () => {
    const folder = await crashingProver()
    const warnings: ProverError[] = []
    const prover = createProver({ nativeFolder: folder, threads: 1, onWarning: (each) => warnings.push(each) }, 'auto')
    await using(prover, async () => {
      expect(prover).toBeInstanceOf(FallbackProver)
      const asked = [1n, 2n, 3n, 4n, 5n, 6n].map((first) => prover.prove(otherKeys, otherInput(first)))
      const proven = await Promise.all(asked)
      expect(proven.map(({ publicSignals }) => publicSignals[0])).toEqual([1n, 2n, 3n, 4n, 5n, 6n])
      expect(proven.every(({ backend }) => backend === 'snarkjs')).toBe(true)
      for (const each of proven) await expectValid(each, otherKeys)
      expect(warnings.map((warning) => (warning as { isFinal?: boolean }).isFinal)).toEqual([false, false, true])
    })
  })

  it('N1: failing its self-test, it costs none of several, and says so once', async () => {
    const folder = join(directory, 'noSelfTest')
    await mkdir(folder)
    await writeFile(nativeProgram(folder), '')
    await chmod(nativeProgram(folder), 0o755)
    const warnings: ProverError[] = []
    const prover = createProver({ nativeFolder: folder, threads: 1, onWarning: (each) => warnings.push(each) }, 'auto')
    await using(prover, async () => {
      const asked = [1n, 2n, 3n].map((first) => outcome(prover.prove(otherKeys, otherInput(first))))
      expect(await Promise.all(asked)).toEqual([1n, 2n, 3n])
      expect(warnings).toMatchObject([{ isFinal: true, cause: { code: 'proof.native-unavailable' } }])
    })
  })
})

/** A program that passes the self-test, because it was given a proof of it, and crashes when anything else is asked. */
async function crashingProver(): Promise<string> {
  const folder = join(directory, 'crashing')
  await cp(nativeFolder, folder, { recursive: true })
  const circuit = await selfTestKeys(folder).load(selfTestCircuit(folder))
  const native = new NativeProver()
  const { proof, publicSignals } = await native.prove(circuit, SELF_TEST_INPUT).finally(() => native.close())
  const numbers = {
    wires: 4,
    publicSignals: publicSignals.length,
    loadMs: 1,
    proofMs: 1,
    keysInMemory: 1,
    peakBytes: 1,
  }
  const script = `process.stdin.on('data', (bytes) => {
    if (!bytes.includes(${JSON.stringify(circuit.manifest.zkeySha256)})) process.exit(5)
    const { id } = JSON.parse(bytes.subarray(8, 8 + bytes.readUInt32LE(4)))
    const text = Buffer.from(JSON.stringify({ id, ...${JSON.stringify({ ...numbers, proof })} }))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    process.stdout.write(Buffer.concat([length, text]))
  })`
  await writeFile(nativeProgram(folder), `#!${process.execPath}\n${script}`)
  return folder
}

/** The process that computes witnesses, where the system tells (Linux). */
function workerOf(prover: NativeProver): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${prover.pid}/status`, 'utf8'))?.[1])
}

it('N4: an input that cannot be sent to another process fails alone; every other answer is its own', async () => {
  await using(new SnarkjsProver({ threads: 1 }), async (prover) => {
    const unsendable = { challenge: 7n, first: () => 1n, second: 6n } as never
    const inputs = [otherInput(100n), unsendable, otherInput(200n), unsendable, otherInput(300n)]
    const outcomes = await Promise.allSettled(inputs.map((input) => prover.prove(otherKeys, input)))
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, true])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'proof.circuit-input', signal: 'first' } })
    const single = await Promise.all(
      [100n, 200n, 300n].map((first) => outcome(prover.prove(otherKeys, otherInput(first)))),
    )
    const signals = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value.publicSignals[0]] : []))
    expect(signals).toEqual(single)
    expect(new Set(signals).size).toBe(3)
  })
})
