/** The last line of a verdict on a bundle. */

type Verdict = {
  readonly valid: boolean
  /** Every claim holds, whatever was pinned. */
  readonly consistent: boolean
}

/**
 * Valid, not valid, or neither: of a bundle whose keys nobody pinned no more can be said than that it agrees with itself.
 *
 * @param isBare - nothing else of it is pinned either
 */
export function verdictLine({ valid, consistent }: Verdict, isBare: boolean): string {
  if (valid) return 'VALID'
  if (!consistent) return 'NOT VALID'
  const pinned = isBare ? 'nothing of it is pinned' : 'its keys are not pinned'
  return `AGREES WITH ITSELF, and ${pinned}: anyone can make such a bundle. Leave out --unpinned for a verdict; exit code 1 until then.`
}
