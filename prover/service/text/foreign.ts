/** Text that somebody else chose: of providers, workers, files, of whoever can write to a database. */

const MOST_QUOTED = 120

/**
 * Quoted briefly, in one line, and without what a terminal would obey or what would turn the line's direction.
 *
 * @example shortened('a\u001b[31mb') // 'a [31mb'
 */
export function shortened(text: string, most = MOST_QUOTED): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  const obeyed = / *[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+ */g
  const plain = text.slice(0, 2 * most).replace(obeyed, ' ')
  return plain.length <= most && text.length <= most ? plain : `${plain.slice(0, most)}…`
}
