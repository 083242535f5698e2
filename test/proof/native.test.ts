import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProverError } from '../../prover/errors.ts'
import { FallbackProver } from '../../prover/proof/backends/fallbackProver.ts'
import { type CircuitKeys, KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { nativeFolder, nativeProgram } from '../../prover/proof/backends/nativeBuild.ts'
import { NativeProcess } from '../../prover/proof/backends/nativeProcess.ts'
import { NativeProver } from '../../prover/proof/backends/nativeProver.ts'
import { encodeProofCalldata } from '../../prover/proof/proofCalldata.ts'
import { createProver, type Prover, type ProverOptions, type Proven } from '../../prover/proof/backends/prover.ts'
import { SnarkjsProver } from '../../prover/proof/backends/snarkjsProver.ts'
import { parseProof } from '../../prover/proof/strictProof.ts'
import { verifyProof } from '../../prover/proof/verify.ts'
import { WitnessCalculator } from '../../prover/proof/backends/witnessCalculator.ts'
import { loadKeys } from '../../prover/service/workspace.ts'
import { marketBuilds } from '../../circuits/statements/index.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { startChain } from '../../scripts/tools/chains/chain.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { randomBatch } from '../../scripts/tools/cases/batches.ts'
import { lookalikeCircuit, passThroughCircuit, polynomialCircuit, polynomialInput } from './smallCircuits.ts'
import { missing } from './nativeMissing.ts'

let directory: string
let keys: CircuitKeys
let otherKeys: CircuitKeys
let lookalike: CircuitKeys
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'native-'))
  const store = new KeyStore(join(directory, 'keys'))
  const make = async (circuit: ReturnType<typeof polynomialCircuit>): Promise<CircuitKeys> =>
    store.loadOrMakeDevelopmentKeys(await circuit, { threads: 1 })
  keys = await make(polynomialCircuit())
  otherKeys = await make(passThroughCircuit())
  lookalike = await make(lookalikeCircuit())
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Limits of the native process that no test meets. */
const AMPLE = { keyBytes: 2 ** 30, memoryBytes: 2 ** 32 }
const otherInput = { challenge: 7n, first: 5n, second: 6n }

/** A prover for one test, with the warnings it gave. */
async function withProver<P extends Prover, Result>(
  create: (options: ProverOptions) => P,
  job: (prover: P, warnings: ProverError[]) => Promise<Result>,
  options: ProverOptions = {},
): Promise<Result> {
  const warnings: ProverError[] = []
  const prover = create({ threads: 1, onWarning: (warning) => warnings.push(warning), ...options })
  try {
    return await job(prover, warnings)
  } finally {
    await prover.close()
  }
}

const automatic = (options: ProverOptions): FallbackProver => createProver(options, 'auto') as FallbackProver
const bare = (options: ProverOptions): NativeProver => new NativeProver(options)

async function expectValid(proven: Proven, circuit: CircuitKeys = keys): Promise<void> {
  expect(await verifyProof(circuit.verificationKey, proven)).toEqual({ accepted: true })
}

/** A folder whose program is a script. */
async function impostor(name: string, script: string, mode = 0o755): Promise<string> {
  const folder = join(directory, name)
  await mkdir(folder, { recursive: true })
  await writeFile(nativeProgram(folder), `#!${process.execPath}\n${script}`)
  await chmod(nativeProgram(folder), mode)
  return folder
}

