/** `zkrisk batch`, `prove`, `verify` and `submit`. */
import { ProverError } from '../../errors.ts'
import { whyUntaken } from '../../market/marketId.ts'
import { createProver, type KeyKind, type ProofTimings } from '../../proof/index.ts'
import {
  type RpcAddress,
  type BundleVerdict,
  checkBundle,
  connectProvider,
  type LeftOut,
  parseBatchFile,
  type NextBatch,
  readBundle,
  readDeployment,
  RegistryClient,
  type Submitted,
  writeBundle,
} from '../../registry/index.ts'
import { readAtMost, textOf } from '../../registry/sealedFile.ts'
import { openAccount } from '../daemon/account.ts'
import { keyHashOf, proveBatch } from '../daemon/proving.ts'
import { toJson } from '../text/terminal.ts'
import { verdictLine } from '../text/verdictLine.ts'
import { writeWholeFile } from '../wholeFile.ts'
import { buildOf, CATCH_UP_BUILD, LIVE_BUILD, loadKeys, loadVerifyingKeys } from '../workspace.ts'
import { brought } from './auditing.ts'

const MAX_BATCH_BYTES = 1 << 20

/**
 * Writes the batch that a registry would take next.
 *
 * @throws {@link NothingWaitingError} if there is none
 */
export async function writeNextBatch(options: {
  readonly rpc: RpcAddress
  readonly deployment: string
  readonly out: string
  readonly model?: string | undefined
  readonly keys?: string | undefined
}): Promise<{ readonly names: readonly string[]; readonly leftOut: readonly LeftOut[] }> {
  const build = buildOf(options.model ?? LIVE_BUILD)
  const deployment = await readDeployment(options.deployment)
  const keys = await loadVerifyingKeys(build.name, options.keys)
  const client = await RegistryClient.connect({
    registry: deployment.addresses.registry,
    provider: await connectProvider(options.rpc, deployment.chainId),
    expectedChainId: deployment.chainId,
    fromBlock: deployment.block,
  })
  const next = await client.nextBatch(build, keyHashOf(keys))
  if (next.batch === undefined) throw new NothingWaitingError(next.leftOut)
  writeWholeFile(options.out, `${toJson(batchFileOf(next))}\n`)
  return { names: next.names, leftOut: next.leftOut }
}

/** What was written, and whom no batch of this software has. */
export const describeBatch = (names: readonly string[], leftOut: readonly LeftOut[], out: string): string =>
  [`${names.join(', ')}: written to ${out}`, ...untakenIn(leftOut).map((says) => `Left out: ${says}.`)].join('\n')

const untakenIn = (leftOut: readonly LeftOut[]): readonly string[] =>
  leftOut.filter(({ reason }) => reason === 'untaken-name').map(({ name }) => whyUntaken(name))

/** A batch as `zkrisk prove` reads it. */
export function batchFileOf({ batch, names, inboxes }: NextBatch): object {
  const { build, chainId, registry, learning, margin, markets } = batch
  return {
    model: build.name,
    chainId,
    registry,
    enginePolicy: { learning, margin },
    markets: markets.map(({ sequence, previous, policy, observations }, i) => ({
      market: names[i],
      sequence,
      inbox: inboxes[i],
      previous,
      policy,
      observations,
    })),
  }
}

/** Proves the batch of a file and writes a bundle, whole or not at all. */
export async function proveFile(
  file: string,
  options: {
    readonly out: string
    readonly deployment?: string | undefined
    readonly keys?: string | undefined
    readonly say: (line: string) => void
  },
): Promise<{ readonly names: readonly string[]; readonly timings: ProofTimings }> {
  const text = textOf(await readAtMost(file, MAX_BATCH_BYTES), MAX_BATCH_BYTES, file)
  const deployment = options.deployment === undefined ? {} : { deployment: await readDeployment(options.deployment) }
  // The first reading finds what is wrong with the file before any key is loaded; only the second knows the model's key.
  const unkeyed = parseBatchFile(text, file, { verificationKeyHash: `0x${'00'.repeat(32)}`, ...deployment })
  const keys = await loadKeys(unkeyed.batch.build.name, options.keys)
  const next = parseBatchFile(text, file, { verificationKeyHash: keyHashOf(keys), ...deployment })
  const prover = createProver()
  try {
    options.say(`${next.names.join(', ')}: loading the key and proving …`)
    const { bundle, timings } = await proveBatch(prover, keys, next)
    await writeBundle(options.out, bundle)
    return { names: next.names, timings }
  } finally {
    await prover.close()
  }
}

