/**
 * A call's arguments as the contract reads them. Contracts count where something nested stands modulo 2^256, so it may lie before the
 * place that it is counted from; decoders refuse that. Whoever lands a proof chooses how its call is written, and must not choose
 * whether others can read it.
 */
import { type Interface, type ParamType, toBeHex } from 'ethers'
import { namedValues } from './calldata.ts'

export type NamedCall = { readonly method: string; readonly args: Readonly<Record<string, unknown>> }

/** Words that are read of one call, which may say the same ones again and again. */
const MOST_WORDS = 1 << 20
const WORD_BYTES = 32n

/** @returns undefined if it is none of this contract's, or malformed */
export function namedCall(contract: Interface, calldata: string): NamedCall | undefined {
  return parsed(contract, () => calldata) ?? parsed(contract, () => rewritten(contract, calldata))
}

function parsed(contract: Interface, write: () => string): NamedCall | undefined {
  try {
    const call = contract.parseTransaction({ data: write() })
    return call === null ? undefined : { method: call.name, args: namedValues(call.fragment.inputs, call.args) }
  } catch {
    return undefined
  }
}

/** The same call as encoders write it. @throws if a contract could not read it either */
function rewritten(contract: Interface, calldata: string): string {
  const fragment = contract.getFunction(calldata.slice(0, 10))
  if (fragment === null) throw new RangeError('No function of the contract.')
  return contract.encodeFunctionData(fragment, new Arguments(calldata.slice(10)).list(fragment.inputs, 0n))
}

class Arguments {
  private readonly digits: string
  private left = MOST_WORDS

  /** @param digits hexadecimal, after the selector */
  constructor(digits: string) {
    this.digits = digits
  }

  /** Values that stand one after the other, offsets counted from the first. */
  list(types: readonly ParamType[], base: bigint): readonly unknown[] {
    let at = base
    return types.map((type) => {
      const value = this.value(type, base, at)
      at += WORD_BYTES * headWords(type)
      return value
    })
  }

  private value(type: ParamType, base: bigint, at: bigint): unknown {
    const place = isDynamic(type) ? BigInt.asUintN(256, base + this.word(at)) : at
    if (type.isTuple()) return this.list(type.components, place)
    if (type.isArray()) return this.array(type.arrayChildren, type.arrayLength, place)
    if (type.baseType === 'bytes' || type.baseType === 'string') return this.bytes(place + WORD_BYTES, this.word(place))
    return staticValue(type.baseType, this.word(at))
  }

  private array(each: ParamType, length: number | null, place: bigint): readonly unknown[] {
    const isCounted = length === null || length === -1
    const count = isCounted ? this.word(place) : BigInt(length)
    const first = isCounted ? place + WORD_BYTES : place
    const size = WORD_BYTES * headWords(each)
    const values: unknown[] = []
    for (let i = 0n; i < count; i++) values.push(this.value(each, first, first + i * size))
    return values
  }

  private bytes(at: bigint, length: bigint): string {
    this.left -= Number(length / WORD_BYTES)
    return `0x${this.slice(at, length)}`
  }

  private word(at: bigint): bigint {
    this.left -= 1
    return BigInt(`0x${this.slice(at, WORD_BYTES)}`)
  }

  private slice(at: bigint, length: bigint): string {
    const end = at + length
    if (this.left < 0 || 2n * end > BigInt(this.digits.length)) throw new RangeError('Beyond the calldata.')
    return this.digits.slice(Number(2n * at), Number(2n * end))
  }
}

const isDynamic = (type: ParamType): boolean => {
  if (type.isTuple()) return type.components.some(isDynamic)
  if (type.isArray()) return (type.arrayLength ?? -1) === -1 || isDynamic(type.arrayChildren)
  return type.baseType === 'bytes' || type.baseType === 'string'
}

/** Words that a value takes where it is named. */
function headWords(type: ParamType): bigint {
  if (isDynamic(type)) return 1n
  if (type.isTuple()) return type.components.reduce((sum, each) => sum + headWords(each), 0n)
  return type.isArray() ? BigInt(type.arrayLength ?? 0) * headWords(type.arrayChildren) : 1n
}

/** What stands in a word of its own; encoders refuse what is beyond the type. */
function staticValue(type: string, word: bigint): unknown {
  if (type.startsWith('int')) return BigInt.asIntN(256, word)
  if (type === 'bool') return word === 1n
  if (type === 'address') return toBeHex(word, 20)
  return type.startsWith('bytes') ? toBeHex(word, 32).slice(0, 2 + 2 * Number(type.slice(5))) : word
}
