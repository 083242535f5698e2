pragma circom 2.2.3;

include "../generated/words/CollateralAmount.circom";
include "../generated/words/Holdings.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "layout.circom";

/**
 * @title  AccountHoldings
 * @notice What an account owns and what margin it needs whatever the scenario. Claims: L7, L9.
 * @input  holdings, collateralAmounts  [], [2]  words of the account
 * @input  totals  [43]  of its book
 * @input  round terms, see RoundTerms
 * @output hedgeM  []  perpetuals and collateral that move one for one with spot; floored; 87 bits and a sign
 * @output equityE20X60  []  mark, collateral, cash and unrealised gains; exact; 180 bits and a sign
 * @output maintenanceContingencyE20X60, initialContingencyE20X60  []  exact; 181 bits
 * @output confidenceE20X100  []  exact; 225 bits
 *
 * Bit budget: an amount of 62 bits times 73 bits of price, eight times, is 138 bits; haircuts and shortfalls add 41,
 * the confidence margin 45 more.
 */
template AccountHoldings() {
    signal input holdings, collateralAmounts[2], totals[totalElements()];
    signal input spotE8, perpPriceE8;
    signal input valueE8X20[8], movingE8X20[8], maintenanceE8X60[8], initialE8X60[8], uncertainE8X60[8];
    signal input perpShortfallX40;
    signal input maintenancePerpX40, initialPerpX40, maintenanceOptionX40, initialOptionX40, confidenceMarginX40;
    signal output hedgeM, equityE20X60, maintenanceContingencyE20X60, initialContingencyE20X60, confidenceE20X100;

    component held = UnpackHoldings();
    held.word <== holdings;
    assert(held.fields.perpsE12.signedbit <= 60);
    assert(held.fields.cashE12.signedbit <= 90);
    component amountBits = CollateralAmountBits(8);
    amountBits.words <== collateralAmounts;
    component amounts[8];
    signal amountE12[8];
    for (var i = 0; i < 8; i++) {
        amounts[i] = CollateralAmountOfBits();
        amounts[i].bits <== amountBits.bits[i];
        assert(amounts[i].fields.amountE12.maxbit <= 62);
        amountE12[i] <== amounts[i].fields.amountE12;
    }

    signal value[8], moving[8], maintenance[8], initial[8], uncertain[8];
    var values = 0;
    var movings = 0;
    var maintenances = 0;
    var initials = 0;
    var uncertains = 0;
    for (var i = 0; i < 8; i++) {
        value[i] <== amountE12[i] * valueE8X20[i];
        moving[i] <== amountE12[i] * movingE8X20[i];
        maintenance[i] <== amountE12[i] * maintenanceE8X60[i];
        initial[i] <== amountE12[i] * initialE8X60[i];
        uncertain[i] <== amountE12[i] * uncertainE8X60[i];
        values += value[i];
        movings += moving[i];
        maintenances += maintenance[i];
        initials += initial[i];
        uncertains += uncertain[i];
    }

    signal perpValueE20 <== held.fields.perpsE12 * perpPriceE8;
    component hedge = FloorAndSign(52);
    hedge.in <== AssumeSigned(139)(perpValueE20 * 2 ** 20 + movings);
    hedgeM <== hedge.out;

    equityE20X60 <== totals[totalMark()] * 2 ** 52 + values * 2 ** 40
        + (held.fields.cashE12 + held.fields.perpPnlE12) * (10 ** 8 * 2 ** 60);

    component perps = FloorAndSign(0);
    perps.in <== held.fields.perpsE12;
    signal perpsMagnitude <== (1 - 2 * perps.negative) * held.fields.perpsE12;
    signal perpNotionalE20 <== perpsMagnitude * spotE8;
    signal nakedNotionalE20 <== totals[totalNakedShort()] * spotE8;

    signal maintenancePerp <== perpNotionalE20 * maintenancePerpX40;
    signal maintenanceOption <== nakedNotionalE20 * maintenanceOptionX40;
    maintenanceContingencyE20X60 <== (maintenancePerp + maintenanceOption) * 2 ** 20 + maintenances;
    signal initialPerp <== perpNotionalE20 * initialPerpX40;
    signal initialOption <== nakedNotionalE20 * initialOptionX40;
    initialContingencyE20X60 <== (initialPerp + initialOption) * 2 ** 20 + initials;

    signal uncertainOptions <== totals[totalShortfall()] * spotE8;
    signal uncertainPerps <== perpNotionalE20 * perpShortfallX40;
    confidenceE20X100 <== ((uncertainOptions + uncertainPerps) * 2 ** 20 + uncertains) * confidenceMarginX40;
}
