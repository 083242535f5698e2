pragma circom 2.2.3;

include "comparators.circom";

/**
 * @title  AllZero
 * @notice out = 1 if every bit is 0, else 0.
 * @param  N     number of bits, at least 1
 * @input  bits  [N]  binary by the caller's decomposition
 * @output out   []   binary
 *
 * Up to three bits a chain of products is as cheap as IsZero and has no hint. Beyond, IsZero of the
 * sum: the sum is at most N < p, so it vanishes only when every bit does. min(N - 1, 2) rows.
 * IsZero's inverse is free when out = 1; it reaches no other row. Claim: M6.
 */
template AllZero(N) {
    signal input bits[N];
    signal output {binary, maxbit} out;

    out.maxbit = 1;
    if (N <= 3) {
        signal clear[N];
        clear[0] <== 1 - bits[0];
        for (var i = 1; i < N; i++) {
            clear[i] <== clear[i - 1] * (1 - bits[i]);
        }
        out <== clear[N - 1];
    } else {
        var sum = 0;
        for (var i = 0; i < N; i++) {
            sum += bits[i];
        }
        out <== IsZero()(sum);
    }
}
