/** Templates of circuits/options as main components: to run them alone, and to count what they cost. */
import type { MainComponent } from '../circuits/circuit.ts'

/** An input: tagged with its width, or not (a bit, a product whose bound the template's caller gives). */
export type OptionInput = {
  readonly name: string
  readonly tag?: 'maxbit' | 'signedbit'
  readonly bits?: number
  readonly size?: number
}

export type OptionTemplate = {
  readonly name: string
  readonly file: string
  readonly inputs: readonly OptionInput[]
  readonly outputs: readonly { readonly name: string; readonly size?: number }[]
}

const unsigned = (text: string): OptionInput[] => tagged(text, 'maxbit')
const signed = (text: string): OptionInput[] => tagged(text, 'signedbit')
const bare = (text: string): OptionInput[] => text.split(' ').map((name) => ({ name }))
const outputs = (text: string) => text.split(' ').map((name) => ({ name }))

function tagged(text: string, tag: 'maxbit' | 'signedbit'): OptionInput[] {
  return text.split(' ').map((entry) => {
    const [name = '', bits] = entry.split(':')
    return { name, tag, bits: Number(bits) }
  })
}

const parts = [...unsigned('volatilityX40:44'), ...bare('reciprocal onGrid restX40 restX33 restSquaredX66 isFlat')]
const price = bare('forward strike onGrid restX40 restX33 restSquaredX66')

const d1OnGrid: OptionTemplate = {
  name: 'D1OnGrid(26, 22, 20)',
  file: 'D1OnGrid',
  inputs: [...signed('logarithm:32'), ...unsigned('reciprocal:39 volatilityX40:44'), ...bare('isFlat')],
  outputs: [...outputs('negative inTable point'), { name: 'cellBits', size: 16 }, { name: 'remainderBits', size: 20 }],
}

const scenarioPrice: OptionTemplate = {
  name: 'ScenarioPrice()',
  file: 'ScenarioPrice',
  inputs: [
    ...bare('negative inTable point'),
    { name: 'cellBits', size: 16 },
    { name: 'remainderBits', size: 20 },
    ...price,
  ],
  outputs: outputs('call'),
}

const scenarioInputs = [...bare('lnForwardX26 lnStrikeX26 forward strike'), ...parts]

export const shockedPoint: OptionTemplate = {
  name: 'ScenarioPoint(22)',
  file: 'ScenarioPoint',
  inputs: scenarioInputs,
  outputs: outputs('call'),
}

export const unshockedPoint: OptionTemplate = {
  name: 'ScenarioPoint(24)',
  file: 'ScenarioPoint',
  inputs: scenarioInputs,
  outputs: outputs('call'),
}

export const markPoint: OptionTemplate = {
  name: 'MarkPoint()',
  file: 'MarkPoint',
  inputs: [...bare('lnForwardX32 lnStrikeX32 forward strike'), ...parts],
  outputs: outputs('call nd1 pdf gammaN thetaN kNd2'),
}

const kinds = ['volatilityX40', 'reciprocal', 'onGrid', 'restX40', 'restX33', 'restSquaredX66', 'isFlat']

export const totalVolatilities: OptionTemplate = {
  name: 'TotalVolatilities()',
  file: 'TotalVolatilities',
  inputs: [
    ...unsigned('varianceX48:53 ratioX40:54 upX40:60 downX40:41 floorUpX40:46 widthX36:46'),
    ...signed('logMoneynessX36:42'),
    ...bare('linearIsNegative linearSlopeX44 absoluteIsNegative absoluteSlopeX44'),
  ],
  outputs: kinds.map((name) => ({ name, size: 5 })),
}

const sviVariance: OptionTemplate = {
  name: 'SviVariance()',
  file: 'SviVariance',
  inputs: [
    ...unsigned('lnStrikeX36:42 lnReferenceX36:42 largestX44:57 bX48:56 sSquaredX80:104'),
    ...signed('aX48:59 rhoX40:47 mX40:47'),
  ],
  outputs: outputs('out'),
}

const tenor: OptionTemplate = {
  name: 'Tenor()',
  file: 'Tenor',
  inputs: [
    ...unsigned('expiry:32 asOf:32 tauRefSecondsX20:52 rangeUpX40:44 rangeDownX40:44 shortPowerX40:44 longPowerX40:44'),
    ...unsigned('tenorFloorSeconds:26 floorUpX40:45 widthFloorX40:44 widthScaleX40:44 typicalVolatilityX40:44'),
    ...signed('linearCapX40:47 linearCapSlopeX40:47 absoluteCapX40:47 absoluteCapSlopeX40:47'),
    ...signed('typicalVolatilitySlopeX40:47'),
  ],
  outputs: outputs('sqrtTauX40'),
}

const discounts: OptionTemplate = {
  name: 'Discounts()',
  file: 'Discounts',
  inputs: [
    ...unsigned(
      'secondsToExpiry:26 tauX40:42 tauX56:58 longBaseX40:43 longMultipleX40:48 longAddX40:48 shortBaseX40:43',
    ),
    ...unsigned('shortMultipleX40:48 shortAddX40:48 basisAddX40:45 basisSlopeX40:48 confidenceX40:41'),
    ...unsigned('spotConfidenceX40:41 confidenceThresholdX40:41'),
    ...signed('rateX40:47'),
  ],
  outputs: outputs('discountX40'),
}

const shockedForwards: OptionTemplate = {
  name: 'ShockedForwards()',
  file: 'ShockedForwards',
  inputs: [...unsigned('variable:48 fixed:48'), { name: 'shocks', tag: 'maxbit', bits: 43, size: 20 }],
  outputs: [{ name: 'forwards', size: 20 }],
}

/** As many copies side by side; the widths of tagged inputs are taken as proven, so that they cost nothing. */
export function templateSource({ name, file, inputs, outputs: results }: OptionTemplate, copies = 1): string {
  const brackets = (size?: number) => (size === undefined ? '' : `[${size}]`)
  const feed = inputs.map(({ name: input, tag, bits, size }) => {
    if (tag === undefined) return `        t[i].${input} <== ${input}[i];`
    if (size === undefined) return `        t[i].${input} <== Tagged(${bits})(${input}[i]);`
    return `        t[i].${input} <== TaggedArray(${bits}, ${size})(${input}[i]);`
  })
  return `pragma circom 2.2.3;
include "options/${file}.circom";
template Tagged(BITS) {
    signal input in;
    signal output {maxbit, signedbit} out;
    out.maxbit = BITS;
    out.signedbit = BITS;
    out <== in;
}
template TaggedArray(BITS, SIZE) {
    signal input in[SIZE];
    signal output {maxbit} out[SIZE];
    out.maxbit = BITS;
    out <== in;
}
template Main(N) {
${inputs.map(({ name: input, size }) => `    signal input ${input}[N]${brackets(size)};`).join('\n')}
${results.map(({ name: output, size }) => `    signal output out_${output}[N]${brackets(size)};`).join('\n')}
    component t[N];
    for (var i = 0; i < N; i++) {
        t[i] = ${name};
${feed.join('\n')}
${results.map(({ name: output }) => `        out_${output}[i] <== t[i].${output};`).join('\n')}
    }
}
component main = Main(${copies});
`
}

const alone = [
  d1OnGrid,
  scenarioPrice,
  shockedPoint,
  unshockedPoint,
  markPoint,
  totalVolatilities,
  sviVariance,
  tenor,
  discounts,
  shockedForwards,
]

/** What test/snapshots/options.json counts. */
export const optionMains: readonly MainComponent[] = alone.map((template) => ({
  name: template.name,
  source: templateSource(template),
}))
