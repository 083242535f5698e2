import { expect, it } from 'vitest'
import { lintPowers } from '../../scripts/lintPowers.ts'
import { projectOf } from './project.ts'

const file = 'circuits/math/Powers.circom'

/** A template with the lines as its body, from line 4 on, and what is said of it: line and variables. */
function complaintsAbout(...body: readonly string[]): readonly string[] {
  const source = ['pragma circom 2.2.3;', 'template Powers(BITS, WIDTHS) {', 'signal input in[BITS];', ...body, '}', '']
  return lintPowers(projectOf({ [file]: source.join('\n') })).map(
    (line) => /^circuits\/math\/Powers\.circom:(\d+ a power of [\w, ]+), which/.exec(line)?.slice(1).join() ?? line,
  )
}

it.each([
  ['the sum of a decomposition', 'for (var i = 0; i < BITS; i++) { sum += in[i] * 2 ** i; }', 'i'],
  ['a loop without braces', 'for (var i = 0; i < BITS; i++) sum += in[i] * 2 ** (i - 7);', 'i'],
  ['the variable on the left', 'for (var i = 0; i < BITS; i++) { sum += (i + 1) ** 5; }', 'i'],
  [
    'the outer variable in an inner loop',
    'for (var i = 0; i < 2; i++) { for (var j = 0; j < 2; j++) { x = 2 ** i; } }',
    'i',
  ],
  [
    'both variables of two loops',
    'for (var i = 0; i < 2; i++) { for (var j = 0; j < 2; j++) { x = j ** i; } }',
    'j, i',
  ],
  ['a while loop', 'while (rest > 0) { rest = rest >> 1; scale = 2 ** rest; }', 'rest'],
  ['a power inside an index', 'for (var i = 0; i < 3; i++) { x = table[2 ** i]; }', 'i'],
  ['an index inside a power', 'for (var i = 0; i < 3; i++) { x = 2 ** WIDTHS[i]; }', 'i'],
  ['an argument inside a power', 'for (var i = 0; i < 3; i++) { x = 2 ** width(BITS, i); }', 'i'],
  ['a member of an array of components', 'for (var i = 0; i < 3; i++) { x = 2 ** part[i].maxbit; }', 'i'],
  ['the head of a loop', 'for (var i = 1; 2 ** i < BITS; i++) { x = 1; }', 'i'],
  ['a negative exponent', 'for (var i = 0; i < 3; i++) { x = 2 ** -i; }', 'i'],
  ['a chain of powers', 'for (var i = 0; i < 3; i++) { x = 2 ** 2 ** i; }', 'i'],
  ['a power that is assigned', 'for (var i = 0; i < 3; i++) { scale **= 2; }', 'scale'],
  ['a variable derived in the loop', 'for (var i = 0; i < 3; i++) { var at = 3 * i; x = 2 ** at; }', 'at'],
  ['an array filled in the loop', 'for (var i = 0; i < 3; i++) { at[i] = i; } var x = 2 ** at[0];', 'at'],
  ['a variable derived after the loop', 'for (var i = 0; i < 3; i++) { n += i; } var m = n + 1; x = 2 ** m;', 'm'],
  ['a branch of a loop', 'for (var i = 0; i < 3; i++) if (i == 0) { n = 1; } else { m = 2; } x = 2 ** m;', 'm'],
  ['after a comment that ends a line', 'for (var i = 0; i < 3; i++) { /* 2 ** 3 */ x = 2 ** i; }', 'i'],
])('names %s', (_, body, names) => {
  expect(complaintsAbout(body)).toEqual([`4 a power of ${names}`])
})

it('names the line of the operator where an expression has several lines', () => {
  const body = [
    'for (var i = 0; i < BITS; i++) {',
    '    sum += in[i]',
    '        * 2',
    '        ** (',
    '            i',
    '    );',
    '}',
  ]
  expect(complaintsAbout(...body)).toEqual(['7 a power of i'])
})

it('names each power, in each template of a file', () => {
  const template = (name: string): string =>
    `template ${name}() {\n    for (var i = 0; i < 3; i++) {\n        x = 2 ** i;\n        y = 3 ** i;\n    }\n}\n`
  const lines = lintPowers(projectOf({ [file]: `${template('First')}${template('Second')}` }))
  expect(lines.map((line) => line.split(' ')[0])).toEqual([3, 4, 9, 10].map((line) => `${file}:${line}`))
})

it.each([
  ['a template parameter', 'var ONE = 2 ** BITS; out <== in[0] * 2 ** (BITS - 1);'],
  ['a parameter and constants in a loop', 'for (var i = 0; i < BITS; i++) { out[i] <== in[i] + 2 ** (BITS - 1); }'],
  ['a tag', 'out <== in[0] + 2 ** in.maxbit;'],
  ['a constant of a function', 'for (var i = 0; i < 3; i++) { x = i * 2 ** scale(); }'],
  ['a neighbour of the loop variable', 'for (var i = 0; i < 3; i++) { x = i * 2 ** 40 + i; }'],
  ['a variable of no loop', 'var n = BITS + 1; for (var i = 0; i < 3; i++) { x = 2 ** n; }'],
  ['a sum from the top', 'for (var i = BITS - 1; i >= 0; i--) { sum += sum + in[i]; }'],
  ['a product', 'for (var i = 0; i < 3; i++) { x = 2 * i; }'],
  ['a line of comment', 'for (var i = 0; i < 3; i++) { // 2 ** i\n x = i; }'],
  ['a block of comment', 'for (var i = 0; i < 3; i++) { /* sum of\n bits * 2 ** i */ x = i; }'],
  ['a string', 'for (var i = 0; i < 3; i++) { log("2 ** i", i); }'],
])('accepts %s', (_, body) => {
  expect(complaintsAbout(body)).toEqual([])
})

it('leaves functions alone', () => {
  const source =
    'function weights() { for (var i = 0; i < 3; i++) { w[i] = 2 ** i; } return w; }\ntemplate Empty() {}\n'
  expect(lintPowers(projectOf({ [file]: source }))).toEqual([])
})

it('finds nothing in the circuits of this project', () => {
  expect(lintPowers()).toEqual([])
})
