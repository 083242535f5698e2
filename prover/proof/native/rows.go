package main

import (
	"encoding/binary"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// sparseRows is the matrix A or B of a circuit: the terms of row i are those from starts[i] to starts[i+1].
type sparseRows struct {
	starts []uint32
	terms  []term
	// coefficients are those that occur; most circuits have a few hundred, among them powers of two.
	coefficients []coefficient
}

type term struct{ wire, coefficient uint32 }

type coefficient struct {
	// factor: its Montgomery product with a raw wire is the term's value.
	factor fr.Element
	// itself is the value of a term whose wire is 1.
	itself fr.Element
}

// readRows reads the coefficients of both matrices. A key holds them times 2^512, so that a Montgomery product with a raw wire is the
// term in Montgomery form. B's are left so. A's lose a factor 2^256, which makes A·w raw: then A·w ∘ B·w, and with it the quotient,
// comes out raw, as its sum wants it.
func readRows(bytes []byte, wires, rows uint32) (matrices [2]sparseRows, err error) {
	for m := range matrices {
		matrices[m].starts = make([]uint32, rows+1)
	}
	for at := 0; at < len(bytes); at += coefficientBytes {
		matrix, row := binary.LittleEndian.Uint32(bytes[at:]), binary.LittleEndian.Uint32(bytes[at+4:])
		if matrix > 1 || row >= rows || binary.LittleEndian.Uint32(bytes[at+8:]) >= wires {
			return matrices, malformed("a coefficient lies outside the circuit")
		}
		matrices[matrix].starts[row+1]++
	}
	next := [2][]uint32{}
	for m := range matrices {
		starts := matrices[m].starts
		for i := range rows {
			starts[i+1] += starts[i]
		}
		matrices[m].terms = make([]term, starts[rows])
		next[m] = append(next[m], starts...)
	}
	known := [2]map[fr.Element]uint32{{}, {}}
	for at := 0; at < len(bytes); at += coefficientBytes {
		matrix, row := binary.LittleEndian.Uint32(bytes[at:]), binary.LittleEndian.Uint32(bytes[at+4:])
		value := view[fr.Element](bytes[at+12 : at+coefficientBytes])[0]
		number, found := known[matrix][value]
		if !found {
			if !isScalar(&value) {
				return matrices, malformed("a coefficient is not a field element")
			}
			number = uint32(len(known[matrix]))
			known[matrix][value] = number
			matrices[matrix].coefficients = append(matrices[matrix].coefficients, newCoefficient(value, matrix == 0))
		}
		matrices[matrix].terms[next[matrix][row]] = term{binary.LittleEndian.Uint32(bytes[at+8:]), number}
		next[matrix][row]++
	}
	return matrices, nil
}

func newCoefficient(factor fr.Element, raw bool) coefficient {
	rawOne := fr.Element{1}
	if raw {
		factor.Mul(&factor, &rawOne)
	}
	return coefficient{factor, *new(fr.Element).Mul(&factor, &rawOne)}
}

// value is a row's sum over the wires.
func (m *sparseRows) value(row int, wires []fr.Element, sizes []uint8) (sum fr.Element) {
	var product fr.Element
	for _, each := range m.terms[m.starts[row]:m.starts[row+1]] {
		switch sizes[each.wire] {
		case zero:
		case one:
			sum.Add(&sum, &m.coefficients[each.coefficient].itself)
		default:
			product.Mul(&m.coefficients[each.coefficient].factor, &wires[each.wire])
			sum.Add(&sum, &product)
		}
	}
	return sum
}
