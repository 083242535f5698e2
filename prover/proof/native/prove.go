package main

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// prover makes one proof at a time; its memory is kept for the next.
type prover struct {
	// witness is every wire, raw.
	witness          []fr.Element
	rows             [3][]fr.Element
	wires, quotients scalars
}

type proof struct {
	a, c bn254.G1Affine
	b    bn254.G2Affine
}

// sums are those of Groth16: of the key's points, times the wires or the quotient.
type sums struct {
	a, b1, c, h bn254.G1Jac
	b2          bn254.G2Jac
}

// prove proves the wires, 32 little-endian bytes each, and makes sure that the proof is valid: wires that do not satisfy the circuit,
// or a key with a wrong point, give none.
func (p *prover) prove(key *provingKey, wires []byte) (*proof, error) {
	if err := p.setWitness(key, wires); err != nil {
		return nil, err
	}
	p.wires.set(p.witness)
	made := p.sum(key).blind(key)
	if !made.verify(key, p.witness[1:key.publicSignals+1]) {
		return nil, &failure{"invalid-proof", "the proof does not verify: the witness does not satisfy the circuit of the key"}
	}
	return made, nil
}

func (p *prover) setWitness(key *provingKey, wires []byte) error {
	if uint64(len(wires)) != uint64(key.wires)*fieldBytes {
		return &failure{"wrong-size", fmt.Sprintf("a witness of %d bytes for a key of %d wires", len(wires), key.wires)}
	}
	p.witness = resized(p.witness, int(key.wires))
	copy(bytesOf(p.witness), wires)
	if p.witness[0] != (fr.Element{1}) {
		return &failure{"malformed-witness", "its first wire is not 1"}
	}
	if !allOf(p.witness, isScalar) {
		return &failure{"malformed-witness", "a wire is not a field element"}
	}
	return nil
}

// clear forgets the witness and what follows from it.
func (p *prover) clear() {
	clear(p.witness)
	for _, vector := range p.rows {
		clear(vector)
	}
	p.wires.clear()
	p.quotients.clear()
	for i := range threads {
		threads[i].clear()
	}
}

// sum computes the five sums. Those over the wires fill the gaps while the quotient is computed, which the last one needs.
func (p *prover) sum(key *provingKey) *sums {
	windows := p.wires.windows()
	var a, b1, c, h []bn254.G1Jac
	a, b1, c = make([]bn254.G1Jac, windows), make([]bn254.G1Jac, windows), make([]bn254.G1Jac, windows)
	b2 := make([]bn254.G2Jac, windows)
	// Room for all: nobody waits to hand one over.
	tasks := make(chan task, 4*windows+fr.Bits)
	for i := range windows {
		tasks <- func(t *thread) { b2[i] = t.sumG2(&key.b2, p.wires.window(i)) }
	}
	for i := range windows {
		tasks <- func(t *thread) { a[i] = t.sumG1(&key.a, p.wires.window(i)) }
		tasks <- func(t *thread) { b1[i] = t.sumG1(&key.b1, p.wires.window(i)) }
		tasks <- func(t *thread) { c[i] = t.sumG1(&key.c, p.wires.window(i)) }
	}
	var all crew
	all.start(func() {
		defer close(tasks)
		p.quotients.set(p.quotient(key))
		h = make([]bn254.G1Jac, p.quotients.windows())
		for i := range h {
			tasks <- func(t *thread) { h[i] = t.sumG1(&key.h, p.quotients.window(i)) }
		}
	})
	all.start(func() { perform(tasks) })
	all.wait()
	bits := p.wires.bits
	return &sums{
		a: joinWindows(a, bits), b1: joinWindows(b1, bits), c: joinWindows(c, bits), b2: joinWindows(b2, bits),
		h: joinWindows(h, p.quotients.bits),
	}
}

// blind: A = alpha + Σa + r·delta, B = beta + Σb + s·delta, C = Σc + Σh + s·A + r·B1 - r·s·delta, with fresh random r and s: two
// proofs of one statement share no point.
func (s *sums) blind(key *provingKey) *proof {
	r, t := randomScalar(), randomScalar()
	delta1, delta2 := new(bn254.G1Jac).FromAffine(&key.delta1), new(bn254.G2Jac).FromAffine(&key.delta2)
	times := func(point *bn254.G1Jac, by *big.Int) *bn254.G1Jac {
		return new(bn254.G1Jac).ScalarMultiplication(point, by)
	}

	a, b1, b2 := s.a, s.b1, s.b2
	a.AddMixed(&key.alpha1).AddAssign(times(delta1, r))
	b1.AddMixed(&key.beta1).AddAssign(times(delta1, t))
	b2.AddMixed(&key.beta2).AddAssign(delta2.ScalarMultiplication(delta2, t))
	product := new(big.Int).Mul(r, t)
	c := s.c
	c.AddAssign(&s.h).AddAssign(times(&a, t)).AddAssign(times(&b1, r)).SubAssign(times(delta1, product.Mod(product, fr.Modulus())))

	made := &proof{}
	made.a.FromJacobian(&a)
	made.b.FromJacobian(&b2)
	made.c.FromJacobian(&c)
	return made
}

func randomScalar() *big.Int {
	number, err := rand.Int(rand.Reader, fr.Modulus())
	if err != nil {
		panic(err)
	}
	return number
}
