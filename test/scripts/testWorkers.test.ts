import { expect, it } from 'vitest'
import { testWorkers } from '../../scripts/tools/testWorkers.ts'

const GIB = 2 ** 30

it('runs three files on two processors, more on more, and as many as memory holds', () => {
  expect(testWorkers(2, 24 * GIB)).toBe(3)
  expect(testWorkers(8, 96 * GIB)).toBe(12)
  expect(testWorkers(8, 32 * GIB)).toBe(5)
})

it('runs two at least, whatever the machine', () => {
  expect(testWorkers(1, 4 * GIB)).toBe(2)
})
