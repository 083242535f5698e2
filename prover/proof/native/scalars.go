package main

import (
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Sizes of a wire's value: most wires of a fixed-point circuit are bits, and few are wide.
const (
	zero = iota
	one
	narrow // fits the lowest window
	wide
)

// scalars are numbers in [0, r), little-endian limbs, ready to be cut into signed digits.
type scalars struct {
	// biased is each number plus half a window in every window but the highest, which makes windows independent: a digit is a
	// window's bits minus the half, and borrows nothing from its neighbour.
	biased [][4]uint64
	sizes  []uint8
	bits   int
}

// windows of `bits` bits hold a number below r < 0.76·2^254 with its sign. Needs bits ≥ 3.
func (s *scalars) windows() int { return (fr.Bits + 1 + s.bits - 1) / s.bits }

// set takes over numbers in raw form, for windows of the width that suits them.
func (s *scalars) set(numbers []fr.Element) {
	var total atomic.Int64
	inParallel(len(numbers), func(from, to int) {
		count := 0
		for i := from; i < to; i++ {
			if number := &numbers[i]; number[1]|number[2]|number[3] != 0 {
				count++
			}
		}
		total.Add(int64(count))
	})
	s.cut(numbers, bestWindow(int(total.Load())))
}

// cut takes over numbers in raw form.
func (s *scalars) cut(numbers []fr.Element, bitsOfWindow int) {
	s.biased, s.sizes, s.bits = resized(s.biased, len(numbers)), resized(s.sizes, len(numbers)), bitsOfWindow
	bias := s.bias()
	narrowLimit := uint64(1) << (s.bits - 1)
	inParallel(len(numbers), func(from, to int) {
		for i := from; i < to; i++ {
			number, biased := &numbers[i], &s.biased[i]
			var carry uint64
			for limb := range biased {
				biased[limb], carry = bits.Add64(number[limb], bias[limb], carry)
			}
			switch {
			case number[1]|number[2]|number[3] != 0 || number[0] >= narrowLimit:
				s.sizes[i] = wide
			case number[0] > 1:
				s.sizes[i] = narrow
			default:
				s.sizes[i] = uint8(number[0])
			}
		}
	})
}

func (s *scalars) bias() (bias [4]uint64) {
	for window := range s.windows() - 1 {
		bit := window*s.bits + s.bits - 1
		bias[bit/64] |= 1 << (bit % 64)
	}
	return bias
}

// clear forgets the numbers: they are a witness's or follow from one.
func (s *scalars) clear() {
	clear(s.biased)
	clear(s.sizes)
}

// digits reads one window.
type digits struct {
	scalars *scalars
	limb    int
	shift   uint
	mask    uint64
	half    int32
	// crosses: the window's upper bits are in the next limb.
	crosses bool
	// lowest: narrow numbers have a digit here too.
	lowest bool
}

func (s *scalars) window(window int) digits {
	bit := window * s.bits
	d := digits{scalars: s, limb: bit / 64, shift: uint(bit % 64), mask: 1<<s.bits - 1, half: 1 << (s.bits - 1), lowest: window == 0}
	d.crosses = int(d.shift)+s.bits > 64 && d.limb < 3
	if window == s.windows()-1 {
		d.half = 0
	}
	return d
}

// at is the digit of a number, in [-2^(bits-1), 2^(bits-1)].
func (d *digits) at(number uint32) int32 {
	limbs := &d.scalars.biased[number]
	value := limbs[d.limb] >> d.shift
	if d.crosses {
		value |= limbs[d.limb+1] << (64 - d.shift)
	}
	return int32(value&d.mask) - d.half
}

// bestWindow is the width with the least additions, for so many wide numbers: each is added to a bucket in each window, and each
// bucket twice to the window's sum.
func bestWindow(numbers int) int {
	best, least := 0, math.MaxInt
	for width := 3; width <= 16; width++ {
		windows := (fr.Bits + width) / width
		if cost := windows * (numbers + 1<<width); cost < least {
			best, least = width, cost
		}
	}
	return best
}
