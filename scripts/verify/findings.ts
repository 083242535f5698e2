/**
 * Findings of slither that somebody looked at, and why they are left. What it finds besides fails `npm run verify:contracts`, and
 * so does an entry that it no longer finds.
 */
export type SortedFinding = {
  readonly detector: string
  readonly reason: string
  /** Functions or contracts, by file below contracts/. */
  readonly places: Readonly<Record<string, readonly string[]>>
}

/** What comes after asking the access manager, or a source: the two detectors that look for it find the same. */
const afterAsking = {
  reason:
    'The call before is that of `restricted` to the access manager, or to a source that the council names: both are trusted not to call back. After an oracle’s contract that did, what is later than the last is read anew.',
  places: {
    'market/oracles/ChainlinkStreamsAdapter.sol': ['take'],
    'market/oracles/PythAdapter.sol': ['take', 'takeAll'],
    'market/SignerCommittee.sol': ['revokeSigner', 'setCommittee'],
    'parameters/PortfolioPolicy.sol': ['setPortfolioFreshness', 'setPortfolioPolicy', 'setRoundPriceGap'],
    'parameters/RiskPolicy.sol': ['setFreshnessPolicy', 'setLearningPolicy', 'setMarginPolicy', 'setMarketPolicy'],
    'registry/ModelRegistry.sol': ['disable', 'register', 'registerLayout'],
    'registry/Pauses.sol': ['holdPause', 'liftPause', 'pause'],
    'registry/PositionBook.sol': ['reportAccount'],
    'registry/RiskArrays.sol': ['acceptPriceScale', 'setRounds'],
    'registry/RiskRegistry.sol': ['addMarket'],
    'registry/Shadows.sol': ['addShadow', 'promote', 'removeShadow', 'rotateSource', 'setPromotionPolicy'],
  },
} as const

/** The registry and the contract that it made to count its open interest call each other. */
const amongCounts =
  'Or it is of the registry, or of the contract that it made itself to add up what it counts; either answers its own question and calls nobody.'

