/** Templates of circuits/portfolio as main components, to count what they cost. */
import { type Build, COLLATERALS, mainComponent, portfolioBuilds, words } from '../../../circuits/statements/index.ts'
import { mainSource } from '../../buildCircuits.ts'
import type { MainComponent } from '../circuits/circuit.ts'
import { aloneBuild, bookBuild, crossBuild, marginBuild } from '../cases/portfolios.ts'

/** A main whose inputs and outputs are the template's own. */
const plain = (call: string, file = call.replace(/\(.*/, '')): MainComponent => ({
  name: call,
  source: `pragma circom 2.2.3;
include "portfolio/${file}.circom";
component main = ${call};
`,
})

/** A signal of a template, of one of its buses if there is a dot: name, length, tag and width. */
type Port = { readonly name: string; readonly size: string; readonly tag: string; readonly bits: string }

/** `name`, `name[4]`, `name:48` with maxbit 48, `name[4]:s60` with signedbit 60, between spaces. */
const portsOf = (text: string): readonly Port[] =>
  [...text.matchAll(/([\w.]+)(\S*?)(?::(s?)(\d+))?(?=\s|$)/g)].map(([, name = '', size = '', tag = '', bits = '']) => ({
    name,
    size,
    tag,
    bits,
  }))

/** A main that takes its template's inputs for as wide as is said; outputs are the template's. */
export function tagged(call: string, inputs: string, outputs: string, file = call.replace(/\(.*/, '')): MainComponent {
  const flat = (name: string): string => name.replace('.', '_')
  const [taken, given] = [portsOf(inputs), portsOf(outputs)]
  const assumed = ({ name, size, tag, bits }: Port): string => {
    if (bits === '') return flat(name)
    const count = /^\[(\d+)\]$/.exec(size)?.[1]
    const assume = `Assume${count === undefined ? '' : 'Each'}${tag === 's' ? 'Signed' : 'Bits'}`
    return `${assume}(${count === undefined ? bits : `${bits}, ${count}`})(${flat(name)})`
  }
  return {
    name: call,
    source: `pragma circom 2.2.3;
include "math/AssumeBits.circom";
include "math/AssumeEachBits.circom";
include "math/AssumeEachSigned.circom";
include "math/AssumeSigned.circom";
include "portfolio/${file}.circom";
template Main() {
${taken.map(({ name, size }) => `    signal input ${flat(name)}${size};`).join('\n')}
${given.map(({ name, size }) => `    signal output ${flat(name)}Out${size};`).join('\n')}
    component counted = ${call};
${taken.map((port) => `    counted.${port.name} <== ${assumed(port)};`).join('\n')}
${given.map(({ name }) => `    ${flat(name)}Out <== counted.${name};`).join('\n')}
}
component main = Main();
`,
  }
}

/** Widths of circuits/options/ArrayHeader.circom. */
export const header = `arrayHeader.expiry:32 arrayHeader.asOf:32 arrayHeader.forwardsE8[20]:52 arrayHeader.discountX40:41
  arrayHeader.longFactorX40:43 arrayHeader.shortFactorX40:41 arrayHeader.basisFactorX40:52 arrayHeader.shortfallX40:41
  arrayHeader.sqrtTauX40:41 arrayHeader.secondsToExpiry:26`

/** Of circuits/portfolio/ScenarioPlaces.circom. */
export const scenarioPlace =
  'scenarioPlace.groups[13] scenarioPlace.places[3] scenarioPlace.isMark scenarioPlace.forwards[20] scenarioPlace.isSkew'

/** Of circuits/portfolio/BookTotals.circom and HoldingTerms.circom. */
export const totals = `bookTotals.pnlMX40[33]:s128 bookTotals.basisMX40:s137 bookTotals.markMX40:s125 bookTotals.nakedShortE12:62
  bookTotals.shortfallE12X40:102 bookTotals.deltaE12X20:s84 bookTotals.gammaE20:s140 bookTotals.vegaE20X60:s176
  bookTotals.thetaE20X20:s167 bookTotals.rhoE20X20:s163`
const each = `[${COLLATERALS}]`
/** Fields of a word that a template takes as its bus. */
const busOf = (word: 'contingencies' | 'concentration', port: string): string =>
  words[word].fields.map(({ name, bits }) => `${port}.${name}:${bits}`).join(' ')
const contingencies = busOf('contingencies', 'contingencyFields')
const concentrationFields = busOf('concentration', 'concentrationFields')
export const terms = `holdingTerms.spotE8:48 holdingTerms.perpPriceE8:48 holdingTerms.valueE8X20${each}:73
  holdingTerms.movingE8X20${each}:73 holdingTerms.sizesQ${each}:30 holdingTerms.maintenanceE8X60${each}:114
  ${contingencies} ${concentrationFields}`
const initialTerms = `initialTerms.initialFactorX40:53 initialTerms.needE8X100${each}:159
  initialTerms.perpShortfallX40:41 ${contingencies}`
const exposure = `exposure.amountsE12${each}:62 exposure.perpNotionalE20:109 exposure.nakedNotionalE20:110
  exposure.shortfallNotionalE20X40:150`
export const concentrated = `amountsE12${each}:62 amountsQ${each}:30 valueE8X20${each}:73 sizesQ${each}:30 perpsE12:61 perpsQ:28
  nakedShortE12:62 spotE8:48 ${concentrationFields}`
const crossing = ['spotE8:48 shocksX40[4]:43 equityM[4]:s93 negative[4]', 'out exists'] as const

/** Of circuits/portfolio/CrossPart.circom and ScenarioTerms.circom. */
const spreadLeg = `part.netDeltaE20X20:s141 part.worstLossM:s98 part.worstScenario:6 part.maintenanceE20X60:s196
  part.initialE20X100:s245 scenarioTerms.spotE8:48 scenarioTerms.shocksX40[33]:43 scenarioTerms.dampingX40[33]:43
  scenarioTerms.maintenanceFactorX40:44 spreadFactorX40:44 creditX40:41`

/** A statement at some size: the builds themselves, and what the tests of books and margins compile. */
const statement = (build: Build): MainComponent => ({ name: mainComponent(build), source: mainSource(build) })

export const portfolioMains: readonly MainComponent[] = [
  tagged('PositionQuantities()', 'word expiry:32 strikeE8:48', 'callsE12 putsE12 netE12 grossE12 nakedShortE12'),
  tagged('SegmentSums(5)', 'expiry:32 leaves[5][41] words[5] before[41]', 'after[41] grossE12 nakedShortE12'),
  tagged(
    'ExpiryGreeks()',
    'nd1Sum pdfSum gammaSum thetaSum putsE12 forwardE8:52 sqrtTauX40:41 secondsToExpiry:26 markM:s83',
    'deltaE12X20 gammaE20 vegaE20X60 thetaE20X20 rhoE20X20',
  ),
  tagged('CloseExpiry()', `${header} sums[41]`, 'pnlMX40[33] basisMX40 markMX40 greeks[5]'),
  tagged(
    'BookSegment(5)',
    'expiry:32 shortfallX40:41 leaves[5][41] words[5] continues sumsBefore[41]',
    'sums[41] sumsAfter[41] grossE12 nakedShortE12 shortfallE12X40',
  ),
  tagged('SegmentOrder()', 'isOpen openHeader header lastExpiry:32 expiry:32', ''),
  plain('ArrayRoot(5)', '../statement/ArrayRoot'),
  tagged('ClosingPlaces(8, 3)', 'continues[8]', 'closes[3][8]'),
  tagged('BookClosing(8)', 'closes[8] headerRoots[8] sums[8][41] header[29]', 'headerRoot added[43]'),
  plain('RoundTerms()'),
  tagged('ConcentrationCharge()', concentrated, 'outE20X60'),
  tagged(
    'AccountHoldings()',
    `holdings collateralAmounts[${COLLATERALS / words.collateralAmount.perWord}] ${totals} ${terms}`,
    `balance.hedgeM balance.equityE20X60 balance.maintenanceContingencyE20X60 exposure.amountsE12${each}
      exposure.perpNotionalE20 exposure.nakedNotionalE20 exposure.shortfallNotionalE20X40`,
  ),
  tagged('InitialNeeds()', `${exposure} ${initialTerms}`, 'initialNeed.outE20X100', 'AccountHoldings'),
  tagged('WorstScenario(34, 168)', 'losses[34]:s177', 'least index'),
  tagged(
    'ChosenScenario()',
    'chosen[34] pnlMX40[33]:s128 basisMX40:s137 hedgeM:s88 shocksX40[33]:43 dampingX40[33]:43',
    'lossMX80',
  ),
  tagged('CloseScenario()', `${header} sums[6] ${scenarioPlace}`, 'pnlMX40 basisMX40 markMX40'),
  tagged('ScenarioSums(5)', 'expiry:32 strikesE8[5] marks[5] columns[3][5] words[5] before[6]', 'after[6] grossE12'),
  tagged('Crossing(0)', ...crossing),
  tagged('Crossing(1)', ...crossing),
  tagged('SpreadLeg()', spreadLeg, 'outMX80 isDown', 'SpreadCredit'),
  tagged('SpreadCredit(2)', 'legsMX80[2]:183 isDown[2]', 'outMX80'),
  ...[
    bookBuild(2, 2),
    marginBuild(2),
    aloneBuild(2),
    crossBuild(1, 2),
    ...portfolioBuilds.filter((build) => build.statement !== 'riskArray'),
  ].map(statement),
]
