/** rapidsnark as a peer of `npm run bench:prover`: built with cgo, resident, driven by frames as the native prover once was. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CircuitInput, CircuitKeys } from '../prover/proof/index.ts'
import { root } from './sources.ts'

export async function rapidsnark({ wasm, zkey, manifest }: CircuitKeys, input: CircuitInput) {
  const program = join(root, 'build', 'rapidsnark', 'prover')
  mkdirSync(join(root, 'build', 'rapidsnark'), { recursive: true })
  const env = { ...process.env, CGO_ENABLED: '1' }
  execFileSync('go', ['build', '-o', program, '.'], { cwd: join(root, 'prover/proof/rapidsnark'), env })
  const { wtns } = await import('snarkjs')
  const witness: { type: 'mem'; data?: Uint8Array } = { type: 'mem' }
  await wtns.calculate(input as never, wasm, witness)
  const body = witness.data as Uint8Array
  const child = spawn(program, ['2000000000'], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] })
  return {
    prove: async () => {
      const start = performance.now()
      const header = Buffer.from(JSON.stringify({ id: 0, zkey, sha256: manifest.zkeySha256 }))
      const lengths = Buffer.alloc(8)
      lengths.writeUInt32LE(4 + header.length + body.length, 0)
      lengths.writeUInt32LE(header.length, 4)
      child.stdin.cork()
      for (const piece of [lengths, header, body]) child.stdin.write(piece)
      child.stdin.uncork()
      const answer: Buffer = await new Promise((resolve) => child.stdout.once('data', resolve))
      const { error, loadMs } = JSON.parse(answer.subarray(4).toString())
      if (error !== undefined) throw new Error(error.message)
      return { proofMs: performance.now() - start - loadMs }
    },
    peak: () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    close: async () => void child.kill(),
  }
}
