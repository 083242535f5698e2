package main

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Numbers as witnesses have them, and the worst ones.
var kindsOfNumbers = map[string]func() *big.Int{
	"bits":    func() *big.Int { return big.NewInt(rand.Int64N(2)) },
	"narrow":  func() *big.Int { return big.NewInt(rand.Int64N(1 << rand.IntN(20))) },
	"limbs":   func() *big.Int { return new(big.Int).SetUint64(rand.Uint64()) },
	"any":     func() *big.Int { return randomScalar() },
	"largest": func() *big.Int { return new(big.Int).Sub(fr.Modulus(), big.NewInt(1+rand.Int64N(3))) },
	"ones":    func() *big.Int { return new(big.Int).Rsh(fr.Modulus(), uint(1+rand.IntN(250))) },
	"powers":  func() *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(rand.IntN(254))) },
	"zeros":   func() *big.Int { return new(big.Int) },
}

func someNumbers(n int, next func() *big.Int) (raw, montgomery []fr.Element) {
	raw, montgomery = make([]fr.Element, n), make([]fr.Element, n)
	for i := range raw {
		number := next()
		raw[i] = fr.Element(limbs(number))
		montgomery[i].SetBigInt(number)
	}
	return raw, montgomery
}

// Points with equal and opposite ones among them, which a key has where wires occur alike.
func somePoints(n int) (g1 g1Points, g2 g2Points) {
	_, _, generator1, generator2 := bn254.Generators()
	exponents := make([]fr.Element, n)
	for i := range exponents {
		exponents[i].SetBigInt(randomScalar())
		if i > 0 && rand.IntN(3) == 0 {
			exponents[i] = exponents[rand.IntN(i)]
		}
		if rand.IntN(5) == 0 {
			exponents[i].Neg(&exponents[i])
		}
		g1.wires = append(g1.wires, uint32(i))
	}
	g1.points, g2.points = bn254.BatchScalarMultiplicationG1(&generator1, exponents), bn254.BatchScalarMultiplicationG2(&generator2, exponents)
	g2.wires = g1.wires
	return g1, g2
}

func sumBoth(g1 g1Points, g2 g2Points, s *scalars) (a bn254.G1Affine, b bn254.G2Affine) {
	windows1, windows2 := make([]bn254.G1Jac, s.windows()), make([]bn254.G2Jac, s.windows())
	tasks := make(chan task, len(windows1))
	for i := range windows1 {
		tasks <- func(t *thread) { windows1[i], windows2[i] = t.sumG1(&g1, s.window(i)), t.sumG2(&g2, s.window(i)) }
	}
	close(tasks)
	perform(tasks)
	sum1, sum2 := joinWindows(windows1, s.bits), joinWindows(windows2, s.bits)
	return *a.FromJacobian(&sum1), *b.FromJacobian(&sum2)
}

func TestSumsAgreeWithTheLibrary(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 64, 65, 1500} {
		g1, g2 := somePoints(n)
		for kind, next := range kindsOfNumbers {
			raw, montgomery := someNumbers(n, next)
			var expected1 bn254.G1Affine
			var expected2 bn254.G2Affine
			if n > 0 {
				expected1.MultiExp(g1.points, montgomery, ecc.MultiExpConfig{})
				expected2.MultiExp(g2.points, montgomery, ecc.MultiExpConfig{})
			}
			var numbers scalars
			numbers.set(raw)
			widths := []int{numbers.bits}
			if n == 65 {
				widths = []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
			}
			for _, width := range widths {
				numbers.cut(raw, width)
				got1, got2 := sumBoth(g1, g2, &numbers)
				if !got1.Equal(&expected1) || !got2.Equal(&expected2) {
					t.Errorf("%d points, numbers %s, windows of %d bits", n, kind, width)
				}
			}
		}
	}
}

func TestDigitsMakeUpTheNumber(t *testing.T) {
	for kind, next := range kindsOfNumbers {
		raw, _ := someNumbers(50, next)
		for width := 3; width <= 16; width++ {
			var numbers scalars
			numbers.cut(raw, width)
			for i := range raw {
				sum := new(big.Int)
				for window := numbers.windows() - 1; window >= 0; window-- {
					d := numbers.window(window)
					digit := int64(d.at(uint32(i)))
					if digit < -1<<(width-1) || digit > 1<<(width-1) {
						t.Fatalf("%s: digit %d of %d bits", kind, digit, width)
					}
					sum.Lsh(sum, uint(width)).Add(sum, big.NewInt(digit))
				}
				if sum.Cmp(rawBigInt(&raw[i])) != 0 {
					t.Fatalf("%s: windows of %d bits make %v of %v", kind, width, sum, rawBigInt(&raw[i]))
				}
			}
		}
	}
}

func TestInverses(t *testing.T) {
	for _, n := range []int{0, 1, 2, lanes - 1, lanes, lanes + 1, 3*lanes + 5, batchSize} {
		elements, products := make(fp.Vector, batchSize), make(fp.Vector, batchSize)
		for i := range n {
			elements[i].SetRandom()
		}
		inverses := append(fp.Vector{}, elements[:n]...)
		invert(elements[:n], products)
		for i := range n {
			if product := new(fp.Element).Mul(&elements[i], &inverses[i]); !product.IsOne() {
				t.Errorf("element %d of %d", i, n)
			}
		}
	}
}

func TestPanicsOfWorkersReachTheirCaller(t *testing.T) {
	defer func() {
		if cause := recover(); fmt.Sprint(cause) != "unhappy" {
			t.Errorf("got %v", cause)
		}
	}()
	inParallel(10*pieceSize, func(from, _ int) {
		if from == 3*pieceSize {
			panic("unhappy")
		}
	})
}
