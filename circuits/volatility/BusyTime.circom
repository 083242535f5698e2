pragma circom 2.2.3;

include "bitify.circom";
include "../generated/busyHours.circom";
include "../math/AssumeBits.circom";
include "../math/BitsToNumber.circom";
include "../math/IndexProducts.circom";
include "../math/RangeCheck.circom";

/** Seconds a week: whole weeks since 1970 started on Thursdays. */
function weekSeconds() {
    return 604800;
}

/**
 * @title  WeekHour
 * @notice A time as weeks since 1970, day of the week (0 is a Thursday), hour and second: the one way to write it so.
 *         Claim: V4.
 * @input  asOf        []   at most 33 bits
 * @output weeks       []
 * @output dayBits     [3]  boolean, at most 6
 * @output hourBits    [5]  boolean, at most 23
 * @output secondBits  [12] boolean, at most 3599
 * @output isWeekend   []   boolean: Saturday and Sunday, days 2 and 3
 * @output daysOfWeekend []  how many such days of the week are over
 *
 * 2^33 / weekSeconds() is below 2^14 and 2^32 / weekSeconds() below 2^13; the parts cannot reach the field's modulus, so
 * the equation holds between integers, and mixed radices are unique.
 */
template WeekHour() {
    signal input {maxbit} asOf;
    signal output weeks, dayBits[3], hourBits[5], secondBits[12], isWeekend, daysOfWeekend;

    assert(asOf.maxbit <= 33);
    signal week <-- asOf \ weekSeconds();
    signal day <-- (asOf \ 86400) % 7;
    signal hour <-- (asOf \ 3600) % 24;
    signal {maxbit} boundedWeek <== RangeCheck(asOf.maxbit <= 32 ? 13 : 14)(week);
    weeks <== boundedWeek;
    dayBits <== Num2Bits(3)(day);
    hourBits <== Num2Bits(5)(hour);
    secondBits <== Num2Bits(12)(asOf - weeks * weekSeconds() - day * 86400 - hour * 3600);

    signal isThird <== dayBits[0] * dayBits[1]; // or would be 7
    isThird * dayBits[2] === 0; // day < 7
    hourBits[3] * hourBits[4] === 0; // hour < 24
    // 3600 = 3584 + 16: with the upper three bits set, the next five are not.
    signal upperTwo <== secondBits[11] * secondBits[10];
    signal upperThree <== upperTwo * secondBits[9];
    upperThree * (secondBits[8] + secondBits[7] + secondBits[6] + secondBits[5] + secondBits[4]) === 0; // second < 3600
    isWeekend <== dayBits[1] * (1 - dayBits[2]);
    daysOfWeekend <== isThird + 2 * dayBits[2];
}

/**
 * @title  HourOfTable
 * @notice The value of an hour on a weekday or a weekend. Claim: V4.
 * @param  TABLE  [6][8]  eight hours a row, coefficients by set of index bits
 * @input  products   [8]  of the hour's lower three bits
 * @input  upperBits  [2]  of the hour, not both set
 * @input  isWeekend  []
 * @output out        []
 */
template HourOfTable(TABLE) {
    signal input products[8], upperBits[2], isWeekend;
    signal output out;

    signal second[2];
    signal third[2];
    var value[2];
    for (var w = 0; w < 2; w++) {
        var row[3];
        for (var g = 0; g < 3; g++) {
            for (var j = 0; j < 8; j++) {
                row[g] += TABLE[3 * w + g][j] * products[j];
            }
        }
        second[w] <== upperBits[0] * (row[1] - row[0]);
        third[w] <== upperBits[1] * (row[2] - row[0]);
        value[w] = row[0] + second[w] + third[w];
    }
    signal more <== isWeekend * (value[1] - value[0]);
    out <== value[0] + more;
}

/**
 * @title  BusyTime
 * @notice Seconds since 1970, each counted by how busy its hour of the week usually is; over whole weeks the same as
 *         time. Claim: V4.
 * @input  asOf  []  at most 33 bits
 * @output out   []  X6, exact; 7 bits more
 *
 * No second counts for less than 33/64 or more than 112/64, so out is below 2^(asOf.maxbit + 7).
 */
template BusyTime() {
    signal input {maxbit} asOf;
    signal output {maxbit} out;

    component at = WeekHour();
    at.asOf <== asOf;
    signal products[8] <== IndexProducts(3)([at.hourBits[0], at.hourBits[1], at.hourBits[2]]);
    signal upperBits[2] <== [at.hourBits[3], at.hourBits[4]];
    signal rateX6 <== HourOfTable(busyRatesX6())(products, upperBits, at.isWeekend);
    signal beforeX6 <== HourOfTable(busyBeforeX6())(products, upperBits, at.isWeekend);

    signal {maxbit} day <== BitsToNumber(3, 0, 3)(at.dayBits);
    signal {maxbit} seconds <== BitsToNumber(12, 0, 12)(at.secondBits);
    var DIFFERENCE = busyWeekendX6() - busyWeekdayX6();
    signal ofHour <== seconds * rateX6;
    out <== AssumeBits(asOf.maxbit + 7)(
        at.weeks * weekSeconds() * 64 + day * busyWeekdayX6() + at.daysOfWeekend * DIFFERENCE + beforeX6 + ofHour
    );
}