describe('a native prover that is not there', () => {
  it('is an error when asked for, and no matter when not', async () => {
    const folder = join(directory, 'empty')
    await mkdir(folder)
    const unavailable = { code: 'proof.native-unavailable', program: nativeProgram(folder) }
    expect(() => createProver({ nativeFolder: folder }, 'native')).toThrow(
      expect.objectContaining({ ...unavailable, reason: 'it was not built' }),
    )
    await writeFile(join(folder, 'missing.txt'), 'there is no Go toolchain\n')
    expect(() => createProver({ nativeFolder: folder }, 'native')).toThrow(
      expect.objectContaining({ ...unavailable, reason: 'there is no Go toolchain' }),
    )
    await withProver(automatic, async (prover) => expect(prover).toBeInstanceOf(SnarkjsProver), {
      nativeFolder: folder,
    })
  })

  it('N1: may not be executed: an error when asked for, a warning when not', async () => {
    const folder = await impostor('plainFile', '', 0o644)
    expect(() => createProver({ nativeFolder: folder }, 'native')).toThrow(
      expect.objectContaining({ code: 'proof.native-unavailable', reason: 'it may not be executed' }),
    )
    await withProver(
      automatic,
      async (prover, warnings) => {
        expect(warnings).toMatchObject([{ code: 'proof.native-failed', isFinal: true }])
        await expectValid(await prover.prove(keys, polynomialInput))
      },
      { nativeFolder: folder },
    )
  })

  it('N1: fails its self-test: an error when asked for, a warning when not, and the proof arrives', async () => {
    const folder = await impostor('noSelfTest', '')
    const required = (options: ProverOptions): Prover => createProver(options, 'native')
    await withProver(
      required,
      async (prover) => {
        const code = 'proof.native-unavailable'
        await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({ code })
      },
      { nativeFolder: folder },
    )
    await withProver(
      automatic,
      async (prover, warnings) => {
        for (let i = 0; i < 2; i++) {
          const proven = await prover.prove(keys, polynomialInput)
          expect(proven.backend).toBe('snarkjs')
          await expectValid(proven)
        }
        const cause = { code: 'proof.native-unavailable' }
        expect(warnings).toMatchObject([{ code: 'proof.native-failed', isFinal: true, cause }])
      },
      { nativeFolder: folder },
    )
  })
})

describe('a program that is not the native prover', () => {
  const answer = (text: string): string =>
    `process.stdin.once('data', () => {
       const text = Buffer.from(${JSON.stringify(text)})
       const length = Buffer.alloc(4); length.writeUInt32LE(text.length)
       process.stdout.write(Buffer.concat([length, text]))
     }); process.stdin.resume()`

  it.each([
    ['garbage', `process.stdin.once('data', () => process.stdout.write('Hello, world!'))`, 'proof.native-frame'],
    [
      'unasked',
      answer('{"id":0}').replace(".once('data', () => {", ".once('data', () => {}); setImmediate(() => {"),
      'proof.native-frame',
    ],
    ['not JSON', answer('{'), 'proof.native-frame'],
    ['null', answer('null'), 'proof.native-frame'],
    ['another request', answer('{"id":7,"loadMs":0,"proofMs":0}'), 'proof.native-frame'],
    ['no proof', answer('{"id":0,"loadMs":0,"proofMs":0,"keysInMemory":1}'), 'proof.native-frame'],
    ['half a proof', answer('{"id":0,"proof":{"pi_a":["1","2","1"]}}'), 'proof.native-frame'],
    ['too much', answer('{"id":0}').replace('[length, text]', '[length, text, text]'), 'proof.native-frame'],
    ['a refusal', answer('{"id":0,"error":{"code":"refused","message":"no"}}'), 'proof.native-refused'],
    ['its end', `process.stdin.once('data', () => process.exit(5))`, 'proof.native-crashed'],
    ['a signal', `process.stdin.once('data', () => process.kill(process.pid, 'SIGSEGV'))`, 'proof.native-crashed'],
  ])('N1: answers with %s: a typed error, and another process for the next proof', async (name, script, code) => {
    const nativeFolder = await impostor(name.replaceAll(' ', ''), script)
    await withProver(
      bare,
      async (prover) => {
        await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({ code })
        // A refusal leaves the process alive, and these scripts answer once.
        if (code !== 'proof.native-refused') await expect(prover.warm(keys)).rejects.toMatchObject({ code })
      },
      { nativeFolder },
    )
  })

  it('N1: is not a program at all', async () => {
    const folder = await impostor('notAProgram', '')
    await writeFile(nativeProgram(folder), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0]))
    await withProver(
      bare,
      async (prover) => {
        await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({ code: 'proof.native-crashed' })
      },
      { nativeFolder: folder },
    )
  })
})

