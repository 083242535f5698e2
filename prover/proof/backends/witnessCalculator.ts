/**
 * Runs the witness generator that circom compiles to WebAssembly, with its instance kept from one input to the next.
 *
 * @see https://github.com/iden3/circom/blob/master/code_producers/src/wasm_elements/common/witness_calculator.js
 */
import { ProverError } from '../../errors.ts'
import { modulo, SCALAR_FIELD_ORDER } from '../bn254.ts'

const ELEMENT_BYTES = 32
const ELEMENT_WORDS = 8

/** Inputs by signal name: numbers or arrays of them, of any depth. */
export interface CircuitInput {
  readonly [signal: string]: CircuitInputValue
}

/** One input signal. */
export type CircuitInputValue = bigint | number | string | readonly CircuitInputValue[]

interface WitnessModule {
  readonly memory: WebAssembly.Memory
  init(sanityCheck: number): void
  getFieldNumLen32(): number
  getWitnessSize(): number
  getInputSize(): number
  getInputSignalSize(hashHigh: number, hashLow: number): number
  setInputSignal(hashHigh: number, hashLow: number, index: number): void
  writeSharedRWMemory(word: number, value: number): void
  getSharedRWMemoryStart(): number
  getWitness(wire: number): void
  getMessageChar(): number
}

/** A circuit's witness generator. */
export class WitnessCalculator {
  private readonly module: WebAssembly.Module
  private readonly circuit: string
  private instance: WitnessModule | undefined
  private messages: string[] = []

  private constructor(circuit: string, module: WebAssembly.Module) {
    this.circuit = circuit
    this.module = module
  }

  /**
   * @param circuit - its name, for the errors only
   * @param code - the *.wasm file
   * @throws {@link WitnessModuleError} if it is not a witness generator
   */
  static async load(circuit: string, code: Uint8Array): Promise<WitnessCalculator> {
    try {
      return new WitnessCalculator(circuit, await WebAssembly.compile(code as BufferSource))
    } catch (error) {
      throw new WitnessModuleError(circuit, error)
    }
  }

  /**
   * Computes every wire.
   *
   * @param input - values in (-r, r); a negative one stands for itself plus r
   * @param witness - where the wires go, 32 little-endian bytes each; as many as {@link WitnessCalculator.size} says
   * @throws {@link CircuitInputError} if a signal is missing, unknown or of the wrong size
   * @throws {@link UnsatisfiedCircuitError} if the circuit refuses the input
   */
  async calculate(input: CircuitInput, witness: Uint8Array): Promise<void> {
    this.instance ??= await this.instantiate()
    const { instance } = this
    this.messages = []
    try {
      instance.init(0)
      this.setInputs(instance, input)
      this.copyWires(instance, witness)
    } catch (error) {
      // After a trap the instance's state is undefined.
      this.instance = undefined
      throw error instanceof ProverError ? error : new UnsatisfiedCircuitError(this.circuit, this.messages, error)
    }
  }

  /** Wires of the circuit. */
  async size(): Promise<number> {
    this.instance ??= await this.instantiate()
    return this.instance.getWitnessSize()
  }

  private setInputs(instance: WitnessModule, input: CircuitInput): void {
    let count = 0
    for (const [signal, value] of Object.entries(input)) {
      const [high, low] = hashName(signal)
      const values = flatten(signal, value, this.circuit)
      const size = instance.getInputSignalSize(high, low)
      if (size <= 0) throw new CircuitInputError(this.circuit, signal, 'the circuit has no such input')
      if (size !== values.length) {
        throw new CircuitInputError(this.circuit, signal, `expected ${size} values, got ${values.length}`)
      }
      for (const [index, element] of values.entries()) {
        for (let word = 0; word < ELEMENT_WORDS; word++) {
          instance.writeSharedRWMemory(word, Number((element >> BigInt(32 * word)) & 0xffffffffn))
        }
        // The generator computes each component as soon as its inputs are complete, so constraints fail in here.
        instance.setInputSignal(high, low, index)
        count++
      }
    }
    const expected = instance.getInputSize()
    if (count < expected) {
      throw new CircuitInputError(this.circuit, '*', `${expected - count} of ${expected} input values are missing`)
    }
  }

