/** Lists of words that contracts take or keep side by side, in the order of circuits/statements/. */
import { type ListName, lists, type SectionOf, words } from '../../circuits/statements/index.ts'
import { fixedWords, type WordList } from '../../circuits/statements/language.ts'
import type { SectionWords } from './state.ts'

/** Words of each of a list's sections by its name. */
export type ListSections<L extends ListName> = Readonly<Record<SectionOf<L>, readonly bigint[]>>

/** The words of a list, from those of its sections; others are passed over. */
export const joinList = (name: ListName, sections: SectionWords): readonly bigint[] =>
  lists[name].sections.flatMap((section) => sections[section.name] ?? [])

/** The sections of a list; the inverse of {@link joinList}. */
export function splitList<L extends ListName>(name: L, list: readonly bigint[]): ListSections<L> {
  const { sections }: WordList = lists[name]
  const split: Record<string, readonly bigint[]> = {}
  let from = 0
  for (const section of sections) {
    const end = from + fixedWords(section, words)
    split[section.name] = list.slice(from, end)
    from = end
  }
  return split as ListSections<L>
}
