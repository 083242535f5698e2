// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IRiskRegistry} from "../registry/IRiskRegistry.sol";
import {IReportReceiver} from "./IReportReceiver.sol";
import {IRiskOracle} from "./IRiskOracle.sol";

/// @title CreCourier
/// @notice Carries reports of a workflow of the Chainlink Runtime Environment: a proof to the registry, and what that holds to the oracle
/// that stewards read. It carries and has no say: the registry takes a proof from anyone, and the oracle writes down what the
/// registry holds.
/// @dev That is why no workflow is looked at: anybody's, through this forwarder, can do no more than anybody without one. Parts of a
/// report are on their own, so that what somebody else has carried meanwhile stops nothing; one of which nothing was carried is refused,
/// and the forwarder may be asked again.
contract CreCourier is IReportReceiver, ERC165 {
    /// @notice A part of a report was not carried, for this reason.
    event NotCarried(address indexed to, bytes reason);

    /// @notice Only the forwarder delivers reports.
    error NotForwarder(address caller, address forwarder);
    /// @notice A report is abi.encode(calldata of the registry's {submit}, or nothing; assets to publish).
    error ReportMalformed(uint256 length);
    /// @notice Something else than a submission would be called.
    error NotSubmission(bytes4 selector, bytes4 expected);
    /// @notice No part of the report was carried; why the last one was not.
    error NothingCarried(bytes reason);

    /// @notice Who delivers reports.
    address public immutable forwarder;
    /// @notice Where proofs go.
    IRiskRegistry public immutable registry;
    /// @notice Where what the registry holds is written down.
    IRiskOracle public immutable oracle;

    /// @param forwarder_ Chainlink's on this chain
    /// @param registry_  where proofs go
    /// @param oracle_    where what it holds is written down
    constructor(address forwarder_, IRiskRegistry registry_, IRiskOracle oracle_) {
        forwarder = forwarder_;
        registry = registry_;
        oracle = oracle_;
    }

    /// @inheritdoc IReportReceiver
    /// @custom:reverts NotForwarder, ReportMalformed, NotSubmission, NothingCarried
    function onReport(bytes calldata, bytes calldata report) external {
        if (msg.sender != forwarder) revert NotForwarder(msg.sender, forwarder);
        try this.readReport(report) returns (bytes memory submission, address[] memory assets) {
            _carry(submission, assets);
        } catch {
            revert ReportMalformed(report.length);
        }
    }

    /// @notice Parts of a report.
    function readReport(bytes calldata report) external pure returns (bytes memory submission, address[] memory assets) {
        return abi.decode(report, (bytes, address[]));
    }

    /// @notice Interfaces that the forwarder asks for.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IReportReceiver).interfaceId || super.supportsInterface(interfaceId);
    }

    function _carry(bytes memory submission, address[] memory assets) private {
        bool isCarried;
        bytes memory reason;
        if (submission.length != 0) {
            if (bytes4(submission) != IRiskRegistry.submit.selector)
                revert NotSubmission(bytes4(submission), IRiskRegistry.submit.selector);
            // The report brings calldata; decoded and encoded again it would cost more and say the same.
            // solhint-disable-next-line avoid-low-level-calls
            (isCarried, reason) = address(registry).call(submission);
            if (!isCarried) emit NotCarried(address(registry), reason);
        }
        for (uint256 i = 0; i < assets.length; ++i) {
            try oracle.publish(assets[i]) {
                isCarried = true;
            } catch (bytes memory refusal) {
                reason = refusal;
                emit NotCarried(assets[i], refusal);
            }
        }
        if (!isCarried) revert NothingCarried(reason);
    }
}