/** Checks a bundle against the keys at hand, or against nothing. */
export async function verifyFile(
  file: string,
  options: {
    readonly keys?: string | undefined
    readonly unpinned?: boolean | undefined
    readonly chainId?: string | undefined
    readonly registry?: string | undefined
  },
): Promise<FileVerdict> {
  const bundle = await readBundle(file)
  const { build } = bundle.context
  const keys =
    options.unpinned === true ? undefined : await brought(options.keys, () => loadVerifyingKeys(build, options.keys))
  const verdict = await checkBundle(bundle, {
    ...(keys === undefined ? {} : { verificationKeyHash: keyHashOf(keys) }),
    ...(options.chainId === undefined ? {} : { chainId: BigInt(options.chainId) }),
    ...(options.registry === undefined ? {} : { registry: options.registry }),
  })
  return { ...verdict, key: keys?.manifest.kind ?? 'unpinned' }
}

/** A verdict, and what the key that it rests on is worth. */
export type FileVerdict = BundleVerdict & { readonly key: KeyKind | 'unpinned' }

export function formatVerdict({ valid, consistent, missing, claims, failure, key }: FileVerdict): string {
  const held = claims.filter(({ holds }) => holds).map(({ claim }) => claim)
  const lines = [`claims that hold: ${[...new Set(held)].join(' ')}`]
  if (failure !== undefined) {
    const { claim, field, expected, found } = failure
    lines.push(`claim ${claim} fails at ${field}: expected ${expected ?? 'otherwise'}, found ${found}`)
  }
  const others = missing.filter((pin) => pin !== 'verificationKeyHash')
  if (others.length > 0) lines.push(`Taken from the bundle: ${others.map((pin) => pinNames[pin]).join(', ')}.`)
  if (key === 'development') {
    lines.push('The key is a development key: whoever made it can forge. It holds on development chains only.')
  }
  return [...lines, verdictLine({ valid, consistent }, missing.length === 3)].join('\n')
}

const pinNames = { chainId: 'its chain (--chain-id pins it)', registry: 'its registry (--registry pins it)' } as const

/**
 * Lands a bundle on the registry it is for.
 *
 * @param options - with a deployment, the bundle must be for it
 * @throws {@link WrongRegistryError}, {@link WrongChainError} if it is for another
 */
export async function submitFile(
  file: string,
  options: {
    readonly rpc: RpcAddress
    readonly deployment?: string | undefined
    readonly keyFile?: string | undefined
  },
): Promise<Submitted> {
  const { rpc, keyFile } = options
  const bundle = await readBundle(file)
  const deployment = options.deployment === undefined ? undefined : await readDeployment(options.deployment)
  const chainId = deployment?.chainId ?? bundle.context.chainId
  const registry = deployment?.addresses.registry ?? bundle.context.registry
  const provider = await connectProvider(rpc, chainId)
  try {
    const signer = openAccount(provider, keyFile)
    const client = await RegistryClient.connect({ registry, provider, signer, expectedChainId: chainId })
    return await client.submit(bundle)
  } finally {
    provider.destroy()
  }
}

export function describeSubmitted(submitted: Submitted): string {
  if (submitted.status === 'already-applied') return 'Already in force; nothing was sent.'
  const { transactionHash, block, gasUsed, skipped } = submitted
  const others = skipped.length === 0 ? '' : ` ${skipped.join(', ')} had been moved by another batch before.`
  return `In force since block ${block}: transaction ${transactionHash}, ${gasUsed.toLocaleString('en')} gas.${others}`
}

/** No market of the registry has an observation that this build could take. */
export class NothingWaitingError extends ProverError {
  readonly code = 'service.nothing-waiting'
  readonly leftOut: readonly LeftOut[]

  constructor(leftOut: readonly LeftOut[]) {
    const others = leftOut.filter(({ reason }) => reason !== 'untaken-name')
    const reasons = [...others.map(({ name, reason }) => `${name}: ${reason}`), ...untakenIn(leftOut)].join(', ')
    super(`There is no batch to make (${reasons}). Markets that are behind need --model ${CATCH_UP_BUILD}.`)
    this.leftOut = leftOut
  }
}
