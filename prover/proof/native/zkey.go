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
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
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
	wires, publicSignals, domainSize uint32
	domain                           *fft.Domain
	alpha1, beta1, delta1            bn254.G1Affine
	beta2, gamma2, delta2            bn254.G2Affine
	publicPoints                     []bn254.G1Affine
	rows                             [2]sparseRows
	a, b1, c, h                      g1Points
	b2                               g2Points
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
	for _, read := range []func(map[uint32][]byte) error{key.readHeader, key.readCoefficients, key.readPoints} {
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
	k.domainSize = binary.LittleEndian.Uint32(header[8:])
	if bits.OnesCount32(k.domainSize) != 1 {
		return malformed("its domain size is not a power of two")
	}
	if k.domainSize < 2 || k.domainSize > 1<<mostDomainPower {
		return malformed("its domain size is %d", k.domainSize)
	}
	if k.publicSignals >= k.wires {
		return malformed("it has more public signals than wires")
	}
	header = header[12:]
	g1 := func(point *bn254.G1Affine) { *point, header = view[bn254.G1Affine](header)[0], header[g1Bytes:] }
	g2 := func(point *bn254.G2Affine) { *point, header = view[bn254.G2Affine](header)[0], header[g2Bytes:] }
	g1(&k.alpha1)
	g1(&k.beta1)
	g2(&k.beta2)
	g2(&k.gamma2)
	g1(&k.delta1)
	g2(&k.delta2)
	k.domain = newDomain(k.domainSize)
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
	var err error
	k.rows, err = readRows(bytes[4:], k.wires, k.domainSize)
	return err
}

func (k *provingKey) readPoints(sections map[uint32][]byte) error {
	read := pointReader{sections: sections}
	k.publicPoints = view[bn254.G1Affine](read.section(publicPointsSection, k.publicSignals+1, g1Bytes))
	if read.err == nil {
		read.err = checkContributions(sections)
	}
	k.a = read.g1(aSection, k.wires, 0)
	k.b1 = read.g1(b1Section, k.wires, 0)
	k.b2 = read.g2(b2Section, k.wires, 0)
	k.c = read.g1(cSection, k.wires-k.publicSignals-1, k.publicSignals+1)
	k.h = read.g1(hSection, k.domainSize, 0)
	return read.err
}

// pointReader keeps the first error.
type pointReader struct {
	sections map[uint32][]byte
	err      error
}

func (r *pointReader) section(id, count uint32, pointBytes int) (bytes []byte) {
	if r.err == nil {
		bytes, r.err = section(r.sections, id, int(count)*pointBytes)
	}
	return bytes
}

func (r *pointReader) g1(id, count, firstWire uint32) (of g1Points) {
	of.points, of.wires = finite(view[bn254.G1Affine](r.section(id, count, g1Bytes)), firstWire)
	return of
}

func (r *pointReader) g2(id, count, firstWire uint32) (of g2Points) {
	of.points, of.wires = finite(view[bn254.G2Affine](r.section(id, count, g2Bytes)), firstWire)
	return of
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
