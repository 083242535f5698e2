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
      'consumers/HedgeTrades.sol': ['_swap'],
      'consumers/PositionWords.sol': ['_cut', 'hashOf'],
      'consumers/UniswapPrices.sol': ['sqrtPriceAtTick'],
      'consumers/VenueLiquidation.sol': ['liquidateByWitness'],
      'consumers/VenueSettlement.sol': ['settle'],
      'market/PriceScale.sol': ['ask'],
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
    places: { 'registry/RiskRegistry.sol': ['_checkTried'] },
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
      'registry/InboxPlaces.sol': ['_requireHeld', '_headOfNext'],
      'registry/BookFolding.sol': ['_openBooks'],
      'registry/OpenInterest.sol': ['openCount'],
      'registry/PortfolioRegistry.sol': ['_marginModel', 'proveUnhealthy', 'proveUnhealthyByArrays'],
      'registry/RiskArrays.sol': ['requireArrays', 'submitArrays'],
      'registry/RiskRegistry.sol': ['_checkSkipped'],
      'registry/Shadows.sol': ['_begin', 'rotateSource'],
      'consumers/AaveAccounts.sol': ['_standing'],
      'consumers/AaveGate.sol': ['bindAsset'],
      'consumers/CreCourier.sol': ['_carry'],
      'consumers/HedgeTrades.sol': ['_swap'],
      'consumers/HedgingAgent.sol': ['_meanTick', '_poolPrices', '_spotOf', 'assess'],
      'consumers/RiskOracleView.sol': ['constructor'],
      'consumers/UniswapPrices.sol': ['_mulDivSaturated'],
      'registry/CrossMarginRegistry.sol': ['_marginModel', '_scope'],
    },
  },
  {
    detector: 'weak-prng',
    reason: 'The remainder says which half of a word an observation stands in.',
    places: { 'registry/RiskRegistry.sol': ['_checkNewest', '_checkTried'] },
  },
  {
    detector: 'calls-loop',
    reason:
      'As many as the list that the caller, or the council, gives; one that fails fails the call, but for a courier’s, which is told.',
    places: {
      'consumers/AaveAccounts.sol': ['_healthy', '_standing'],
      'consumers/CreCourier.sol': ['_carry'],
      'consumers/RiskOracleView.sol': ['constructor'],
      'registry/CrossMarginRegistry.sol': ['_maxMarginAge', '_scope', 'reportCrossAccount'],
      'registry/CrossPolicy.sol': ['constructor'],
    },
  },
  {
    detector: 'costly-loop',
    reason: 'Twice at most: the account before and the one that takes its place.',
    places: {
      'registry/CountedAccounts.sol': ['_noteReport'],
    },
  },
  {
    detector: 'divide-before-multiply',
    reason:
      'Meant: quantities are cut to whole lots, amounts to whole units and shares of words to places, and what a tick is worth is rounded where the pool rounds it.',
    places: {
      'consumers/PositionWords.sol': ['shareOf'],
      'consumers/UniswapPrices.sol': ['sqrtPriceAtTick'],
      'consumers/VenueAccounts.sol': ['_cashOf', '_pay'],
      'registry/BookFolding.sol': ['_takeSegments'],
    },
  },
  {
    detector: 'encode-packed-collision',
    reason: 'Both lists are as long as the registry has markets, and what follows them is of one length.',
    places: {
      'registry/CrossMarginRegistry.sol': ['_bookHash'],
    },
  },
  {
    detector: 'function-init-state',
    reason: 'What it is made of is set by constructors that run before, which every test of the venue sees.',
    places: {
      'consumers/VenueChanges.sol': ['VenueChanges'],
    },
  },
  {
    detector: 'incorrect-equality',
    reason:
      'Compared are numbers of the contract itself, 0 for none among them, times of rounds, and quantities that nobody can send in; no balance is.',
    places: {
      'consumers/HedgeTrades.sol': ['_affordable', '_limitOf', '_trade'],
      'consumers/HedgingAgent.sol': ['_requireInterval'],
      'consumers/VenueAccounts.sol': ['_keyOf', '_markTo', '_payFromClearing', '_report'],
      'consumers/VenueChanges.sol': ['_hasPartner', '_requireProven', '_take'],
      'consumers/VenueLiquidation.sol': ['_bonusBps', '_noteFlag', '_receiptOf', '_requireBounded'],
    },
  },
  {
    detector: 'low-level-calls',
    reason:
      'What is asked may be no such contract, or says why it refuses in bytes that are passed on; there is no other way.',
    places: {
      'consumers/AaveReserves.sol': ['_answerOf'],
      'consumers/CreCourier.sol': ['_carry'],
      'consumers/VenueLiquidation.sol': ['liquidateByWitness'],
    },
  },
  {
    detector: 'missing-zero-check',
    reason: 'Who deploys it names the forwarder, and sees it; of zero nothing is carried.',
    places: {
      'consumers/CreCourier.sol': ['constructor'],
    },
  },
  {
    detector: 'naming-convention',
    reason: 'Called so by Aave’s contract that is asked.',
    places: {
      'consumers/IAavePool.sol': ['ADDRESSES_PROVIDER'],
    },
  },
  {
    detector: 'reentrancy-balance',
    reason:
      'The pool is one that the council named; its callback is taken from it alone, while the trade is under way, and what came is compared with what was asked for.',
    places: {
      'consumers/HedgeTrades.sol': ['_trade'],
    },
  },
  {
    detector: 'reentrancy-benign',
    reason:
      'The call before is that of `restricted` to the access manager, to the registry, to a pool that the council named or to a token behind a guard: none of them gains by calling back.',
    places: {
      'consumers/AaveGate.sol': ['bindAsset', 'releaseAsset', 'setRules'],
      'consumers/HedgeFunds.sol': ['withdrawAsset', 'withdrawCash'],
      'consumers/HedgeRules.sol': ['setRules'],
      'consumers/HedgeTrades.sol': ['_trade'],
      'consumers/HedgingAgent.sol': ['rebalance'],
      'consumers/VenueChanges.sol': ['_take', 'setPolicy', 'trade'],
      'consumers/VenueLiquidation.sol': ['_liquidate'],
      'consumers/VenuePolicy.sol': ['setRules'],
      'consumers/VenueRules.sol': ['setRules'],
      'consumers/VenueSettlement.sol': ['settle'],
      'registry/CrossMarginRegistry.sol': ['reportCrossAccount'],
      'registry/CrossPolicy.sol': ['setCrossPolicy'],
      'registry/PositionBook.sol': ['replaceAccount', 'reportCandidate'],
      'registry/Shadows.sol': ['_addMarket', '_begin', 'followSource'],
    },
  },
  {
    detector: 'reentrancy-events',
    reason:
      'The call before is that of `restricted` to the access manager, to the registry, or to a pool that the council named; the event tells what came of it.',
    places: {
      'consumers/AaveGate.sol': ['applyAnnounced', 'bindAsset', 'releaseAsset', 'setRules'],
      'consumers/CreCourier.sol': ['_carry'],
      'consumers/HedgeRules.sol': ['setRules'],
      'consumers/VenueAccounts.sol': ['_voidChange'],
      'consumers/VenueChanges.sol': ['setPolicy'],
      'consumers/VenuePolicy.sol': ['setRules'],
      'consumers/VenueRules.sol': ['setRules'],
      'registry/CrossMarginRegistry.sol': ['reportCrossAccount'],
      'registry/CrossPolicy.sol': ['setCrossPolicy'],
      'registry/PositionBook.sol': ['replaceAccount', 'reportCandidate'],
      'registry/Shadows.sol': ['_begin', 'followSource'],
    },
  },
  {
    detector: 'reentrancy-no-eth',
    reason:
      'The call before is to the registry of margins, a source that the council names, or the pool: none calls back, and the functions of the venue that move anything are behind one guard.',
    places: {
      'consumers/HedgeTrades.sol': ['_trade'],
      'consumers/VenueChanges.sol': ['_take', 'takeEffect', 'trade'],
      'registry/Shadows.sol': ['_begin', 'addShadow', 'followSource'],
    },
  },
  {
    detector: 'shadowing-local',
    reason:
      'An argument of a constructor, or a value that is returned, beside a function of that name which is not called there.',
    places: {
      'consumers/AaveGate.sol': ['constructor'],
      'consumers/HedgingAgent.sol': ['constructor'],
      'consumers/OptionsVenue.sol': ['constructor'],
      'consumers/ProvenCollateral.sol': ['held'],
      'consumers/VenuePolicy.sol': ['constructor'],
      'consumers/mocks/MockToken.sol': ['constructor'],
      'market/ScaledFeed.sol': ['constructor'],
      'market/ScaledRounds.sol': ['constructor'],
      'registry/CrossMarginRegistry.sol': ['constructor'],
    },
  },
  {
    detector: 'timestamp',
    reason:
      'Ages, delays, windows and auctions are seconds to days of the chain’s clock on purpose; a block’s producer moves it by less than any of them may be.',
    places: {
      'consumers/AaveAccounts.sol': ['_requireListable'],
      'consumers/AaveGate.sol': [
        '_bind',
        '_distance',
        '_left',
        '_move',
        '_runningWindow',
        '_step',
        'announce',
        'applyAnnounced',
      ],
      'consumers/HedgingAgent.sol': ['_figures', '_requireInterval', 'plan'],
      'consumers/VenueAccounts.sol': ['_report'],
      'consumers/VenueChanges.sol': ['_hasPartner', '_requireProven', '_take', 'cancelChange', 'takeEffect'],
      'consumers/VenueLiquidation.sol': [
        '_abs',
        '_bonusBps',
        '_noteFlag',
        '_receiptOf',
        '_requireBond',
        '_requireBounded',
        '_spend',
      ],
      'consumers/VenueOrders.sol': ['_takeOrder', '_takeQuote', 'placeOrder'],
      'consumers/VenueSettlement.sol': ['fixSettlement', 'settlementOf'],
      'consumers/mocks/MockOpenInterest.sol': ['openInterest', 'unsafeOpenInterest'],
      'consumers/mocks/MockPortfolioRegistry.sol': ['unsafeOpenInterest'],
      'registry/CrossMarginRegistry.sol': ['crossMarginOf', 'unsafeCrossMargin'],
      'registry/RiskArrays.sol': ['requirePrices'],
    },
  },
  {
    detector: 'too-many-digits',
    reason: 'Constants of the pool’s own arithmetic.',
    places: {
      'consumers/UniswapPrices.sol': ['slitherConstructorConstantVariables'],
    },
  },
  {
    detector: 'uninitialized-local',
    reason: 'Empty on purpose: a list of nothing, or memory that is filled right after.',
    places: {
      'consumers/AaveAccounts.sol': ['_healthy'],
      'consumers/CreCourier.sol': ['_carry'],
      'consumers/VenueAccounts.sol': ['_report'],
      'consumers/VenueChanges.sol': ['_propose'],
      'registry/PortfolioRegistry.sol': ['_stateFromArrays', 'proveUnhealthyByArrays'],
    },
  },
  {
    detector: 'var-read-using-this',
    reason: 'Asked through itself to be refused by itself: what reverts there is told, and not passed on.',
    places: {
      'consumers/HedgingAgent.sol': ['assess'],
    },
  },
]
