package main

import "github.com/consensys/gnark-crypto/ecc/bn254"

// thread is the memory of one worker, kept from proof to proof.
type thread struct {
	buckets buckets
	g1      g1Adder
	g2      g2Adder
}

type task func(*thread)

var threads = make([]thread, workers)

// perform has the threads do tasks until there are no more to come. One caller at a time.
func perform(tasks <-chan task) {
	var all crew
	for i := range threads {
		all.start(func() {
			for task := range tasks {
				task(&threads[i])
			}
		})
	}
	all.wait()
}

func (t *thread) sumG1(of *g1Points, d digits) bn254.G1Jac {
	t.g1.points = of.points
	return sumWindow(&t.buckets, &t.g1, of.wires, d)
}

func (t *thread) sumG2(of *g2Points, d digits) bn254.G2Jac {
	t.g2.points = of.points
	return sumWindow(&t.buckets, &t.g2, of.wires, d)
}

// clear forgets sums and digits, which tell of the witness.
func (t *thread) clear() {
	t.g1.clear()
	t.g2.clear()
	clear(t.buckets.order)
}