export const sortedFindings: readonly SortedFinding[] = [
  {
    detector: 'assembly',
    reason: 'Each has its argument beside it, and a test against the same in Solidity or TypeScript.',
    places: {
      'generated/ArrayMarginFrame.sol': ['putInputs'],
      'generated/CrossMarginsFrame.sol': ['putAccount', 'putMarket', 'putShared'],
      'generated/MarketRiskFrame.sol': ['putInputs', 'putOutputs', 'putShared'],
      'generated/MarketUpdate.sol': [
        'copyPresented',
        'copyStates',
        'first',
        'next',
        'previous',
        'rawSource',
        'skip',
        'state',
      ],
      'generated/PortfolioMarginFrame.sol': ['putInputs', 'putOutputs', 'putShared'],
      'generated/RiskArrayFrame.sol': ['putInputs'],
      'generated/ScenarioWitnessFrame.sol': ['putInputs'],
      'generated/UnhealthyWitnessFrame.sol': ['putInputs'],
      'market/Inbox.sol': ['extend'],
      'market/MedianFeed.sol': ['_freshOf', '_latestOf'],
      'market/ObservationInbox.sol': ['checkpoints'],
      'market/oracles/PythAccumulator.sol': ['_verifiedRoot'],
      'parameters/PolicyBook.sol': ['read', 'seek', 'start', 'write'],
      'parameters/PortfolioPolicyCode.sol': ['read', 'write'],
      'proof/BatchVerifier.sol': [
        '_addProduct',
        '_coefficients',
        '_isWellFormed',
        '_keysOf',
        '_pairs',
        '_putFirsts',
        '_putLasts',
        '_putPair',
        '_requireOneFirstPhase',
        '_seedOf',
        '_take',
      ],
      'proof/CanonicalProof.sol': ['_accepts', '_callOf', '_canonicalCoordinates', '_putSignals', '_verifyGroups'],
      'registry/BookFolding.sol': [
        '_copyPositions',
        '_copyRoots',
        '_hashHeld',
        '_meet',
        '_requireArrays',
        '_takePositions',
      ],
      'registry/PortfolioRegistry.sol': ['_countAccounts', '_reportsAt', 'submitMargins', 'submitPortfolio'],
      'registry/RiskRegistry.sol': [
        '_apply',
        '_checkpoints',
        '_compareRun',
        '_freeMemory',
        '_hashNext',
        '_hashPresented',
        '_layCall',
        '_takeMarkets',
        '_wordAt',
      ],
      'statement/MarketRiskStatement.sol': ['_putHeader', '_repeatFirst', 'identify'],
      'statement/PortfolioStatement.sol': ['_addressOf', '_put', '_requireBelow', 'putKnown', 'putRepeated', 'putRun'],
      'statement/ListInMemory.sol': ['reserve'],
      'statement/Statement.sol': ['challenge', 'evaluation'],
    },
  },
  {
    detector: 'cache-array-length',
    reason: 'The committee is replaced once in a long while, and has few members.',
    places: { 'market/SignerCommittee.sol': ['setCommittee'] },
  },
  {
    detector: 'calls-loop',
    reason:
      'Called are models and sources that the council listed, or oracles that who deploys named, and the first that fails refuses the batch, which its sender chose.',
    places: {
      'market/oracles/ChainlinkFeedAdapter.sol': ['_requireSameDecimals'],
      'market/oracles/PythAccumulator.sol': ['_verifiedRoot'],
      'registry/BookFolding.sol': ['_requireArrays'],
      'registry/RiskArrays.sol': ['requireArrays'],
      'registry/RiskRegistry.sol': ['_revertMismatch'],
    },
  },
  {
    detector: 'divide-before-multiply',
    reason: 'Rounding down to whole words, or to as many places for each segment, is what is meant.',
    places: { 'registry/BookFolding.sol': ['_takeArrays'], 'registry/RiskRegistry.sol': ['_checkTried'] },
  },
  {
    detector: 'incorrect-equality',
    reason:
      'Compared are times, counts and words that were given or that the contract itself keeps; no balance is, which anybody could move.',
    places: {
      'market/PlausibleInbox.sol': ['_impliedToKeep', '_isConfirmed', 'heldPrice'],
      'registry/OpenInterest.sol': ['_latest', 'add', 'openCount', 'openInterestUnderWay'],
      'registry/RiskRegistry.sol': ['_rehash', 'submit'],
      'registry/Shadows.sol': ['_sourceInForce'],
    },
  },
  {
    detector: 'locked-ether',
    reason: 'Payable as the interface has it, it refuses whatever is paid.',
    places: { 'market/oracles/PythAccumulator.sol': ['PythAccumulator'] },
  },
  {
    detector: 'low-level-calls',
    reason:
      'Coin goes back to whoever paid, and a payload goes behind the arguments of a call: neither has another way.',
    places: { 'market/oracles/OracleInbox.sol': ['_refundBeyond'], 'market/oracles/RedStoneAdapter.sol': ['take'] },
  },
  {
    detector: 'missing-zero-check',
    reason: 'A median without a source of implied volatilities has zero.',
    places: { 'market/MedianFeed.sol': ['constructor'] },
  },
  {
    detector: 'msg-value-in-nonpayable',
    reason: 'Called by functions that are payable alone.',
    places: { 'market/oracles/OracleInbox.sol': ['_refundBeyond', '_requirePaid'] },
  },
  {
    detector: 'naming-convention',
    reason: 'Called so by the contract of Chainlink that is asked.',
    places: { 'market/oracles/IVerifierProxy.sol': ['i_nativeAddress', 's_feeManager'] },
  },
  {
    detector: 'pragma',
    reason: 'One compiler of one version compiles all of them.',
    places: { 'node_modules/@openzeppelin/contracts/access/manager/AccessManaged.sol': ['^0.8.20'] },
  },
  {
    detector: 'reentrancy-benign',
    reason: `${afterAsking.reason} ${amongCounts}`,
    places: { ...afterAsking.places, 'registry/CountedAccounts.sol': ['_addToCount'] },
  },
  {
    detector: 'reentrancy-events',
    reason: `${afterAsking.reason} ${amongCounts}`,
    places: {
      ...afterAsking.places,
      'registry/OpenInterest.sol': ['openCount'],
      'registry/PortfolioRegistry.sol': ['submitPortfolio'],
    },
  },
  {
    detector: 'reentrancy-no-eth',
    reason: amongCounts,
    places: { 'registry/OpenInterest.sol': ['openCount'], 'registry/PortfolioRegistry.sol': ['submitPortfolio'] },
  },
  {
    detector: 'shadowing-local',
    reason:
      'A parameter of a constructor that goes on to the base which has the getter, or the name of a value returned or told; the function of that name is not called there.',
    places: {
      'market/AttestedFeed.sol': ['constructor'],
      'market/AttestedRounds.sol': ['constructor'],
      'market/ISignerCommittee.sol': ['setCommittee'],
      'market/SignerCommittee.sol': ['constructor'],
      'parameters/PortfolioPolicy.sol': ['constructor'],
      'parameters/RiskPolicy.sol': ['constructor'],
      'registry/IShadows.sol': ['shadowOf'],
      'registry/ModelRegistry.sol': ['constructor'],
      'registry/PortfolioRegistry.sol': ['constructor'],
      'registry/RiskArrays.sol': ['constructor'],
      'registry/RiskRegistry.sol': ['_isNext', 'constructor'],
    },
  },
  {
    detector: 'shadowing-state',
    reason: 'A private constant of the same value as the one of the door, which it cannot read.',
    places: { 'market/oracles/OracleInbox.sol': ['OracleInbox'] },
  },
  {
    detector: 'timestamp',
    reason:
      "Ages, pauses and spacings are seconds to days of the chain's clock on purpose; a block's producer moves it by less than any of them may be.",
    places: {
      'consumers/mocks/MockPortfolioMargins.sol': ['_age', 'marginOf'],
      'consumers/mocks/MockRiskParameters.sol': ['_pausedSeconds', 'pausedUntil'],
      'market/AttestedFeed.sol': ['_requireTimely'],
      'market/AttestedRounds.sol': ['_requireTimely'],
      'market/MedianFeed.sol': ['_freshOf', '_isFresh'],
      'market/oracles/ChainlinkStreamsAdapter.sol': ['_requireValid'],
      'market/oracles/OracleInbox.sol': ['_oldest', '_requireSequencerUp', '_requireTimely'],
      'market/PlausibleInbox.sol': ['_count', '_impliedToKeep', '_isConfirmed', '_isWithin', 'heldPrice'],
      'parameters/RiskPolicy.sol': ['_mayBePaused'],
      'registry/InboxPlaces.sol': ['headOfFirst'],
      'registry/ModelRegistry.sol': ['_covered', '_paused', 'activeModel'],
      'registry/ParameterReads.sol': ['_subtractOrZero', '_tighten', 'parameters', 'parametersForLiquidation'],
      'registry/Pauses.sol': ['_inForce', 'pause'],
      'registry/OpenInterest.sol': [
        '_latest',
        'add',
        'openCount',
        'openInterest',
        'openInterestUnderWay',
        'unsafeOpenInterest',
      ],
      'registry/PortfolioMargins.sol': ['_age', 'marginOf'],
      'registry/Positions.sol': ['check'],
      'registry/RiskArrays.sol': ['_isFresh'],
      'registry/RiskParameters.sol': ['_pausedUntil', 'pausedUntil'],
      'registry/RiskRegistry.sol': [
        '_checkCount',
        '_checkNewest',
        '_checkTried',
        '_rehash',
        '_requireNotPaused',
        '_revertStart',
        'submit',
      ],
      'registry/Shadows.sol': ['_checkProgress', '_pauseBefore', '_sourceInForce'],
    },
  },
  {
    detector: 'too-many-digits',
    reason: 'Bytes of a format, as its publisher writes them.',
    places: {
      'market/oracles/PythAccumulator.sol': ['slitherConstructorConstantVariables'],
      'market/oracles/RedStoneAdapter.sol': ['slitherConstructorConstantVariables'],
    },
  },
  {
    detector: 'uninitialized-local',
    reason: 'It starts at zero, and is meant to.',
    places: {
      'market/PlausibleInbox.sol': ['_impliedToKeep'],
      'parameters/RiskPolicy.sol': ['constructor'],
      'proof/BatchVerifier.sol': ['_putShared'],
      'registry/GuardRails.sol': ['_checkLoanToValue'],
      'registry/Improvement.sol': ['atMost'],
      'registry/BookFolding.sol': ['_takeSegments'],
    },
  },
  {
    detector: 'unused-return',
    reason: 'The other parts of the tuple are not needed, or the call is made for its refusal.',
    places: {
      'parameters/RiskPolicy.sol': [
        '_setMarketPolicy',
        'freshnessPolicy',
        'learningPolicy',
        'marginPolicy',
        'marketPolicy',
        'setFreshnessPolicy',
      ],
      'registry/InboxPlaces.sol': ['_requireHeld', '_headOfNext', 'goOn'],
      'registry/BookFolding.sol': ['_openBooks'],
      'registry/OpenInterest.sol': ['openCount'],
      'registry/PortfolioRegistry.sol': ['_marginModel', 'proveUnhealthy', 'proveUnhealthyByArrays'],
      'registry/RiskArrays.sol': ['requireArrays', 'submitArrays'],
      'registry/RiskRegistry.sol': ['_checkSkipped'],
      'registry/Shadows.sol': ['_begin', 'rotateSource'],
    },
  },
  {
    detector: 'weak-prng',
    reason: 'The remainder says which half of a word an observation stands in.',
    places: { 'registry/RiskRegistry.sol': ['_checkNewest', '_checkTried'] },
  },
]