describe.skipIf(missing !== undefined)('the native prover', () => {
  it('proves a real batch: as valid as snarkjs for both verifiers and on the chain', async () => {
    const market = await loadKeys('marketRisk8x2')
    const { circuitInput } = await stateBatch(randomBatch(new Random(11n), marketBuilds[0]))
    const chain = await startChain()
    const verifier = await chain.deploy('MarketRisk8x2Verifier')
    const signals: unknown[] = []
    for (const create of [bare, (options: ProverOptions) => new SnarkjsProver(options)]) {
      await withProver(create, async (prover) => {
        const proven = await prover.prove(market, circuitInput)
        await expectValid(proven, market)
        const [ax, ay, bx1, bx0, by1, by0, cx, cy] = encodeProofCalldata(parseProof(proven.proof))
        const b = [
          [bx1, bx0],
          [by1, by0],
        ]
        const words = [[ax, ay], b, [cx, cy]]
        expect(await verifier.getFunction('verifyProof').staticCall(...words, proven.publicSignals)).toBe(true)
        const changed = proven.publicSignals.map((signal, i) => (i === 0 ? signal + 1n : signal))
        expect(await verifier.getFunction('verifyProof').staticCall(...words, changed)).toBe(false)
        signals.push(proven.publicSignals)
      })
    }
    expect(signals[0]).toEqual(signals[1])
  })

  it('is what one gets where it is built, warm from the second proof on, in order, over several circuits', async () => {
    await withProver(automatic, async (prover, warnings) => {
      expect(prover).toBeInstanceOf(FallbackProver)
      const finished: number[] = []
      const proven = await Promise.all(
        [keys, otherKeys, keys].map(async (circuit, i) => {
          const made = await prover.prove(circuit, circuit === keys ? polynomialInput : otherInput)
          finished.push(i)
          await expectValid(made, circuit)
          return made
        }),
      )
      expect(proven.map(({ backend }) => backend)).toEqual(['native', 'native', 'native'])
      expect(finished).toEqual([0, 1, 2])
      expect(proven[2]?.proof).not.toEqual(proven[0]?.proof)
      expect(proven[2]?.timings.load).toBeLessThan(proven[0]?.timings.load as number)
      expect(warnings).toEqual([])
    })
  })

  it('reports what is wrong with an input or a key as snarkjs does, without a warning, and goes on', async () => {
    const corrupt = join(directory, 'corrupt.zkey')
    const bytes = await readFile(keys.zkey)
    bytes.writeUInt8(bytes.readUInt8(5_000) ^ 1, 5_000)
    await writeFile(corrupt, bytes)
    await withProver(automatic, async (prover, warnings) => {
      const refused = prover.prove(keys, { ...polynomialInput, small: [43690n, 2n] })
      await expect(refused).rejects.toMatchObject({ code: 'proof.unsatisfied', circuit: 'polynomial' })
      await expect(prover.prove(keys, { challenge: 1n })).rejects.toMatchObject({ code: 'proof.circuit-input' })
      const file = { code: 'proof.corrupt-key-file', file: corrupt }
      await expect(
        prover.prove({ ...keys, zkey: corrupt, manifest: { ...keys.manifest, zkeySha256: '0' } }, polynomialInput),
      ).rejects.toMatchObject(file)
      await expect(
        prover.warm({ ...keys, zkey: corrupt, manifest: { ...keys.manifest, zkeySha256: '1' } }),
      ).rejects.toMatchObject(file)
      expect((await prover.prove(keys, polynomialInput)).backend).toBe('native')
      expect(warnings).toEqual([])
    })
  })

  it('H2: lets no proof out that does not verify, and neither does snarkjs after it', async () => {
    const wrong = {
      ...keys,
      zkey: lookalike.zkey,
      verificationKey: lookalike.verificationKey,
      manifest: { ...lookalike.manifest, wasmSha256: keys.manifest.wasmSha256 },
    }
    await withProver(automatic, async (prover, warnings) => {
      await expect(prover.prove(wrong, polynomialInput)).rejects.toMatchObject({ code: 'proof.self-verification' })
      expect(warnings).toMatchObject([{ isFinal: false, cause: { code: 'proof.self-verification' } }])
      expect((await prover.prove(keys, polynomialInput)).backend).toBe('native')
    })
  })

  it('H1: is ended when it takes more memory than it may', async () => {
    await withProver(
      bare,
      async (prover) => {
        const market = await loadKeys('marketRisk8x2')
        await expect(
          prover.prove(market, (await stateBatch(randomBatch(new Random(11n), marketBuilds[0]))).circuitInput),
        ).rejects.toMatchObject({
          code: 'proof.prover-out-of-memory',
        })
      },
      { memoryBytes: 60 * 2 ** 20 },
    )
  })

  it('H1: its process ends by itself when it takes more memory than it may, before it answers', async () => {
    const market = await loadKeys('marketRisk8x2')
    const key = { zkey: market.zkey, sha256: market.manifest.zkeySha256 }
    // Less than the key's file.
    const native = new NativeProcess(nativeProgram(nativeFolder), { ...AMPLE, memoryBytes: 20 * 2 ** 20 }, () => {})
    await expect(native.request(key)).rejects.toMatchObject({ code: 'proof.native-crashed', exitCode: 86 })
    const roomy = new NativeProcess(nativeProgram(nativeFolder), AMPLE, () => {})
    const { peakBytes } = await roomy.request(key)
    roomy.kill()
    expect(peakBytes).toBeGreaterThan(20 * 2 ** 20)
    expect(peakBytes).toBeLessThan(3 * readFileSync(market.zkey).length)
  })
})

