/** Where the compiler left room in runtime code for what a constructor chooses, by the names that the sources give it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A value of 32 bytes that a constructor puts into the code. */
export type Immutable = {
  /** With the contract that declares it: `SignerCommittee.threshold`. */
  readonly name: string
  /** Bytes before each place of it. */
  readonly starts: readonly number[]
}

/** What of Hardhat's artefact says where immutables are. */
export type ImmutableReferences = {
  readonly immutableReferences: Readonly<Record<string, readonly { readonly start: number }[]>>
  readonly buildInfoId: string
}

type Node = {
  readonly id: number
  readonly nodeType: string
  readonly name?: string
  readonly mutability?: string
  readonly nodes?: readonly Node[]
}
type Output = { readonly output: { readonly sources: Readonly<Record<string, { readonly ast: Node }>> } }

const namesByBuild = new Map<string, ReadonlyMap<string, string>>()

/**
 * Immutables of a compiled contract, by name.
 *
 * @param artifacts - folder that Hardhat compiled into: the compiler's own answer, beside the artefacts, has the names
 */
export function immutablesOf(
  artifacts: string,
  { immutableReferences, buildInfoId }: ImmutableReferences,
): readonly Immutable[] {
  const places = Object.entries(immutableReferences)
  if (places.length === 0) return []
  const file = join(artifacts, 'build-info', `${buildInfoId}.output.json`)
  const names = namesByBuild.get(file) ?? namesIn(file)
  namesByBuild.set(file, names)
  return places
    .map(([id, found]) => ({ name: names.get(id) ?? id, starts: found.map(({ start }) => start) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function namesIn(file: string): ReadonlyMap<string, string> {
  const { output } = JSON.parse(readFileSync(file, 'utf8')) as Output
  const contracts = Object.values(output.sources).flatMap(({ ast }) => ast.nodes ?? [])
  return new Map(
    contracts.flatMap(({ name, nodes = [] }) =>
      nodes
        .filter(({ mutability }) => mutability === 'immutable')
        .map((variable) => [String(variable.id), `${name}.${variable.name}`] as const),
    ),
  )
}
