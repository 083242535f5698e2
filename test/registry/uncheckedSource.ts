/** A source that appends whatever it is told: what a careless adapter could do to the registry, which must cope. */
import { type CompiledContract, compileContract } from '../../scripts/tools/chains/compileContract.ts'

const source = (parts: string): string => `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {Inbox} from "contracts/market/Inbox.sol";
import {ObservationElement} from "contracts/generated/Words.sol";
import {IObservationSource} from "contracts/market/IObservationSource.sol";
contract UncheckedSource is IObservationSource {
    using Inbox for Inbox.Chain;
    mapping(bytes32 marketId => Inbox.Chain) private _inbox;
    bool public silent;
    ${parts}
    function append(bytes32 marketId, uint256 word) external {
        ObservationElement observation = ObservationElement.wrap(word);
        emit ObservationAppended(marketId, _inbox[marketId].append(marketId, observation), observation);
    }
    function fallSilent() external { silent = true; }
    function latest(bytes32 marketId) external view returns (bytes32 head, uint256 count, uint256 asOf, ObservationElement lastWord) {
        (head, count, lastWord) = _inbox[marketId].latest();
        asOf = lastWord.asOf();
    }
    function checkpoints(bytes32[] calldata ids, uint256[] calldata counts) external view returns (bytes32[] memory heads) {
        heads = new bytes32[](silent ? 0 : ids.length);
        for (uint256 i = 0; i < heads.length; ++i) heads[i] = _inbox[ids[i]].checkpoint(counts[i]);
    }
}`

/** @param parts - further members in Solidity: what it says of its scale */
export const uncheckedSource = (parts = ''): CompiledContract => compileContract('UncheckedSource', source(parts))
