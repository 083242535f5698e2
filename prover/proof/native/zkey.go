package main

import (
	"encoding/binary"
	"io"
	"math/big"
	"math/bits"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Sections of a proving key (*.zkey), as in zkey.ts.
const (
	protocolSection = iota + 1
	headerSection
	publicPointsSection
	coefficientsSection
	aSection
	b1Section
	b2Section
	cSection
	hSection
	contributionsSection
)

const (
	groth16          = 1
	fieldBytes       = 32
	g1Bytes          = 2 * fieldBytes
	g2Bytes          = 4 * fieldBytes
	headerBytes      = 20 + 2*fieldBytes + 3*g1Bytes + 3*g2Bytes
	coefficientBytes = 12 + fieldBytes
	// The coset of the quotient wants roots of unity of twice the domain's size, and there are some up to 2^28.
	mostDomainPower = 27
)

// provingKey is a key as it is proven with.
type provingKey struct {
	wires, publicSignals, domain uint32
	alpha1, beta1, delta1        bn254.G1Affine
	beta2, gamma2, delta2        bn254.G2Affine
	publicPoints                 []bn254.G1Affine
	rows                         [2]sparseRows
	a, b1, c, h                  g1Points
	b2                           g2Points
}

// g1Points are points without those at infinity.
type g1Points struct {
	points []bn254.G1Affine
	// wires are the scalars that the points belong to.
	wires []uint32
}

type g2Points struct {
	points []bn254.G2Affine
	wires  []uint32
}

// readKey reads a proving key, and checks all of it but that it belongs to a circuit: sizes, ranges, and that every point lies in
// its group. Points are taken over as they lie in the file: both sides hold coordinates as four little-endian 64-bit limbs in
// Montgomery form.
func readKey(input io.Reader, size int64) (*provingKey, error) {
	sections, err := readSections(input, size, "zkey", 1, 2)
	if err != nil {
		return nil, err
	}
	protocol, err := section(sections, protocolSection, 4)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(protocol) != groth16 {
		return nil, malformed("it is not a Groth16 key")
	}
	key := &provingKey{}
	for _, read := range []func(map[uint32][]byte) error{
		key.readHeader, key.readCoefficients, key.readPoints, checkContributions,
	} {
		if err := read(sections); err != nil {
			return nil, err
		}
	}
	return key, key.checkPoints()
}

// section is a section of exactly so many bytes.
func section(sections map[uint32][]byte, id uint32, length int) ([]byte, error) {
	bytes, found := sections[id]
	if !found {
		return nil, malformed("section %d is missing", id)
	}
	if len(bytes) != length {
		return nil, malformed("section %d has %d bytes instead of %d", id, len(bytes), length)
	}
	return bytes, nil
}

func (k *provingKey) readHeader(sections map[uint32][]byte) error {
	header, err := section(sections, headerSection, headerBytes)
	if err != nil {
		return err
	}
	for _, order := range []*big.Int{fp.Modulus(), fr.Modulus()} {
		expected := order.FillBytes(make([]byte, fieldBytes))
		slices.Reverse(expected)
		if binary.LittleEndian.Uint32(header) != fieldBytes || !slices.Equal(header[4:4+fieldBytes], expected) {
			return malformed("it is not over BN254")
		}
		header = header[4+fieldBytes:]
	}
	k.wires, k.publicSignals = binary.LittleEndian.Uint32(header), binary.LittleEndian.Uint32(header[4:])
	k.domain = binary.LittleEndian.Uint32(header[8:])
	if bits.OnesCount32(k.domain) != 1 {
		return malformed("its domain size is not a power of two")
	}
	if k.domain < 2 || k.domain > 1<<mostDomainPower {
		return malformed("its domain size is %d", k.domain)
	}
	if k.publicSignals >= k.wires {
		return malformed("it has more public signals than wires")
	}
	g1, g2 := []*bn254.G1Affine{&k.alpha1, &k.beta1, nil, nil, &k.delta1, nil}, []*bn254.G2Affine{nil, nil, &k.beta2, &k.gamma2, nil, &k.delta2}
	header = header[12:]
	for i := range g1 {
		if g1[i] != nil {
			*g1[i] = view[bn254.G1Affine](header[:g1Bytes])[0]
			header = header[g1Bytes:]
		} else {
			*g2[i] = view[bn254.G2Affine](header[:g2Bytes])[0]
			header = header[g2Bytes:]
		}
	}
	return nil
}

func (k *provingKey) readCoefficients(sections map[uint32][]byte) error {
	bytes, found := sections[coefficientsSection]
	if !found {
		return malformed("section %d is missing", coefficientsSection)
	}
	count := uint32(0)
	if len(bytes) >= 4 {
		count = binary.LittleEndian.Uint32(bytes)
	}
	if uint64(len(bytes)) != 4+uint64(count)*coefficientBytes {
		return malformed("section %d does not hold %d coefficients", coefficientsSection, count)
	}
	delete(sections, coefficientsSection)
	var err error
	k.rows, err = readRows(bytes[4:], k.wires, k.domain)
	return err
}

func (k *provingKey) readPoints(sections map[uint32][]byte) error {
	privateWires := k.wires - k.publicSignals - 1
	for _, each := range []struct {
		id, count, firstWire uint32
		g1                   *g1Points
	}{
		{publicPointsSection, k.publicSignals + 1, 0, nil},
		{aSection, k.wires, 0, &k.a},
		{b1Section, k.wires, 0, &k.b1},
		{b2Section, k.wires, 0, nil},
		{cSection, privateWires, k.publicSignals + 1, &k.c},
		{hSection, k.domain, 0, &k.h},
	} {
		pointBytes := g1Bytes
		if each.id == b2Section {
			pointBytes = g2Bytes
		}
		bytes, err := section(sections, each.id, int(each.count)*pointBytes)
		if err != nil {
			return err
		}
		delete(sections, each.id)
		switch each.id {
		case publicPointsSection:
			k.publicPoints = view[bn254.G1Affine](bytes)
		case b2Section:
			k.b2.points, k.b2.wires = finite(view[bn254.G2Affine](bytes), 0)
		default:
			each.g1.points, each.g1.wires = finite(view[bn254.G1Affine](bytes), each.firstWire)
		}
	}
	return nil
}

// finite leaves out points at infinity, which are all zeros.
func finite[Point comparable](points []Point, firstWire uint32) ([]Point, []uint32) {
	var infinity Point
	kept, wires := points[:0], make([]uint32, 0, len(points))
	for i, point := range points {
		if point != infinity {
			kept = append(kept, point)
			wires = append(wires, firstWire+uint32(i))
		}
	}
	if len(kept) < len(points)*3/4 {
		kept = slices.Clone(kept)
	}
	return kept, slices.Clip(wires)
}

// checkContributions checks that the list of contributions is whole. No proof depends on it.
func checkContributions(sections map[uint32][]byte) error {
	const circuitHashBytes, fixedBytes = 64, 3*g1Bytes + g2Bytes + 64 + 8
	rest, found := sections[contributionsSection]
	if !found {
		return malformed("section %d is missing", contributionsSection)
	}
	truncated := malformed("its list of contributions is truncated")
	if len(rest) < circuitHashBytes+4 {
		return truncated
	}
	count := binary.LittleEndian.Uint32(rest[circuitHashBytes:])
	rest = rest[circuitHashBytes+4:]
	for range count {
		if len(rest) < fixedBytes {
			return truncated
		}
		parameters := binary.LittleEndian.Uint32(rest[fixedBytes-4:])
		if uint64(len(rest)-fixedBytes) < uint64(parameters) {
			return truncated
		}
		rest = rest[fixedBytes+int(parameters):]
	}
	if len(rest) > 0 {
		return malformed("bytes follow its last contribution")
	}
	return nil
}
