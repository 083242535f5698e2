pragma circom 2.2.3;

// Written by scripts/generateTables.ts; do not edit.
// the same coarsely, for terms of second order, at scale 2^44:
// within 2^-15.36 of it.

function gridPdfCoarseArgumentBits() {
    return 16;
}

function gridPdfCoarseIndexBits() {
    return 4;
}

function gridPdfCoarseDegree() {
    return 3;
}

function gridPdfCoarseOffsetBits() {
    return [12, 12, 10];
}

function gridPdfCoarseResultBits() {
    return 44;
}

// The result at argument 0.
function gridPdfCoarseAtZero() {
    return 7017875834979;
}

function gridPdfCoarseCoefficients() {
    return [
        [
            6801874972771,
            -1504447775492,
            -3588671000522,
            -190927567659,
            -6243561021647,
            1106035295290,
            3066008656013,
            559874669218,
            -6801039561378,
            1503699145972,
            3587841941973,
            191670567496,
            6242725649026,
            -1105286702917,
            -3065179636183,
            -560617631960
        ],
        [
            -207652083,
            -277676986,
            -282647129,
            443642985,
            54227325,
            377069458,
            421856932,
            -531908902,
            207163999,
            278105626,
            283129619,
            -444066439,
            -53739264,
            -377498076,
            -422339399,
            532332334
        ],
        [
            -46822,
            29553,
            59809,
            -19568,
            63681,
            -38501,
            -74055,
            26535,
            46936,
            -29651,
            -59921,
            19664,
            -63795,
            38599,
            74167,
            -26631
        ],
        [
            6,
            6,
            1,
            -13,
            -9,
            -5,
            1,
            13,
            -6,
            -6,
            -1,
            13,
            9,
            5,
            -1,
            -13
        ]
    ];
}
