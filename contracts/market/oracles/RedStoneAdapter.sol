// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {FeedTable} from "./FeedTable.sol";
import {IRedStoneAdapter} from "./IRedStoneAdapter.sol";
import {IRedStoneReader} from "./IRedStoneReader.sol";
import {OracleInbox} from "./OracleInbox.sol";

/// @title RedStoneAdapter
/// @notice Observation source that takes RedStone's signed values.
/// @dev Format, from the end: 9 bytes of marker, 3 for the length of unsigned metadata, 2 for the number of packages, then the
/// packages; of each, from its end, 65 bytes of signature, 3 for the number of values, 4 for the length of each, 6 of time in
/// milliseconds, and the values, each behind 32 bytes of its feed's name.
contract RedStoneAdapter is IRedStoneAdapter, FeedTable {
    /// @dev No unsigned metadata, and the marker.
    bytes12 private constant ENDING = 0x000000000002ed57011e0000;
    uint256 private constant ENDING_BYTES = 12;
    uint256 private constant COUNT_BYTES = 2;
    uint256 private constant SIGNATURE_BYTES = 65;
    /// @dev Number and length of values, time, signature.
    uint256 private constant PACKAGE_BYTES = 3 + 4 + 6 + SIGNATURE_BYTES;
    /// @dev Half of secp256k1's order.
    uint256 private constant GREATEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @inheritdoc IRedStoneAdapter
    IRedStoneReader public immutable reader;

    /// @param reader_ derives from RedStone's consumer of a data service
    /// @param feeds   of the markets
    /// @param fresh   when a price is one of now; confidence is of no account
    /// @param bounds  what can be a market
    constructor(
        IRedStoneReader reader_,
        Feed[] memory feeds,
        Freshness memory fresh,
        Plausibility memory bounds
    ) OracleInbox(fresh, bounds) FeedTable(feeds) {
        _requireContract(address(reader_));
        reader = reader_;
    }

    /// @inheritdoc IRedStoneAdapter
    function take(bytes32 marketId, bytes calldata payload) external {
        uint256 oldest = _oldest(_maxAgeSeconds, _requireSequencerUp());
        bytes32 feedId = _feedIdOf(marketId);
        _requireCanonical(payload);
        (bool answered, bytes memory answer) = address(reader).staticcall(
            bytes.concat(abi.encodeCall(IRedStoneReader.read, (feedId)), payload)
        );
        if (!answered || answer.length != 64) revert VerificationFailed(address(reader), answer);
        (uint256 value, uint256 timestampMs) = abi.decode(answer, (uint256, uint256));
        if (value > type(uint128).max) revert PriceOutOfRange(marketId, value, 1, type(uint48).max);
        _take(
            marketId,
            Reading({
                price: int256(value),
                confidence: 0,
                decimals: _decimalsOf(marketId),
                asOf: timestampMs / 1000
            }),
            oldest
        );
    }

    /// @dev RedStone's contract reads packages from the end and looks at nothing before them; here nothing is.
    function _requireCanonical(bytes calldata payload) private pure {
        uint256 length = payload.length;
        if (length < ENDING_BYTES + COUNT_BYTES) revert PackagesLengthMismatch(length, ENDING_BYTES + COUNT_BYTES);
        bytes12 ending = bytes12(payload[length - ENDING_BYTES:]);
        if (ending != ENDING) revert NotAPayload(ending, ENDING);
        uint256 end = length - ENDING_BYTES - COUNT_BYTES;
        uint256 packages = uint16(bytes2(payload[end:end + COUNT_BYTES]));
        for (uint256 i = 0; i < packages; ++i) {
            if (end < PACKAGE_BYTES) revert PackagesLengthMismatch(length, length - end + PACKAGE_BYTES);
            uint256 signature = end - SIGNATURE_BYTES;
            uint256 s = uint256(bytes32(payload[signature + 32:signature + 64]));
            if (s > GREATEST_S) revert SignatureNotLow(s, GREATEST_S);
            uint256 values = uint24(bytes3(payload[signature - 3:signature]));
            uint256 size = PACKAGE_BYTES + values * (32 + uint32(bytes4(payload[signature - 7:signature - 3])));
            if (size > end) revert PackagesLengthMismatch(length, length - end + size);
            end -= size;
        }
        if (end != 0) revert PackagesLengthMismatch(length, length - end);
    }
}
