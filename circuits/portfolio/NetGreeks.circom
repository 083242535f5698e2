pragma circom 2.2.3;

include "../generated/words/SpotGreeks.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "../math/SaturateSigned.circom";
include "AccountMargins.circom";
include "BookTotals.circom";

/**
 * @title  NetGreeks
 * @notice Greeks of a book in the units of their words, rounded down; gamma and theta saturate. Claim: L4.
 * @input  bookTotals  []
 * @output spotFields  []  delta 64 bits and a sign, gamma 83, vega 79
 * @output thetaE8, rhoE8  []  79 bits and a sign each
 */
template NetGreeks() {
    input BookTotals() bookTotals;
    output SpotGreeksFields() spotFields;
    signal output {signedbit} thetaE8, rhoE8;

    component delta = FloorAndSign(20);
    delta.in <== bookTotals.deltaE12X20;
    spotFields.deltaE12 <== delta.out;
    spotFields.gammaE20 <== SaturateSigned(83)(bookTotals.gammaE20);
    component vega = FloorToUnit(72, fiveToTwelve(), 79);
    vega.in <== bookTotals.vegaE20X60;
    spotFields.vegaE8 <== vega.out;

    component theta = FloorToUnit(32, fiveToTwelve(), 109);
    theta.in <== bookTotals.thetaE20X20;
    thetaE8 <== SaturateSigned(79)(theta.out);
    component rho = FloorToUnit(39, fiveToTwelve() * 246375, 79); // a year has 2^7 * 246375 seconds
    rho.in <== bookTotals.rhoE20X20;
    rhoE8 <== rho.out;
}
