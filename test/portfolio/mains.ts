/** Templates of circuits/portfolio as main components, to count what they cost. */
import type { MainComponent } from '../circuit.ts'

/** A main whose inputs and outputs are the template's own. */
const plain = (call: string, file = call.replace(/\(.*/, '')): MainComponent => ({
  name: call,
  source: `pragma circom 2.2.3;
include "portfolio/${file}.circom";
component main = ${call};
`,
})

const statement = (call: string): MainComponent => ({
  name: call,
  source: `pragma circom 2.2.3;
include "statement/${call.replace(/\(.*/, '')}.circom";
component main {public [challenge]} = ${call};
`,
})

/** One account more is what the second costs; one segment more likewise. */
export const portfolioMains: readonly MainComponent[] = [
  plain('PositionQuantities()'),
  plain('SegmentSums(5)'),
  plain('ExpiryGreeks()'),
  plain('CloseExpiry()'),
  plain('BookSegment(5)'),
  plain('SegmentOrder()'),
  plain('RoundTerms()'),
  plain('AccountHoldings()'),
  plain('WorstScenario(34, 178)'),
  plain('ChosenScenario()'),
  plain('Crossing(0)'),
  plain('Crossing(1)'),
  statement('OptionBook(1, 5)'),
  statement('OptionBook(2, 5)'),
  statement('PortfolioMargin(1)'),
  statement('PortfolioMargin(2)'),
  statement('UnhealthyWitness()'),
]
