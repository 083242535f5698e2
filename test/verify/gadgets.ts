/** The gadgets that lemmas are about, each with its sizes free, so that it can be made wrong. */
import { Gadget, plus, times } from './smallField.ts'

/** x = Σ 2^i b[i]; without its first check a "bit" may be anything. */
export function bits(order: number, count: number, { unchecked = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const loose = unchecked ? { [gadget.wire()]: 1 } : gadget.bits(1)
  const sum = plus(loose, times(gadget.bits(count - 1), 2))
  gadget.equal({ [x]: 1 }, sum)
  gadget.outputs.push(...Object.keys(sum).map(Number))
  return gadget
}

/** out = 1 if x is 0, else 0. */
export function zeroTest(order: number, { half = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const [inverse, out] = [gadget.wire(), gadget.wire()]
  gadget.row({ [x]: 1 }, { [inverse]: 1 }, { 0: 1, [out]: -1 })
  if (!half) gadget.row({ [x]: 1 }, { [out]: 1 }, {})
  gadget.outputs.push(out)
  return gadget
}

/** n = q·d + r with r < d, or n = q·d - r. */
export function quotient(
  order: number,
  { quotientBits = 2, remainderBits = 2, up = false, unbounded = false, loose = false } = {},
): Gadget {
  const gadget = new Gadget(order)
  const [n, d] = [gadget.input(), gadget.input()]
  const q = loose ? { [gadget.wire()]: 1 } : gadget.bits(quotientBits)
  const r = gadget.bits(remainderBits)
  gadget.row(q, { [d]: 1 }, plus({ [n]: 1 }, r, up ? 1 : -1))
  if (!unbounded) gadget.equal(plus({ [d]: 1, 0: -1 }, r, -1), gadget.bits(remainderBits))
  gadget.outputs.push(...Object.keys(q).map(Number))
  return gadget
}

/** x = root² + rest with rest <= 2·root, or x = root² - rest with rest <= 2·root - 2. */
export function root(order: number, { restBits = 2, up = false, unbounded = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const rest = gadget.bits(restBits)
  const distance = unbounded ? {} : gadget.bits(restBits)
  const result = gadget.wire()
  gadget.row({ [result]: 1 }, { [result]: 1 }, plus({ [x]: 1 }, rest, up ? 1 : -1))
  if (!unbounded) gadget.equal({ [result]: 2, 0: up ? -2 : 0 }, plus(rest, distance))
  gadget.outputs.push(result)
  return gadget
}

/** x = m, or x = -1 - m if s. */
export function sign(order: number, { width = 3 } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const s = Number(Object.keys(gadget.bits(1))[0])
  gadget.row({ 0: 1, [s]: -2 }, { [x]: 1 }, plus(gadget.bits(width), { [s]: 1 }))
  gadget.outputs.push(s)
  return gadget
}

/** x·2^e with e of two bits lies in [least, least + 2^width); `named` has a wire of its own for the first factor. */
export function normalisation(order: number, { least = 4, width = 2, named = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const [low, high] = Object.keys(gadget.bits(2)).map(Number) as [number, number]
  const first = named ? { [gadget.wire()]: 1 } : { 0: 1, [low]: 1 }
  if (named) gadget.equal(first, { 0: 1, [low]: 1 })
  const power = gadget.wire()
  gadget.row(first, { 0: 1, [high]: 3 }, { [power]: 1 })
  gadget.row({ [x]: 1 }, { [power]: 1 }, plus(gadget.bits(width), { 0: least }))
  gadget.outputs.push(low, high)
  return gadget
}

/** x = 7·w + d with d of three bits, not 7; `named` has a wire of its own for d. */
export function weekDay(order: number, { sevenMayBe = false, named = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const day = gadget.bits(3)
  const [a, b, c] = Object.keys(day).map(Number) as [number, number, number]
  if (!sevenMayBe) {
    const both = gadget.wire()
    gadget.row({ [a]: 1 }, { [b]: 1 }, { [both]: 1 })
    gadget.row({ [both]: 1 }, { [c]: 1 }, {})
  }
  const week = gadget.bits(1)
  const d = named ? { [gadget.wire()]: 1 } : day
  if (named) gadget.equal(d, day)
  gadget.equal({ [x]: 1 }, plus(d, week, 7))
  gadget.outputs.push(a, b, c)
  return gadget
}

/** x = 3·c + 2·b + s, where s and b are not set together. */
export function thirds(order: number, { bothMayBe = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const x = gadget.input()
  const [s, b, c] = [gadget.bits(1), gadget.bits(1), gadget.bits(1)]
  if (!bothMayBe) gadget.row(s, b, {})
  const sum = plus(plus(s, b, 2), c, 3)
  gadget.equal({ [x]: 1 }, sum)
  gadget.outputs.push(...Object.keys(sum).map(Number))
  return gadget
}

/** Which of three numbers is the least, the first of equals; `named` has a wire of its own for the number. */
export function least(order: number, { spreadBits = 2, anyOfEquals = false, named = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const numbers = [gadget.input(), gadget.input(), gadget.input()]
  const chosen = Object.keys(gadget.bits(3)).map(Number)
  gadget.equal(Object.fromEntries(chosen.map((bit) => [bit, 1])), { 0: 1 })
  const products = numbers.map((number, i) => {
    const product = gadget.wire()
    gadget.row({ [chosen[i]!]: 1 }, { [number]: 1 }, { [product]: 1 })
    return product
  })
  const allProducts = Object.fromEntries(products.map((product) => [product, 1]))
  const sum = named ? { [gadget.wire()]: 1 } : allProducts
  if (named) gadget.equal(sum, allProducts)
  numbers.forEach((number, i) => {
    // 1 as long as the chosen one has not come.
    const before = anyOfEquals ? {} : Object.fromEntries([[0, 1], ...chosen.slice(0, i + 1).map((bit) => [bit, -1])])
    gadget.equal(plus(plus({ [number]: 1 }, sum, -1), before, -1), gadget.bits(spreadBits))
  })
  gadget.outputs.push(...chosen)
  return gadget
}

/** Which of three numbers is the least, the first of equals, where the others close up over it. */
export function leastOfOthers(order: number, { spreadBits = 2, anyOfEquals = false } = {}): Gadget {
  const gadget = new Gadget(order)
  const numbers = [gadget.input(), gadget.input(), gadget.input()] as const
  const chosen = Object.keys(gadget.bits(3)).map(Number)
  gadget.equal(Object.fromEntries(chosen.map((bit) => [bit, 1])), { 0: 1 })
  // 1 as long as the chosen one has not come.
  const before = [0, 1].map((i) => Object.fromEntries([[0, 1], ...chosen.slice(0, i + 1).map((bit) => [bit, -1])]))
  const others = before.map((isBefore, i) => {
    const other = gadget.wire()
    const [here, next] = [{ [numbers[i]!]: 1 }, { [numbers[i + 1]!]: 1 }]
    gadget.row(isBefore, plus(here, next, -1), plus({ [other]: 1 }, next, -1))
    return { [other]: 1 }
  })
  const all = Object.fromEntries(numbers.map((number) => [number, 1]))
  const chosenOne = others.reduce<Record<number, number>>((sum, other) => plus(sum, other, -1), all)
  for (const [i, other] of others.entries()) {
    const distance = plus(plus(other, chosenOne, -1), anyOfEquals ? {} : before[i]!, -1)
    gadget.equal(distance, gadget.bits(spreadBits))
  }
  gadget.outputs.push(...chosen)
  return gadget
}
