/** The frame of each statement in Circom, and the statements that repeat a step. */
import type { Group, Section, Statement, Step, Word } from '../../circuits/statements/language.ts'
import { capital, type Generated, notice, upperSnake } from './text.ts'

type Words = Readonly<Record<string, Word>>

export const circomFrames = (statements: Readonly<Record<string, Statement>>, words: Words): Generated =>
  Object.fromEntries(
    Object.values(statements).flatMap((statement) => [
      [`circuits/generated/frames/${statement.template}Frame.circom`, circomFrame(statement, words)],
      ...(statement.step === undefined
        ? []
        : [
            [
              `circuits/generated/frames/${statement.template}.circom`,
              circomStatement(statement, statement.step, words),
            ],
          ]),
    ]),
  )

const factor = (size: number | string): string => (typeof size === 'number' ? `${size}` : upperSnake(size))

function circomFrame({ template, inputs, outputs }: Statement, words: Words): string {
  const groups = [...inputs, ...outputs]
  const sizes = sizesOf(groups)
  return `// ${notice}
pragma circom 2.2.3;

include "../../statement/Commitment.circom";
include "../../statement/Evaluation.circom";

/**
 * @title  ${template}Frame
 * @notice The words of a statement in order, what commits to its inputs, and its value at the challenge. Claims: Q2, Q3.
${sizes.length > 0 ? ` * @param  ${sizes.map(upperSnake).join(', ')}\n` : ''} * @input  challenge   []
 * @input  a signal for each section: first inputs, then what follows from them
 * @output commitment  []  to the input words
 * @output evaluation  []  of all words at the challenge
 */
template ${template}Frame(${sizes.map(upperSnake).join(', ')}) {
    signal input challenge;
${groups.flatMap((group) => group.sections.map((section) => `    signal input ${section.name}${dimensions(group, section, words)};`)).join('\n')}
    signal output commitment, evaluation;

    var INPUT_WORDS = ${total(inputs, words)};
    var WORDS = INPUT_WORDS + ${total(outputs, words)};
    signal words[WORDS];
    var at = 0;
${groups
  .map((group) => putGroup(group, words))
  .join('\n')
  .replace(/\n {4}at\+\+;$/, '')}

    component commit = Commitment(INPUT_WORDS);
    for (var i = 0; i < INPUT_WORDS; i++) {
        commit.words[i] <== words[i];
    }
    commitment <== commit.out;
    evaluation <== Evaluation(WORDS)(words, challenge);
}
`
}

/** Sizes of a build that groups are repeated by or have. */
const sizesOf = (groups: readonly Group[]): readonly string[] =>
  [
    ...new Set(
      groups.flatMap(({ repeat = [], sections }) => [repeat, ...sections.map(({ count = [] }) => count)].flat()),
    ),
  ].filter((size) => typeof size === 'string')

/** Lengths of a section's array within one repetition; elements that share words are one row of words. */
function lengths({ word, count = [] }: Section, words: Words): readonly string[] {
  const perWord = words[word]?.perWord ?? 1
  if (perWord === 1 || count.length === 0) return count.map(factor)
  const [product, ...rest] = count
  if (rest.length > 0) throw new Error(`${word}: elements that share words stand in one row.`)
  return [
    typeof product === 'number'
      ? `${Math.ceil(product / perWord)}`
      : `(${factor(product ?? 1)} + ${perWord - 1}) \\ ${perWord}`,
  ]
}

const dimensions = ({ repeat }: Group, section: Section, words: Words): string =>
  [...(repeat === undefined ? [] : [upperSnake(repeat)]), ...lengths(section, words)]
    .map((length) => `[${length}]`)
    .join('')

function total(groups: readonly Group[], words: Words): string {
  const terms = groups.map(({ repeat, sections }) => {
    const parts = sections.map((section) => lengths(section, words).map((l) => (/[+\\]/.test(l) ? `(${l})` : l)))
    const constant = parts
      .filter((l) => l.every((each) => /^\d+$/.test(each)))
      .reduce((sum, l) => sum + l.reduce((p, n) => p * Number(n), 1), 0)
    const symbolic = parts.filter((l) => !l.every((each) => /^\d+$/.test(each))).map((l) => l.join(' * '))
    const sum = [...(constant > 0 ? [`${constant}`] : []), ...symbolic].join(' + ')
    if (repeat === undefined) return sum
    return `${upperSnake(repeat)} * ${/\+/.test(sum) ? `(${sum})` : sum}`
  })
  return terms.join(' + ')
}

