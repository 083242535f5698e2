import { expect, it } from 'vitest'
import { lintTags } from '../../scripts/lintTags.ts'
import { projectOf } from './project.ts'

/** What is said of a file with these lines: line and tag. */
const complaintsAbout = (file: string, ...lines: readonly string[]): readonly string[] =>
  lintTags(projectOf({ [file]: lines.join('\n') })).map((line) => line.split(' by hand')[0] ?? line)

it.each(['circuits/portfolio/Wide.circom', 'circuits/statement/Wide.circom', 'circuits/Wide.circom'])(
  'names line and tag of a width stated in %s',
  (file) => {
    expect(
      complaintsAbout(
        file,
        'template Wide() {',
        '    signal output {maxbit} out;',
        '    out.maxbit = 48;',
        '    step[1].fields.deltaE12',
        '        .signedbit=64;',
        '    one.max = 1;',
        '}',
      ),
    ).toEqual([`${file}:3 states .maxbit`, `${file}:5 states .signedbit`, `${file}:6 states .max`])
  },
)

it.each([
  ['a width that is read', 'assert(in.maxbit <= 48); var BITS = in.maxbit; out <== in + 2 ** in.maxbit;'],
  ['a width that is compared', 'assert(in.maxbit == 48); if (in.signedbit != 3) { x = 1; }'],
  ['a variable of that name', 'var max = 3; max = 4;'],
  ['a comment', '// out.maxbit = 48;\n /* out.signedbit = 4 */'],
])('accepts %s', (_, body) => {
  expect(complaintsAbout('circuits/portfolio/Wide.circom', `template Wide() { ${body} }`)).toEqual([])
})

it.each(['circuits/math/Wide.circom', 'circuits/generated/words/Wide.circom'])('accepts any width in %s', (file) => {
  expect(complaintsAbout(file, 'out.maxbit = 48;')).toEqual([])
})

it('finds nothing in the circuits of this project', () => {
  expect(lintTags()).toEqual([])
})
