import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

/** Calls whom it was told to from within the next transfer. */
export const reentrantCoin = compileContract(
  'Coin',
  `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Coin is ERC20("Coin", "COIN") {
    address private _target;
    bytes private _call;
    function mint(address holder, uint256 amount) external { _mint(holder, amount); }
    function arm(address target, bytes calldata call_) external { (_target, _call) = (target, call_); }
    function decimals() public pure override returns (uint8) { return 6; }
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target == address(0)) return;
        (bool done, bytes memory answer) = _target.call(_call);
        if (!done) assembly { revert(add(answer, 0x20), mload(answer)) }
    }
}`,
)
