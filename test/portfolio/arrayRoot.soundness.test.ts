/** What a risk array's root commits to: every element in its place, opened whole or one scenario alone. */
import { beforeAll, describe, expect, test } from 'vitest'
import { BASIS_UP, POINTS, SCENARIOS, UNSHOCKED_POINT } from '../../prover/options/grid.ts'
import { LEAF_POINTS, leafElements } from '../../prover/options/riskArray.ts'
import { headerElements, type PricedArray } from '../../prover/portfolio/book.ts'
import { commit, commitSigned } from '../../prover/statement/commitment.ts'
import { arrayRootOf, randomArray } from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

const SLOTS = 2
const COLUMNS = 3
const GROUPS = 13
const TOP = 2

const main = (template: string): string => `pragma circom 2.2.3;
include "statement/ArrayRoot.circom";
component main = ${template};
`

describe('L16: the root of an array', () => {
  const array = randomArray(new Random(97n), 1_770_086_400n, 1_770_000_000n, SLOTS)
  const leaves = array.leaves.map(leafElements)
  let whole: Circuit
  let columns: Circuit
  let top: Circuit
  let header: Circuit

  beforeAll(async () => {
    whole = await compileCircuit(main(`ArrayRoot(${SLOTS})`))
    columns = await compileCircuit(main(`ColumnRoot(${SLOTS})`))
    top = await compileCircuit(main(`ArrayTop(${SLOTS})`))
    header = await compileCircuit(main('HeaderRoot()'))
  })

  const shared = async ({ header: { expiry, asOf, shortfallX40, ...rest } }: PricedArray) => ({
    headerRoot: await commit(headerElements({ expiry, asOf, shortfallX40, ...rest })),
    expiry,
    asOf,
    shortfallX40,
  })
  const rootWith = async (rows: readonly (readonly bigint[])[]): Promise<bigint> =>
    whole.outputs({ ...(await shared(array)), leaves: rows.flat() })[0] as bigint

  test("is the twin's, opened whole", async () => {
    expect(await rootWith(leaves)).toBe(await arrayRootOf(array))
    expect(header.outputs({ header: headerElements(array.header) })).toEqual([(await shared(array)).headerRoot])
  })

  test('is another one for any other element, and where two change places', async () => {
    const root = await arrayRootOf(array)
    const { length } = leaves[0] as readonly bigint[]
    expect(length).toBe(TOP + COLUMNS * GROUPS)
    for (let i = 0; i < length; i++) {
      for (let slot = 0; slot < SLOTS; slot++) {
        const moved = leaves.map((row, j) => (j === slot ? row.with(i, (row[i] as bigint) + 1n) : row))
        expect(await rootWith(moved), `${slot} ${i}`).not.toBe(root)
      }
      // The next column, the same place of the next group, and the next strike.
      for (const other of [i + 1, i + COLUMNS].filter((each) => each < length)) {
        const swapped = leaves.map((row) => row.with(i, row[other] as bigint).with(other, row[i] as bigint))
        expect(await rootWith(swapped), `${i} ${other}`).not.toBe(root)
      }
      const [first, second] = leaves as [bigint[], bigint[]]
      const crossed = [first.with(i, second[i] as bigint), second.with(i, first[i] as bigint)]
      expect(await rootWith(crossed), `strikes ${i}`).not.toBe(root)
    }
    const groups = [
      ...leaves.map((row) => [...row.slice(0, TOP), ...row.slice(TOP + COLUMNS), ...row.slice(TOP, TOP + COLUMNS)]),
    ]
    expect(await rootWith(groups)).not.toBe(root)
  })

  test('is another one for any other word of its top', async () => {
    const honest = await shared(array)
    const root = await arrayRootOf(array)
    for (const name of ['headerRoot', 'expiry', 'asOf', 'shortfallX40'] as const) {
      expect(whole.outputs({ ...honest, [name]: honest[name] + 1n, leaves: leaves.flat() })).not.toEqual([root])
    }
  })

  test("is found again from one scenario's group and the roots of the others, and from no other group", async () => {
    const root = await arrayRootOf(array)
    const column = (i: number): readonly bigint[] => leaves.map((row) => row[i] as bigint)
    const groups = Array.from({ length: GROUPS }, (_, g) => [0, 1, 2].flatMap((c) => column(TOP + COLUMNS * g + c)))
    const columnRoots = await Promise.all(groups.map(commitSigned))
    const opened = { ...(await shared(array)), strikesE8: [...column(0)], marks: [...column(1)] }
    for (const [g, group] of groups.entries()) {
      const [own] = columns.outputs({ columns: group })
      expect(own).toBe(columnRoots[g])
      expect(top.outputs({ ...opened, columnRoots: columnRoots.with(g, own as bigint) })).toEqual([root])
      const elsewhere = columnRoots.with((g + 1) % GROUPS, own as bigint)
      expect(top.outputs({ ...opened, columnRoots: elsewhere })).not.toEqual([root])
    }
  })

  test('has every point but the unshocked one, once, and both of the basis contingency in one group', () => {
    expect(LEAF_POINTS.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: POINTS }, (_, p) => p).filter((p) => p !== UNSHOCKED_POINT),
    )
    expect(LEAF_POINTS[0]).toBe(0)
    const groupOf = (point: number): number => Math.floor((1 + LEAF_POINTS.indexOf(point) - TOP) / COLUMNS)
    expect(groupOf(BASIS_UP)).toBe(groupOf(BASIS_UP + 1))
    expect(BASIS_UP).toBe(SCENARIOS + 1)
  })
})
