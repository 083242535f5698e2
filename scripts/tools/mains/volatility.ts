/** Templates of circuits/volatility as main components: to run them, to attack them, and to count what they cost. */
import { type VolatilityModelName, volatilityModels, words } from '../../../circuits/statements/index.ts'
import { EXP2_SCALE } from '../../../prover/math/index.ts'
import type { MainComponent } from '../circuits/circuit.ts'

/** An input with its width; `bare` ones are booleans that the template's caller has proven. */
type ModelInput = {
  readonly name: string
  readonly bits: number
  readonly size?: number
  readonly bare?: boolean
  /** Where it goes if not to a signal of its name: a field of a bus. */
  readonly target?: string
}

export type ModelTemplate = {
  readonly name: string
  readonly file: string
  readonly inputs: readonly ModelInput[]
  readonly outputs: readonly { readonly name: string; readonly size?: number }[]
}

/** `move.lnPriceX26:32`: field of a bus, bits; `variancesX36[4]:46`: elements; `:b`: a proven boolean. */
const inputs = (text: string): ModelInput[] =>
  text.split(' ').map((entry) => {
    const [, bus, name = '', size, bits = ''] = /^(?:(\w+)\.)?(\w+)(?:\[(\d+)\])?:(\w+)$/.exec(entry) ?? []
    return {
      name,
      bits: bits === 'b' ? 1 : Number(bits),
      ...(size === undefined ? {} : { size: Number(size) }),
      ...(bits === 'b' ? { bare: true } : {}),
      ...(bus === undefined ? {} : { target: `${bus}.${name}` }),
    }
  })

const move =
  'move.previousAsOf:32 move.previousLnPriceX26:32 move.lnPriceX26:32 move.elapsed:32 move.unused:b move.rangeCodeBits[12]:b'
const policy = 'learning.decayRateX36:25 market.maxReturnX16:16'
const garchPolicy = 'market.longRunVolatilityX16:20 market.reversionRateX36:25'

/** The step of a volatility model; all have the same inputs and outputs, and read what they need. */
export const stepTemplate = (model: VolatilityModelName): ModelTemplate => {
  const { template, readsOptionalPolicy } = volatilityModels[model]
  return {
    name: `${template}Step()`,
    file: template,
    inputs: inputs(`variancesX36[4]:46 ${move} ${policy}${readsOptionalPolicy ? ` ${garchPolicy}` : ''}`),
    outputs: [{ name: 'nextX36', size: 4 }],
  }
}

/** The variance that parameters rest on. */
export const usedTemplate = (model: VolatilityModelName): ModelTemplate => {
  const { template, readsOptionalPolicy } = volatilityModels[model]
  const read = readsOptionalPolicy ? ' market.longRunVolatilityX16:20 market.forecastWeightX26:27' : ''
  const horizon = model === 'rangeMixture' ? ' learning.horizonSeconds:24' : ''
  return {
    name: `${template}Used()`,
    file: template,
    inputs: inputs(`variancesX36[4]:46 asOf:32${horizon}${read}`),
    outputs: [{ name: 'out' }],
  }
}

const names = Object.keys(volatilityModels) as VolatilityModelName[]

/** Every template of the stage. */
export const modelTemplates: readonly ModelTemplate[] = [
  ...names.map(stepTemplate),
  ...names.map(usedTemplate),
  {
    name: 'RangeOrReturn()',
    file: 'RangeMixture',
    inputs: inputs(`${move} maxReturnX16:16`),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'WinsorisedReturn()',
    file: 'WinsorisedReturn',
    inputs: inputs('previousLnPriceX26:32 lnPriceX26:32 maxReturnX16:16'),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'PeriodVariance(0, 61)',
    file: 'PeriodVariance',
    inputs: inputs('annualisedX52:77 elapsed:32 unused:b'),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'PeriodVariance(6, 62)',
    file: 'PeriodVariance',
    inputs: inputs('annualisedX52:77 elapsed:39 unused:b'),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'BusyTime()',
    file: 'BusyTime',
    inputs: inputs('asOf:33'),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'BlendUp(46)',
    file: 'BlendUp',
    inputs: inputs(`old:46 new:61 weight:${EXP2_SCALE + 1}`),
    outputs: [{ name: 'out' }],
  },
]

/** What each template costs where other parts have checked its inputs. */
export const volatilityMains: readonly MainComponent[] = modelTemplates.map((template) => ({
  name: template.name,
  source: modelSource(template, { door: 'AssumeBits' }),
}))

/**
 * A main of `instances` copies.
 *
 * @param door - what inputs come through: `RangeCheck` as any circuit would have done, `AssumeBits` to count one alone
 */
export function modelSource(
  { name, file, inputs: ports, outputs }: ModelTemplate,
  { instances = 1, door = 'RangeCheck' }: { readonly instances?: number; readonly door?: string } = {},
): string {
  const dimension = (size?: number) => (size === undefined ? '' : `[${size}]`)
  const feed = ports.map(({ name: input, bits, size, bare, target = input }) => {
    if (bare === true) return `        t[i].${target} <== ${input}[i];`
    return size === undefined
      ? `        t[i].${target} <== ${door}(${bits})(${input}[i]);`
      : `        t[i].${target} <== Doors(${bits}, ${size})(${input}[i]);`
  })
  const fed = new Set(ports.map(({ name: input, target = input }) => target))
  const buses = { learning: words.learningPolicy, market: words.marketPolicy }
  const rest = Object.entries(/(Step|Used)\(\)$/.test(name) ? buses : {})
    .flatMap(([bus, { fields }]) => fields.map((field) => `${bus}.${field.name}`))
    .filter((target) => !fed.has(target))
    .map((target) => `        t[i].${target} <== AssumeBits(1)(0);`)
  return `pragma circom 2.2.3;
include "volatility/${file}.circom";
include "math/RangeCheck.circom";
include "math/AssumeBits.circom";
template Doors(BITS, SIZE) {
    signal input in[SIZE];
    signal output {maxbit} out[SIZE];
    for (var i = 0; i < SIZE; i++) {
        out[i] <== ${door}(BITS)(in[i]);
    }
}
template Main(N) {
${ports.map(({ name: input, size }) => `    signal input ${input}[N]${dimension(size)};`).join('\n')}
${outputs.map(({ name: output, size }) => `    signal output out_${output}[N]${dimension(size)};`).join('\n')}
    component t[N];
    for (var i = 0; i < N; i++) {
        t[i] = ${name};
${[...feed, ...rest].join('\n')}
${outputs.map(({ name: output }) => `        out_${output}[i] <== t[i].${output};`).join('\n')}
    }
}
component main = Main(${instances});
`
}

/** Values of one instance's inputs. */
export type ModelCase = Readonly<Record<string, bigint | readonly bigint[]>>

/** Inputs of a main from those of its instances. */
export const gathered = ({ inputs: ports }: ModelTemplate, cases: readonly ModelCase[]): Record<string, bigint[]> =>
  Object.fromEntries(ports.map(({ name }) => [name, cases.flatMap((one) => one[name] as bigint | readonly bigint[])]))
