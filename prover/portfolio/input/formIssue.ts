/** What is wrong with the form of a file, in the words of its format instead of a library's. */
import { z } from 'zod'
import { closestName } from './closestName.ts'

export type FormIssue = { readonly entry: string; readonly reason: string; readonly meant?: string }

/** As much of JSON Schema as forms are described in. */
type Node = {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Node>>
  readonly title?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
}

type Issue = z.core.$ZodIssue

/**
 * The first thing that is wrong, entries that the form does not know before entries that it misses.
 *
 * @param value - what was read
 */
export function formIssue(form: z.ZodType, value: unknown, { issues }: z.ZodError): FormIssue {
  const root = z.toJSONSchema(form, { io: 'input', unrepresentable: 'any' }) as Node
  const found = flatten(issues, value)
  const issue = found.find(({ code }) => code === 'unrecognized_keys') ?? found[0]
  if (issue === undefined) return { entry: '', reason: 'expected another form' }
  const entry = issue.path.join('.')
  if (issue.code === 'custom') return { entry, reason: issue.message }
  const nodes = nodesAt(root, issue.path)
  const given = valueAt(value, issue.path)
  if (issue.code === 'unrecognized_keys') return { entry, ...unknownKey(issue.keys[0] ?? '', nodes, given) }
  if (issue.code === 'invalid_key') return { entry, reason: 'expected a name in capitals, such as BTC' }
  return { entry, ...otherKind(root, nodes, given) }
}

/** How exchanges say whether a position was bought or sold. */
const SIDES = ['side', 'direction', 'buysell', 'action']

function unknownKey(key: string, nodes: readonly Node[], given: unknown): Pick<FormIssue, 'reason' | 'meant'> {
  const known = [...new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)))]
  if (known.includes(key)) return { reason: `"${key}" does not go with the other entries` }
  if (SIDES.includes(key.toLowerCase()) && known.includes('quantity')) {
    return { reason: `unknown entry "${key}": what is sold has a negative "quantity"` }
  }
  const stated = Object.keys(given ?? {})
  const meant = closestName(
    key,
    known.filter((each) => !stated.includes(each)),
  )
  const advice = meant === undefined ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`
  return { reason: `unknown entry "${key}": ${advice}`, ...(meant === undefined ? {} : { meant }) }
}

function otherKind(root: Node, nodes: readonly Node[], given: unknown): Pick<FormIssue, 'reason' | 'meant'> {
  const expected = `expected ${[...new Set(nodes.map((node) => wordsOf(root, node)))].join(', or ')}`
  if (given === undefined) return { reason: `${expected}, found none` }
  const reason = `${expected}, got ${shown(given)}`
  if (typeof given !== 'string') return { reason }
  const meant = nodes.flatMap((node) => node.enum ?? []).find((each) => isShortFor(given, each))
  if (meant !== undefined) return { reason: `${reason}: did you mean "${meant}"?`, meant }
  if (DASHES.test(given)) {
    const plain = given.replace(DASHES, '-')
    return { reason: `${reason}, whose minus is another sign: did you mean "${plain}"?`, meant: plain }
  }
  return {
    reason: /\d,\d/.test(given) ? `${reason}; write it without thousands separators, with a decimal point` : reason,
  }
}

/** What word processors and spreadsheets put for a minus. */
const DASHES = /^[\u2010-\u2015\u2212\uff0d](?=[\d.])/

const isShortFor = (given: string, word: string): boolean => given !== '' && word.startsWith(given.toLowerCase())

/** Issues of the alternatives that come nearest take the place of those that say that none fits. */
function flatten(issues: readonly Issue[], value: unknown): readonly Issue[] {
  return issues.flatMap((issue): readonly Issue[] => {
    if (issue.code !== 'invalid_union') return [issue]
    const given = valueAt(value, issue.path)
    if (typeof given !== 'object' || given === null) return [issue]
    const alternatives = issue.errors.map((inner) =>
      inner.map((each) => ({ ...each, path: [...issue.path, ...each.path] })),
    )
    // An alternative of another kind altogether fails where the union stands
    const near = alternatives.filter((each) => each.every(({ code, path }) => isWithin(code, path, issue.path)))
    const [nearest] = near.toSorted((a, b) => a.length - b.length || unknownOf(a) - unknownOf(b))
    return nearest === undefined ? [issue] : flatten(nearest, value)
  })
}

const isWithin = (code: Issue['code'], path: readonly PropertyKey[], of: readonly PropertyKey[]): boolean =>
  code === 'unrecognized_keys' || path.length > of.length

/** Entries that an alternative does not know are fewer where it is the one that was meant. */
const unknownOf = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0)

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  )
}

/** Every alternative of the form at a path. */
function nodesAt(root: Node, path: readonly PropertyKey[]): readonly Node[] {
  return path.reduce<readonly Node[]>(
    (nodes, key) => nodes.flatMap((node) => alternativesOf(root, innerOf(node, key))),
    alternativesOf(root, root),
  )
}

function innerOf({ properties, items, additionalProperties }: Node, key: PropertyKey): Node | undefined {
  if (typeof key === 'number') return items
  return properties?.[String(key)] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
}

function alternativesOf(root: Node, node: Node | undefined): readonly Node[] {
  if (node === undefined) return []
  if (node.$ref !== undefined) return [refOf(root, node)]
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap((each) => alternativesOf(root, each))
}

const refOf = (root: Node, { $ref = '' }: Node): Node => root.$defs?.[$ref.replace('#/$defs/', '')] ?? {}

/** What a place of the form takes. */
function wordsOf(root: Node, node: Node): string {
  if (node !== root && node.title !== undefined) return node.title
  if (node.enum !== undefined) return `${node.enum.slice(0, -1).join(', ')} or ${node.enum.at(-1)}`
  if (node.properties !== undefined) return `an object with ${Object.keys(node.properties).join(', ')}`
  const words = { object: 'an object', array: 'a list', boolean: 'true or false', string: 'a text' } as const
  return words[node.type as keyof typeof words] ?? 'something else'
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
