import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import {
  type DeriveCase,
  deriveInput,
  oneExpiryInput,
  type SolidityMarginEngine,
  startMarginEngine,
} from '../../scripts/tools/chains/solidityMargin.ts'

const folder = join(root, '..', 'shared', 'vectors', 'derive-pmrm2')

let engine: SolidityMarginEngine

beforeAll(async () => {
  engine = await startMarginEngine()
})

const relative = (found: number, expected: number): number =>
  Math.abs(found - expected) / Math.max(1, Math.abs(expected))

describe('R22: the margin engine in Solidity that ours is measured against', () => {
  test('has a normal distribution function good to 1e-14', async () => {
    const { normal } = engine.contract as never as Record<string, (x: bigint) => Promise<bigint>>
    // Of R 4.3, pnorm with 15 digits.
    for (const [x, expected] of [
      [0, 0.5],
      [1, 0.841344746068543],
      [-1, 0.158655253931457],
      [2.5, 0.993790334674224],
      [-5, 2.86651571879194e-7],
      [7.5, 0.999999999999968],
      [-8, 6.22096057427178e-16],
    ] as const) {
      const found = Number(await normal?.(BigInt(x * 10) * 10n ** 17n)) / 1e18
      expect(Math.abs(found - expected)).toBeLessThan(1e-14)
    }
  })

  test.runIf(existsSync(folder))('reproduces Derive’s answers to 1e-9', async () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
    const worst = { file: '', error: 0 }
    // One in sixteen, those with many and with few options among them: a whole case takes up to 60 million gas.
    for (const file of files.filter((_, i) => i % 16 === 0)) {
      const given = JSON.parse(readFileSync(join(folder, file), 'utf8')) as DeriveCase
      const { initial, maintenance } = await engine.margins(deriveInput(given))
      const error = Math.max(relative(initial, given.Result.IM), relative(maintenance, given.Result.MM))
      if (error > worst.error) Object.assign(worst, { file, error })
      expect(error, file).toBeLessThan(1e-9)
    }
    console.log(`furthest from Derive: ${worst.error.toExponential(1)} relative, ${worst.file}`)
  })

  test('costs about as much for every option', async () => {
    for (const count of [16, 32, 64, 127]) {
      const { gas, initial, maintenance } = await engine.margins(oneExpiryInput(count))
      expect(initial).toBeLessThan(maintenance)
      console.log(
        `${count} options: ${gas.toLocaleString('en')} gas, ${(gas / BigInt(count)).toLocaleString('en')} an option`,
      )
      expect(gas).toBeGreaterThan(BigInt(count) * 100_000n)
    }
  })
})
