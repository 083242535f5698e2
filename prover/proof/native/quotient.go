package main

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
)

// quotient computes the scalars that a key's section h wants: the values of A·B - C on the coset of odd powers of a root of unity of
// twice the domain's size. They are raw, not in Montgomery form.
func (p *prover) quotient(key *provingKey) []fr.Element {
	rows := int(key.domainSize)
	for i := range p.rows {
		p.rows[i] = resized(p.rows[i], rows)
	}
	a, b, c := p.rows[0], p.rows[1], p.rows[2]
	inParallel(rows, func(from, to int) {
		for i := from; i < to; i++ {
			a[i] = key.rows[0].value(i, p.witness, p.wires.sizes)
			b[i] = key.rows[1].value(i, p.witness, p.wires.sizes)
		}
		product(c[from:to], a[from:to], b[from:to])
	})
	tasks := fft.WithNbTasks((workers + 2) / 3)
	var all crew
	for _, vector := range p.rows {
		all.start(func() {
			key.domain.FFTInverse(vector, fft.DIF, tasks)
			key.domain.FFT(vector, fft.DIT, fft.OnCoset(), tasks)
		})
	}
	all.wait()
	inParallel(rows, func(from, to int) {
		product(a[from:to], a[from:to], b[from:to])
		difference := fr.Vector(a[from:to])
		difference.Sub(difference, c[from:to])
	})
	return a
}

// product: a raw number times one in Montgomery form is raw.
func product(to, raw, montgomery fr.Vector) { to.Mul(raw, montgomery) }

// newDomain is shared by all keys of one size.
func newDomain(size uint32) *fft.Domain {
	root, err := fft.Generator(2 * uint64(size))
	if err != nil {
		panic(err)
	}
	return fft.NewDomain(uint64(size), fft.WithShift(root), fft.WithCache())
}
