import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  decimal,
  FlagError,
  isThere,
  named,
  oneOf,
  parseFlags,
  present,
  toWrite,
  whole,
} from '../../scripts/tools/flags.ts'
import { root } from '../../scripts/tools/sources.ts'

const flags = {
  runs: whole(1, 100, 5),
  limit: whole(1, 9, undefined),
  move: decimal(-50, 50, 0.1),
  crash: oneOf(['march', 'may'], undefined),
  only: named('accounts, by commas'),
  prices: present('a file of prices'),
  svg: toWrite,
  json: isThere,
}
const folder = import.meta.dirname

describe('flags of scripts', () => {
  it('are what they are initially where none is given', () => {
    expect(parseFlags(flags, [])).toEqual({
      runs: 5,
      limit: undefined,
      move: 0.1,
      crash: undefined,
      only: undefined,
      prices: undefined,
      svg: undefined,
      json: false,
    })
  })

  it.each([
    [['--runs', '1'], { runs: 1 }],
    [['--runs=100'], { runs: 100 }],
    [['--limit', '9'], { limit: 9 }],
    [['--move', '-50'], { move: -50 }],
    [['--move', '0.25'], { move: 0.25 }],
    [['--crash', 'may'], { crash: 'may' }],
    [['--only', '1,2'], { only: '1,2' }],
    [['--prices', folder], { prices: folder }],
    [['--svg', join(folder, 'new.svg'), '--json'], { svg: join(folder, 'new.svg'), json: true }],
  ])('takes %j', (args, values) => {
    expect(parseFlags(flags, args)).toMatchObject(values)
  })

  it.each([
    [['--runs', '0'], "--runs: expected a whole number from 1 to 100, got '0'."],
    [['--runs', '101'], "--runs: expected a whole number from 1 to 100, got '101'."],
    [['--runs', '1.5'], "--runs: expected a whole number from 1 to 100, got '1.5'."],
    [['--runs', '1e1'], "--runs: expected a whole number from 1 to 100, got '1e1'."],
    [['--runs', ''], "--runs: expected a whole number from 1 to 100, got ''."],
    [['--runs'], '--runs: expected a whole number from 1 to 100, got nothing.'],
    [['--move', '50.1'], "--move: expected a number from -50 to 50, got '50.1'."],
    [['--move', 'x'], "--move: expected a number from -50 to 50, got 'x'."],
    [['--crash', 'june'], "--crash: expected one of march, may, got 'june'."],
    [['--only', ''], "--only: expected accounts, by commas, got ''."],
    [['--prices', 'nowhere.csv'], "--prices: expected a file of prices that is there, got 'nowhere.csv'."],
    [['--svg', 'nowhere/a.svg'], "--svg: expected a file to write, in a folder that is there, got 'nowhere/a.svg'."],
    [['--json=yes'], "--json: expected nothing after it, got 'yes'."],
  ])('refuses %j by name', (args, message) => {
    expect(() => parseFlags(flags, args)).toThrow(new FlagError(message))
  })

  it.each([
    [['--run', '5'], 'No flag --run. Flags: --runs'],
    [['-x'], 'No flag -x. Flags: --runs'],
    [['--toString'], 'No flag --toString. Flags: --runs'],
    [['5'], "Expected nothing but flags, got '5'. Flags: --runs"],
  ])('names the flags there are beside %j', (args, message) => {
    expect(() => parseFlags(flags, args)).toThrow(message)
  })
})

const scripts = readdirSync(join(root, 'scripts')).filter((file) => /^(campaign|bench(?!FirstProof)).*\.ts$/.test(file))

describe('every campaign and benchmark', () => {
  it.each(scripts)(
    '%s ends with 2 and a line at an unknown flag, and tells its flags',
    (file) => {
      const run = (flag: string) =>
        spawnSync(process.execPath, [join(root, 'scripts', file), flag], { encoding: 'utf8' })
      const refused = run('--nonsense')
      expect(refused.stderr).toMatch(/^No flag --nonsense\. .*\. \[scripts\.flag\]\n$/)
      expect(refused.status).toBe(2)
      const told = run('--help')
      expect(told.stdout).toMatch(/^(Flags: --|It takes no flags\.).*\n$/)
      expect(told.status).toBe(0)
    },
    60_000,
  )
})
