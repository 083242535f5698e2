// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPortfolioMargins} from "../../registry/IPortfolioMargins.sol";

/// @title MockPortfolioMargins
/// @notice Margins that anybody sets, to test venues with: it answers as the portfolio registry does, whether margins are
/// fresh, stale, of other positions, absent, or overtaken by a witness that the account is unhealthy.
/// @dev For tests only. It holds whatever it is given; the registry holds what was proven.
contract MockPortfolioMargins is IPortfolioMargins {
    /// @notice What shows that the account is below maintenance.
    /// @param asOf     time of its round; 0: there is none
    /// @param sequence last report of positions at the time
    struct Witness {
        uint256 asOf;
        uint256 sequence;
    }

    /// @notice Age from which on margins are stale, as in a deployment that states nothing else.
    uint256 public maxMarginAgeSeconds = 900;

    mapping(address account => bool) private _isProven;
    mapping(address account => Margin) private _margins;
    mapping(address account => Thresholds) private _thresholds;
    mapping(address account => Witness) private _witnesses;
    mapping(address account => uint256) private _sequences;
    mapping(address account => bytes32) private _bookHashes;
    mapping(address account => int256 scale) private _priceScales;

    /// @notice Puts margins in force, as they are; their `sequence` says which report of positions they are about. Below
    /// maintenance they show the account unhealthy; otherwise they clear it of what is not later.
    function setMargin(address account, Margin calldata values) external {
        _isProven[account] = true;
        _margins[account] = values;
        delete _thresholds[account];
        Witness memory shown = _witnesses[account];
        bool isNews = values.asOf > shown.asOf || (values.asOf == shown.asOf && values.sequence > shown.sequence);
        if (!isNews) return;
        if (values.maintenanceE8 < 0) _witnesses[account] = Witness(values.asOf, values.sequence);
        else delete _witnesses[account];
    }

    /// @notice Puts thresholds beside an account's margins, as they are but for their round, report and scale, which are those of
    /// margins and account. Further margins come without, until this is called again.
    function setThresholds(address account, Thresholds calldata values) external {
        _thresholds[account] = values;
    }

    /// @notice Makes the round behind an account's margins as old as this now; older than the limit is stale.
    function setAge(address account, uint256 ageSeconds) external {
        _margins[account].asOf = block.timestamp - ageSeconds;
    }

    /// @notice Says that the venue has reported an account so often; margins of another report are of other positions.
    function setReport(address account, uint256 sequence, bytes32 bookHash) external {
        _sequences[account] = sequence;
        _bookHashes[account] = bookHash;
    }

    /// @notice Says at which scale the venue has reported an account; thresholds at another scale are gone.
    function setPriceScale(address account, int256 scale) external {
        if (_priceScales[account] != scale) delete _thresholds[account];
        _priceScales[account] = scale;
    }

    /// @notice Says that a witness has shown an account below maintenance; one of time 0 clears it.
    function setWitness(address account, Witness calldata witness) external {
        _witnesses[account] = witness;
    }

    /// @notice Forgets margins and witness of an account, as if nothing had been proven of it.
    function forget(address account) external {
        _isProven[account] = false;
        delete _margins[account];
        delete _thresholds[account];
        delete _witnesses[account];
    }

    /// @notice Sets when margins are stale.
    function setFreshness(uint256 maxAgeSeconds) external {
        maxMarginAgeSeconds = maxAgeSeconds;
    }

    /// @inheritdoc IPortfolioMargins
    function marginOf(address account) public view returns (Margin memory proven) {
        proven = _proven(account);
        uint256 oldest = block.timestamp - maxMarginAgeSeconds;
        if (proven.asOf < oldest) revert MarginStale(proven.asOf, oldest);
        uint256 current = _sequences[account];
        if (proven.sequence != current) revert MarginOfOtherPositions(account, proven.sequence, current);
    }

    /// @inheritdoc IPortfolioMargins
    function marginForLiquidation(
        address account
    ) external view returns (Margin memory proven, bool liquidatable, uint256 ageSeconds) {
        Witness memory witness = _witnesses[account];
        liquidatable = witness.asOf != 0;
        if (_isProven[account] || !liquidatable) proven = _proven(account);
        ageSeconds = _age(proven.asOf > witness.asOf ? proven.asOf : witness.asOf);
    }

    /// @inheritdoc IPortfolioMargins
    function unsafeMargin(address account) external view returns (Margin memory proven, uint256 ageSeconds) {
        proven = _proven(account);
        ageSeconds = _age(proven.asOf);
    }

    /// @inheritdoc IPortfolioMargins
    function thresholdsOf(address account) external view returns (Thresholds memory) {
        return _thresholdsOf(account, marginOf(account));
    }

    /// @inheritdoc IPortfolioMargins
    function unsafeThresholds(address account) external view returns (Thresholds memory proven, uint256 ageSeconds) {
        proven = _thresholdsOf(account, _proven(account));
        ageSeconds = _age(proven.asOf);
    }

    /// @inheritdoc IPortfolioMargins
    function accountOf(
        address account
    ) external view returns (uint256 sequence, bytes32 bookHash, int256 priceScale) {
        return (_sequences[account], _bookHashes[account], _priceScales[account]);
    }

    function _proven(address account) private view returns (Margin memory) {
        if (!_isProven[account]) revert MarginNotYetProven(account);
        return _margins[account];
    }

    /// @dev Thresholds that a proof brought have an upper one: spot, a level above it, or the word for none.
    function _thresholdsOf(address account, Margin memory margin) private view returns (Thresholds memory proven) {
        proven = _thresholds[account];
        if (proven.liquidationUpE8 == 0) revert ThresholdsNotProven(account, margin.asOf, margin.sequence);
        proven.asOf = margin.asOf;
        proven.sequence = margin.sequence;
        proven.priceScale = _priceScales[account];
    }

    function _age(uint256 asOf) private view returns (uint256) {
        return block.timestamp > asOf ? block.timestamp - asOf : 0;
    }
}
