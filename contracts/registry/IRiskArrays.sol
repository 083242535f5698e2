// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EXPIRY_MARKET_WORDS, PORTFOLIO_POLICY_WORDS, ROUND_MARKET_WORDS} from "../generated/WordLists.sol";
import {IRoundSource} from "../market/IRoundSource.sol";
import {IPortfolioPolicy} from "../parameters/IPortfolioPolicy.sol";
import {IRoundErrors} from "./IRoundErrors.sol";

/// @title IRiskArrays
/// @notice Arrays in force of one market's rounds, by proof: each round is priced once, under the policy that this contract holds,
/// and any number of accounts share the prices. Whatever margins accounts asks here for rounds, arrays and policy.
interface IRiskArrays is IPortfolioPolicy, IRoundErrors {
    /// @notice A proven array: options of one expiry at some strikes.
    /// @param commitment  the circuit's commitment to its input words
    /// @param expiryIndex which of the round's expiries
    /// @param expiryWords what the round says of it
    /// @param arrayRoot   commitment to what the array holds
    struct RiskArray {
        uint256 commitment;
        uint256 expiryIndex;
        uint256[EXPIRY_MARKET_WORDS] expiryWords;
        uint256 arrayRoot;
    }

    /// @notice An array was proven and may be used by accounts of its round.
    event ArrayAccepted(uint256 indexed arrayRoot, uint256 indexed asOf, uint256 expiry, uint256 policyVersion);

    /// @notice Rounds come from another source, and their prices, strikes and quantities are at its scale.
    event RoundsSet(address indexed rounds, address indexed previous, int256 priceScale);
    /// @notice The venue reports at this scale from now on.
    event PriceScaleAccepted(int256 scale);

    /// @notice Takes proven arrays of one round. Anyone may call: the proofs are the permission. The round need not be fresh: an
    /// array says what is true of its round, and what is proven by it answers for that, see {requireRound}.
    /// @param asOf         time of the round
    /// @param marketWords  what the round says of the market
    /// @param expiryHashes hashes of the words of its expiries
    /// @param modelId      active model of arrays
    /// @param strikeWords  `StrikeWord`s of every array in turn
    /// @param proofs       one an array
    function submitArrays(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32[] calldata expiryHashes,
        bytes32 modelId,
        RiskArray[] calldata arrays,
        uint256[] calldata strikeWords,
        uint256[8][] calldata proofs
    ) external;

    /// @notice What an array was proven for: time of its round, policy version << 32, expiry << 64, the first 160 bits of the id
    /// of the model that proved it << 96; zero if it was not. It ends with its model.
    function arrayOf(uint256 arrayRoot) external view returns (uint256 record);

    /// @notice What a statement about a round rests on, if the round was published with these words, its prices are near each
    /// other, and it is fresh: not too old and not overtaken.
    /// @param expiriesHash hash of the hashes of its expiries
    /// @param mayBeStale   whether it passes if it is not fresh; what is in force of accounts may not rest on such a round
    /// @return roundId       id of the round
    /// @return policyVersion of the policy in force
    /// @return policyCode    where its words are, as {PortfolioPolicyCode} reads them
    /// @return isFresh       whether it is
    /// @return scale         of its prices, see {priceScale}
    /// @custom:reverts RoundTimeMismatch, RoundPricesApart, RoundUnknown, RoundStale, RoundOvertaken
    function requireRound(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32 expiriesHash,
        bool mayBeStale
    )
        external
        view
        returns (bytes32 roundId, uint256 policyVersion, address policyCode, bool isFresh, int256 scale);

    /// @notice As {requireRound}, for whoever takes prices of a round and proves nothing about it. Whether it was overtaken is the
    /// caller's to ask, by what it returns.
    /// @return newestAsOf time of the newest round
    /// @custom:reverts RoundTimeMismatch, RoundPricesApart, RoundUnknown, RoundStale
    function requirePrices(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32 expiriesHash
    ) external view returns (uint256 newestAsOf);

    /// @notice Passes only if every array was proven for this round and policy and for its expiry, by a model that is active.
    /// @param likelyModel      that proved them, which is looked up if it is another; 0 if it is not known
    /// @param rootsAndExpiries of each array in turn
    /// @custom:reverts ArrayUnknown, or as {IModelRegistry-activeModel} does
    function requireArrays(
        uint256 asOf,
        uint256 policyVersion,
        bytes32 likelyModel,
        uint256[] calldata rootsAndExpiries
    ) external view;

    /// @notice Has rounds come from another source, whose scale of prices is the market's from now on. Restricted. No round of the
    /// source before and no array of one is of use any more. Sizes in a policy are in as many units as prices are of, so the
    /// policy is set with it.
    /// @param source of rounds
    /// @param policy see {IPortfolioPolicy-setPortfolioPolicy}
    /// @custom:reverts PriceScaleUnknown, PriceScaleOutOfRange, and as {IPortfolioPolicy-setPortfolioPolicy} does
    function setRounds(IRoundSource source, uint256[PORTFOLIO_POLICY_WORDS] calldata policy) external;

    /// @notice Says that reports are at this scale from now on: strikes are prices of 10^k units of the asset, and quantities of
    /// options, perpetuals and collateral in the asset itself count as many. Restricted to the venue. After governance has changed
    /// the scale nothing is reported until the venue has said so, and nothing is proven of an account until it was reported anew.
    /// @custom:reverts PriceScaleNotInForce
    function acceptPriceScale(int256 scale) external;

    /// @notice What a report rests on: time of the newest round, and the scale, which the venue has accepted.
    /// @custom:reverts PriceScaleNotInForce
    function reportTerms() external view returns (uint256 newestAsOf, int8 scale);

    /// @notice Where rounds come from.
    function rounds() external view returns (IRoundSource);

    /// @notice k: prices and strikes are of 10^k units of the market's asset, and quantities of it count as many
    /// ({IPriceScale}). Money is as it is.
    function priceScale() external view returns (int256 scale);

    /// @notice Time of the market's newest round.
    function newestRound() external view returns (uint256 asOf);
}
