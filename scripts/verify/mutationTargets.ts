/** Sources of the update path, the contracts that each goes into, and the tests that concern it, quick ones first. */

/** Paths without endings, below contracts/ and test/. */
export type Target = {
  readonly file: string
  readonly contracts: readonly string[]
  readonly tests: readonly string[]
}

const registry = ['registry/RiskRegistry']

export const targets: Readonly<Record<string, Target>> = {
  GuardRails: { file: 'registry/GuardRails', contracts: registry, tests: ['registry/guardRails'] },
  PlausibleInbox: {
    file: 'market/PlausibleInbox',
    contracts: ['market/AttestedFeed', 'market/MedianFeed'],
    tests: ['market/plausibleInbox', 'market/medianFeed'],
  },
  PolicyBounds: {
    file: 'parameters/PolicyBounds',
    contracts: registry, // whose creation creates PolicyChecks
    tests: ['parameters/riskPolicy'],
  },
  ShadowScore: { file: 'registry/ShadowScore', contracts: registry, tests: ['registry/shadows'] },
  RiskRegistry: {
    file: 'registry/RiskRegistry',
    contracts: registry,
    tests: ['registry/submit', 'registry/pauses', 'registry/reads', 'registry/implausible', 'registry/shadows'],
  },
}
