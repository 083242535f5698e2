import { modelSource, stepTemplate, usedTemplate } from './mains/volatility.ts'
import { marketBuilds } from '../../circuits/statements/index.ts'
import type { MainComponent } from './circuits/circuit.ts'
import { countConstraints } from './circuits/circuit.ts'
import { type Port, parallelSource } from './circuits/parallel.ts'
import { buildCircuit, constraintsOf } from '../buildCircuits.ts'

type Part = { readonly part: string; readonly times: number } & MainComponent

const ports = (text: string): Port[] =>
  text
    .trim()
    .split(/\s+/)
    .map((entry) => {
      const [name, bits] = entry.split(':') as [string, string]
      return bits === 'b' ? { name, bits: 1, tagged: false } : { name, bits: Number(bits) }
    })

/**
 * Source of one instance whose inputs cost nothing: they are told their widths and not checked, since in the circuit
 * another part has done that.
 */
function bare(include: string, call: string, inputs: string, outputs: string): string {
  const template = { include, call, inputs: ports(inputs), outputs: outputs.split(' ') }
  return parallelSource(template, 1).replaceAll('RangeCheck', 'AssumeBits')
}

const main = (include: string, call: string): string => `pragma circom 2.2.3;
include "${include}";
component main = ${call};
`

const unpacked = (word: string, bits: number | '' = ''): string =>
  main(`generated/words/${word}.circom`, `Unpack${word}(${bits})`)
const [live] = marketBuilds

/** Parts of the live build, as its template composes them, and how often each stands in it. */
const parts: readonly Part[] = [
  ['engine policy words, unpacked', 1, unpacked('LearningPolicy'), 'learning'],
  ['margin policy word, unpacked', 1, unpacked('MarginPolicy'), 'margin'],
  ['volatility state, unpacked', 8, unpacked('VolatilityState', 156), 'volatilityState'],
  ['anchor state, unpacked', 8, unpacked('AnchorState'), 'anchorState'],
  ['market policy, unpacked', 8, unpacked('MarketPolicy', 176), 'marketPolicy'],
  ['two observations, unpacked', 8, main('generated/words/Observation.circom', 'ObservationBits(2)'), 'observations'],
  [
    'O1 O2 slot: time, logarithm',
    16,
    main('market/Slot.circom', 'Slot()').replace(
      'component main = Slot();',
      `template Bare() {
    signal input bits[112], asOf, lnPrice;
    signal output o[5];
    component slot = Slot();
    slot.bits <== bits;
    slot.previousAsOf <== AssumeBits(32)(asOf);
    slot.previousLnPriceX26 <== AssumeBits(32)(lnPrice);
    o[0] <== slot.used; o[1] <== slot.asOf; o[2] <== slot.elapsed; o[3] <== slot.lnPriceX26;
    o[4] <== slot.impliedVolatilityX16;
}
component main = Bare();`,
    ),
    'slot',
  ],
  ['V1 both half-lives', 16, modelSource(stepTemplate('ewma'), { door: 'AssumeBits' }), 'ewma'],
  ['V1 the greater of both', 8, modelSource(usedTemplate('ewma'), { door: 'AssumeBits' }), 'ewmaUsed'],
  [
    'C1 not due (first slot)',
    8,
    `pragma circom 2.2.3;
include "parameters/PredictionTest.circom";
include "math/AssumeBits.circom";
template Bare() {
    signal input a, b, c, used;
    IsNotDue()(AssumeBits(32)(a), AssumeBits(32)(b), AssumeBits(24)(c), used);
}
component main = Bare();
`,
    'notDue',
  ],
  [
    'C1 due (last slot)',
    8,
    bare('parameters/PredictionTest.circom', 'IsDue()', 'asOf:32 anchorAsOf:32 horizonSeconds:24 used:b', 'out'),
    'due',
  ],
  [
    'C1 prediction tried',
    8,
    bare(
      'parameters/PredictionTest.circom',
      'PredictionTest()',
      'due:b lnPriceX26:32 anchorLnPriceX26:32 anchorMoveDownX24:24 anchorMoveUpX24:24',
      'breachDown breachUp',
    ),
    'prediction',
  ],
  [
    'C2 multiplier learns',
    16,
    bare(
      'parameters/MultiplierStep.circom',
      'MultiplierStep()',
      'multiplierX18:22 floorX18:22 ceilingX18:22 stepUpX18:18 stepDownX18:18 due:b breach:b',
      'out',
    ),
    'multiplier',
  ],
  [
    'P1 volatility used',
    8,
    bare(
      'parameters/UsedVolatility.circom',
      'UsedVolatility()',
      'varianceX38:48 impliedVolatilityX16:20 impliedWeightX10:11 floorX16:20 ceilingX16:20',
      'out',
    ),
    'volatility',
  ],
  [
    'P2 horizon move, each side',
    16,
    bare('parameters/HorizonMove.circom', 'HorizonMove()', 'multiplierX18:22 scaledVolatilityX48:52', 'out'),
    'move',
  ],
  [
    'P3 scan range',
    8,
    bare(
      'parameters/ScanRange.circom',
      'ScanRange()',
      'moveDownX24:24 moveUpX24:24 multiplierDownX18:22 multiplierUpX18:22 scanMultipleX8:12 floorX16:18 ceilingX16:18',
      'multiplierX18 out',
    ),
    'scan',
  ],
  [
    'P4 P5 target margins',
    8,
    bare(
      'parameters/TargetMargins.circom',
      'TargetMargins()',
      'volatilityX24:28 multiplierX18:22 sqrtHorizonX24:24 stressVolatilityX16:20 stressWeightX10:11 liquidationCostX16:16 floorX16:16 ceilingX16:16 bufferX10:10',
      'maintenanceX24 initialX24',
    ),
    'targets',
  ],
  [
    'P6 dampers',
    8,
    bare(
      'parameters/Dampers.circom',
      'Dampers()',
      'targetInitialX24:24 targetMaintenanceX24:24 previousInitialX24:24 previousMaintenanceX24:24 elapsed:32 loosenPerSecondX32:20 tightenPerSecondX32:20',
      'initialX24 maintenanceX24',
    ),
    'dampers',
  ],
  [
    'P7 loan-to-value, two',
    16,
    bare('parameters/LoanToValue.circom', 'LoanToValue()', 'marginX24:24 bonusX16:16', 'out'),
    'loanToValue',
  ],
  ['Q2 commitment to 34 words', 1, main('statement/Commitment.circom', 'Commitment(34)'), 'commitment'],
  ['Q3 evaluation of 58 words', 1, main('statement/Evaluation.circom', 'Evaluation(58)'), 'evaluation'],
].map(([part, times, source, name]) => ({ part, times, source, name }) as Part)

export type PartRow = { readonly part: string; readonly each: number; readonly times: number; readonly total: number }

/** Constraints of the live build by part; the last row is what joins the parts, less what the optimiser shares. */
export async function partsTable(): Promise<{ readonly rows: readonly PartRow[]; readonly whole: number }> {
  const counts = await countConstraints(parts)
  const whole = constraintsOf(await buildCircuit(live))
  const rows = parts.map(({ part, name, times }) => {
    const each = counts[name] ?? 0
    return { part, each, times, total: each * times }
  })
  const rest = whole - rows.reduce((sum, row) => sum + row.total, 0)
  return {
    rows: [...rows, { part: 'joints, less what the optimiser shares', each: rest, times: 1, total: rest }],
    whole,
  }
}
