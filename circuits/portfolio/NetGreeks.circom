pragma circom 2.2.3;

include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "../math/SaturateSigned.circom";
include "AccountMargins.circom";

/**
 * @title  NetGreeks
 * @notice Greeks of a book in the units of their words, rounded down; gamma and theta saturate. Claim: L4.
 * @input  greeks  [5]  delta E12X20, gamma E20, vega E20X60, theta E20X20, rho E20X20 times the seconds of a year
 * @output deltaE12, gammaE20, vegaE8, thetaE8, rhoE8  []  signedbit 64, 83, 79, 79, 79
 *
 * Bit budget: quantities below 2^62 in all bound the sums over expiries as they bound each expiry (ExpiryGreeks), but
 * for one unit of rounding an expiry: a bit more holds them. A year has 2^7 * 246375 seconds.
 */
template NetGreeks() {
    signal input greeks[5];
    signal output {signedbit} deltaE12, gammaE20, vegaE8, thetaE8, rhoE8;

    component delta = FloorAndSign(20);
    delta.in <== AssumeSigned(84)(greeks[0]);
    deltaE12.signedbit = 64;
    deltaE12 <== delta.out;

    component gamma = SaturateSigned(83);
    gamma.in <== AssumeSigned(140)(greeks[1]);
    gammaE20.signedbit = 83;
    gammaE20 <== gamma.out;

    component vega = FloorToUnit(72, fiveToTwelve(), 79);
    vega.in <== AssumeSigned(176)(greeks[2]);
    vegaE8.signedbit = 79;
    vegaE8 <== vega.out;

    component wideTheta = FloorToUnit(32, fiveToTwelve(), 109);
    wideTheta.in <== AssumeSigned(167)(greeks[3]);
    component theta = SaturateSigned(79);
    theta.in <== wideTheta.out;
    thetaE8.signedbit = 79;
    thetaE8 <== theta.out;

    component rho = FloorToUnit(39, fiveToTwelve() * 246375, 79);
    rho.in <== AssumeSigned(163)(greeks[4]);
    rhoE8.signedbit = 79;
    rhoE8 <== rho.out;
}
