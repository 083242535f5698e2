/** Numbers that are read with a decimal point where somebody may have meant to group thousands: `18.000` is 18. */

/** One to three digits, no leading zero, and three behind the only point. */
const EITHER = /^[+-]?[1-9]\d{0,2}\.\d{3}$/

/**
 * What is to be said of a number that was written as text.
 *
 * @param entry - where it stands, such as `account.cash` or `--forward`
 * @returns none if the text can be read in one way
 */
export function thousandsNotes(entry: string, text: string | undefined): readonly string[] {
  if (text === undefined || !EITHER.test(text)) return []
  return [
    `${entry}: "${text}" is read as ${Number(text)}, with a decimal point. If it was to group thousands, write ${text.replace('.', '')}.`,
  ]
}

/** Entries of a portfolio file that are amounts, prices or sizes; all others are near one, or of units that say what they are. */
const ENTRIES = new Set([
  ...['cash', 'amount', 'quantity', 'unrealisedPnl', 'unrealisedFunding', 'strike'],
  ...['spot', 'perpPrice', 'price', 'forward', 'bid', 'ask', 'variable', 'fixed', 'settlementPrice', 'forwardRef'],
  ...['size', 'perpSize', 'optionSize'],
])

/** A coin that is worth one, whose price has a point after it. */
const STABLE = /USD|DAI/

/**
 * {@link thousandsNotes} of every amount, price and size of a portfolio file. JSON numbers have a decimal point and nothing else.
 *
 * @param text - JSON that has been found to be of the right form
 */
export function thousandsNotesOf(text: string): readonly string[] {
  return notesIn(JSON.parse(text.replace(/^\uFEFF/, '')), '')
}

function notesIn(value: unknown, at: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const { asset } = value as { readonly asset?: unknown }
  return Object.entries(value).flatMap(([name, inner]): readonly string[] => {
    const entry = at === '' ? name : `${at}.${name}`
    if (typeof inner !== 'string') return notesIn(inner, entry)
    if (name === 'instrument') return instrumentNotes(entry, inner)
    const isNearOne = name === 'price' && STABLE.test(String(asset)) && inner.startsWith('1.')
    return ENTRIES.has(name) && !isNearOne ? thousandsNotes(entry, inner) : []
  })
}

/** The strike within an option's name. */
const instrumentNotes = (entry: string, name: string): readonly string[] =>
  name.split('-').flatMap((part) => thousandsNotes(`${entry}, ${name}`, part))
