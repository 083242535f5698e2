/** Forgets what was remembered first, until no more than so much is. */
export function keepNewest(remembered: Map<string, unknown>, most: number): void {
  for (const old of remembered.keys()) {
    if (remembered.size <= most) break
    remembered.delete(old)
  }
}
