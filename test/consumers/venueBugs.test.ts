/** Bugs that a venue could have, each of which sequences of requests find: so that none passes because nothing is looked at. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { hastySettings } from '../../scripts/verify/hastySettings.ts'
import { compile, NUMBER_MARK, type Sources, switchOf } from '../../scripts/verify/mutantSwitch.ts'
import { runSequences } from './venueSequences.ts'

const sequences = { runs: 200, steps: 64, seed: 20_261_129 }

/** What each bug does to a statement of the venue, and what says so. */
const bugs = [
  {
    bug: 'a withdrawal whose cash is not taken',
    file: 'VenueChanges',
    from: 'account.cashE12 -= cash.toInt96();',
    to: 'account.cashE12 -= 0;',
  },
  {
    bug: 'a premium with the wrong sign',
    file: 'VenueChanges',
    from: 'change.cashE12 = -agreed.premiumE12.toInt96();',
    to: 'change.cashE12 = agreed.premiumE12.toInt96();',
  },
  {
    bug: 'perpetuals that are had at the mark, not at their price',
    file: 'VenueChanges',
    from: '_payFromClearing(account, _gain(change.perpsE12, account.markE8, change.priceE8));',
    to: '_payFromClearing(account, 0);',
  },
  {
    bug: 'a gain that clearing does not know of',
    file: 'VenueAccounts',
    from: 'clearingE12 -= amountE12;',
    to: 'clearingE12 -= 0;',
  },
  {
    bug: 'bad debt that is paid and counted as insurance besides',
    file: 'VenueAccounts',
    from: 'insuranceE12 += cash - paid;',
    to: 'insuranceE12 += cash;',
  },
  {
    bug: 'a debt that insurance pays twice',
    file: 'VenueAccounts',
    from: 'insuranceE12 -= coveredE12;',
    to: 'insuranceE12 = insuranceE12 < 2 * coveredE12 ? 0 : insuranceE12 - 2 * coveredE12;',
  },
  {
    bug: 'a position that is taken over doubled',
    file: 'VenueLiquidation',
    from: '_report(msg.sender, liquidator, _move(liquidator, ownPositions, part, perpsE12, receipt.cashE12));',
    to: '_report(msg.sender, liquidator, _move(liquidator, ownPositions, part, 2 * perpsE12, receipt.cashE12));',
  },
  {
    bug: 'a lost fee of the liquidator',
    file: 'VenueLiquidation',
    from: 'return ofCash + (int256(receipt.notionalE12) * receipt.bonusBps) / int256(ONE_BPS);',
    to: 'return ofCash;',
  },
  {
    bug: 'a budget that is not counted',
    file: 'VenueLiquidation',
    from: 'windowUsedE12 = uint128(used);',
    to: 'windowUsedE12 = 0;',
  },
  {
    bug: 'a part larger than restores the margin',
    file: 'VenueLiquidation',
    from: 'if (receipt.fractionBps > mostBps) revert FractionTooLarge(receipt.fractionBps, mostBps);',
    to: 'if (receipt.fractionBps > mostBps + 100) revert FractionTooLarge(receipt.fractionBps, mostBps);',
  },
  {
    bug: 'expired options that nobody is paid for, which is seen in the end, and not shortened',
    file: 'VenueSettlement',
    from: '_payFromClearing(account, payoffE12);',
    to: '_payFromClearing(account, 0);',
  },
] as const

const VENUE = 'contracts/consumers/OptionsVenue.sol'
const sources: Sources = (path) =>
  readFileSync(join(root, path.startsWith('contracts/') ? '' : 'node_modules', path), 'utf8')

/** Creation code that is the venue, or by a number in it the venue with one bug. */
function codeWithBugs(): string {
  const files = [...new Set(bugs.map(({ file }) => file))].map((name) => {
    const file = `contracts/consumers/${name}.sol`
    const source = sources(file)
    const own = bugs.filter((each) => each.file === name)
    const mutants = own.map(({ from, to: text }) => {
      const start = source.indexOf(from)
      expect(start, from).toBe(source.lastIndexOf(from))
      return { start, end: start + from.length, text }
    })
    const switched = switchOf(
      file,
      [VENUE],
      sources,
      mutants,
      bugs.findIndex((each) => each.file === name),
    )
    expect(switched.mutants.size).toBe(own.length)
    return [file, switched.source]
  })
  const given = { [VENUE]: sources(VENUE), ...Object.fromEntries(files) }
  const { contracts } = compile(given, sources, { '*': ['evm.bytecode.object'] }, hastySettings)
  return contracts?.[VENUE]?.OptionsVenue?.evm.bytecode.object ?? ''
}

describe('R147: what a bug does to them is seen', () => {
  let code: string
  beforeAll(() => {
    code = codeWithBugs()
  })
  const withBug = (number: number): string => `0x${code.replaceAll(NUMBER_MARK, number.toString(16).padStart(64, '0'))}`

  const isOfTheEnd = (number: number): boolean => bugs[number]?.file === 'VenueSettlement'

  test('the same code without any is the venue', async () => {
    expect((await runSequences({ ...sequences, venue: withBug(bugs.length) })).failure).toBeUndefined()
  })

  test.each(bugs.map(({ bug }, number) => [bug, number] as const))('%s', async (_, number) => {
    const { failure } = await runSequences({ ...sequences, venue: withBug(number) })
    expect(failure?.reason).toBeDefined()
    if (!isOfTheEnd(number)) expect(failure?.requests.length).toBeLessThan(sequences.steps / 2)
  })
})
