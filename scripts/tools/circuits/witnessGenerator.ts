/** The module that `circom --wasm` writes, kept loaded between calls. */
import { reduce } from './r1cs.ts'

/** Values of input signals by name; arrays in signal order. */
export type CircuitInput = Readonly<Record<string, bigint | readonly bigint[]>>

type WitnessExports = {
  readonly memory: WebAssembly.Memory
  init(sanityCheck: number): void
  getInputSignalSize(high: number, low: number): number
  getInputSize(): number
  setInputSignal(high: number, low: number, index: number): void
  getSharedRWMemoryStart(): number
  getWitness(index: number): void
  getMessageChar(): number
}

const LIMBS = 4

export class WitnessGenerator {
  readonly #exports: WitnessExports
  /** Byte offset of the element that the module and its caller exchange. */
  readonly #element: number
  #message = ''

  constructor(wasm: Uint8Array) {
    const readMessage = () => {
      for (let code = this.#exports.getMessageChar(); code !== 0; code = this.#exports.getMessageChar()) {
        this.#message += String.fromCharCode(code)
      }
    }
    const runtime = {
      exceptionHandler: () => {
        throw new NoWitnessError(this.#message.trim())
      },
      printErrorMessage: readMessage,
      writeBufferMessage: readMessage,
      showSharedRWMemory: () => undefined,
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), { runtime })
    this.#exports = instance.exports as unknown as WitnessExports
    this.#element = this.#exports.getSharedRWMemoryStart()
  }

  /** The first wires. @throws {@link NoWitnessError} if the inputs violate a constraint */
  calculate(input: CircuitInput, wires: number): bigint[] {
    this.#message = ''
    this.#exports.init(0)
    let given = 0
    for (const [name, value] of Object.entries(input)) {
      const values = typeof value === 'bigint' ? [value] : value
      const [high, low] = signalHash(name)
      if (this.#exports.getInputSignalSize(high, low) !== values.length) {
        throw new Error(`Input ${name} does not have ${values.length} elements`)
      }
      values.forEach((element, index) => {
        this.#write(reduce(element))
        this.#exports.setInputSignal(high, low, index)
      })
      given += values.length
    }
    if (given !== this.#exports.getInputSize()) throw new Error('Inputs are missing')
    return this.#read(wires)
  }

  #write(value: bigint): void {
    const limbs = new BigUint64Array(this.#exports.memory.buffer, this.#element, LIMBS)
    for (let i = 0; i < LIMBS; i++) limbs[i] = BigInt.asUintN(64, value >> BigInt(64 * i))
  }

  #read(wires: number): bigint[] {
    const limbs = new BigUint64Array(this.#exports.memory.buffer, this.#element, LIMBS)
    return Array.from({ length: wires }, (_, wire) => {
      this.#exports.getWitness(wire)
      const high = (limbs[3]! << 64n) | limbs[2]!
      const low = (limbs[1]! << 64n) | limbs[0]!
      return high === 0n ? low : (high << 128n) | low
    })
  }
}

/** FNV-1a of a signal's name, the two halves: how the generated module finds its inputs. */
function signalHash(name: string): [high: number, low: number] {
  let hash = 0xcbf29ce484222325n
  for (const character of name) hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n)
  return [Number(hash >> 32n), Number(hash & 0xffffffffn)]
}

/** No assignment of the wires satisfies the constraints for these inputs. */
export class NoWitnessError extends Error {}
