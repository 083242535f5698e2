package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

const (
	// A table of 2^12 points a window is filled in milliseconds, and those of all windows lie in the third-level cache.
	tableBits    = 12
	tableWindows = (fr.Bits + tableBits - 1) / tableBits
)

// multiplyGenerators multiplies the generators by numbers, which is most of what making a development key takes. It reads two
// little-endian uint32 counts, then so many numbers below r for the first group and for the second, 32 little-endian bytes each,
// and writes the multiples as a key has them: affine, in Montgomery form, (0, 0) for infinity.
func multiplyGenerators(input io.Reader, output io.Writer) error {
	var counts [2]uint32
	if err := binary.Read(input, binary.LittleEndian, &counts); err != nil {
		return err
	}
	numbers := make([]fr.Element, int(counts[0])+int(counts[1]))
	if _, err := io.ReadFull(input, bytesOf(numbers)); err != nil {
		return err
	}
	if !allOf(numbers, isScalar) {
		return fmt.Errorf("a number is not a field element")
	}
	if _, err := output.Write(bytesOf(multiplesG1(numbers[:counts[0]]))); err != nil {
		return err
	}
	_, err := output.Write(bytesOf(multiplesG2(numbers[counts[0]:])))
	return err
}

func multiplesG1(numbers []fr.Element) []bn254.G1Affine {
	base, _, _, _ := bn254.Generators()
	bases := make([]bn254.G1Affine, tableWindows)
	for i := range bases {
		bases[i].FromJacobian(&base)
		for range tableBits {
			base.DoubleAssign()
		}
	}
	return multiples(numbers, func() (adder, func(uint32) bn254.G1Affine) {
		group := &g1Adder{points: bases}
		return group, func(sum uint32) bn254.G1Affine { return bn254.G1Affine{X: group.x[sum], Y: group.y[sum]} }
	})
}

func multiplesG2(numbers []fr.Element) []bn254.G2Affine {
	_, base, _, _ := bn254.Generators()
	bases := make([]bn254.G2Affine, tableWindows)
	for i := range bases {
		bases[i].FromJacobian(&base)
		for range tableBits {
			base.DoubleAssign()
		}
	}
	return multiples(numbers, func() (adder, func(uint32) bn254.G2Affine) {
		group := &g2Adder{points: bases}
		return group, func(sum uint32) bn254.G2Affine { return bn254.G2Affine{X: group.x.at(sum), Y: group.y.at(sum)} }
	})
}

// multiples cuts the numbers into batches that the workers take one after the other. newGroup makes an adder whose points are the
// generator times 2^(window·tableBits), and what reads its sums.
func multiples[P any](numbers []fr.Element, newGroup func() (adder, func(uint32) P)) []P {
	results := make([]P, len(numbers))
	var next atomic.Int64
	var all crew
	for range min(workers, (len(numbers)+batchSize-1)/batchSize) {
		all.start(func() {
			group, sum := newGroup()
			table := newTable(group)
			for {
				to := int(next.Add(batchSize))
				from := to - batchSize
				if from >= len(numbers) {
					return
				}
				table.multiply(numbers[from:min(to, len(numbers))], func(i int, number uint32) { results[from+i] = sum(number) })
			}
		})
	}
	all.wait()
	return results
}

// table is the multiples of the generator by every digit of every window, and the sums of a batch behind them.
type table struct {
	group adder
	pairs []pair
}

func entry(window int, digit uint32) uint32 { return uint32(window)<<tableBits + digit }

func newTable(group adder) *table {
	t := &table{group: group}
	group.reserve(tableWindows<<tableBits + batchSize)
	for window := range tableWindows {
		group.copyPoint(uint32(window), entry(window, 1))
	}
	// From the multiples up to m follow those up to 2m, in all windows at once.
	for m := uint32(1); 2*m < 1<<tableBits; m *= 2 {
		for window := range tableWindows {
			for k := uint32(1); k <= m; k++ {
				t.push(pair{entry(window, k), entry(window, m), entry(window, k+m)})
			}
		}
		t.flush()
	}
	// The last round goes to the end of the table, one short of a whole one.
	for window := range tableWindows {
		for k := uint32(1); k < 1<<(tableBits-1); k++ {
			t.push(pair{entry(window, k), entry(window, 1<<(tableBits-1)), entry(window, k+1<<(tableBits-1))})
		}
	}
	t.flush()
	return t
}

// multiply multiplies a batch of numbers, all of them by the same window at a time, and shows the number of each sum.
func (t *table) multiply(numbers []fr.Element, show func(i int, sum uint32)) {
	first := entry(tableWindows, 0)
	started := make([]bool, len(numbers))
	for window := range tableWindows {
		for i := range numbers {
			digit := digitOf(&numbers[i], window)
			sum := first + uint32(i)
			switch {
			case digit == 0:
			case started[i]:
				t.push(pair{sum, entry(window, digit), sum})
			default:
				t.group.copySum(entry(window, digit), sum)
				started[i] = true
			}
		}
		t.flush()
	}
	for i := range numbers {
		if started[i] {
			show(i, first+uint32(i))
		}
	}
}

func (t *table) push(each pair) {
	t.pairs = append(t.pairs, each)
	if len(t.pairs) == batchSize {
		t.flush()
	}
}

func (t *table) flush() {
	t.group.addSums(t.pairs)
	t.pairs = t.pairs[:0]
}

// digitOf is tableBits bits of a number in raw form.
func digitOf(number *fr.Element, window int) uint32 {
	bit := window * tableBits
	value := number[bit/64] >> (bit % 64)
	if bit%64+tableBits > 64 && bit/64 < 3 {
		value |= number[bit/64+1] << (64 - bit%64)
	}
	return uint32(value) & (1<<tableBits - 1)
}
