// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IVerifierProxy
/// @notice What is asked of the contract that verifies Chainlink's Data Streams. As chainlink/contracts 1.5.0, llo-feeds/v0.5.0
/// (MIT) has it.
interface IVerifierProxy {
    /// @notice Verifies a signed report.
    /// @param payload          context, report and signatures
    /// @param parameterPayload the token that pays, ABI-encoded
    /// @return the report
    function verify(
        bytes calldata payload,
        bytes calldata parameterPayload
    ) external payable returns (bytes memory);

    /// @notice Who takes fees; none if zero.
    function s_feeManager() external view returns (IStreamFees); // solhint-disable-line func-name-mixedcase
}

/// @title IStreamFees
/// @notice What is asked of the manager of their fees.
interface IStreamFees {
    /// @notice An amount of a token.
    struct Asset {
        address assetAddress;
        uint256 amount;
    }

    /// @notice The token that stands for the chain's own.
    function i_nativeAddress() external view returns (address); // solhint-disable-line func-name-mixedcase

    /// @notice What a subscriber pays for a report.
    function getFeeAndReward(
        address subscriber,
        bytes memory report,
        address quoteAddress
    ) external returns (Asset memory fee, Asset memory reward, uint256 discount);
}
