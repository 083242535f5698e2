/** How tests ask what a call reverted with. */
import type { BaseContract } from 'ethers'
import { expect } from 'vitest'

/** Asserts that a call reverts with exactly this custom error; `args` are compared where given. */
export async function expectRevert(
  call: Promise<unknown>,
  contract: BaseContract,
  errorName: string,
  args?: readonly unknown[],
): Promise<void> {
  const revertData = await call.then(
    () => expect.fail(`Expected ${errorName}, but the call went through.`),
    (error: unknown) => revertDataOf(error) ?? Promise.reject(error),
  )
  const parsed = contract.interface.parseError(revertData)
  expect(parsed?.name ?? revertData).toBe(errorName)
  if (args) expect(parsed?.args.toArray()).toEqual(args)
}

/** Where libraries put the bytes a call reverted with differs by path; they are under some `data` key. */
export function revertDataOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { data, error: inner, info, cause } = error as Record<string, unknown>
  if (typeof data === 'string' && data.startsWith('0x')) return data
  return [data, inner, info, cause].map(revertDataOf).find((found) => found !== undefined)
}
