pragma circom 2.2.3;

include "comparators.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/SignedDivDown.circom";
include "layout.circom";

/**
 * @title  ExpiryGreeks
 * @notice Greeks of an account in one expiry, from sums over its strikes. Claim: L4.
 * @input  nd1Sum, pdfSum, gammaSum, thetaSum, putsE12  []  sums, see SegmentSums
 * @input  forwardE8, sqrtTauX40, secondsToExpiry       []  of the header: 52, 41 and 26 bits
 * @input  markM       []  undiscounted value, 83 bits and a sign
 * @output deltaE12X20, gammaE20, vegaE20X60, thetaE20X20, rhoE20X20  []  84, 139, 175, 165 and 163 bits and a sign; rho
 *         times the seconds of a year
 *
 * delta = sum N(d1) - puts; gamma = sum (pdf / v) / F; vega = F * sqrt(tau) * sum pdf; theta = -F * sum (pdf * v) / (2 tau),
 * its last second counting as one; rho = tau * (F * delta - value), since K * N(d2) = F * N(d1) - call. Every sum is cut
 * once, to E12X20, downwards; the quotients of gamma and theta are rounded down as well.
 */
template ExpiryGreeks() {
    signal input nd1Sum, pdfSum, gammaSum, thetaSum, putsE12;
    signal input {maxbit} forwardE8, sqrtTauX40, secondsToExpiry;
    signal input {signedbit} markM;
    signal output {signedbit} deltaE12X20, gammaE20, vegaE20X60, thetaE20X20, rhoE20X20;

    assert(forwardE8.maxbit <= 52 && sqrtTauX40.maxbit <= 41 && secondsToExpiry.maxbit <= 26);
    assert(markM.signedbit <= 83);

    var FRACTION_BITS = 20;
    // Quantities add up to less than 2^62; N(d1) lies within [0, 1], the density below 1/2, each but for its table's error.
    component delta = FloorAndSign(callFractionBits() - FRACTION_BITS);
    delta.in <== AssumeSigned(190)(nd1Sum - putsE12 * 2 ** callFractionBits());
    component pdf = FloorAndSign(pdfFractionBits() - FRACTION_BITS);
    pdf.in <== AssumeSigned(195)(pdfSum);
    // Raw values of a leaf are below 2^180.
    component gamma = FloorAndSign(gammaFractionBits() - FRACTION_BITS);
    gamma.in <== AssumeSigned(242)(gammaSum);
    component theta = FloorAndSign(thetaFractionBits() - FRACTION_BITS);
    theta.in <== AssumeSigned(242)(thetaSum);

    deltaE12X20 <== delta.out; // 190 - 106 bits

    signal {signedbit} gammaNumerator <== AssumeSigned(159)(gamma.out * 10 ** 16); // 105 + 54 bits
    signal {maxbit} gammaDenominator <== AssumeBits(72)(forwardE8 * 2 ** FRACTION_BITS);
    gammaE20 <== SignedDivDown(139)(gammaNumerator, gammaDenominator); // at least 2^20 divides 159 bits

    signal pdfForward <== pdf.out * forwardE8;
    vegaE20X60 <== AssumeSigned(175)(pdfForward * sqrtTauX40); // 82 + 52 + 41 bits

    signal isLastSecond <== IsZero()(secondsToExpiry);
    signal {maxbit} twiceSeconds <== AssumeBits(27)(2 * (secondsToExpiry + isLastSecond));
    signal thetaForward <== theta.out * forwardE8;
    signal {signedbit} thetaNumerator <== AssumeSigned(166)(-thetaForward * 31536000); // 89 + 52 + 25 bits
    thetaE20X20 <== SignedDivDown(165)(thetaNumerator, twiceSeconds); // at least 2 divides 166 bits

    signal deltaForward <== deltaE12X20 * forwardE8;
    // 26 bits times the difference of 84 + 52 and of 83 + 52.
    rhoE20X20 <== AssumeSigned(163)(secondsToExpiry * (deltaForward - markM * 2 ** (32 + FRACTION_BITS)));
}
