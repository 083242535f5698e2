/** Circom that follows from the declarations: a bus and its packing for each word, and the choice of a volatility model. */
import { elementBits, type Field, type VolatilityModelRow, type Word } from '../../circuits/statements/language.ts'
import { capital, type Generated, notice } from './text.ts'

/** What handwritten circuits instantiate; nothing else is generated. */
export type CircomUse = (template: string) => boolean

export function circomWords(words: Readonly<Record<string, Word>>, isUsed: CircomUse): Generated {
  const texts = Object.entries(words).map(
    ([name, word]) => [`circuits/generated/words/${capital(name)}.circom`, circomWord(name, word, isUsed)] as const,
  )
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined)) as Generated
}

function circomWord(name: string, word: Word, isUsed: CircomUse): string | undefined {
  const title = capital(name)
  const ofBitsToo = [`${title}Bits`, `${title}OfBits`]
  const templates = word.perWord === undefined ? [`Unpack${title}`, `Pack${title}`, ...ofBitsToo] : ofBitsToo
  const used = templates.filter(isUsed)
  if (used.length === 0) return undefined
  const writers: Readonly<Record<string, () => string>> = {
    [`Unpack${title}`]: () => unpack(title, word),
    [`Pack${title}`]: () => pack(title, word),
    [`${title}Bits`]: () => elementsToBits(title, word, word.perWord ?? 1),
    [`${title}OfBits`]: () => ofBits(title, word),
  }
  const readsBits = used.some((template) => template !== `Pack${title}`)
  const parsesFields = used.some((template) => template.startsWith('Unpack') || template.endsWith('OfBits'))
  const signs = new Set(word.fields.map(({ signed }) => signed === true))
  const includes = [
    ...(readsBits ? ['bitify.circom'] : []),
    ...(parsesFields && signs.has(false) ? ['../../math/BitsToNumber.circom'] : []),
    ...(parsesFields && signs.has(true) ? ['../../math/BitsToSignedNumber.circom'] : []),
  ]
  const bus = used.every((template) => template === `${title}Bits`) ? [] : [busOf(title, word)]
  return [
    `// ${notice}`,
    'pragma circom 2.2.3;',
    '',
    ...includes.map((file) => `include "${file}";`),
    ...(includes.length > 0 ? [''] : []),
    [...bus, ...used.map((template) => writers[template]?.() ?? '')].join('\n\n'),
    '',
  ].join('\n')
}

/** The circom tag that carries a field's width: see circuits/math/RangeCheck.circom and SignedRangeCheck.circom. */
const tagOf = (field: Field): string => (field.signed ? 'signedbit' : 'maxbit')
const widthOf = (field: Field): number => (field.signed ? field.bits - 1 : field.bits)

const busOf = (title: string, { title: meaning, fields }: Word): string => `/** ${meaning}. */
bus ${title}Fields() {
${fields.map((field) => `    signal {${tagOf(field)}} ${field.name}; // ${meaningOf(field)}`).join('\n')}
}`

const meaningOf = ({ bits, signed, meaning }: Field): string =>
  `${signed ? `${bits - 1} bits and a sign` : bits === 1 ? '1 bit' : `${bits} bits`}: ${meaning}`

function fieldLines({ fields }: Word, total: number): string {
  let offset = 0
  return fields
    .map((field) => {
      const template = field.signed ? 'BitsToSignedNumber' : 'BitsToNumber'
      const line = `    fields.${field.name} <== ${template}(${total}, ${offset}, ${field.bits})(bits);`
      offset += field.bits
      return line
    })
    .join('\n')
}

/** Bits of the fields that every template reads. */
const requiredBits = ({ fields }: Word): number =>
  fields.reduce((sum, { bits, optional }) => (optional ? sum : sum + bits), 0)

/** A word with optional fields is read up to a width that its reader chooses: what is beyond must be zero. */
function unpackPart(title: string, word: Word): string {
  const total = elementBits(word)
  return `/**
 * @title  Unpack${title}
 * @notice ${word.title}: splits the word into its fields. Claim: Q1.
 * @param  BITS    from ${requiredBits(word)} to ${total}; fields beyond it are 0
 * @input  word    []  refused at 2^BITS and above
 * @output fields
 *
 * The bits of the word are unique since 2^BITS < p, so each field has one value.
 */
template Unpack${title}(BITS) {
    signal input word;
    output ${title}Fields() fields;

    assert(BITS >= ${requiredBits(word)} && BITS <= ${total});
    signal held[BITS] <== Num2Bits(BITS)(word);
    signal bits[${total}];
    for (var i = 0; i < ${total}; i++) {
        if (i < BITS) {
            bits[i] <== held[i];
        } else {
            bits[i] <== 0;
        }
    }
${fieldLines(word, total)}
}`
}

function unpack(title: string, word: Word): string {
  if (word.fields.some(({ optional }) => optional)) return unpackPart(title, word)
  const total = elementBits(word)
  return `/**
 * @title  Unpack${title}
 * @notice ${word.title}: splits the word into its fields. Claim: Q1.
 * @input  word    []  refused at 2^${total} and above
 * @output fields
 *
 * The ${total} bits of the word are unique since 2^${total} < p, so each field has one value.
 */
template Unpack${title}() {
    signal input word;
    output ${title}Fields() fields;

    signal bits[${total}] <== Num2Bits(${total})(word);
${fieldLines(word, total)}
}`
}

function ofBits(title: string, word: Word): string {
  const total = elementBits(word)
  return `/**
 * @title  ${title}OfBits
 * @notice ${word.title}: the fields of its bits. Claim: Q1.
 * @input  bits    [${total}]  boolean, least significant first
 * @output fields
 */
