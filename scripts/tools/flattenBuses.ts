/**
 * Circom without buses, line for line: every field a signal of its own. circomspect does not know buses; what it says of the
 * flattened text holds for the circuit, since a bus is its fields.
 */

/** Fields of a bus with their tags, by its name. */
type Buses = ReadonlyMap<string, readonly { readonly name: string; readonly tag: string; readonly length: string }[]>

/**
 * @param sources - texts by path; buses of one may be used in another
 * @returns the flattened texts, and the names that buses are handed on by
 */
export function flattenBuses(sources: ReadonlyMap<string, string>) {
  const buses: Buses = new Map([...sources.values()].flatMap((source) => [...declarations(source)]))
  const ports = new Map<string, Set<string>>()
  for (const [, , bus = '', name = ''] of [...sources.values()].flatMap((source) => [
    ...source.matchAll(portPattern),
  ])) {
    ports.set(name, (ports.get(name) ?? new Set()).add(bus))
  }
  const texts = new Map([...sources].map(([path, source]) => [path, flatten(source, buses, ports)]))
  return { texts, ports: new Set(ports.keys()) }
}

const busPattern = /^bus (\w+)\(\) \{\n([\s\S]*?)\n\}/gm
const portPattern = /\b(input|output) (\w+)\(\) (\w+);/g

function* declarations(source: string): Generator<readonly [string, { name: string; tag: string; length: string }[]]> {
  for (const [, name = '', body = ''] of source.matchAll(busPattern)) {
    const fields = [...body.matchAll(/signal (\{\w+\} )?(\w+)(\[[\w()]+\])?;/g)]
    yield [name, fields.map(([, tag = '', field = '', length = '']) => ({ name: field, tag, length }))]
  }
}

/** Buses that a name stands for in some template: every word has `fields`. */
type Ports = ReadonlyMap<string, ReadonlySet<string>>

function flatten(source: string, buses: Buses, ports: Ports): string {
  const own = new Map([...source.matchAll(portPattern)].map(([, , bus = '', name = '']) => [name, bus]))
  const anyPort = [...ports.keys()].join('|')
  const anyField = [...buses.values()].flatMap((fields) => fields.map(({ name }) => name)).join('|')
  if (anyPort === '') return source
  const eachField = (bus: string | undefined, write: (field: string) => string, between: string): string =>
    (buses.get(bus ?? '') ?? []).map(({ name }) => write(name)).join(between)
  /** What both sides of an assignment can be. */
  const commonBus = (to: string, from: string): string | undefined => {
    const ofSource = ports.get(from.slice(from.lastIndexOf('.') + 1))
    return [...(ports.get(to) ?? [])].find((bus) => ofSource?.has(bus))
  }
  return (
    source
      .replace(busPattern, (text) => text.replaceAll(/[^\n]/g, ''))
      .replace(portPattern, (_, direction, bus, name) =>
        (buses.get(bus) ?? [])
          .map((field) => `signal ${direction} ${field.tag}${name}_${field.name}${field.length};`)
          .join(' '),
      )
      // A whole bus handed on: to a port of a component, or to one's own.
      .replace(
        new RegExp(`^( *)(.*\\.)?(${anyPort}) <== ([\\w[\\]. -]+);`, 'gm'),
        (line, indent, owner = '', port, from) =>
          owner === '' && !own.has(port)
            ? line
            : indent +
              eachField(commonBus(port, from), (field) => `${owner}${port}_${field} <== ${from}_${field};`, ' '),
      )
      .replace(new RegExp(`(\\.|\\b)(${anyPort})\\.(${anyField})\\b`, 'g'), (match, before, port, field) =>
        before === '.' || own.has(port) ? `${before}${port}_${field}` : match,
      )
      // Or as one argument among others.
      .replace(new RegExp(`(?<=[(,]\\s*)(${anyPort})(?=\\s*[,)])`, 'g'), (match, port) =>
        own.has(port) ? eachField(own.get(port), (field) => `${port}_${field}`, ', ') : match,
      )
  )
}
