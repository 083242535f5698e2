/** The heavy parts of a proof and of a key, by the fastest arithmetic that the machine has. */
import { CosetTransform } from './cosetTransform.ts'
import { FixedBase } from './fixedBase.ts'
import type { GroupName, Kernel } from './kernel.ts'
import { MultiExponentiation } from './multiExponentiation.ts'
import { PairedCosetTransform } from './pairedCosetTransform.ts'
import { PairedFixedBase } from './pairedFixedBase.ts'
import { PairedMultiExponentiation } from './pairedMultiExponentiation.ts'
import type { SignedDigits } from './signedDigits.ts'

export interface WindowSums {
  /** As {@link MultiExponentiation.sumWindow} describes it. */
  sumWindow(digits: SignedDigits, firstScalar: number, window: number): Uint8Array<ArrayBuffer>
}

/** @param points - affine points in Montgomery form, (0, 0) for infinity */
export function multiExponentiation(kernel: Kernel, name: GroupName, points: Uint8Array): WindowSums {
  const { groups, paired } = kernel
  return paired === undefined
    ? new MultiExponentiation(kernel, groups[name], points)
    : new PairedMultiExponentiation(kernel, groups[name], paired.groups[name], points)
}

export interface Transform {
  /** As {@link CosetTransform.apply} describes it. */
  apply(values: number): void
}

/** Pairs of butterflies are of four values at least. */
const LEAST_PAIRED_POWER = 2

/** @param domainPower - k; the domain has 2^k elements; below 28 */
export function cosetTransform(kernel: Kernel, domainPower: number): Transform {
  const { paired } = kernel
  return paired === undefined || domainPower < LEAST_PAIRED_POWER
    ? new CosetTransform(kernel, domainPower)
    : new PairedCosetTransform(kernel, paired.scalars, domainPower)
}

export interface GeneratorMultiples {
  /** As {@link FixedBase.multiply} describes it. */
  multiply(scalars: Uint8Array): Uint8Array<ArrayBuffer>
}

/** @param windowBits - as {@link FixedBase} has it */
export function fixedBase(kernel: Kernel, name: GroupName, windowBits: number): GeneratorMultiples {
  const { groups, paired } = kernel
  return paired === undefined
    ? new FixedBase(kernel, groups[name], windowBits)
    : new PairedFixedBase(kernel, groups[name], paired.groups[name], windowBits)
}
