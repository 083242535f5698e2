package main

import "github.com/consensys/gnark-crypto/ecc/bn254/fp"

// lanes is how many products run side by side in invert: enough to hide the latency of a vector multiplication.
const lanes = 32

// invert replaces elements by their inverses; none may be 0. One inversion serves all (Montgomery's trick), and all but the last
// of the multiplications are those of vectors.
//
// There must be room for a multiple of `lanes` elements in both; products is overwritten.
func invert(elements, products fp.Vector) {
	n := len(elements)
	if n == 0 {
		return
	}
	rows := (n + lanes - 1) / lanes
	elements, products = elements[:rows*lanes], products[:rows*lanes]
	for i := n; i < len(elements); i++ {
		elements[i].SetOne()
	}
	row := func(of fp.Vector, i int) fp.Vector { return of[i*lanes : (i+1)*lanes] }

	copy(row(products, 0), row(elements, 0))
	for i := 1; i < rows; i++ {
		product := row(products, i)
		product.Mul(row(products, i-1), row(elements, i))
	}
	var buffers [2][lanes]fp.Element
	inverse, next := fp.Vector(buffers[0][:]), fp.Vector(buffers[1][:])
	copy(inverse, row(products, rows-1))
	invertOneByOne(inverse)
	for i := rows - 1; i > 0; i-- {
		element := row(elements, i)
		next.Mul(inverse, element)
		element.Mul(inverse, row(products, i-1))
		inverse, next = next, inverse
	}
	copy(row(elements, 0), inverse)
}

func invertOneByOne(elements fp.Vector) {
	var products [lanes]fp.Element
	product := fp.One()
	for i := range elements {
		products[i] = product
		product.Mul(&product, &elements[i])
	}
	product.Inverse(&product)
	for i := len(elements) - 1; i >= 0; i-- {
		element := elements[i]
		elements[i].Mul(&product, &products[i])
		product.Mul(&product, &element)
	}
}
