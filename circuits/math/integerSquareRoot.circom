pragma circom 2.2.3;

/**
 * @notice floor(sqrt(value)) for a witness hint, value < 2^248. Newton's iteration from above; it
 *         falls until it reaches the root. Never part of a constraint.
 */
function integerSquareRoot(value) {
    if (value == 0) {
        return 0;
    }
    var root = 1;
    var rest = value;
    while (rest > 0) {
        rest = rest \ 4;
        root += root;
    }
    var next = (root + value \ root) \ 2;
    while (next < root) {
        root = next;
        next = (root + value \ root) \ 2;
    }
    return root;
}
