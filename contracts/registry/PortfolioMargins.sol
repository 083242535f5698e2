// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccountMarginsFields, AccountMarginsWord, AccountThresholdsWord} from "../generated/Words.sol";
import {IPortfolioMargins} from "./IPortfolioMargins.sol";
import {IRiskArrays} from "./IRiskArrays.sol";

/// @title PortfolioMargins
/// @notice The read side of the portfolio registry.
abstract contract PortfolioMargins is IPortfolioMargins {
    /// @notice What the chain keeps of an account, in four slots.
    /// @param bookHash          what the venue last reported
    /// @param sequence          how often it has
    /// @param unhealthyAsOf     round of the last proof that the account is below maintenance; 0 if it is healthy since
    /// @param unhealthySequence last report at the time of that proof
    /// @param witnessAsOf       round of the last witness
    /// @param witnessSequence   last report at the time of it
    /// @param count             whether it has positions, and where a count has got to with it, see {CountedAccounts}
    /// @param priceScale        of the last report, and of thresholds
    /// @param margins           `AccountMarginsWord`; above it the round's time, then the report's sequence
    /// @param thresholds        levels of spot that go with them; 0, which is none that a proof could say, without them
    struct Account {
        bytes32 bookHash;
        uint40 sequence;
        uint32 unhealthyAsOf;
        uint40 unhealthySequence;
        uint32 witnessAsOf;
        uint40 witnessSequence;
        uint64 count;
        int8 priceScale;
        uint256 margins;
        AccountThresholdsWord thresholds;
    }

    uint256 internal constant AS_OF_SHIFT = AccountMarginsFields.BITS;
    uint256 internal constant SEQUENCE_SHIFT = AS_OF_SHIFT + 32;

    /// @notice Arrays that margins rest on; holds the policy that both are under.
    IRiskArrays public immutable arrays;

    mapping(address account => Account) internal _accounts;

    constructor(IRiskArrays arrays_) {
        arrays = arrays_;
    }

    /// @inheritdoc IPortfolioMargins
    function marginOf(address account) public view returns (Margin memory proven) {
        proven = _proven(account);
        uint256 oldest = block.timestamp - arrays.portfolioFreshness().maxMarginAgeSeconds;
        if (proven.asOf < oldest) revert MarginStale(proven.asOf, oldest);
        uint256 current = _accounts[account].sequence;
        if (proven.sequence != current) revert MarginOfOtherPositions(account, proven.sequence, current);
    }

    /// @inheritdoc IPortfolioMargins
    function marginForLiquidation(
        address account
    ) external view returns (Margin memory proven, bool liquidatable, uint256 ageSeconds) {
        Account storage held = _accounts[account];
        uint256 newest = held.unhealthyAsOf;
        liquidatable = newest != 0;
        if (held.margins != 0 || !liquidatable) proven = _proven(account);
        if (proven.asOf > newest) newest = proven.asOf;
        ageSeconds = _age(newest);
    }

    /// @inheritdoc IPortfolioMargins
    function unsafeMargin(address account) external view returns (Margin memory proven, uint256 ageSeconds) {
        proven = _proven(account);
        ageSeconds = _age(proven.asOf);
    }

    /// @inheritdoc IPortfolioMargins
    function thresholdsOf(address account) external view returns (Thresholds memory) {
        return _thresholds(account, marginOf(account));
    }

    /// @inheritdoc IPortfolioMargins
    function unsafeThresholds(address account) external view returns (Thresholds memory proven, uint256 ageSeconds) {
        proven = _thresholds(account, _proven(account));
        ageSeconds = _age(proven.asOf);
    }

    /// @inheritdoc IPortfolioMargins
    function accountOf(
        address account
    ) external view returns (uint256 sequence, bytes32 bookHash, int256 priceScale) {
        Account storage held = _accounts[account];
        return (held.sequence, held.bookHash, held.priceScale);
    }

    function _proven(address account) private view returns (Margin memory) {
        uint256 stored = _accounts[account].margins;
        if (stored == 0) revert MarginNotYetProven(account);
        AccountMarginsWord margins = AccountMarginsWord.wrap(stored); // readers pass over what stands above
        return
            Margin({
                initialE8: margins.initialE8(),
                maintenanceE8: margins.maintenanceE8(),
                worstScenario: margins.worstScenario(),
                asOf: uint32(stored >> AS_OF_SHIFT),
                sequence: stored >> SEQUENCE_SHIFT
            });
    }

    function _thresholds(address account, Margin memory margin) private view returns (Thresholds memory) {
        AccountThresholdsWord word = _accounts[account].thresholds;
        if (AccountThresholdsWord.unwrap(word) == 0) revert ThresholdsNotProven(account, margin.asOf, margin.sequence);
        return
            Thresholds({
                liquidationDownE8: word.liquidationDownE8(),
                liquidationUpE8: word.liquidationUpE8(),
                defaultDownE8: word.defaultDownE8(),
                defaultUpE8: word.defaultUpE8(),
                defaultProbabilityX32: word.defaultProbabilityX32(),
                asOf: margin.asOf,
                sequence: margin.sequence,
                priceScale: _accounts[account].priceScale
            });
    }

    /// @dev A round may be ahead of the chain by the clocks' skew.
    function _age(uint256 asOf) private view returns (uint256) {
        return block.timestamp > asOf ? block.timestamp - asOf : 0;
    }
}
