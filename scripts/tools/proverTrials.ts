/** A prover whose child process is stopped, ended or starved, or whose memory has a bit flipped: whether any other proof is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../prover/errors.ts'
import { type CircuitKeys, type Prover, type Proven, verifyProof } from '../../prover/proof/index.ts'
import { requireValid } from '../../prover/proof/backends/selfVerification.ts'
import { SnarkjsProver } from '../../prover/proof/backends/snarkjsProver.ts'
import type { Random } from './cases/random.ts'
import { trialInput } from './fleet/fleetCircuit.ts'

/** A proof of these takes far less, on a busy machine too. */
const TIMEOUT_MS = 10_000
/** Less than Node itself takes. */
const STARVED_BYTES = 40 * 2 ** 20

export type ProverFault = 'hangs' | 'is ended' | 'has no memory'

/** @returns what went otherwise than this: the proof under way failed by name, and the one after it was made all the same */
export async function failProver(keys: CircuitKeys, fault: ProverFault, random: Random): Promise<string | undefined> {
  const starved = fault === 'has no memory' ? { memoryBytes: STARVED_BYTES } : {}
  const hurried = fault === 'hangs' ? { timeoutMs: TIMEOUT_MS } : {}
  const prover = new SnarkjsProver({ threads: 1, ...starved, ...hurried })
  try {
    if (fault === 'has no memory') {
      const code = await codeOf(prover.prove(keys, trialInput(1)))
      if (code !== 'proof.prover-out-of-memory') return `the proof without memory ended with ${code}`
      return (await canProve(keys)) ? undefined : 'a proof with memory is not valid'
    }
    await prover.warm(keys)
    const [doomed, next] = [prover.prove(keys, trialInput(1)), prover.prove(keys, trialInput(2))]
    await sleep(Number(random.below(20n)))
    const { pid } = prover
    if (pid !== undefined) process.kill(pid, fault === 'hangs' ? 'SIGSTOP' : 'SIGABRT')
    const wanted = fault === 'hangs' ? 'proof.prover-timeout' : 'proof.prover-crashed'
    const code = await codeOf(doomed)
    if (code !== undefined && code !== wanted) return `the proof under way ended with ${code}`
    const ended = await next.catch((error: unknown) => error)
    if (!(ended instanceof ProverError))
      return (await isValid(keys, ended as Proven, 2)) ? undefined : 'the next proof is not valid'
    // The first one may have been quicker than the fault, which then met the next.
    if (code !== undefined || ended.code !== wanted) return `after ${code} the next proof ended with ${ended.code}`
    return (await isValid(keys, await prover.prove(keys, trialInput(2)), 2)) ? undefined : 'the last proof is not valid'
  } finally {
    await prover.close()
  }
}

async function canProve(keys: CircuitKeys): Promise<boolean> {
  const prover: Prover = new SnarkjsProver({ threads: 1 })
  try {
    return await isValid(keys, await prover.prove(keys, trialInput(2)), 2)
  } finally {
    await prover.close()
  }
}

/** @returns whether a proof of which one bit, or one bit of its public signals, is another is let out */
export async function letsOut(keys: CircuitKeys, { proof, publicSignals }: Proven, random: Random): Promise<boolean> {
  const bit = 1n << random.below(254n)
  const text = JSON.stringify(proof)
  const numbers = [...(text.match(/\d{20,}/g) ?? []), ...publicSignals.map(String)]
  const at = Number(random.below(BigInt(numbers.length)))
  const number = numbers[at] as string
  const flipped = String(BigInt(number) ^ bit)
  const isOfProof = at < numbers.length - publicSignals.length
  const signals = publicSignals.map((signal) => (!isOfProof && String(signal) === number ? BigInt(flipped) : signal))
  const claim = { proof: isOfProof ? JSON.parse(text.replace(number, flipped)) : proof, publicSignals: signals }
  const code = await codeOf(requireValid(keys.circuit, keys.verificationKey, claim))
  if (code !== undefined && code !== 'proof.self-verification') throw new Error(`It was refused with ${code}.`)
  return code === undefined
}

const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof ProverError ? error.code : String(error)),
  )

async function isValid(keys: CircuitKeys, proven: Proven, n: number): Promise<boolean> {
  return proven.publicSignals.at(-1) === BigInt(n) && (await verifyProof(keys.verificationKey, proven)).accepted
}