function putGroup({ repeat, sections }: Group, words: Words): string {
  const start = repeat === undefined ? '' : '[r]'
  const depth = repeat === undefined ? 1 : 2
  const body = sections.map((section) => putSection(section.name + start, lengths(section, words), depth)).join('\n')
  return repeat === undefined ? body : `    for (var r = 0; r < ${upperSnake(repeat)}; r++) {\n${body}\n    }`
}

function putSection(name: string, [length, ...rest]: readonly string[], depth: number): string {
  const indent = '    '.repeat(depth)
  if (length === undefined) return `${indent}words[at] <== ${name};\n${indent}at++;`
  const index = 'ijk'.charAt(2 - rest.length - 1)
  return `${indent}for (var ${index} = 0; ${index} < ${length}; ${index}++) {\n${putSection(`${name}[${index}]`, rest, depth + 1)}\n${indent}}`
}

/** A statement whose every repetition is one step: what is shared is unpacked once, and the frame has every word. */
function circomStatement(statement: Statement, step: Step, words: Words): string {
  const { template, parameters, inputs, outputs } = statement
  const shared = inputs.filter(({ repeat }) => repeat === undefined).flatMap(({ sections }) => sections)
  const repeated = inputs.filter(({ repeat }) => repeat !== undefined)
  const [{ repeat = '' } = { repeat: '' }] = repeated
  if ([...repeated, ...outputs].some((group) => group.repeat !== repeat)) {
    throw new Error(`${template}: all that is not shared is repeated alike by a step.`)
  }
  const each = repeated.flatMap(({ sections }) => sections)
  const results = outputs.flatMap(({ sections }) => sections)
  const includes = [...shared, ...each.filter(({ word }) => isShared(word, words))].map(({ word }) => capital(word))
  return `// ${notice}
pragma circom 2.2.3;

${[...new Set(includes)].map((word) => `include "../words/${word}.circom";`).join('\n')}
include "${template}Frame.circom";
include "../../${step.folder}/${step.template}.circom";

${statementHeader(statement, step, [...shared, ...each])}
template ${template}(${parameters.map(upperSnake).join(', ')}) {
    signal input challenge;
${inputs.flatMap((group) => group.sections.map((section) => `    signal input ${section.name}${dimensions(group, section, words)};`)).join('\n')}
    signal output commitment, evaluation;

${shared.map(({ name, word }) => `    component ${name}Word = Unpack${capital(word)}();\n    ${name}Word.word <== ${name};`).join('\n')}

    component frame = ${template}Frame(${sizesOf([...inputs, ...outputs])
      .map(upperSnake)
      .join(', ')});
    frame.challenge <== challenge;
${[...shared, ...each].map(({ name }) => `    frame.${name} <== ${name};`).join('\n')}

    component step[${upperSnake(repeat)}];
    for (var r = 0; r < ${upperSnake(repeat)}; r++) {
        step[r] = ${step.template}(${step.parameters.map(upperSnake).join(', ')});
${each.map((section) => `        step[r].${section.name} <== ${portOf(section, words)};`).join('\n')}
${shared.map(({ name }) => `        step[r].${name} <== ${name}Word.fields;`).join('\n')}
${results.map(({ name }) => `        frame.${name}[r] <== step[r].${name};`).join('\n')}
    }
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
`
}

const statementHeader = ({ template, parameters }: Statement, step: Step, inputs: readonly Section[]): string => `/**
 * @title  ${template}
 * @notice ${step.template} for each, and the words of all in one statement. Claims: Q2, Q3.
 * @param  ${parameters.map(upperSnake).join(', ')}
 * @input  challenge   []  public; chosen by the contract after the commitment
 * @input  ${inputs.map(({ name }) => name).join(', ')}
 * @output commitment  []  to the input words
 * @output evaluation  []  of all words at the challenge
 *
 * The outputs of ${step.template} follow from its inputs alone, so the commitment to the inputs fixes every word before the
 * challenge exists (docs/statement.md). A smaller batch repeats its first subject: nothing needs masking.
 */`

const isShared = (word: string, words: Words): boolean => (words[word]?.perWord ?? 1) > 1

function portOf({ name, word, count = [] }: Section, words: Words): string {
  return isShared(word, words) ? `${capital(word)}Bits(${count.map(factor).join(' * ')})(${name}[r])` : `${name}[r]`
}
