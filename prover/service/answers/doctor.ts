/** `zkrisk doctor`: what a command would need, whether it is there, and how to mend what is not. */
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import type { JsonRpcProvider } from 'ethers'
import { type Build, builds, defaultBuilds, marketBuilds } from '../../../circuits/statements/index.ts'
import { buildFolder, HOW_TO_BUILD, isPackageAlone, projectRoot } from '../../config.ts'
import { createProver, isDevelopmentChain, type KeyManifest, NativeProver } from '../../proof/index.ts'
import { isNativeBuilt, nativeFolder, whyNotBuilt } from '../../proof/backends/nativeBuild.ts'
import { testNativeProver } from '../../proof/backends/nativeSelfTest.ts'
import { type RpcAddress, artifactOf, connectProvider } from '../../registry/index.ts'
import { describeError } from '../text/terminal.ts'
import { CircuitNotBuiltError, compiledCircuit, loadKeys, loadVerifyingKeys } from '../workspace.ts'
import { type Finding, faultOf } from './findings.ts'

export type DoctorOptions = {
  readonly rpc?: RpcAddress | undefined
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
    ...(isPackageAlone ? await shipped(options.keys) : await built(options.keys)),
    disk(),
    memory(),
    await port(options.port ?? DEFAULT_PORT),
  ]
  return options.rpc === undefined ? findings : [...findings, ...(await chain(options.rpc, options.registry))]
}

const allBuilds: readonly Build[] = builds

/** What a checkout, or a package with a build of its own, proves with. */
async function built(folder: string | undefined): Promise<readonly Finding[]> {
  const findings = [compiler(), ...allBuilds.map(circuit)]
  // One after the other: each holds a whole proving key while it is checked.
  for (const build of allBuilds) findings.push(await keys(build, folder))
  return [...findings, await prover(), contracts()]
}

/** What the package alone verifies with, and that it does not prove. */
async function shipped(folder: string | undefined): Promise<readonly Finding[]> {
  const found = 'not in the package: it computes, reads, verifies and audits'
  const proving: Finding = { check: 'proving', status: 'warning', found, mend: HOW_TO_BUILD }
  return [proving, ...(await Promise.all(allBuilds.map((build) => shippedKey(build, folder)))), contracts()]
}

async function shippedKey({ name }: Build, folder: string | undefined): Promise<Finding> {
  const check = `verification key ${name}`
  try {
    return { check, status: 'ok', found: keyText((await loadVerifyingKeys(name, folder)).manifest) }
  } catch (error) {
    return { check, status: faultOf(error), found: describeError(error).message, mend: 'Install the package again.' }
  }
}

/** Without its default model nothing starts; without the others all else works. */
const statusWithout = ({ name }: Build): Finding['status'] =>
  defaultBuilds.some((build) => build.name === name) ? 'missing' : 'warning'

const keyText = ({ kind, verificationKeySha256 }: KeyManifest): string =>
  `${kind}, verification key ${verificationKeySha256.slice(0, 16)}…`

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major >= 24 || (major === 22 && minor >= 18)
  const found = `Node ${process.versions.node}`
  if (isNew) return { check: 'Node', status: 'ok', found }
  const mend = 'Use Node 24 (or 22.18 and later); `npm start` fetches it by itself.'
  return { check: 'Node', status: 'wrong', found, mend }
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

function circuit(build: Build): Finding {
  const check = `circuit ${build.name}`
  try {
    return { check, status: 'ok', found: compiledCircuit(build.name).r1cs }
  } catch (error) {
    if (!(error instanceof CircuitNotBuiltError)) throw error
    return { check, status: statusWithout(build), found: `${error.file} is missing`, mend: purposeOf(build) }
  }
}

async function keys(build: Build, folder: string | undefined): Promise<Finding> {
  const check = `keys ${build.name}`
  try {
    return { check, status: 'ok', found: keyText((await loadKeys(build.name, folder)).manifest) }
  } catch (error) {
    const { code, message } = describeError(error)
    if (error instanceof CircuitNotBuiltError) {
      return { check, status: statusWithout(build), found: 'its circuit is not built', mend: purposeOf(build) }
    }
    // What is there and wrong is worse than what is not there.
    const status = code === 'proof.keys-missing' ? statusWithout(build) : 'wrong'
    const mend = `Run \`zkrisk keys setup ${build.name}\`; if a file is corrupt, delete its folder first.`
    return { check, status, found: message, mend }
  }
}

/** What a circuit that is not there would be needed for. */
function purposeOf(build: Build): string {
  const isOfMarkets = marketBuilds.some(({ name }) => name === build.name)
  const purpose = isOfMarkets ? 'markets under another volatility model' : 'prices and margins, `zkrisk margin --prove`'
  return statusWithout(build) === 'missing' ? HOW_TO_BUILD : `Needed for ${purpose}. ${HOW_TO_BUILD}`
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
    return { check, status: faultOf(error), found: message, mend }
  } finally {
    await native?.close()
  }
}

function contracts(): Finding {
  const check = 'contracts'
  try {
    artifactOf('RiskRegistry')
    return { check, status: 'ok', found: 'compiled' }
  } catch (error) {
    return { check, status: faultOf(error), found: describeError(error).message, mend: HOW_TO_BUILD }
  }
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

async function chain(rpc: RpcAddress, registry: string | undefined): Promise<readonly Finding[]> {
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
        status: faultOf(error),
        found: describeError(error).message,
        mend: 'Start the node or correct --rpc.',
      },
    ]
  } finally {
    provider?.destroy()
  }
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
