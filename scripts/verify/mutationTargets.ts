/** Sources of the update path, the contracts that each goes into, and the tests that concern it, quick ones first. */

/** Paths without endings, below contracts/ and test/. */
export type Target = {
  readonly file: string
  readonly contracts: readonly string[]
  /** The smallest contract that has all of the source's code, where codes are compared: those above unless it is said. */
  readonly smallest?: string
  readonly tests: readonly string[]
}

const registry = ['registry/RiskRegistry']
const venue = ['consumers/OptionsVenue']

export const targets: Readonly<Record<string, Target>> = {
  GuardRails: { file: 'registry/GuardRails', contracts: registry, tests: ['registry/guardRails'] },
  PlausibleInbox: {
    file: 'market/PlausibleInbox',
    contracts: ['market/AttestedFeed', 'market/MedianFeed'],
    tests: ['market/plausibleInbox', 'market/medianFeed'],
  },
  OracleInbox: {
    file: 'market/oracles/OracleInbox',
    contracts: ['market/oracles/PythAdapter', 'market/oracles/ChainlinkFeedAdapter'],
    tests: ['market/oracles/pushedFeeds', 'market/oracles/pyth'],
  },
  PythAccumulator: {
    file: 'market/oracles/PythAccumulator',
    contracts: ['market/oracles/PythAccumulator'],
    tests: ['market/oracles/pyth'],
  },
  ChainlinkFeedAdapter: {
    file: 'market/oracles/ChainlinkFeedAdapter',
    contracts: ['market/oracles/ChainlinkFeedAdapter'],
    tests: ['market/oracles/pushedFeeds'],
  },
  RedStoneAdapter: {
    file: 'market/oracles/RedStoneAdapter',
    contracts: ['market/oracles/RedStoneAdapter'],
    tests: ['market/oracles/redStone'],
  },
  PolicyBounds: {
    file: 'parameters/PolicyBounds',
    contracts: registry, // which creates PolicyChecks
    smallest: 'parameters/PolicyChecks',
    tests: ['parameters/riskPolicy'],
  },
  ShadowScore: { file: 'registry/ShadowScore', contracts: registry, tests: ['registry/shadows'] },
  RiskRegistry: {
    file: 'registry/RiskRegistry',
    contracts: registry,
    tests: ['registry/submit', 'registry/pauses', 'registry/reads', 'registry/rotation', 'registry/shadows'],
  },
  RiskArrays: {
    file: 'registry/RiskArrays',
    contracts: ['registry/RiskArrays'],
    tests: ['registry/portfolioArrays', 'registry/portfolioLiveness'],
  },
  PositionBook: {
    file: 'registry/PositionBook',
    contracts: ['registry/PortfolioRegistry'],
    tests: ['registry/portfolioReads', 'registry/portfolioLiveness'],
  },
  Positions: {
    file: 'registry/Positions',
    contracts: ['registry/PortfolioRegistry', 'registry/CrossMarginRegistry'],
    smallest: 'registry/CrossMarginRegistry',
    tests: ['registry/crossMargins', 'registry/portfolioReads', 'registry/portfolioLiveness'],
  },
  BookFolding: {
    file: 'registry/BookFolding',
    contracts: ['registry/PortfolioRegistry', 'registry/CrossMarginRegistry'],
    smallest: 'registry/CrossMarginRegistry',
    tests: ['registry/crossMargins', 'registry/portfolioMargins', 'registry/arrayWitness', 'registry/arrayMargin'],
  },
  CrossPolicy: {
    file: 'registry/CrossPolicy',
    contracts: ['registry/CrossMarginRegistry'],
    tests: ['registry/crossMargins'],
  },
  CrossMarginRegistry: {
    file: 'registry/CrossMarginRegistry',
    contracts: ['registry/CrossMarginRegistry'],
    tests: ['registry/crossMargins'],
  },
  PortfolioRegistry: {
    file: 'registry/PortfolioRegistry',
    contracts: ['registry/PortfolioRegistry'],
    tests: [
      'registry/portfolioMargins',
      'registry/portfolioLiveness',
      'registry/portfolioReads',
      'registry/portfolioInForce',
      'registry/marginsAlone',
      'registry/arrayWitness',
      'registry/arrayMargin',
    ],
  },
  VenueAccounts: {
    file: 'consumers/VenueAccounts',
    contracts: venue,
    tests: [
      'consumers/venueTokens',
      'consumers/venueChanges',
      'consumers/venueLiquidation',
      'consumers/venueScale',
      'consumers/venue.invariants',
    ],
  },
  VenueChanges: {
    file: 'consumers/VenueChanges',
    contracts: venue,
    tests: ['consumers/venueChanges', 'consumers/venueOrders', 'consumers/venuePolicy', 'consumers/venue.invariants'],
  },
  VenueLiquidation: {
    file: 'consumers/VenueLiquidation',
    contracts: venue,
    tests: ['consumers/venueLiquidation', 'consumers/venueWitness', 'consumers/venue.invariants'],
  },
  VenueSettlement: {
    file: 'consumers/VenueSettlement',
    contracts: venue,
    tests: ['consumers/venueSettlement', 'consumers/venueScale', 'consumers/venue.invariants'],
  },
  VenueOrders: {
    file: 'consumers/VenueOrders',
    contracts: venue, // which creates it
    smallest: 'consumers/VenueOrders',
    tests: ['consumers/venueOrders'],
  },
  PositionWords: {
    file: 'consumers/PositionWords',
    contracts: venue,
    tests: [
      'consumers/venueOrders',
      'consumers/venueSettlement',
      'consumers/venueLiquidation',
      'consumers/venue.invariants',
    ],
  },
}
