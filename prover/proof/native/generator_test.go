package main

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

func TestMultiplesOfTheGeneratorsAgreeWithTheLibrary(t *testing.T) {
	_, _, generator1, generator2 := bn254.Generators()
	var numbers []*big.Int
	for _, next := range kindsOfNumbers {
		for range 150 {
			numbers = append(numbers, next())
		}
	}
	for _, n := range []int{0, 1, 2, batchSize - 1, batchSize, len(numbers)} {
		raw := make([]fr.Element, n)
		for i := range raw {
			raw[i] = fr.Element(limbs(numbers[i]))
		}
		got1, got2 := multiplesG1(raw), multiplesG2(raw)
		for i := range raw {
			var expected1 bn254.G1Affine
			var expected2 bn254.G2Affine
			expected1.ScalarMultiplication(&generator1, numbers[i])
			expected2.ScalarMultiplication(&generator2, numbers[i])
			if !got1[i].Equal(&expected1) || !got2[i].Equal(&expected2) {
				t.Fatalf("%d numbers, number %v", n, numbers[i])
			}
		}
	}
}

func TestGeneratorsRefuseWhatIsNoNumber(t *testing.T) {
	input := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 1), 0)
	for _, rest := range [][]byte{nil, make([]byte, 31), bytes.Repeat([]byte{255}, 32), bytesOf([]fr.Element{limbs(fr.Modulus())})} {
		var output bytes.Buffer
		if err := multiplyGenerators(bytes.NewReader(append(input[:8:8], rest...)), &output); err == nil || output.Len() > 0 {
			t.Errorf("%d bytes were accepted", len(rest))
		}
	}
}
