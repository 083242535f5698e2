// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IRiskOracle
/// @notice What stewards of lending markets read recommendations from. Its functions and its event are those of Chaos Labs' `RiskOracle`;
/// what is said of them is how this project's answers, see {RiskOracleView}.
interface IRiskOracle {
    /// @notice An update as it was published.
    /// @param timestamp      of the market data behind it, unix seconds
    /// @param newValue       abi.encode(loan-to-value, threshold, bonus), each a uint256 in 1/10,000, the bonus with the whole before it
    /// @param referenceId    the market's id in the registry, in hexadecimal
    /// @param previousValue  that of the market's update before; empty of the first
    /// @param updateType     `CollateralUpdate`
    /// @param updateId       1 and upwards, over all markets
    /// @param market         the asset
    /// @param additionalData abi.encode(market's id in the registry, its sequence)
    struct RiskParameterUpdate {
        uint256 timestamp;
        bytes newValue;
        string referenceId;
        bytes previousValue;
        string updateType;
        uint256 updateId;
        address market;
        bytes additionalData;
    }

    /// @notice Something was published.
    event ParameterUpdated(
        string referenceId,
        bytes newValue,
        bytes previousValue,
        uint256 timestamp,
        string indexed updateType,
        uint256 indexed updateId,
        address indexed market,
        bytes additionalData
    );

    /// @notice No values of such a type are known here.
    error UpdateTypeUnknown(string updateType);
    /// @notice No market of the registry belongs to this asset.
    error MarketUnknown(address market);
    /// @notice Nothing was published of the asset yet.
    error NothingPublished(address market);
    /// @notice There is no such update.
    error UpdateUnknown(uint256 updateId, uint256 newestId);
    /// @notice The registry holds other values by now: publish them first.
    error PublishedNoLongerHeld(uint256 updateId, uint256 publishedSequence, uint256 heldSequence);
    /// @notice What the registry holds of the asset was published.
    error AlreadyPublished(address market, uint256 updateId, uint256 sequence);

    /// @notice As many assets as markets are named when the oracle is made.
    error ListsDiffer(uint256 assets, uint256 marketIds);
    /// @notice An asset is named twice when the oracle is made.
    error MarketRepeated(address market);

    /// @notice Writes down what the registry holds of an asset. Anyone may.
    /// @custom:reverts MarketUnknown, AlreadyPublished, those of `ProvenCollateral`, and what the registry's {parameters} reverts with
    function publish(address market) external returns (uint256 updateId);

    /// @notice The last update of an asset, as long as the registry holds these values, fresh.
    /// @custom:reverts UpdateTypeUnknown, MarketUnknown, NothingPublished, PublishedNoLongerHeld, and as {publish} but for
    /// AlreadyPublished
    function getLatestUpdateByParameterAndMarket(
        string calldata updateType,
        address market
    ) external view returns (RiskParameterUpdate memory);

    /// @notice Any update, as it was published, whether it is held or not.
    /// @custom:reverts UpdateUnknown
    function getUpdateById(uint256 updateId) external view returns (RiskParameterUpdate memory);

    /// @notice Id of the last update of an asset; zero if there is none.
    function latestUpdateIdByMarketAndType(address market, string calldata updateType) external view returns (uint256);

    /// @notice Id of the last update.
    function updateCounter() external view returns (uint256);

    /// @notice Types of updates.
    function getAllUpdateTypes() external view returns (string[] memory);

    /// @notice Whether somebody may say what is published: nobody may.
    function isAuthorized(address sender) external view returns (bool);

    /// @notice What this is.
    function description() external view returns (string memory);
}
