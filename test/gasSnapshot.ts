/** Gas that was measured, held to a file of test/snapshots/. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

/**
 * Expects the same rows as the snapshot has, each within a tolerance. UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 *
 * @param name of the file, without its ending
 * @param toleranceGas for signatures and proofs, whose bytes cost what they are
 */
export function expectGas(name: string, found: Readonly<Record<string, number>>, toleranceGas: number): void {
  const file = join(import.meta.dirname, 'snapshots', `${name}.json`)
  if (process.env.UPDATE_SNAPSHOTS === '1') writeFileSync(file, `${JSON.stringify(found, undefined, 2)}\n`)
  const snapshot = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
  expect(Object.keys(found)).toEqual(Object.keys(snapshot))
  for (const [what, gas] of Object.entries(found)) {
    const difference = Math.abs(gas - (snapshot[what] ?? Number.NaN))
    expect(difference, `${what}: ${gas} gas instead of ${snapshot[what]}`).toBeLessThanOrEqual(toleranceGas)
  }
}
