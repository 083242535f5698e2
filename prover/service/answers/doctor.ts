/** `zkrisk doctor`: what a command would need, whether it is there, and how to mend what is not. */
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import type { JsonRpcProvider } from 'ethers'
import { defaultBuilds } from '../../../circuits/statements/index.ts'
import { buildFolder, projectRoot } from '../../config.ts'
import { createProver, isDevelopmentChain, NativeProver } from '../../proof/index.ts'
import { isNativeBuilt, nativeFolder, whyNotBuilt } from '../../proof/backends/nativeBuild.ts'
import { testNativeProver } from '../../proof/backends/nativeSelfTest.ts'
import { connectProvider } from '../../registry/index.ts'
import { describeError } from '../text/terminal.ts'
import { compiledCircuit, loadKeys } from '../workspace.ts'

export type Finding = {
  readonly check: string
  /** `warning`: most things work without. */
  readonly status: 'ok' | 'warning' | 'missing'
  readonly found: string
  /** What to do, where something is to be done. */
  readonly mend?: string
}

export type DoctorOptions = {
  readonly rpc?: string | undefined
  readonly registry?: string | undefined
  /** Port that a local chain would use. */
  readonly port?: number | undefined
  readonly keys?: string | undefined
}

/** Circuits, keys, contracts and reports take a third of it. */
const DISK_BYTES = 2 ** 30
/** Resident size of a prover with both keys loaded, with room to spare. */
const MEMORY_BYTES = 1.5 * 2 ** 30
export const DEFAULT_PORT = 8545

/**
 * @example
 * const findings = await examine()
 * findings.find(({ check }) => check === 'Node').status // → 'ok'
 */
export async function examine(options: DoctorOptions = {}): Promise<readonly Finding[]> {
  const findings = [
    node(),
    compiler(),
    ...defaultBuilds.map(({ name }) => circuit(name)),
    ...(await Promise.all(defaultBuilds.map(({ name }) => keys(name, options.keys)))),
    await prover(),
    contracts(),
    disk(),
    memory(),
    await port(options.port ?? DEFAULT_PORT),
  ]
  return options.rpc === undefined ? findings : [...findings, ...(await chain(options.rpc, options.registry))]
}

/** One line per finding, with the cure below what is not right. */
export function formatFindings(findings: readonly Finding[]): string {
  const marks = { ok: 'ok     ', warning: 'warning', missing: 'MISSING' }
  const width = Math.max(...findings.map(({ check }) => check.length))
  return findings
    .flatMap(({ check, status, found, mend }) => [
      `${marks[status]}  ${check.padEnd(width)}  ${found}`,
      ...(mend === undefined ? [] : [`${' '.repeat(width + 11)}${mend}`]),
    ])
    .join('\n')
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major >= 24 || (major === 22 && minor >= 18)
  const found = `Node ${process.versions.node}`
  if (isNew) return { check: 'Node', status: 'ok', found }
  const mend = 'Use Node 24 (or 22.18 and later); `npm start` fetches it by itself.'
  return { check: 'Node', status: 'missing', found, mend }
}

function compiler(): Finding {
  const require = createRequire(join(projectRoot, 'package.json'))
  try {
    const { version } = JSON.parse(readFileSync(require.resolve('circom2/package.json'), 'utf8')) as { version: string }
    return { check: 'circuit compiler', status: 'ok', found: `circom2 ${version}` }
  } catch {
    const mend = 'Needed to rebuild circuits only: run `npm ci` in a checkout.'
    return { check: 'circuit compiler', status: 'warning', found: 'circom2 is not installed', mend }
  }
}

function circuit(name: string): Finding {
  const check = `circuit ${name}`
  try {
    return { check, status: 'ok', found: compiledCircuit(name).r1cs }
  } catch (error) {
    return { check, status: 'missing', found: describeError(error).message, mend: 'Run `npm run build`.' }
  }
}

async function keys(name: string, folder: string | undefined): Promise<Finding> {
  const check = `keys ${name}`
  try {
    const { manifest } = await loadKeys(name, folder)
    const found = `${manifest.kind}, verification key ${manifest.verificationKeySha256.slice(0, 16)}…`
    return { check, status: 'ok', found }
  } catch (error) {
    const mend = 'Run `zkrisk keys setup`; if a file is corrupt, delete its folder first.'
    return { check, status: 'missing', found: describeError(error).message, mend }
  }
}

