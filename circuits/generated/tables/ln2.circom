pragma circom 2.2.3;

// Written by scripts/generateTables.ts; do not edit.

// floor(ln(2) * 2^200)
function ln2() {
    return 1113844574712631719546256151097547306333272293549090750737802;
}

function ln2Bits() {
    return 200;
}
