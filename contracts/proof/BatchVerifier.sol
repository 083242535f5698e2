// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {Statement} from "../statement/Statement.sol";
import {CanonicalProof} from "./CanonicalProof.sol";
import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IGroth16Verifier} from "./IGroth16Verifier.sol";

/// @title BatchVerifier
/// @notice Random linear combination of Groth16 equations:
/// prod e(r_i A_i, B_i) * e(-sum r_i alpha, beta) * e(sum r_i V_i, -gamma) * e(sum r_i C_i, -delta) = 1,
/// where V_i is the key's point for the signals of proof i.
/// @dev r_1 = 1 and the others are 128 bits of a hash of the key, all proofs and all signals together, so nobody knows a
/// coefficient before every proof and signal is fixed. A coefficient that a prover could foresee would let two false
/// statements cancel; with these a false batch passes with probability 2^-128. One bad proof fails the whole batch.
contract BatchVerifier is IBatchVerifier {
    /// @notice Proofs that one call takes; more would not fit a block's gas anyhow.
    uint256 public constant MOST_PROOFS = 128;

    uint256 private constant KEY_BYTES = 22 * 32;
    /// @dev Reading the key costs a cold account and its constants.
    uint256 private constant KEY_GAS = 30_000;
    uint256 private constant BETA = 2;
    uint256 private constant GAMMA = 6;
    uint256 private constant DELTA = 10;
    uint256 private constant PUBLIC_POINTS = 14;
    uint256 private constant SIGNALS = 3;
    uint256 private constant PAIR_WORDS = 6;

    /// @dev Points and scalars as the precompiles of EIP-196 and EIP-197 take and leave them; `valid` falls once and stays.
    struct Sum {
        uint256[5] words; // the sum, then a point and its factor
        bool valid;
    }

    /// @inheritdoc IBatchVerifier
    function verifyProofs(
        address verifier,
        uint256[8][] calldata proofs,
        uint256[3][] calldata publicSignals
    ) external view returns (bool) {
        uint256 count = proofs.length;
        if (count == 0 || count > MOST_PROOFS || count != publicSignals.length) return false;
        if (!_wellFormed(proofs, publicSignals)) return false;
        (bool known, uint256[22] memory key) = _keyOf(verifier);
        if (!known) return false;
        uint256[] memory coefficients = _coefficients(key, proofs, publicSignals);
        uint256[] memory input = new uint256[]((count + 3) * PAIR_WORDS);
        bool valid = _putProofs(input, proofs, coefficients);
        valid = _putKey(input, count, key, _scalars(coefficients, publicSignals)) && valid;
        return valid && _pairs(input);
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
            for { let i := 0 } lt(i, 0x100) { i := add(i, 0x20) } {
                well := and(well, lt(calldataload(add(proof, i)), q))
            }
            for { let i := 0 } lt(i, 0x60) { i := add(i, 0x20) } {
                well := and(well, lt(calldataload(add(signals, i)), p))
            }
        }
    }

    function _keyOf(address verifier) private view returns (bool known, uint256[22] memory key) {
        bytes4 selector = IGroth16Verifier.verificationKey.selector;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            let answered := staticcall(KEY_GAS, verifier, 0x00, 0x04, key, KEY_BYTES)
            known := and(answered, eq(returndatasize(), KEY_BYTES))
        }
    }

    function _coefficients(
        uint256[22] memory key,
        uint256[8][] calldata proofs,
        uint256[3][] calldata publicSignals
    ) private pure returns (uint256[] memory coefficients) {
        bytes32 seed = keccak256(abi.encode(key, proofs, publicSignals));
        coefficients = new uint256[](proofs.length);
        coefficients[0] = 1;
        for (uint256 i = 1; i < coefficients.length; ++i) {
            coefficients[i] = uint256(keccak256(abi.encode(seed, i))) >> 128;
        }
    }

    /// @dev Factors of the key's points: sum of the coefficients, and of their products with each signal.
    function _scalars(
        uint256[] memory coefficients,
        uint256[3][] calldata publicSignals
    ) private pure returns (uint256[4] memory scalars) {
        for (uint256 i = 0; i < coefficients.length; ++i) {
            _weigh(scalars, coefficients[i], publicSignals[i]);
        }
    }

    function _weigh(uint256[4] memory scalars, uint256 coefficient, uint256[3] calldata signals) private pure {
        uint256 p = Statement.SCALAR_FIELD;
        scalars[0] = addmod(scalars[0], coefficient, p);
        scalars[1] = addmod(scalars[1], mulmod(coefficient, signals[0], p), p);
        scalars[2] = addmod(scalars[2], mulmod(coefficient, signals[1], p), p);
        scalars[3] = addmod(scalars[3], mulmod(coefficient, signals[2], p), p);
    }

    /// @dev Pairs (r_i A_i, B_i), and sum r_i C_i where its pair will stand.
    function _putProofs(
        uint256[] memory input,
        uint256[8][] calldata proofs,
        uint256[] memory coefficients
    ) private view returns (bool) {
        Sum memory sum;
        sum.valid = true;
        for (uint256 i = 0; i < proofs.length; ++i) {
            uint256[8] calldata proof = proofs[i];
            Sum memory scaled;
            scaled.valid = true;
            _addProduct(scaled, proof[0], proof[1], coefficients[i]);
            _putPoint(input, i, scaled);
            _putSecond(input, i, proof);
            _addProduct(sum, proof[6], proof[7], coefficients[i]);
            sum.valid = sum.valid && scaled.valid;
        }
        _putPoint(input, proofs.length + 2, sum);
        return sum.valid;
    }

    /// @dev B of a proof where its pair stands.
    function _putSecond(uint256[] memory input, uint256 pair, uint256[8] calldata proof) private pure {
        assembly ("memory-safe") {
            calldatacopy(add(add(input, 0x60), mul(pair, 0xc0)), add(proof, 0x40), 0x80)
        }
    }

    /// @dev Pairs with beta and -gamma, and the -delta of the last pair.
    function _putKey(
        uint256[] memory input,
        uint256 count,
        uint256[22] memory key,
        uint256[4] memory scalars
    ) private view returns (bool) {
        Sum memory alpha;
        alpha.valid = true;
        _addProduct(alpha, key[0], key[1], scalars[0]);
        _putPoint(input, count, alpha);
        Sum memory signals;
        signals.valid = alpha.valid;
        for (uint256 i = 0; i <= SIGNALS; ++i) {
            uint256 point = PUBLIC_POINTS + 2 * i;
            _addProduct(signals, key[point], key[point + 1], scalars[i]);
        }
        _putPoint(input, count + 1, signals);
        for (uint256 j = 0; j < 4; ++j) {
            input[count * PAIR_WORDS + 2 + j] = key[BETA + j];
            input[(count + 1) * PAIR_WORDS + 2 + j] = key[GAMMA + j];
            input[(count + 2) * PAIR_WORDS + 2 + j] = key[DELTA + j];
        }
        return signals.valid;
    }

    function _putPoint(uint256[] memory input, uint256 pair, Sum memory point) private pure {
        input[pair * PAIR_WORDS] = point.words[0];
        input[pair * PAIR_WORDS + 1] = point.words[1];
    }

    /// @dev sum += factor * (x, y); the addition refuses points off the curve also where there is nothing to multiply.
    function _addProduct(Sum memory sum, uint256 x, uint256 y, uint256 factor) private view {
        uint256[5] memory words = sum.words;
        bool valid;
        assembly ("memory-safe") {
            let point := add(words, 0x40)
            mstore(point, x)
            mstore(add(words, 0x60), y)
            mstore(add(words, 0x80), factor)
            valid := 1
            if iszero(eq(factor, 1)) {
                valid := staticcall(gas(), 0x07, point, 0x60, point, 0x40)
            }
            valid := and(staticcall(gas(), 0x06, words, 0x80, words, 0x40), valid)
        }
        sum.valid = sum.valid && valid;
    }

    function _pairs(uint256[] memory input) private view returns (bool one) {
        assembly ("memory-safe") {
            mstore(0x00, 0)
            one := staticcall(gas(), 0x08, add(input, 0x20), shl(5, mload(input)), 0x00, 0x20)
            one := and(and(one, eq(returndatasize(), 0x20)), eq(mload(0x00), 1))
        }
    }
}
