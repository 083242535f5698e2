/** What each field of a word of policy must be at least and at most, as declared. */
import type { Field, Word } from '../../circuits/statements/language.ts'
import { head, importsOf, libraryText, type Member, type SolidityUse } from './solidityText.ts'
import { capital, type Generated } from './text.ts'

const LIBRARY = 'FieldBounds'

/** As contracts/parameters/IRiskPolicy.sol has them, which what is generated does not import. */
const errors = `/// @notice A field of a policy is below its bound.
error PolicyBelow(string field, uint256 value, uint256 least);
/// @notice A field of a policy is above its bound.
error PolicyAbove(string field, uint256 value, uint256 greatest);
`

/** A function for each word with bounds that contracts check by it. */
export function solidityBounds(words: Readonly<Record<string, Word>>, use: SolidityUse): Generated {
  const members = Object.entries(words)
    .filter(([, { fields }]) => fields.some(isBounded))
    .map(([name, word]) => checkMember(name, word))
    .filter((member) => use.has(LIBRARY, member.name))
  if (members.length === 0) return {}
  const text = libraryText(LIBRARY, 'Bounds of the fields that governance sets, one by one', [
    ...members,
    ...limits(members),
  ])
  const imports = importsOf(
    {
      './Words.sol': Object.keys(words).map((word) => `${capital(word)}Word`),
    },
    text,
  )
  return { [`contracts/generated/${LIBRARY}.sol`]: `${head}\n${imports}\n${errors}\n${text}\n` }
}

const isBounded = ({ least, greatest }: Field): boolean => least !== undefined || greatest !== undefined

function checkMember(name: string, { fields }: Word): Member {
  const lines = fields
    .filter(isBounded)
    .flatMap(({ name: field, least, greatest }) => [
      ...(least === undefined ? [] : [`_least("${field}", word.${field}(), ${leastText(least)});`]),
      ...(greatest === undefined ? [] : [`_greatest("${field}", word.${field}(), ${greatest});`]),
    ])
  return {
    name: `check${capital(name)}`,
    text: `/// @custom:reverts PolicyBelow, PolicyAbove, naming the field
function check${capital(name)}(${capital(name)}Word word) internal pure {
${lines.map((line) => `    ${line}`).join('\n')}
}`,
  }
}

const leastText = (least: NonNullable<Field['least']>): string =>
  typeof least === 'number' ? `${least}` : `word.${least.field}()${least.plus ? ` + ${least.plus}` : ''}`

/** The comparisons that the members use. */
function limits(members: readonly Member[]): readonly Member[] {
  const text = members.map((member) => member.text).join('\n')
  const limit = (name: string, bound: string, sign: string, error: string): Member => ({
    name,
    text: `function ${name}(string memory field, uint256 value, uint256 ${bound}) private pure {
    if (value ${sign} ${bound}) revert ${error}(field, value, ${bound});
}`,
  })
  return [limit('_least', 'least', '<', 'PolicyBelow'), limit('_greatest', 'greatest', '>', 'PolicyAbove')].filter(
    ({ name }) => text.includes(`${name}(`),
  )
}
