pragma circom 2.2.3;

/**
 * @notice The fewest bits that hold VALUE, at least 1. VALUE is a compile-time number below 2^253.
 *         The loop divides because circom reads a compared number above p / 2 as negative.
 */
function bitWidth(VALUE) {
    var bits = 1;
    var rest = VALUE \ 2;
    while (rest != 0) {
        rest = rest \ 2;
        bits++;
    }
    assert(bits <= 253);
    return bits;
}