  private copyWires(instance: WitnessModule, witness: Uint8Array): void {
    const wires = instance.getWitnessSize()
    if (witness.length !== wires * ELEMENT_BYTES) {
      throw new RangeError(`Expected room for ${wires} wires, got ${witness.length} bytes.`)
    }
    const start = instance.getSharedRWMemoryStart()
    const memory = new BigUint64Array(instance.memory.buffer)
    const target = new BigUint64Array(witness.buffer, witness.byteOffset, wires * 4)
    for (let wire = 0; wire < wires; wire++) {
      instance.getWitness(wire)
      for (let limb = 0; limb < 4; limb++) target[4 * wire + limb] = memory[start / 8 + limb] as bigint
    }
  }

  private async instantiate(): Promise<WitnessModule> {
    const readMessage = (): string => {
      let text = ''
      for (let char = exports.getMessageChar(); char !== 0; char = exports.getMessageChar()) {
        text += String.fromCharCode(char)
      }
      return text
    }
    const instance = await WebAssembly.instantiate(this.module, {
      runtime: {
        exceptionHandler: (code: number) => {
          throw new Error(EXCEPTIONS[code] ?? `Exception ${code}.`)
        },
        printErrorMessage: () => this.messages.push(readMessage()),
        // log() in a circuit is for its author; a service has no use for it, but the message must be taken.
        writeBufferMessage: () => void readMessage(),
        showSharedRWMemory: () => {},
      },
    }).catch((error) => {
      throw new WitnessModuleError(this.circuit, error)
    })
    const exports = instance.exports as unknown as WitnessModule
    if (exports.getFieldNumLen32?.() !== ELEMENT_WORDS) throw new WitnessModuleError(this.circuit, undefined)
    return exports
  }
}

/** What the generator's exception codes mean. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'Signal not found.',
  2: 'Too many signals set.',
  3: 'Signal already set.',
  4: 'A constraint or assertion failed.',
  5: 'Not enough memory.',
  6: 'Input signal array access exceeds the size.',
}

function flatten(signal: string, value: CircuitInputValue, circuit: string): bigint[] {
  if (Array.isArray(value)) return value.flatMap((element) => flatten(signal, element, circuit))
  const integer = parseInteger(value as bigint | number | string)
  if (integer === undefined) throw new CircuitInputError(circuit, signal, `${String(value)} is not an integer`)
  if (integer >= SCALAR_FIELD_ORDER || integer <= -SCALAR_FIELD_ORDER) {
    throw new CircuitInputError(circuit, signal, `${integer} is not a field element`)
  }
  return [modulo(integer, SCALAR_FIELD_ORDER)]
}

function parseInteger(value: bigint | number | string): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return /^-?[0-9]{1,78}$/.test(value) ? BigInt(value) : undefined
}

/** 64-bit FNV-1a of a signal's name, as two halves: how the generator finds it. */
function hashName(name: string): [high: number, low: number] {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return [Number(BigInt.asIntN(32, hash >> 32n)), Number(BigInt.asIntN(32, hash))]
}

/** The *.wasm file is not a witness generator of circom 2 over BN254. */
export class WitnessModuleError extends ProverError {
  readonly code = 'proof.witness-module'
  readonly circuit: string

  constructor(circuit: string, cause: unknown) {
    super(`The witness generator of ${circuit} cannot be loaded. Build the circuit again.`, { cause })
    this.circuit = circuit
  }
}

/** An input signal is missing, unknown, of the wrong size, or not a number. */
export class CircuitInputError extends ProverError {
  readonly code = 'proof.circuit-input'
  readonly circuit: string
  readonly signal: string

  constructor(circuit: string, signal: string, reason: string) {
    super(`Input "${signal}" of circuit ${circuit}: ${reason}.`)
    this.circuit = circuit
    this.signal = signal
  }
}

/** The circuit has no witness for this input; the claims should have been checked before. */
export class UnsatisfiedCircuitError extends ProverError {
  readonly code = 'proof.unsatisfied'
  readonly circuit: string
  /** Template and line of the constraint, innermost first, as the generator reports them. */
  readonly trace: readonly string[]

  constructor(circuit: string, trace: readonly string[], cause: unknown) {
    super(`Circuit ${circuit} refuses the input. ${trace.join(' ')}`.trim(), { cause })
    this.circuit = circuit
    this.trace = trace
  }
}
