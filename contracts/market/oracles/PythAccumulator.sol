// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPyth} from "./IPyth.sol";
import {IPythAccumulator} from "./IPythAccumulator.sol";
import {IWormhole} from "./IWormhole.sol";

/// @title PythAccumulator
/// @notice Reads Pyth's updates: guardians' signatures by Wormhole's core contract, Merkle paths here.
/// @dev Format, from Pyth's accumulator (pyth-crosschain, Apache-2.0): an update is magic, version 1.0, no trailing header, type 0,
/// length and bytes of a Wormhole message, number of prices, and of each its length, its message and its path. The message's
/// payload is magic, type 0, slot, ring size and root: 20 bytes of keccak256, of 0x00 and a leaf or of 0x01 and two nodes in order.
contract PythAccumulator is IPythAccumulator {
    /// @dev What {parsePriceFeedUpdates} is asked for, and what of it was found: fewer variables than the compiler can place.
    struct Wanted {
        bytes32[] ids;
        uint256 minPublishTime;
        uint256 maxPublishTime;
        PriceFeed[] found;
    }

    /// @dev "PNAU", version 1.0, no bytes of trailing header, type 0 for a Merkle tree.
    bytes8 private constant UPDATE_HEADER = 0x504e415501000000;
    /// @dev "AUWV", type 0 for a Merkle root.
    bytes5 private constant ROOT_HEADER = 0x4155575600;
    /// @dev 4 magic, 1 type, 8 slot, 4 ring size, 20 root.
    uint256 private constant ROOT_BYTES = 37;
    /// @dev Type 0, id, price, confidence, exponent, two times, average and its confidence.
    uint256 private constant PRICE_BYTES = 85;
    uint256 private constant NODE_BYTES = 20;
    /// @dev Half of secp256k1's order.
    uint256 private constant GREATEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    IWormhole private immutable _wormhole;
    /// @inheritdoc IPythAccumulator
    uint16 public immutable emitterChain;
    /// @inheritdoc IPythAccumulator
    bytes32 public immutable emitter;

    /// @param wormhole_     Wormhole's core contract
    /// @param emitterChain_ 26, Pythnet
    /// @param emitter_      0xe101faedac5851e32b9b23b5f9411a8c2bac4aae3ed4dd7b811dd1a72ea4aa71
    constructor(IWormhole wormhole_, uint16 emitterChain_, bytes32 emitter_) {
        _wormhole = wormhole_;
        emitterChain = emitterChain_;
        emitter = emitter_;
    }

    /// @inheritdoc IPyth
    function getUpdateFee(bytes[] calldata) external view virtual returns (uint256) {
        return 0;
    }

    /// @inheritdoc IPyth
    function parsePriceFeedUpdates(
        bytes[] calldata updateData,
        bytes32[] calldata priceIds,
        uint64 minPublishTime,
        uint64 maxPublishTime
    ) external payable virtual returns (PriceFeed[] memory) {
        if (msg.value != 0) revert FeeNotTaken(msg.value, 0);
        return _parse(updateData, Wanted(priceIds, minPublishTime, maxPublishTime, new PriceFeed[](priceIds.length)));
    }

    /// @inheritdoc IPythAccumulator
    function wormhole() external view returns (address) {
        return address(_wormhole);
    }

    /// @dev Of each feed that is wanted the first price within the times.
    function _parse(bytes[] calldata updateData, Wanted memory wanted) internal view returns (PriceFeed[] memory) {
        for (uint256 i = 0; i < updateData.length; ++i) _keepWanted(wanted, _pricesIn(updateData[i]));
        for (uint256 i = 0; i < wanted.ids.length; ++i) {
            if (wanted.found[i].id == 0) revert FeedNotInUpdates(wanted.ids[i]);
        }
        return wanted.found;
    }

    function _keepWanted(Wanted memory wanted, PriceFeed[] memory prices) private pure {
        for (uint256 i = 0; i < prices.length; ++i) {
            uint256 time = prices[i].price.publishTime;
            if (time < wanted.minPublishTime || time > wanted.maxPublishTime) continue;
            for (uint256 j = 0; j < wanted.ids.length; ++j) {
                if (wanted.found[j].id == 0 && wanted.ids[j] == prices[i].id) wanted.found[j] = prices[i];
            }
        }
    }

    /// @dev Every price of an update, each below the root that the guardians signed.
    function _pricesIn(bytes calldata update) private view returns (PriceFeed[] memory prices) {
        bytes8 header = bytes8(_part(update, 0, 8));
        if (header != UPDATE_HEADER) revert NotAnUpdate(header, UPDATE_HEADER);
        uint256 size = uint16(bytes2(_part(update, 8, 2)));
        bytes20 root = _verifiedRoot(_part(update, 10, size));
        uint256 offset = 10 + size;
        prices = new PriceFeed[](uint8(bytes1(_part(update, offset, 1))));
        ++offset;
        for (uint256 i = 0; i < prices.length; ++i) (prices[i], offset) = _priceBelow(root, update, offset, i);
        if (offset != update.length) revert UpdateTooLong(update.length, offset);
    }

    /// @dev The price that stands at an offset of an update, and where the next one does.
    function _priceBelow(
        bytes20 root,
        bytes calldata update,
        uint256 offset,
        uint256 index
    ) private pure returns (PriceFeed memory, uint256 next) {
        uint256 size = uint16(bytes2(_part(update, offset, 2)));
        bytes calldata message = _part(update, offset + 2, size);
        next = offset + 2 + size;
        size = uint8(bytes1(_part(update, next, 1))) * NODE_BYTES;
        bytes20 found = _rootOf(message, _part(update, next + 1, size));
        if (found != root) revert NotBelowRoot(index, found, root);
        if (message.length != PRICE_BYTES || message[0] != 0) revert NotAPrice(index, message.length, PRICE_BYTES);
        return (_priceIn(message), next + 1 + size);
    }

    function _verifiedRoot(bytes calldata message) private view returns (bytes20 root) {
        // slither-disable-next-line unused-return
        (IWormhole.VM memory vm, bool valid, string memory reason) = _wormhole.parseAndVerifyVM(message);
        if (!valid) revert NotVerified(reason);
        for (uint256 i = 0; i < vm.signatures.length; ++i) {
            uint256 s = uint256(vm.signatures[i].s);
            if (s > GREATEST_S) revert SignatureNotLow(s, GREATEST_S);
        }
        if (vm.emitterChainId != emitterChain || vm.emitterAddress != emitter) {
            revert WrongEmitter(vm.emitterChainId, vm.emitterAddress, emitterChain, emitter);
        }
        bytes memory payload = vm.payload;
        bytes5 header;
        // A payload of other length is refused below, whatever was read beyond it.
        assembly ("memory-safe") {
            header := mload(add(payload, 0x20))
            root := mload(add(payload, 0x31))
        }
        if (payload.length != ROOT_BYTES || header != ROOT_HEADER) revert NoRoot(payload.length, header);
    }

    function _rootOf(bytes calldata message, bytes calldata path) private pure returns (bytes20 node) {
        node = bytes20(keccak256(abi.encodePacked(uint8(0), message)));
        for (uint256 offset = 0; offset < path.length; offset += NODE_BYTES) {
            bytes20 sibling = bytes20(path[offset:offset + NODE_BYTES]);
            (bytes20 left, bytes20 right) = node < sibling ? (node, sibling) : (sibling, node);
            node = bytes20(keccak256(abi.encodePacked(uint8(1), left, right)));
        }
    }

    /// @dev After type and id: 8 bytes of price, 8 of confidence, 4 of exponent, 8 of time, 8 of the time before; 8 of the average, 8
    /// of its confidence.
    function _priceIn(bytes calldata message) private pure returns (PriceFeed memory feed) {
        feed.id = bytes32(message[1:33]);
        uint256 first = uint256(bytes32(message[33:65]));
        uint256 last = uint256(bytes32(message[53:85]));
        int32 expo = int32(uint32(first >> 96));
        uint256 time = uint64(first >> 32);
        feed.price = Price(int64(uint64(first >> 192)), uint64(first >> 128), expo, time);
        feed.emaPrice = Price(int64(uint64(last >> 64)), uint64(last), expo, time);
    }

    function _part(bytes calldata update, uint256 offset, uint256 size) private pure returns (bytes calldata) {
        if (offset + size > update.length) revert UpdateTruncated(update.length, offset + size);
        return update[offset:offset + size];
    }
}
