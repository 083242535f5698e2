/** Signed payloads of oracles as their networks make them, with keys of our own: what recordings cannot say. */
import {
  AbiCoder,
  concat,
  encodeBytes32String,
  getBytes,
  keccak256,
  type SigningKey,
  toBeHex,
  zeroPadValue,
} from 'ethers'

/** Chain and address that Pyth's messages come from. */
export const pythEmitter = {
  chain: 26n,
  address: '0xe101faedac5851e32b9b23b5f9411a8c2bac4aae3ed4dd7b811dd1a72ea4aa71',
} as const

export type PythPrice = {
  readonly id: string
  readonly price: bigint
  readonly confidence: bigint
  readonly exponent: bigint
  readonly publishTime: bigint
}

const bytes = (value: bigint, length: number): string => toBeHex(BigInt.asUintN(8 * length, value), length)

/** A Wormhole message: signatures of guardians over the double hash of its body. */
export function wormholeMessage(
  guardians: readonly SigningKey[],
  set: number,
  from: { readonly chain: bigint; readonly address: string },
  sequence: bigint,
  payload: string,
): string {
  const body = concat([
    bytes(0n, 4),
    bytes(0n, 4),
    bytes(from.chain, 2),
    from.address,
    bytes(sequence, 8),
    '0x00',
    payload,
  ])
  const hash = keccak256(keccak256(body))
  const signatures = guardians.map((guardian, i) => {
    const { r, s, yParity } = guardian.sign(hash)
    return concat([bytes(BigInt(i), 1), r, s, bytes(BigInt(yParity), 1)])
  })
  return concat(['0x01', toBeHex(set, 4), toBeHex(guardians.length, 1), ...signatures, body])
}

const node = (text: string): string => keccak256(text).slice(0, 42)

/** One update of Pyth's with several prices, all below one root. */
export function pythUpdate(
  prices: readonly PythPrice[],
  guardians: readonly SigningKey[],
  changes: {
    readonly emitter?: { readonly chain: bigint; readonly address: string }
    readonly set?: number
    /** What is signed in place of the root's payload, and what stands below the root in place of a price. */
    readonly payload?: (payload: string) => string
    readonly message?: (message: string) => string
  } = {},
): string {
  const asIs = (text: string): string => text
  const { emitter = pythEmitter, set = 0, payload: changed = asIs, message: below = asIs } = changes
  const messages = prices.map(({ id, price, confidence, exponent, publishTime }) => {
    const times = [bytes(publishTime, 8), bytes(publishTime - 1n, 8)]
    const averages = [bytes(price, 8), bytes(0n, 8)]
    return below(concat(['0x00', id, bytes(price, 8), bytes(confidence, 8), bytes(exponent, 4), ...times, ...averages]))
  })
  const { root, paths } = treeOf(messages.map((message) => node(concat(['0x00', message]))))
  const payload = changed(concat(['0x4155575600', bytes(1n, 8), bytes(10_000n, 4), root]))
  const message = wormholeMessage(guardians, set, emitter, 1n, payload)
  const updates = messages.flatMap((one, i) => [
    toBeHex(getBytes(one).length, 2),
    one,
    toBeHex(paths[i]?.length ?? 0, 1),
    ...(paths[i] ?? []),
  ])
  const head = ['0x504e415501000000', toBeHex(getBytes(message).length, 2), message, toBeHex(prices.length, 1)]
  return concat([...head, ...updates])
}

/** A Merkle tree of a power of two leaves, of which the last stand for those that are not there. */
function treeOf(leaves: readonly string[]): { readonly root: string; readonly paths: readonly string[][] } {
  const width = 2 ** Math.ceil(Math.log2(leaves.length))
  const paths: string[][] = leaves.map(() => [])
  let level = [...leaves, ...Array.from({ length: width - leaves.length }, () => node('0x02'))]
  for (let depth = 0; level.length > 1; depth++) {
    for (const [i, path] of paths.entries()) path.push(level[(i >> depth) ^ 1] as string)
    level = Array.from({ length: level.length / 2 }, (_, i) => {
      const [left, right] = [level[2 * i] as string, level[2 * i + 1] as string]
      return node(left < right ? concat(['0x01', left, right]) : concat(['0x01', right, left]))
    })
  }
  return { root: level[0] as string, paths }
}

export type StreamsReport = {
  readonly feedId: string
  readonly validFrom: bigint
  readonly observedAt: bigint
  readonly nativeFee: bigint
  readonly linkFee: bigint
  readonly expiresAt: bigint
  readonly price: bigint
  readonly bid: bigint
  readonly ask: bigint
}

const coder = AbiCoder.defaultAbiCoder()
const reportTypes = [
  'bytes32',
  'uint32',
  'uint32',
  'uint192',
  'uint192',
  'uint32',
  'int192',
  'int192',
  'int192',
] as const
export const payloadTypes = ['bytes32[3]', 'bytes', 'bytes32[]', 'bytes32[]', 'bytes32'] as const

/** What the signers of a report sign. */
export const digestOfReport = (report: string, context: readonly string[]): string =>
  keccak256(concat([keccak256(report), ...context]))

/** A report of Data Streams, schema 3, signed as its network does. */
export function streamsPayload(report: StreamsReport, digest: string, signers: readonly SigningKey[]): string {
  const { feedId, validFrom, observedAt, nativeFee, linkFee, expiresAt, price, bid, ask } = report
  const values = [feedId, validFrom, observedAt, nativeFee, linkFee, expiresAt, price, bid, ask]
  return signedPayload(coder.encode(reportTypes, values), digest, signers)
}

/** Any bytes signed as a report. */
export function signedPayload(report: string, digest: string, signers: readonly SigningKey[]): string {
  const context = [digest, zeroPadValue('0x0100', 32), zeroPadValue('0x', 32)]
  const signatures = signers.map((signer) => signer.sign(digestOfReport(report, context)))
  const recoveries = concat([
    ...signatures.map(({ yParity }) => toBeHex(yParity, 1)),
    `0x${'00'.repeat(32 - signers.length)}`,
  ])
  return coder.encode(payloadTypes, [
    context,
    report,
    signatures.map(({ r }) => r),
    signatures.map(({ s }) => s),
    recoveries,
  ])
}

export type RedStoneValue = { readonly feed: string; readonly value: bigint; readonly timestampMs: bigint }

/** Data packages of RedStone's, one a signer, and the marker behind them. */
export function redStonePayload(packages: readonly (RedStoneValue & { readonly signer: SigningKey })[]): string {
  const signed = packages.map(({ feed, value, timestampMs, signer }) => {
    const message = concat([
      encodeBytes32String(feed),
      toBeHex(value, 32),
      toBeHex(timestampMs, 6),
      toBeHex(32, 4),
      toBeHex(1, 3),
    ])
    const { r, s, v } = signer.sign(keccak256(message))
    return concat([message, r, s, toBeHex(v, 1)])
  })
  return concat([...signed, toBeHex(packages.length, 2), '0x000000', '0x000002ed57011e0000'])
}
