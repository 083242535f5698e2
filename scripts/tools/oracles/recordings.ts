/** Payloads that were recorded from oracles, read in place from ../shared/data/oracle, and who signed them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AbiCoder, concat, dataLength, dataSlice, getBytes, hexlify, keccak256, recoverAddress, toNumber } from 'ethers'
import { root } from '../sources.ts'
import { digestOfReport, payloadTypes } from './payloads.ts'

const recordingsFolder = join(root, '..', 'shared', 'data', 'oracle')

/** Whether the recordings are there. */
export const hasRecordings = existsSync(recordingsFolder)

export type PythRecording = {
  readonly name: string
  readonly update: string
  /** What its publisher says is in it. */
  readonly expected: { readonly price: bigint; readonly confidence: bigint; readonly publishTime: bigint }
}

export const btcFeed = '0xe62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43'
export const ethFeed = '0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace'

const recorded = [
  ['HERMES_BTC_ETH_UPDATE', 'HERMES_BTC'],
  ['HERMES_BTC_ETH_UNIQUE_UPDATE', 'HERMES_BTC_UNIQUE'],
  ['HERMES_UPDATE_7_PRICE_FEEDS', 'HERMES_7_BTC'],
  ['HERMES_UPDATE_1_PRICE_FEED', 'HERMES_1_BTC'],
  ['HERMES_UPDATE_8_PRICE_FEEDS', 'HERMES_8_BTC'],
  ['HERMES_UPDATE_9_PRICE_FEEDS', 'HERMES_9_BTC'],
] as const

/** Recorded updates of Pyth's that have a price of BTC, by time. */
export function pythRecordings(): readonly PythRecording[] {
  const { payloads_hex, expected_values } = JSON.parse(
    readFileSync(join(recordingsFolder, 'pyth-hermes-updates.json'), 'utf8'),
  ) as { payloads_hex: Record<string, string>; expected_values: Record<string, string | number> }
  const numberOf = (name: string): bigint => BigInt(expected_values[name] ?? Number.NaN)
  const all = recorded.map(([name, prefix]) => ({
    name,
    update: withPrefix(payloads_hex[name] ?? ''),
    expected: {
      price: numberOf(`${prefix}_PRICE`),
      confidence: numberOf(`${prefix}_CONF`),
      publishTime: numberOf(`${prefix}_PUBLISH_TIME`),
    },
  }))
  return all.sort((a, b) => Number(a.expected.publishTime - b.expected.publishTime))
}

/** Guardians of the recorded updates, by index, as far as they signed one; and the number of their set. */
export function recordedGuardians(updates: readonly string[]): {
  readonly set: number
  readonly guardians: readonly (string | undefined)[]
} {
  const guardians: (string | undefined)[] = Array.from({ length: 19 })
  let set = 0
  for (const update of updates) {
    const message = getBytes(update).slice(10, 10 + toNumber(dataSlice(update, 8, 10)))
    set = toNumber(hexlify(message.slice(1, 5)))
    const count = message[5] ?? 0
    const digest = keccak256(keccak256(message.slice(6 + 66 * count)))
    for (let i = 0; i < count; i++) {
      const [index = 0, ...signature] = message.slice(6 + 66 * i, 72 + 66 * i)
      const [r, s] = [
        hexlify(Uint8Array.from(signature.slice(0, 32))),
        hexlify(Uint8Array.from(signature.slice(32, 64))),
      ]
      guardians[index] = recoverAddress(digest, { r, s, v: 27 + (signature[64] ?? 0) })
    }
  }
  return { set, guardians }
}

/** The recorded report of Data Streams. */
export const streamsRecording = (): string =>
  withPrefix(
    (
      JSON.parse(readFileSync(join(recordingsFolder, 'chainlink-data-streams-v3-report.json'), 'utf8')) as {
        full_report_hex: string
      }
    ).full_report_hex,
  )

/** Who signed a payload of Data Streams, under which configuration. */
export function streamsSigners(payload: string): { readonly digest: string; readonly signers: readonly string[] } {
  const [context, report, rs, ss, vs] = AbiCoder.defaultAbiCoder().decode([...payloadTypes], payload)
  const signed = digestOfReport(report as string, [...(context as string[])])
  const signers = (rs as string[]).map((r, i) =>
    recoverAddress(signed, {
      r,
      s: (ss as string[])[i] as string,
      v: 27 + toNumber(dataSlice(vs as string, i, i + 1)),
    }),
  )
  return { digest: (context as string[])[0] as string, signers }
}

/** Recorded packages of RedStone's, of ETH and BTC, by time. */
export const redStoneRecordings = (): readonly string[] =>
  ['redstone-3sig_ETH_BTC.hex', 'redstone-3sig_ETH_BTC_newer.hex'].map((file) =>
    withPrefix(readFileSync(join(recordingsFolder, file), 'utf8').trim()),
  )

/** Time of packages, seconds. */
export const timeOfPackages = (payload: string): bigint => {
  const end = dataLength(payload) - 14 - 65 - 7
  return BigInt(dataSlice(payload, end - 6, end)) / 1000n
}

/** One recording has a digit too many at its end. */
const withPrefix = (digits: string): string => {
  const bare = digits.replace(/^0x/, '')
  return concat([`0x${bare.slice(0, bare.length - (bare.length % 2))}`])
}
