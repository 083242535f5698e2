package main

import (
	"encoding/json"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// verify: e(-A, B) · e(alpha, beta) · e(Σ signal·point, gamma) · e(C, delta) = 1.
func (p *proof) verify(key *provingKey, publicSignals []fr.Element) bool {
	combination := new(bn254.G1Jac).FromAffine(&key.publicPoints[0])
	for i := range publicSignals {
		// They are raw, as a big integer wants them.
		signal := rawBigInt(&publicSignals[i])
		point := new(bn254.G1Jac).FromAffine(&key.publicPoints[i+1])
		combination.AddAssign(point.ScalarMultiplication(point, signal))
	}
	var statement, minusA bn254.G1Affine
	statement.FromJacobian(combination)
	minusA.Neg(&p.a)
	valid, err := bn254.PairingCheck(
		[]bn254.G1Affine{minusA, key.alpha1, statement, p.c},
		[]bn254.G2Affine{p.b, key.beta2, key.gamma2, key.delta2},
	)
	return err == nil && valid && p.b.IsInSubGroup()
}

// MarshalJSON writes a proof as snarkjs does.
func (p *proof) MarshalJSON() ([]byte, error) {
	text := func(coordinate *fp.Element) string { return coordinate.BigInt(new(big.Int)).String() }
	return json.Marshal(map[string]any{
		"protocol": "groth16",
		"curve":    "bn128",
		"pi_a":     []string{text(&p.a.X), text(&p.a.Y), "1"},
		"pi_b":     [][]string{{text(&p.b.X.A0), text(&p.b.X.A1)}, {text(&p.b.Y.A0), text(&p.b.Y.A1)}, {"1", "0"}},
		"pi_c":     []string{text(&p.c.X), text(&p.c.Y), "1"},
	})
}

func rawBigInt(number *fr.Element) *big.Int {
	bytes := slices.Clone(bytesOf(number[:]))
	slices.Reverse(bytes)
	return new(big.Int).SetBytes(bytes)
}