/** Which backend proves here, and why not the faster one. */
async function prover(): Promise<Finding> {
  const check = 'prover'
  const choice = process.env.ZKRISK_PROVER || 'auto'
  const mend = 'With Go, `npm run build:native` makes proofs several times faster.'
  if (choice === 'auto' && !isNativeBuilt(nativeFolder)) {
    return {
      check,
      status: 'warning',
      found: `snarkjs, for want of a native prover: ${whyNotBuilt(nativeFolder)}`,
      mend,
    }
  }
  let native: NativeProver | undefined
  try {
    // Refuses a name that is none; what it makes starts nothing yet.
    createProver({ onWarning: () => {} }, choice)
    if (choice === 'snarkjs') return { check, status: 'ok', found: 'snarkjs, because ZKRISK_PROVER says so' }
    // Alone: with snarkjs behind it the test would always be passed.
    native = new NativeProver()
    const { timings } = await testNativeProver(native, nativeFolder)
    return { check, status: 'ok', found: `native, self-test passed in ${timings.total.toFixed(0)} ms` }
  } catch (error) {
    const { message } = describeError(error)
    if (choice === 'auto') return { check, status: 'warning', found: `snarkjs: ${message}`, mend }
    return { check, status: 'missing', found: message, mend }
  } finally {
    await native?.close()
  }
}

function contracts(): Finding {
  const artifact = join(buildFolder, 'artifacts', 'contracts', 'registry', 'RiskRegistry.sol', 'RiskRegistry.json')
  const check = 'contracts'
  if (existsSync(artifact)) return { check, status: 'ok', found: 'compiled' }
  return { check, status: 'missing', found: 'not compiled', mend: 'Run `npm run build`.' }
}

function disk(): Finding {
  const place = existsSync(buildFolder) ? buildFolder : projectRoot
  const { bavail, bsize } = statfsSync(place)
  const free = bavail * bsize
  const found = `${gibibytes(free)} free at ${place}`
  if (free >= DISK_BYTES) return { check: 'disk', status: 'ok', found }
  return { check: 'disk', status: 'missing', found, mend: `Free at least ${gibibytes(DISK_BYTES)}.` }
}

function memory(): Finding {
  const found = `${gibibytes(freemem())} free of ${gibibytes(totalmem())}`
  if (freemem() >= MEMORY_BYTES) return { check: 'memory', status: 'ok', found }
  return { check: 'memory', status: 'warning', found, mend: `Proving wants about ${gibibytes(MEMORY_BYTES)} free.` }
}

async function port(number: number): Promise<Finding> {
  const check = `port ${number}`
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(number, '127.0.0.1', () => server.close(() => resolve(true)))
  })
  if (free) return { check, status: 'ok', found: 'free for `zkrisk chain`' }
  const mend = 'Fine if that is your node; otherwise choose another with `zkrisk chain --port`.'
  return { check, status: 'warning', found: 'in use', mend }
}

async function chain(rpc: string, registry: string | undefined): Promise<readonly Finding[]> {
  let provider: JsonRpcProvider | undefined
  try {
    provider = await connectProvider(rpc)
    const { chainId } = await provider.getNetwork()
    const kind = isDevelopmentChain(chainId) ? 'development' : 'production: development keys are refused'
    const reached: Finding = { check: 'RPC', status: 'ok', found: `chain ${chainId} (${kind})` }
    if (registry === undefined) return [reached]
    const code = await provider.getCode(registry)
    const mend = 'Check the address and that the RPC is of the chain it was deployed to.'
    return code === '0x'
      ? [reached, { check: 'registry', status: 'missing', found: `no contract at ${registry}`, mend }]
      : [reached, { check: 'registry', status: 'ok', found: `${code.length / 2 - 1} bytes of code at ${registry}` }]
  } catch (error) {
    return [
      {
        check: 'RPC',
        status: 'missing',
        found: describeError(error).message,
        mend: 'Start the node or correct --rpc.',
      },
    ]
  } finally {
    provider?.destroy()
  }
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
