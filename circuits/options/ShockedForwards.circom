pragma circom 2.2.3;

include "bitify.circom";
include "../math/Add.circom";
include "../math/AssumeEachBits.circom";
include "../math/LnDown.circom";
include "../math/MulDown.circom";

/**
 * @title  ShockedForwards
 * @notice The twenty forwards of an expiry, floor(variable * shock) + fixed, and their logarithms. Claim: B1.
 * @input  variable, fixed  []    E8, 48 bits
 * @input  shocks           [20]  X40, 43 bits; 0 and 4 are the unshocked ones and must be 1
 * @output forwards         [20]  E8, 52 bits; one of 0 has no witness
 * @output lnForwardX36     []    of the unshocked forward, 42 bits
 * @output lnForwardX32     []    the same, cut
 * @output lnForwardsX26    [20]  32 bits
 */
template ShockedForwards() {
    signal input {maxbit} variable, fixed, shocks[20];
    signal output {maxbit} forwards[20], lnForwardX36, lnForwardsX26[20];
    signal output lnForwardX32;

    assert(variable.maxbit == 48 && fixed.maxbit == 48 && shocks.maxbit == 43);
    shocks[0] === 2 ** 40;
    shocks[4] === 2 ** 40;
    signal {maxbit} unshocked <== Add()(variable, fixed);
    lnForwardX36 <== LnDown(36)(unshocked);
    signal bits[42] <== Num2Bits(42)(lnForwardX36);
    var cutX32 = 0;
    var cutX26 = 0;
    for (var i = 41; i >= 4; i--) {
        cutX32 += cutX32 + bits[i];
        if (i >= 10) {
            cutX26 += cutX26 + bits[i];
        }
    }
    lnForwardX32 <== cutX32;

    signal eachForward[20], eachLn[20];
    component moved[20];
    component forward[20];
    component ln[20];
    for (var j = 0; j < 20; j++) {
        if (j == 0 || j == 4) {
            eachForward[j] <== unshocked;
            eachLn[j] <== cutX26;
        } else {
            moved[j] = MulDown(40);
            moved[j].a <== variable;
            moved[j].b <== shocks[j];
            forward[j] = Add(); // 51 and 48 bits
            forward[j].a <== moved[j].out;
            forward[j].b <== fixed;
            assert(forward[j].out.maxbit <= 52);
            eachForward[j] <== forward[j].out;
            ln[j] = LnDown(26);
            ln[j].in <== forward[j].out;
            assert(ln[j].out.maxbit <= 32);
            eachLn[j] <== ln[j].out;
        }
    }
    forwards <== AssumeEachBits(52, 20)(eachForward);
    lnForwardsX26 <== AssumeEachBits(32, 20)(eachLn);
}
