/** Templates of circuits/portfolio as main components, to count what they cost. */
import { mainComponent, type Build, portfolioBuilds } from '../../../circuits/statements/index.ts'
import { mainSource } from '../../buildCircuits.ts'
import type { MainComponent } from '../circuits/circuit.ts'
import { bookBuild, marginBuild } from '../cases/portfolios.ts'

/** A main whose inputs and outputs are the template's own. */
const plain = (call: string, file = call.replace(/\(.*/, '')): MainComponent => ({
  name: call,
  source: `pragma circom 2.2.3;
include "portfolio/${file}.circom";
component main = ${call};
`,
})

/** A statement at some size: the builds themselves, and what the tests of books and margins compile. */
const statement = (build: Build): MainComponent => ({ name: mainComponent(build), source: mainSource(build) })

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
  ...[bookBuild(2, 2), marginBuild(2), ...portfolioBuilds.filter((build) => build.statement !== 'riskArray')].map(
    statement,
  ),
]
