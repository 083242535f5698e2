/** What else people call entries, as other software does. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  quantity: ['size', 'amount', 'contracts', 'position', 'units', 'number'],
  amount: ['size', 'quantity', 'balance'],
  instrument: ['symbol', 'instrumentname', 'ticker', 'name'],
  type: ['kind', 'optiontype', 'right', 'callput', 'putcall'],
  strike: ['k', 'exercise', 'exerciseprice'],
  expiry: ['maturity', 'expiration', 'expirationdate'],
  cash: ['balance', 'usd', 'usdc'],
  options: ['positions', 'legs'],
  perps: ['perpetuals', 'futures'],
  unrealisedPnl: ['pnl', 'upnl'],
  unrealisedFunding: ['funding'],
  asOf: ['time', 'timestamp', 'date', 'now'],
  spot: ['index', 'indexprice', 'underlying', 'price'],
  perpPrice: ['mark', 'markprice', 'perpetualprice'],
  forward: ['future', 'futureprice', 'underlyingprice', 'f'],
  rate: ['interestrate', 'riskfreerate', 'r'],
  rho: ['correlation'],
  s: ['sigma'],
  currency: ['base', 'underlying', 'market'],
  asset: ['symbol', 'coin', 'token', 'currency'],
  expiries: ['surfaces', 'smiles'],
}

const bare = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** The name of a list that another one was probably meant to be; undefined if none is near. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const given = bare(name)
  const same = known.find((each) => bare(each) === given || synonyms[each]?.includes(given) === true)
  if (same !== undefined) return same
  const near = known
    .map((each) => ({ each, distance: distanceOf(given, bare(each)) }))
    .filter(({ each, distance }) => distance <= Math.min(2, each.length / 3))
    .toSorted((a, b) => a.distance - b.distance)
  return near[0]?.each ?? known.find((each) => given.length >= 2 && isAbbreviation(given, bare(each)))
}

/** Letters of a name in their order, the first among them: `qty` of `quantity`. */
function isAbbreviation(short: string, long: string): boolean {
  if (short[0] !== long[0] || long.length <= short.length) return false
  let at = 0
  for (const letter of long) if (letter === short[at]) at++
  return at === short.length
}

/**
 * Least number of letters to insert, remove or replace, or of neighbours to swap.
 *
 * @see F. J. Damerau, Communications of the ACM 7 (1964), 171–176
 */
function distanceOf(a: string, b: string): number {
  let before: readonly number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const above = row
    row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : replaced
      row.push(Math.min(replaced, swapped, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    before = above
  }
  return row[b.length] ?? 0
}
