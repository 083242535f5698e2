// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IRiskParameters} from "../registry/IRiskParameters.sol";
import {IRiskOracle} from "./IRiskOracle.sol";
import {ProvenCollateral} from "./ProvenCollateral.sol";

/// @title RiskOracleView
/// @notice The registry as stewards read it. It has no owner and no updater: what it says is what the registry held when somebody
/// published it, and the latest is refused once the registry holds something else.
/// @dev The registry keeps the last parameters only, so ids and history are of what was published here. One type of update has all three
/// values: apart, a steward with a limit for each would move one and not the other.
contract RiskOracleView is IRiskOracle {
    using ProvenCollateral for ProvenCollateral.Collateral;
    using SafeCast for uint256;

    /// @dev An update, packed.
    struct Published {
        address market;
        uint40 asOf;
        uint16 loanToValueBps;
        uint16 thresholdBps;
        uint16 bonusBps;
        uint64 previousId;
        uint64 sequence;
    }

    string private constant UPDATE_TYPE = "CollateralUpdate";

    /// @notice Where parameters come from.
    IRiskParameters public immutable registry;
    /// @notice Market of the registry that an asset belongs to; zero for others.
    mapping(address asset => bytes32) public marketIdOf;

    Published[] private _updates;
    mapping(address asset => uint256) private _latest;

    /// @param registry_ where parameters come from
    /// @param assets    that updates are published of
    /// @param marketIds of each, in the registry
    constructor(IRiskParameters registry_, address[] memory assets, bytes32[] memory marketIds) {
        if (assets.length != marketIds.length) revert ListsDiffer(assets.length, marketIds.length);
        registry = registry_;
        for (uint256 i = 0; i < assets.length; ++i) {
            // One that the registry has never proven is refused: nobody could mend it here.
            registry_.unsafeParameters(marketIds[i]);
            if (marketIdOf[assets[i]] != 0) revert MarketRepeated(assets[i]);
            marketIdOf[assets[i]] = marketIds[i];
        }
    }

    /// @inheritdoc IRiskOracle
    function publish(address market) external returns (uint256 updateId) {
        bytes32 marketId = _marketId(market);
        (ProvenCollateral.Collateral memory held, IRiskParameters.Parameters memory proven) = ProvenCollateral.held(
            registry,
            marketId
        );
        uint256 previousId = _latest[market];
        if (previousId != 0 && _updates[previousId - 1].sequence == proven.sequence)
            revert AlreadyPublished(market, previousId, proven.sequence);
        _updates.push(
            Published(
                market,
                proven.asOf.toUint40(),
                held.loanToValueBps.toUint16(),
                held.thresholdBps.toUint16(),
                held.bonusBps.toUint16(),
                previousId.toUint64(),
                proven.sequence.toUint64()
            )
        );
        updateId = _updates.length;
        _latest[market] = updateId;
        _emit(_update(updateId));
    }

    /// @inheritdoc IRiskOracle
    function getLatestUpdateByParameterAndMarket(
        string calldata updateType,
        address market
    ) external view returns (RiskParameterUpdate memory) {
        if (!Strings.equal(updateType, UPDATE_TYPE)) revert UpdateTypeUnknown(updateType);
        bytes32 marketId = _marketId(market);
        uint256 updateId = _latest[market];
        if (updateId == 0) revert NothingPublished(market);
        (ProvenCollateral.Collateral memory held, IRiskParameters.Parameters memory proven) = ProvenCollateral.held(
            registry,
            marketId
        );
        if (!held.isSame(_values(updateId)))
            revert PublishedNoLongerHeld(updateId, _updates[updateId - 1].sequence, proven.sequence);
        return _update(updateId);
    }

    /// @inheritdoc IRiskOracle
    function getUpdateById(uint256 updateId) external view returns (RiskParameterUpdate memory) {
        if (updateId == 0 || updateId > _updates.length) revert UpdateUnknown(updateId, _updates.length);
        return _update(updateId);
    }

    /// @inheritdoc IRiskOracle
    function latestUpdateIdByMarketAndType(address market, string calldata updateType) external view returns (uint256) {
        return Strings.equal(updateType, UPDATE_TYPE) ? _latest[market] : 0;
    }

    /// @inheritdoc IRiskOracle
    function updateCounter() external view returns (uint256) {
        return _updates.length;
    }

    /// @inheritdoc IRiskOracle
    function getAllUpdateTypes() external pure returns (string[] memory types) {
        types = new string[](1);
        types[0] = UPDATE_TYPE;
    }

    /// @inheritdoc IRiskOracle
    function isAuthorized(address) external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IRiskOracle
    function description() external pure returns (string memory) {
        return "Collateral parameters as zk-risk-engine's registry holds them, proven";
    }

    function _emit(RiskParameterUpdate memory update) private {
        emit ParameterUpdated(
            update.referenceId,
            update.newValue,
            update.previousValue,
            update.timestamp,
            update.updateType,
            update.updateId,
            update.market,
            update.additionalData
        );
    }

    function _update(uint256 updateId) private view returns (RiskParameterUpdate memory) {
        Published storage published = _updates[updateId - 1];
        bytes32 marketId = marketIdOf[published.market];
        return
            RiskParameterUpdate({
                timestamp: published.asOf,
                newValue: _encoded(updateId),
                referenceId: Strings.toHexString(uint256(marketId), 32),
                previousValue: published.previousId == 0 ? bytes("") : _encoded(published.previousId),
                updateType: UPDATE_TYPE,
                updateId: updateId,
                market: published.market,
                additionalData: abi.encode(marketId, uint256(published.sequence))
            });
    }

    function _encoded(uint256 updateId) private view returns (bytes memory) {
        ProvenCollateral.Collateral memory values = _values(updateId);
        return abi.encode(values.loanToValueBps, values.thresholdBps, values.bonusBps);
    }

    function _values(uint256 updateId) private view returns (ProvenCollateral.Collateral memory) {
        Published storage published = _updates[updateId - 1];
        return
            ProvenCollateral.Collateral(published.loanToValueBps, published.thresholdBps, published.bonusBps);
    }

    function _marketId(address market) private view returns (bytes32 marketId) {
        marketId = marketIdOf[market];
        if (marketId == 0) revert MarketUnknown(market);
    }
}
