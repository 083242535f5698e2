/** Templates of circuits/volatility as main components: to run them, to attack them, and to count what they cost. */
import { EXP2_SCALE } from '../../../prover/math/index.ts'
import { MIXTURE_SHIFTS } from '../../../prover/volatility/rangeMixture.ts'
import type { MainComponent } from '../circuits/circuit.ts'

/** An input with its width; `bare` ones are booleans that the template's caller has proven. */
export type ModelInput = {
  readonly name: string
  readonly bits: number
  readonly size?: number
  readonly bare?: boolean
}

export type ModelTemplate = {
  readonly name: string
  readonly file: string
  readonly inputs: readonly ModelInput[]
  readonly outputs: readonly { readonly name: string; readonly size?: number }[]
}

const inputs = (text: string): ModelInput[] =>
  text.split(' ').map((entry) => {
    const [, name = '', size, bits = ''] = /^(\w+)(?:\[(\d+)\])?:(\w+)$/.exec(entry) ?? []
    if (bits === 'b') return { name, bits: 1, bare: true }
    return { name, bits: Number(bits), ...(size === undefined ? {} : { size: Number(size) }) }
  })

const prices = 'previousLnPriceX26:32 lnPriceX26:32'

export const garchTemplate: ModelTemplate = {
  name: 'GarchStep()',
  file: 'GarchStep',
  inputs: inputs(
    `varianceX36:46 longRunVarianceX36:46 ${prices} elapsed:32 reactionRateX36:25 reversionRateX36:25 maxReturnX16:16 unused:b`,
  ),
  outputs: [{ name: 'out' }],
}

export const mixtureTemplate: ModelTemplate = {
  name: `RangeMixtureStep([${MIXTURE_SHIFTS.join(', ')}])`,
  file: 'RangeMixtureStep',
  inputs: inputs(
    `variancesX36[4]:46 ${prices} lnHighX26:32 lnLowX26:32 elapsed:32 decayRateX36:25 maxReturnX16:16 hasRange:b unused:b`,
  ),
  outputs: [{ name: 'nextX36', size: 4 }, { name: 'usedX38' }],
}

/** Every template, the proven model's first. */
export const modelTemplates: readonly ModelTemplate[] = [
  {
    name: 'EwmaStep(4)',
    file: 'EwmaStep',
    inputs: inputs(
      `varianceFastX36:46 varianceSlowX36:46 ${prices} elapsed:32 decayRateX36:25 maxReturnX16:16 unused:b`,
    ),
    outputs: [{ name: 'nextFastX36' }, { name: 'nextSlowX36' }],
  },
  garchTemplate,
  mixtureTemplate,
  {
    name: 'RangeOrReturn()',
    file: 'RangeMixtureStep',
    inputs: inputs(`${prices} lnHighX26:32 lnLowX26:32 maxReturnX16:16 hasRange:b`),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'WinsorisedReturn()',
    file: 'WinsorisedReturn',
    inputs: inputs(`${prices} maxReturnX16:16`),
    outputs: [{ name: 'out' }],
  },
  {
    name: 'PeriodVariance()',
    file: 'PeriodVariance',
    inputs: inputs('annualisedX52:77 elapsed:32 unused:b'),
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
  const feed = ports.map(({ name: input, bits, size, bare }) => {
    if (bare === true) return `        t[i].${input} <== ${input}[i];`
    return size === undefined
      ? `        t[i].${input} <== ${door}(${bits})(${input}[i]);`
      : `        t[i].${input} <== Doors(${bits}, ${size})(${input}[i]);`
  })
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
${feed.join('\n')}
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
