pragma circom 2.2.3;

include "../math/AssumeBits.circom";

/**
 * @title  Keep
 * @notice The new value where the prediction was due, the old one otherwise.
 * @param  BITS  width of both
 * @input  due       []  boolean
 * @input  new, old  []  at most BITS wide
 * @output out       []  maxbit = BITS
 */
template Keep(BITS) {
    signal input due;
    signal input {maxbit} new, old;
    signal output {maxbit} out;

    assert(new.maxbit <= BITS);
    assert(old.maxbit <= BITS);
    signal change <== due * (new - old);
    out <== AssumeBits(BITS)(old + change); // one of the two
}
