package main

import (
	"crypto/rand"
	"math/big"
	"math/bits"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// checkPoints makes sure that every point of the key lies in its group.
func (k *provingKey) checkPoints() error {
	for _, point := range []bn254.G1Affine{k.alpha1, k.beta1, k.delta1} {
		if point.IsInfinity() || !isG1(&point) {
			return malformed("a point of its header does not lie in the first group")
		}
	}
	for _, point := range []bn254.G2Affine{k.beta2, k.gamma2, k.delta2} {
		if point.IsInfinity() || !isOnTwist(&point) || !point.IsInSubGroup() {
			return malformed("a point of its header does not lie in the second group")
		}
	}
	for id, points := range map[int][]bn254.G1Affine{
		publicPointsSection: k.publicPoints, aSection: k.a.points, b1Section: k.b1.points, cSection: k.c.points, hSection: k.h.points,
	} {
		if !allOf(points, isG1) {
			return malformed("a point of section %d does not lie in the first group", id)
		}
	}
	if !allOf(k.b2.points, isOnTwist) || !k.isB2InSubgroup() {
		return malformed("a point of section %d does not lie in the second group", b2Section)
	}
	return nil
}

func allOf[Point any](points []Point, holds func(*Point) bool) bool {
	var fails atomic.Bool
	inParallel(len(points), func(from, to int) {
		for i := from; i < to && !fails.Load(); i++ {
			if !holds(&points[i]) {
				fails.Store(true)
			}
		}
	})
	return !fails.Load()
}

// isG1: the whole curve is the group.
func isG1(point *bn254.G1Affine) bool {
	return isCoordinate(&point.X) && isCoordinate(&point.Y) && point.IsOnCurve()
}

func isOnTwist(point *bn254.G2Affine) bool {
	return isCoordinate(&point.X.A0) && isCoordinate(&point.X.A1) &&
		isCoordinate(&point.Y.A0) && isCoordinate(&point.Y.A1) && point.IsOnCurve()
}

// isB2InSubgroup checks many points of the twist at once: random combinations of them all lie in the subgroup of order r, and if one
// point did not, a combination would with a chance of 2^-13 at most. The twist has 10069·5864401·… times r points, so a point
// outside still has an order of 10069 or more after multiplication by r, and of 2^13 successive coefficients at most one hides it.
func (k *provingKey) isB2InSubgroup() bool {
	const bits, combinations = 13, 5
	random := make([]fr.Element, k.wires)
	if _, err := rand.Read(bytesOf(random)); err != nil {
		panic(err)
	}
	var coefficients scalars
	coefficients.cut(random, bits)
	sums := make([]bn254.G2Jac, combinations)
	tasks := make(chan task, combinations)
	for i := range sums {
		tasks <- func(thread *thread) { sums[i] = thread.sumG2(&k.b2, coefficients.window(i)) }
	}
	close(tasks)
	perform(tasks)
	for i := range sums {
		if !sums[i].IsInSubGroup() {
			return false
		}
	}
	return true
}

// isCoordinate tells whether a coordinate is written in the one way that there should be.
func isCoordinate(element *fp.Element) bool { return isBelow((*[4]uint64)(element), &fpModulus) }

func isScalar(element *fr.Element) bool { return isBelow((*[4]uint64)(element), &frModulus) }

var fpModulus, frModulus = limbs(fp.Modulus()), limbs(fr.Modulus())

func isBelow(number, modulus *[4]uint64) bool {
	var borrow uint64
	for i := range number {
		_, borrow = bits.Sub64(number[i], modulus[i], borrow)
	}
	return borrow == 1
}

func limbs(number *big.Int) (result [4]uint64) {
	for i := range result {
		result[i] = new(big.Int).Rsh(number, uint(64*i)).Uint64()
	}
	return result
}
