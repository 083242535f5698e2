// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement} from "../src/generated/Words.sol";
import {Inbox} from "../src/market/Inbox.sol";

/// @notice Whatever an inbox holds already, and whatever is appended.
contract InboxProperties {
    using Inbox for Inbox.Chain;

    Inbox.Chain private chain;

    function append(bytes32 marketId, ObservationElement word) external returns (uint256) {
        return chain.append(marketId, word);
    }

    function start(uint256 count, bytes32 head) private {
        chain.lastWordAndCount = count;
        chain.checkpoints[count % 32 == 0 ? count : count % 64] = head;
    }

    /// @custom:twin market/Inbox.sol ~> = extend(previous, observation); ~> = extend(bytes32(0), observation);
    function check_headFollowsFromHeadAndWord(uint32 count, bytes32 head, uint256 word) external {
        if (count == 0) return;
        start(count, head);
        try this.append(0, ObservationElement.wrap(word)) returns (uint256 after_) {
            (bytes32 latest, uint256 held, ObservationElement last) = chain.latest();
            assert(after_ == uint256(count) + 1 && held == after_);
            assert(latest == keccak256(abi.encode(head, word)));
            assert(ObservationElement.unwrap(last) == word);
        } catch {}
    }

    /// @custom:twin market/Inbox.sol ~> if (word > limit) revert InboxWordOutOfRange(word, limit); ~>
    function check_wordsThatWouldReachTheCountAreRefused(uint32 count, uint256 word) external {
        start(count, 0);
        try this.append(0, ObservationElement.wrap(word)) {
            assert(word < 2 ** 216);
        } catch {
            assert(word >= 2 ** 216);
        }
    }

    /// @custom:twin market/Inbox.sol ~> uint256 internal constant RING = 64; ~> uint256 internal constant RING = 1;
    function check_theHeadBeforeIsKept(uint32 count, bytes32 head, uint200 word) external {
        if (count == 0) return;
        start(count, head);
        chain.append(0, ObservationElement.wrap(word));
        assert(chain.checkpoint(count) == head);
    }
}
