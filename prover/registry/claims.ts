/** Claims as whoever checks them tells of them: which, whether it holds, and where it does not. */

/** One claim, checked. */
export type ClaimResult = {
  readonly claim: string
  readonly holds: boolean
  /** First field that differs, where the claim does not hold. */
  readonly field?: string
  readonly expected?: string
  readonly found?: string
}

/** One equality as a claim. */
export function compare(claim: string, field: string, expected: unknown, found: unknown): ClaimResult {
  if (expected === found) return { claim, holds: true }
  return { claim, holds: false, field, expected: String(expected), found: String(found) }
}