describe.skipIf(missing !== undefined)('a native process that fails', () => {
  it('N1: is killed in the middle of a proof: the proof arrives, and the next one is native again', async () => {
    const market = await loadKeys('marketRisk8x2')
    const { circuitInput } = await stateBatch(randomBatch(new Random(11n), marketBuilds[0]))
    await withProver(automatic, async (prover, warnings) => {
      await prover.warm(market)
      const pid = prover.pid as number
      const before = processorTicks(pid)
      const [doomed, next] = [prover.prove(market, circuitInput), prover.prove(keys, polynomialInput)]
      // Loading costs it nothing any more: once it has computed for a while it is proving.
      while (processorTicks(pid) < before + 10) await sleep(2)
      process.kill(pid, 'SIGKILL')
      const rescued = await doomed
      expect(rescued.backend).toBe('snarkjs')
      await expectValid(rescued, market)
      const cause = { code: 'proof.native-crashed', signal: 'SIGKILL' }
      expect(warnings).toMatchObject([{ code: 'proof.native-failed', isFinal: false, cause }])
      expect((await next).backend).toBe('native')
      expect(prover.pid).not.toBe(pid)
      expect(warnings.length).toBe(1)
    })
  })

  it('is asked to stop with the whole group of its processes, as Ctrl-C does: the proof in hand arrives', async () => {
    const market = await loadKeys('marketRisk8x2')
    const { circuitInput } = await stateBatch(randomBatch(new Random(11n), marketBuilds[0]))
    await withProver(automatic, async (prover, warnings) => {
      await prover.warm(market)
      const pid = prover.pid as number
      const before = processorTicks(pid)
      const inHand = prover.prove(market, circuitInput)
      while (processorTicks(pid) < before + 10) await sleep(2)
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        for (const each of [parentOf(pid), pid]) process.kill(each, signal)
      const proven = await inHand
      expect(proven.backend).toBe('native')
      await expectValid(proven, market)
      expect(prover.pid).toBe(pid)
      expect(warnings).toEqual([])
    })
  })

  it('N1: hangs: the proof arrives, the process is gone, and snarkjs proves from there on', async () => {
    await withProver(
      automatic,
      async (prover, warnings) => {
        await prover.warm(keys)
        const pid = prover.pid as number
        process.kill(pid, 'SIGSTOP')
        for (let i = 0; i < 2; i++) {
          const proven = await prover.prove(keys, polynomialInput)
          expect(proven.backend).toBe('snarkjs')
          await expectValid(proven)
        }
        expect(warnings).toMatchObject([{ isFinal: true, cause: { code: 'proof.prover-timeout', timeoutMs: 5_000 } }])
        await expect.poll(() => isRunning(pid), { timeout: 120_000 }).toBe(false)
      },
      { timeoutMs: 5_000 },
    )
  })

  it('N1: fails three times in a row, and is not tried again', async () => {
    await withProver(automatic, async (prover, warnings) => {
      for (let i = 0; i < 3; i++) {
        // Starting it again and loading a key is no success: only a proof is.
        await prover.warm(keys)
        const pid = prover.pid as number
        process.kill(pid, 'SIGSTOP')
        const proof = prover.prove(keys, polynomialInput)
        await sleep(300)
        process.kill(pid, 'SIGKILL')
        expect((await proof).backend).toBe('snarkjs')
      }
      expect((await prover.prove(keys, polynomialInput)).backend).toBe('snarkjs')
      expect(warnings.map((warning) => (warning as { isFinal?: boolean }).isFinal)).toEqual([false, false, true])
    })
  })
})

