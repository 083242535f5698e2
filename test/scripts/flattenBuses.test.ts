import { expect, it } from 'vitest'
import { flattenBuses } from '../../scripts/tools/flattenBuses.ts'

const word = `bus PriceFields() {
    signal {maxbit} priceE8; // 48 bits
    signal asOf;
}
template UnpackPrice() {
    signal input word;
    output PriceFields() fields;

    fields.priceE8 <== word;
    fields.asOf <== word;
}`
const use = `template Use() {
    signal input word;
    input PriceFields() before;

    component price = UnpackPrice();
    price.word <== word;
    component step = Step();
    step.before <== price.fields;
    Check()(price.fields.asOf, before);
    log(before.priceE8.maxbit);
}`

it('tells by the other side which of several buses of one name is handed on, and keeps lengths', () => {
  const words = `bus FirstFields() {
    signal {maxbit} firstE8[sizes()];
}
bus SecondFields() {
    signal {maxbit} secondE8[3];
}
template PackFirst() {
    input FirstFields() fields;
}
template PackSecond() {
    input SecondFields() fields;
}
template Both() {
    output FirstFields() firstFields;
    output SecondFields() secondFields;
}`
  const pack = `template Pack() {
    first.fields <== both.firstFields;
    second[a].fields <== both.secondFields;
}`
  const { texts } = flattenBuses(
    new Map([
      ['words', words],
      ['pack', pack],
    ]),
  )
  expect(texts.get('words')).toContain('signal output {maxbit} firstFields_firstE8[sizes()];')
  expect(texts.get('pack')).toBe(`template Pack() {
    first.fields_firstE8 <== both.firstFields_firstE8;
    second[a].fields_secondE8 <== both.secondFields_secondE8;
}`)
})

it('turns fields of buses into signals, line for line', () => {
  const { texts, ports } = flattenBuses(
    new Map([
      ['word', word],
      ['use', use],
    ]),
  )
  expect([...ports].sort()).toEqual(['before', 'fields'])
  const [flatWord = '', flatUse = ''] = [...texts.values()]
  expect(flatWord.split('\n')).toHaveLength(word.split('\n').length)
  expect(flatWord).toContain('signal output {maxbit} fields_priceE8; signal output fields_asOf;')
  expect(flatWord).not.toContain('bus')
  expect(flatUse.split('\n')).toHaveLength(use.split('\n').length)
  expect(flatUse).toContain('step.before_priceE8 <== price.fields_priceE8; step.before_asOf <== price.fields_asOf;')
  expect(flatUse).toContain('Check()(price.fields_asOf, before_priceE8, before_asOf);')
  expect(flatUse).toContain('before_priceE8.maxbit')
})