template ${title}OfBits() {
    signal input bits[${total}];
    output ${title}Fields() fields;

${fieldLines(word, total)}
}`
}

function elementsToBits(title: string, word: Word, perWord: number): string {
  const width = elementBits(word)
  return `/**
 * @title  ${title}Bits
 * @notice Splits words into the bits of their elements, ${perWord} a word, the first in the low bits. Claim: Q1.
 * @param  COUNT  elements
 * @input  words  [ceil(COUNT / ${perWord})]
 * @output bits   [COUNT][${width}]  boolean
 *
 * A word is refused at 2^(${width} * its elements) and above, so a last word of fewer elements has no bit beyond them.
 */
template ${title}Bits(COUNT) {
    var WORDS = (COUNT + ${perWord - 1}) \\ ${perWord};
    signal input words[WORDS];
    signal output bits[COUNT][${width}];

    component wordBits[WORDS];
    for (var w = 0; w < WORDS; w++) {
        var HERE = w < WORDS - 1 ? ${perWord} : COUNT - ${perWord} * w;
        wordBits[w] = Num2Bits(${width} * HERE);
        wordBits[w].in <== words[w];
        for (var e = 0; e < HERE; e++) {
            for (var i = 0; i < ${width}; i++) {
                bits[${perWord} * w + e][i] <== wordBits[w].out[${width} * e + i];
            }
        }
    }
}`
}

function pack(title: string, word: Word): string {
  const asserts = word.fields
    .map((field) => `    assert(fields.${field.name}.${tagOf(field)} <= ${widthOf(field)});`)
    .join('\n')
  let offset = 0
  const terms = word.fields.map((field) => {
    const place = field.signed ? `(fields.${field.name} + 2 ** ${field.bits - 1})` : `fields.${field.name}`
    const term = offset === 0 ? place : `${place} * 2 ** ${offset}`
    offset += field.bits
    return term
  })
  return `/**
 * @title  Pack${title}
 * @notice ${word.title}: lays the fields side by side. Claim: Q1.
 * @input  fields
 * @output word    []  below 2^${elementBits(word)}
 *
 * Injective because each field is proven to fit its place (the tags); linear, so it costs no constraint.
 */
template Pack${title}() {
    input ${title}Fields() fields;
    signal output word;

${asserts}
    word <== ${terms.join('\n        + ')};
}`
}

/** Chooses a volatility model by its id. */
export function circomModels(
  models: Readonly<Record<string, VolatilityModelRow>>,
  { volatilityState, marketPolicy }: { readonly volatilityState: Word; readonly marketPolicy: Word },
): Generated {
  const rows = Object.values(models)
  const variances = volatilityState.fields.filter(({ name }) => name.startsWith('variance'))
  const others = elementBits(volatilityState) - elementBits({ title: '', fields: variances })
  const stateBits = ({ variances: kept }: VolatilityModelRow): number =>
    others + elementBits({ title: '', fields: variances.slice(0, kept) })
  const policyBits = ({ readsOptionalPolicy }: VolatilityModelRow): number =>
    readsOptionalPolicy ? elementBits(marketPolicy) : requiredBits(marketPolicy)
  const choose = (indent: string, write: (row: VolatilityModelRow) => string): string =>
    rows.map((row) => `${indent}if (MODEL == ${row.id}) {\n${indent}    ${write(row)}\n${indent}}`).join('\n')
  const known = `assert(${rows.map(({ id }) => `MODEL == ${id}`).join(' || ')});`
  const text = `// ${notice}
pragma circom 2.2.3;

${rows.map(({ template }) => `include "../volatility/${template}.circom";`).join('\n')}
include "../volatility/PriceMove.circom";
include "words/LearningPolicy.circom";
include "words/MarketPolicy.circom";

/** Bits of a state that a model keeps. */
function volatilityStateBits(MODEL) {
${choose('    ', (row) => `return ${stateBits(row)};`)}
    return 0;
}

/** Bits of a market's policy that a batch under a model reads. */
function marketPolicyBits(MODEL) {
${choose('    ', (row) => `return ${policyBits(row)};`)}
    return 0;
}

/**
 * @title  VolatilityStep
 * @notice The step of a volatility model. Claims: ${rows.map(({ claim }) => claim).join(', ')}.
 * @param  MODEL  its id
 * @input  move, learning, market
 * @input  variancesX36  [4]  46 bits; those the model does not keep are 0
 * @output nextX36       [4]
 */
template VolatilityStep(MODEL) {
    input PriceMove() move;
    signal input {maxbit} variancesX36[4];
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} nextX36[4];

    ${known}
${choose('    ', ({ template }) => `nextX36 <== ${template}Step()(move, variancesX36, learning, market);`)}
}

/**
 * @title  VolatilityUsed
 * @notice The variance that parameters rest on under a volatility model. Claims: ${rows.map(({ claim }) => claim).join(', ')}.
 * @param  MODEL  its id
 * @input  variancesX36  [4]
 * @input  asOf  []  of the observation after which they stand
 * @input  learning, market
 * @output out  []  X38, at most 49 bits
 */
template VolatilityUsed(MODEL) {
    signal input {maxbit} variancesX36[4], asOf;
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} out;

    ${known}
${choose('    ', ({ template }) => `out <== ${template}Used()(variancesX36, asOf, learning, market);`)}
}
`
  return { 'circuits/generated/VolatilityModels.circom': text }
}
