/** What generated Solidity has in common: a head, and members that exist only where a contract uses them. */
import { notice } from './text.ts'

export const head = `// SPDX-License-Identifier: GPL-3.0-or-later
// ${notice}
pragma solidity ^0.8.28;
`

export const WORD_BYTES = 32

/** What the contracts that use the generated ones say; nothing else is generated. */
export type SolidityUse = {
  /** Whether one of them names a type, constant or library. */
  readonly names: (name: string) => boolean
  /** Whether one of them has a member of a library after its name. */
  readonly has: (library: string, member: string) => boolean
  /** Whether one of them that names a type calls a method of its library, on what may be of that type. */
  readonly calls: (type: string, method: string) => boolean
}

export function solidityUse(texts: readonly string[]): SolidityUse {
  const files = texts.map((text) => {
    const code = text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    return {
      words: new Set(code.match(/\w+/g)),
      qualified: new Set(code.match(/\w+\.\w+/g)),
      calls: [...code.matchAll(/(\w*)\.([a-z]\w*)\(/g)].map(([, on = '', method]) => ({ on, method })),
      variables: variablesOf(code),
    }
  })
  const fields = new Map(files.flatMap(({ variables }) => [...variables]))
  return {
    names: (name) => files.some(({ words }) => words.has(name)),
    has: (library, member) => files.some(({ qualified }) => qualified.has(`${library}.${member}`)),
    calls: (type, method) =>
      files.some(({ words, calls, variables }) =>
        calls.some((call) => {
          const types = variables.get(call.on) ?? fields.get(call.on)
          // A field of a struct has a type that who reads it need not name.
          return call.method === method && (types === undefined ? words.has(type) : types.has(type))
        }),
      ),
  }
}

/** Types of a contract's variables by their names: of words, of elements, of states, and of lists, which go by their size. */
function variablesOf(code: string): ReadonlyMap<string, ReadonlySet<string>> {
  const variables = new Map<string, Set<string>>()
  const declaration = /\b(?:uint256\[)?(\w+(?:Word|Element|State|_WORDS))\b(?:\[?\w*\])?(?: calldata| memory)? (\w+)/g
  for (const [, type = '', name = ''] of code.matchAll(declaration)) {
    variables.set(name, (variables.get(name) ?? new Set()).add(type))
  }
  return variables
}

/** A member of a library: a constant or a function. */
export type Member = { readonly name: string; readonly text: string }

export const libraryText = (library: string, meaning: string, members: readonly Pick<Member, 'text'>[]): string =>
  `/// @title ${library}
/// @notice ${meaning}.
library ${library} {
${members.map(({ text }) => text.replace(/^(?=.)/gm, '    ')).join('\n\n')}
}`

/** Imports of what a text names, by file. */
export const importsOf = (names: Readonly<Record<string, readonly string[]>>, text: string): string =>
  Object.entries(names)
    .map(([path, defined]) => [path, defined.filter((name) => new RegExp(`\\b${name}\\b`).test(text)).sort()] as const)
    .filter(([, used]) => used.length > 0)
    .map(([path, used]) => `import {${used.join(', ')}} from "${path}";\n`)
    .join('')