describe.skipIf(missing !== undefined)('the frames of the native process', () => {
  const start = (...args: string[]) =>
    spawn(nativeProgram(nativeFolder), args.length > 0 ? args : ['1000000', '1000000000'], { env: {} })
  const frame = (body: Uint8Array): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(body.length)
    return Buffer.concat([length, body])
  }
  const header = (text: string): Buffer => frame(Buffer.from(text))
  const answersIn = (bytes: Buffer): unknown[] => {
    if (bytes.length === 0) return []
    const end = 4 + bytes.readUInt32LE(0)
    return [JSON.parse(bytes.subarray(4, end).toString()), ...answersIn(bytes.subarray(end))]
  }
  const reply = async (child: ReturnType<typeof start>, bytes: Uint8Array): Promise<unknown> => {
    child.stdin.write(bytes)
    const [answer] = (await once(child.stdout, 'data')) as [Buffer]
    expect(answer.readUInt32LE(0)).toBe(answer.length - 4)
    return JSON.parse(answer.subarray(4).toString())
  }

  it('N1: answers nonsense with errors, not with its end', async () => {
    const child = start()
    for (const body of [
      Buffer.alloc(0),
      Buffer.from([1, 2]),
      Buffer.from([255, 255, 255, 255, 0]),
      header('{'),
      header('[]'),
    ]) {
      expect(await reply(child, frame(body))).toMatchObject({ error: { code: 'malformed-request' } })
    }
    expect(await reply(child, frame(header('{"id":3,"zkey":"/nowhere","sha256":""}')))).toMatchObject({
      id: 3,
      error: { code: 'corrupt-key-file' },
    })
    expect(child.exitCode).toBe(null)
    child.stdin.end()
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('N1: refuses a frame longer than any witness, and ends', async () => {
    const child = start()
    expect(await reply(child, Buffer.from([255, 255, 255, 255]))).toMatchObject({ error: { code: 'frame-too-long' } })
    expect(await once(child, 'exit')).toEqual([3, null])
  })

  it('N1: answers requests that come all at once one by one, in their order', async () => {
    const child = start()
    const texts = ['{', '{"id":1,"zkey":"/nowhere","sha256":""}', '[]', '{"id":3,"zkey":"/nowhere","sha256":""}', '{']
    child.stdin.end(Buffer.concat(texts.map((text) => frame(header(text)))))
    const output: Buffer[] = []
    child.stdout.on('data', (bytes) => output.push(bytes))
    expect(await once(child, 'close')).toEqual([0, null])
    const answers = answersIn(Buffer.concat(output)) as { id: number }[]
    // What its input asked for before it ended is for nobody any more.
    expect(answers.map(({ id }) => id)).toEqual([0, 1, 0, 3, 0].slice(0, answers.length))
  })

  it('N1: ends without an answer when a request is cut, at whatever length', async () => {
    const request = frame(
      Buffer.concat([header(JSON.stringify({ id: 1, zkey: '/nowhere', sha256: '' })), Buffer.alloc(64)]),
    )
    for (let length = 0; length < request.length; length += length < 12 ? 1 : 9) {
      const child = start()
      const output: Buffer[] = []
      child.stdout.on('data', (bytes) => output.push(bytes))
      child.stdin.end(request.subarray(0, length))
      expect(await once(child, 'close')).toEqual([0, null])
      expect(output).toEqual([])
    }
  })

  it('N2: ends with its input in the middle of a proof', async () => {
    const market = await loadKeys('marketRisk8x2')
    const { circuitInput } = await stateBatch(randomBatch(new Random(11n), marketBuilds[0]))
    const calculator = await WitnessCalculator.load(market.circuit, readFileSync(market.wasm))
    const wires = new Uint8Array((await calculator.size()) * 32)
    await calculator.calculate(circuitInput, wires)
    const child = start('1000000000', '4000000000')
    const key = { zkey: market.zkey, sha256: market.manifest.zkeySha256 }
    const request = (id: number, body: Uint8Array): Buffer =>
      frame(Buffer.concat([header(JSON.stringify({ id, ...key })), body]))
    expect(await reply(child, request(1, new Uint8Array()))).toMatchObject({ id: 1, wires: wires.length / 32 })
    const before = processorTicks(child.pid as number)
    child.stdin.write(Buffer.concat([request(2, wires), request(3, wires)]))
    while (processorTicks(child.pid as number) < before + 3) await sleep(1)
    child.stdin.end()
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('ends with its input, in the middle of a frame too, and says how it is used', async () => {
    const child = start()
    child.stdin.end(Buffer.from([9, 0, 0, 0, 1]))
    expect(await once(child, 'exit')).toEqual([0, null])
    for (const args of [['many', '1'], ['1'], ['1', '0'], ['1', '1', '1']]) {
      expect(await once(start(...args), 'exit')).toEqual([2, null])
    }
  })

  it('N1: refuses a witness of another size and a key of another hash, and goes on', async () => {
    const native = new NativeProcess(nativeProgram(nativeFolder), AMPLE, () => {})
    const key = { zkey: keys.zkey, sha256: keys.manifest.zkeySha256 }
    try {
      await expect(native.request(key, Buffer.from('wtns'))).rejects.toMatchObject({ code: 'proof.native-refused' })
      const wrong = { ...key, sha256: otherKeys.manifest.zkeySha256 }
      const corrupt = { code: 'proof.corrupt-key-file', file: keys.zkey }
      await expect(native.request(wrong)).rejects.toMatchObject(corrupt)
      expect(await native.request(key)).toMatchObject({ points: undefined, keysInMemory: 1 })
    } finally {
      native.kill()
    }
  })

  it('keeps keys by hash, the most recently used ones that fit', async () => {
    const references = [keys, otherKeys, lookalike].map(({ zkey, manifest }) => ({ zkey, sha256: manifest.zkeySha256 }))
    const bytes = references.map(({ zkey }) => readFileSync(zkey).length) as [number, number, number]
    const room = { ...AMPLE, keyBytes: bytes[0] + Math.max(bytes[1], bytes[2]) }
    const native = new NativeProcess(nativeProgram(nativeFolder), room, () => {})
    try {
      const counts = []
      for (const i of [0, 1, 0, 2, 0]) {
        counts.push((await native.request(references[i] as (typeof references)[0])).keysInMemory)
      }
      expect(counts).toEqual([1, 2, 2, 2, 2])
      const least = new NativeProcess(nativeProgram(nativeFolder), { ...AMPLE, keyBytes: 1 }, () => {})
      for (const reference of references) expect((await least.request(reference)).keysInMemory).toBe(1)
      least.kill()
    } finally {
      native.kill()
    }
  })
})

describe.skipIf(missing !== undefined)('the processes', () => {
  it.skipIf(!existsSync('/proc/self/environ'))('N2: have nothing of the environment, which holds keys', async () => {
    process.env.ZKRISK_KEY = 'a secret'
    try {
      await withProver(bare, async (prover) => {
        await prover.warm(keys)
        const parent = parentOf(prover.pid as number)
        expect(readFileSync(`/proc/${prover.pid}/environ`, 'utf8')).toBe('')
        expect(readFileSync(`/proc/${parent}/environ`, 'utf8')).not.toContain('secret')
      })
    } finally {
      delete process.env.ZKRISK_KEY
    }
  })

  it('N2: are gone after closing, whatever was under way', async () => {
    const prover = automatic({ threads: 1 })
    await prover.warm(keys)
    const pid = prover.pid as number
    process.kill(pid, 'SIGSTOP')
    const failed = expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({ code: 'proof.prover-closed' })
    await sleep(100)
    await prover.close()
    await failed
    await expect.poll(() => isRunning(pid), { timeout: 120_000 }).toBe(false)
    await expect(prover.prove(keys, polynomialInput)).rejects.toMatchObject({ code: 'proof.prover-closed' })
  })

  it.each(['', 'process.kill(process.pid, "SIGKILL")'])(
    'N2: end with a program that proves and then does "%s"',
    async (ending) => {
      const script = `
        import { createProver, parseVerificationKey } from '${new URL('../../prover/proof/index.ts', import.meta.url).href}'
        import { readFileSync } from 'node:fs'
        const keys = ${JSON.stringify({ ...keys, verificationKey: undefined })}
        const verificationKey = parseVerificationKey(JSON.parse(readFileSync(keys.verificationKeyFile, 'utf8')))
        const prover = createProver({}, 'native')
        const { backend } = await prover.prove({ ...keys, verificationKey }, { challenge: '1', secret: '2', small: [3, 1] })
        console.log(JSON.stringify({ pid: prover.pid, backend }))
        setTimeout(() => { ${ending} }, 50)`
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
      let output = ''
      child.stdout.on('data', (text) => {
        output += text
      })
      const [code, signal] = await once(child, 'close')
      const { pid, backend } = JSON.parse(output)
      expect(backend).toBe('native')
      expect([code, signal]).toEqual(ending === '' ? [0, null] : [null, 'SIGKILL'])
      await expect.poll(() => isRunning(pid), { timeout: 120_000 }).toBe(false)
    },
  )
})

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Processor time of a process in hundredths of a second, where the system tells (Linux). */
function processorTicks(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
