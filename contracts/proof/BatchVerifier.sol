// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {Statement} from "../statement/Statement.sol";
import {CanonicalProof} from "./CanonicalProof.sol";
import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IGroth16Verifier} from "./IGroth16Verifier.sol";

/// @title BatchVerifier
/// @notice Random linear combination of Groth16 equations of keys that share alpha, beta and gamma:
/// prod e(r_i A_i, B_i) * e(-sum r_i alpha, beta) * e(sum r_i V_i, -gamma) * prod_k e(sum_k r_i C_i, -delta_k) = 1,
/// where V_i is the point of the proof's own key for the signals of proof i, and sum_k runs over the proofs of key k.
/// @dev r_1 = 1 and the others are 128 bits of a hash of all keys and of the whole call: how proofs are divided among keys, all
/// proofs and all signals. So nobody knows a coefficient before every key, proof and signal is fixed. A coefficient that a
/// prover could foresee would let two false statements cancel, of one key or of two; with these a false batch passes with
/// probability 2^-128. One bad proof fails the whole batch. A key whose secrets somebody knows fails its own proofs alone: what
/// is wrong with the others is a factor fixed before its power is drawn.
contract BatchVerifier is IBatchVerifier {
    /// @notice Proofs that one call takes; more would not fit a block's gas anyhow.
    uint256 public constant MOST_PROOFS = 128;

    /// @dev -alpha, beta, -gamma, -delta, then a point for the constant and one for each signal.
    uint256 private constant KEY_BYTES = 22 * 32;
    /// @dev -alpha, beta and -gamma, which keys of one first phase share.
    uint256 private constant SHARED_BYTES = 10 * 32;
    /// @dev Reading a key costs a cold account and its constants.
    uint256 private constant KEY_GAS = 30_000;
    uint256 private constant BETA = 2 * 32;
    uint256 private constant GAMMA = 6 * 32;
    uint256 private constant DELTA = 10 * 32;
    uint256 private constant CONSTANT = 14 * 32;
    uint256 private constant POINT_BYTES = 2 * 32;
    uint256 private constant SIGNALS = 3;
    uint256 private constant PAIR_BYTES = 6 * 32;

    /// @inheritdoc IBatchVerifier
    function verifyProofs(
        Group[] calldata groups,
        uint256[8][] calldata proofs,
        uint256[3][] calldata publicSignals
    ) external view returns (bool) {
        uint256 count = proofs.length;
        if (count == 0 || count > MOST_PROOFS || count != publicSignals.length) return false;
        if (!_isDivided(groups, count) || !_wellFormed(proofs, publicSignals)) return false;
        (bool known, bytes memory keys) = _keysOf(groups);
        if (!known) return false;
        _requireOneFirstPhase(groups, keys);
        uint256[] memory coefficients = _coefficients(_seedOf(keys), count);
        bytes memory input = new bytes((count + 2 + groups.length) * PAIR_BYTES);
        bool valid = _putFirsts(input, proofs, coefficients);
        valid = _putLasts(input, groups, keys, proofs, coefficients) && valid;
        valid = _putShared(input, groups, keys, publicSignals, coefficients) && valid;
        return valid && _pairs(input);
    }

    /// @dev Whether every proof is in one group, and no group is empty.
    function _isDivided(Group[] calldata groups, uint256 count) private pure returns (bool) {
        uint256 left = count;
        for (uint256 i = 0; i < groups.length; ++i) {
            uint256 size = groups[i].proofs;
            if (size == 0 || size > left) return false;
            left -= size;
        }
        return left == 0;
    }

    /// @dev Coordinates and signals below their fields' orders, points finite: what {CanonicalProof} and the single verifier
    /// refuse is refused here too.
    function _wellFormed(
        uint256[8][] calldata proofs,
        uint256[3][] calldata publicSignals
    ) private pure returns (bool well) {
        well = true;
        for (uint256 i = 0; i < proofs.length; ++i) {
            well = well && _isWellFormed(proofs[i], publicSignals[i]);
        }
    }

    function _isWellFormed(uint256[8] calldata proof, uint256[3] calldata signals) private pure returns (bool well) {
        uint256 q = CanonicalProof.BASE_FIELD;
        uint256 p = Statement.SCALAR_FIELD;
        assembly ("memory-safe") {
            well := gt(or(calldataload(proof), calldataload(add(proof, 0x20))), 0)
            well := and(well, gt(or(calldataload(add(proof, 0x40)), calldataload(add(proof, 0x60))), 0))
            well := and(well, gt(or(calldataload(add(proof, 0xc0)), calldataload(add(proof, 0xe0))), 0))
            well := and(well, and(lt(calldataload(proof), q), lt(calldataload(add(proof, 0x20)), q)))
            well := and(well, and(lt(calldataload(add(proof, 0x40)), q), lt(calldataload(add(proof, 0x60)), q)))
            well := and(well, and(lt(calldataload(add(proof, 0x80)), q), lt(calldataload(add(proof, 0xa0)), q)))
            well := and(well, and(lt(calldataload(add(proof, 0xc0)), q), lt(calldataload(add(proof, 0xe0)), q)))
            well := and(well, and(lt(calldataload(signals), p), lt(calldataload(add(signals, 0x20)), p)))
            well := and(well, lt(calldataload(add(signals, 0x40)), p))
        }
    }

    /// @dev One key after the other. A verifier that has none, or answers otherwise, is not known.
    function _keysOf(Group[] calldata groups) private view returns (bool known, bytes memory keys) {
        bytes4 selector = IGroth16Verifier.verificationKey.selector;
        keys = new bytes(groups.length * KEY_BYTES);
        known = true;
        for (uint256 i = 0; i < groups.length; ++i) {
            address verifier = groups[i].verifier;
            assembly ("memory-safe") {
                mstore(0x00, selector)
                let key := add(add(keys, 0x20), mul(i, KEY_BYTES))
                known := and(known, staticcall(KEY_GAS, verifier, 0x00, 0x04, key, KEY_BYTES))
                known := and(known, eq(returndatasize(), KEY_BYTES))
            }
        }
    }

    function _requireOneFirstPhase(Group[] calldata groups, bytes memory keys) private pure {
        for (uint256 i = 1; i < groups.length; ++i) {
            bool shared;
            assembly ("memory-safe") {
                let first := add(keys, 0x20)
                shared := eq(keccak256(add(first, mul(i, KEY_BYTES)), SHARED_BYTES), keccak256(first, SHARED_BYTES))
            }
            if (!shared) revert FirstPhaseDiffers(groups[i].verifier);
        }
    }

    /// @dev keccak256(abi.encodePacked(keys, msg.data)): whatever is read below stands in either.
    function _seedOf(bytes memory keys) private pure returns (bytes32 seed) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := mload(keys)
            mcopy(free, add(keys, 0x20), size)
            calldatacopy(add(free, size), 0x00, calldatasize())
            seed := keccak256(free, add(size, calldatasize()))
        }
    }

    /// @dev One, then the upper halves of keccak256(abi.encode(seed, i)).
    function _coefficients(bytes32 seed, uint256 count) private pure returns (uint256[] memory coefficients) {
        coefficients = new uint256[](count);
        coefficients[0] = 1;
        for (uint256 i = 1; i < count; ++i) {
            uint256 coefficient;
            assembly ("memory-safe") {
                mstore(0x00, seed)
                mstore(0x20, i)
                coefficient := shr(128, keccak256(0x00, 0x40))
            }
            coefficients[i] = coefficient;
        }
    }

    /// @dev Pairs (r_i A_i, B_i). The pairing refuses an A off the curve that is not multiplied.
    function _putFirsts(
        bytes memory input,
        uint256[8][] calldata proofs,
        uint256[] memory coefficients
    ) private view returns (bool valid) {
        valid = true;
        for (uint256 i = 0; i < proofs.length; ++i) {
            uint256[8] calldata proof = proofs[i];
            uint256 coefficient = coefficients[i];
            assembly ("memory-safe") {
                let pair := add(add(input, 0x20), mul(i, PAIR_BYTES))
                calldatacopy(pair, proof, 0x40)
                if iszero(eq(coefficient, 1)) {
                    mstore(add(pair, 0x40), coefficient)
                    valid := and(valid, staticcall(gas(), 0x07, pair, 0x60, pair, 0x40))
                }
                calldatacopy(add(pair, 0x40), add(proof, 0x40), 0x80)
            }
        }
    }

    /// @dev Pairs (sum_k r_i C_i, -delta_k), after those with beta and -gamma.
    function _putLasts(
        bytes memory input,
        Group[] calldata groups,
        bytes memory keys,
        uint256[8][] calldata proofs,
        uint256[] memory coefficients
    ) private view returns (bool valid) {
        valid = true;
        uint256 i;
        for (uint256 k = 0; k < groups.length; ++k) {
            uint256[5] memory sum;
            for (uint256 to = i + groups[k].proofs; i < to; ++i) {
                uint256[8] calldata proof = proofs[i];
                assembly ("memory-safe") {
                    calldatacopy(add(sum, 0x40), add(proof, 0xc0), 0x40)
                }
                valid = _addProduct(sum, coefficients[i]) && valid;
            }
            _putPair(input, proofs.length + 2 + k, sum, keys, k * KEY_BYTES + DELTA);
        }
    }

    /// @dev Pairs with beta and -gamma, which all keys share.
    function _putShared(
        bytes memory input,
        Group[] calldata groups,
        bytes memory keys,
        uint256[3][] calldata publicSignals,
        uint256[] memory coefficients
    ) private view returns (bool valid) {
        valid = true;
        uint256[5] memory sum;
        uint256 total;
        uint256 i;
        for (uint256 k = 0; k < groups.length; ++k) {
            uint256[4] memory scalars;
            for (uint256 to = i + groups[k].proofs; i < to; ++i) {
                _weigh(scalars, coefficients[i], publicSignals[i]);
            }
            for (uint256 j = 0; j <= SIGNALS; ++j) {
                _take(sum, keys, k * KEY_BYTES + CONSTANT + j * POINT_BYTES);
                valid = _addProduct(sum, scalars[j]) && valid;
            }
            total += scalars[0]; // at most 128 coefficients of 128 bits
        }
        _putPair(input, coefficients.length + 1, sum, keys, GAMMA);
        uint256[5] memory alpha;
        _take(alpha, keys, 0);
        valid = _addProduct(alpha, total) && valid;
        _putPair(input, coefficients.length, alpha, keys, BETA);
    }

    /// @dev Factors of a key's points: sum of the coefficients, and of their products with each signal.
    function _weigh(uint256[4] memory scalars, uint256 coefficient, uint256[3] calldata signals) private pure {
        uint256 p = Statement.SCALAR_FIELD;
        scalars[0] = addmod(scalars[0], coefficient, p);
        scalars[1] = addmod(scalars[1], mulmod(coefficient, signals[0], p), p);
        scalars[2] = addmod(scalars[2], mulmod(coefficient, signals[1], p), p);
        scalars[3] = addmod(scalars[3], mulmod(coefficient, signals[2], p), p);
    }

    /// @dev Puts a key's point where the next product is made of it.
    function _take(uint256[5] memory sum, bytes memory keys, uint256 offset) private pure {
        assembly ("memory-safe") {
            mcopy(add(sum, 0x40), add(add(keys, 0x20), offset), 0x40)
        }
    }

    /// @notice Adds a multiple of the point in words 2 and 3 to the sum in words 0 and 1.
    /// @dev As the precompiles of EIP-196 take and leave them; the addition refuses points off the curve also where there is
    /// nothing to multiply.
    function _addProduct(uint256[5] memory sum, uint256 factor) private view returns (bool valid) {
        assembly ("memory-safe") {
            let point := add(sum, 0x40)
            valid := 1
            if iszero(eq(factor, 1)) {
                mstore(add(sum, 0x80), factor)
                valid := staticcall(gas(), 0x07, point, 0x60, point, 0x40)
            }
            valid := and(staticcall(gas(), 0x06, sum, 0x80, sum, 0x40), valid)
        }
    }

    /// @dev A sum, and the point of the second group that stands there in the keys.
    function _putPair(
        bytes memory input,
        uint256 index,
        uint256[5] memory sum,
        bytes memory keys,
        uint256 offset
    ) private pure {
        assembly ("memory-safe") {
            let pair := add(add(input, 0x20), mul(index, PAIR_BYTES))
            mcopy(pair, sum, 0x40)
            mcopy(add(pair, 0x40), add(add(keys, 0x20), offset), 0x80)
        }
    }

    function _pairs(bytes memory input) private view returns (bool one) {
        assembly ("memory-safe") {
            mstore(0x00, 0)
            one := staticcall(gas(), 0x08, add(input, 0x20), mload(input), 0x00, 0x20)
            one := and(and(one, eq(returndatasize(), 0x20)), eq(mload(0x00), 1))
        }
    }
}
