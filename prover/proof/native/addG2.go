package main

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// e2Vector holds elements c0 + c1·u of the quadratic extension, u² = -1.
type e2Vector struct{ c0, c1 fp.Vector }

func newE2Vector(n int) e2Vector { return e2Vector{make(fp.Vector, n), make(fp.Vector, n)} }

func (v e2Vector) first(n int) e2Vector { return e2Vector{v.c0[:n], v.c1[:n]} }

func (v e2Vector) at(i uint32) bn254.E2 { return bn254.E2{A0: v.c0[i], A1: v.c1[i]} }

func (v e2Vector) set(i uint32, element *bn254.E2) { v.c0[i], v.c1[i] = element.A0, element.A1 }

func (v e2Vector) add(a, b e2Vector) {
	v.c0.Add(a.c0, b.c0)
	v.c1.Add(a.c1, b.c1)
}

func (v e2Vector) subtract(a, b e2Vector) {
	v.c0.Sub(a.c0, b.c0)
	v.c1.Sub(a.c1, b.c1)
}

func (v e2Vector) isZero(i int) bool { return v.c0[i].IsZero() && v.c1[i].IsZero() }

func (v e2Vector) clear() {
	clear(v.c0)
	clear(v.c1)
}

// g2Adder is g1Adder for the second group.
type g2Adder struct {
	points []bn254.G2Affine
	x, y   e2Vector
	// Operands and intermediate values of a batch.
	x1, y1, x2, y2, slope, temporary e2Vector
	product                          fp.Vector
	special                          []int
}

func (g *g2Adder) reserve(sums int) {
	for _, vector := range []*fp.Vector{&g.x.c0, &g.x.c1, &g.y.c0, &g.y.c1} {
		*vector = resized(*vector, sums)
	}
	if g.product == nil {
		for _, vector := range []*e2Vector{&g.x1, &g.y1, &g.x2, &g.y2, &g.slope, &g.temporary} {
			*vector = newE2Vector(batchSize)
		}
		g.product = make(fp.Vector, batchSize)
	}
}

func (g *g2Adder) copyPoint(point, to uint32) {
	x, y := &g.points[point&^negated].X, g.points[point&^negated].Y
	if point&negated != 0 {
		y.Neg(&y)
	}
	g.x.set(to, x)
	g.y.set(to, &y)
}

func (g *g2Adder) copySum(sum, to uint32) {
	x, y := g.x.at(sum), g.y.at(sum)
	g.x.set(to, &x)
	g.y.set(to, &y)
}

func (g *g2Adder) addPoints(pairs []pair) {
	n := len(pairs)
	x1, y1, x2, y2 := g.x1.first(n), g.y1.first(n), g.x2.first(n), g.y2.first(n)
	for i, each := range pairs {
		left, right := &g.points[each.left&^negated], &g.points[each.right&^negated]
		x1.c0[i], x1.c1[i], y1.c0[i], y1.c1[i] = left.X.A0, left.X.A1, left.Y.A0, left.Y.A1
		x2.c0[i], x2.c1[i], y2.c0[i], y2.c1[i] = right.X.A0, right.X.A1, right.Y.A0, right.Y.A1
	}
	for i, each := range pairs {
		if each.left&negated != 0 {
			y1.c0[i].Neg(&y1.c0[i])
			y1.c1[i].Neg(&y1.c1[i])
		}
		if each.right&negated != 0 {
			y2.c0[i].Neg(&y2.c0[i])
			y2.c1[i].Neg(&y2.c1[i])
		}
	}
	g.addBatch(pairs)
}

func (g *g2Adder) addSums(pairs []pair) {
	n := len(pairs)
	x1, y1, x2, y2 := g.x1.first(n), g.y1.first(n), g.x2.first(n), g.y2.first(n)
	for i, each := range pairs {
		left, right := each.left, each.right
		x1.c0[i], x1.c1[i], y1.c0[i], y1.c1[i] = g.x.c0[left], g.x.c1[left], g.y.c0[left], g.y.c1[left]
		x2.c0[i], x2.c1[i], y2.c0[i], y2.c1[i] = g.x.c0[right], g.x.c1[right], g.y.c0[right], g.y.c1[right]
	}
	g.addBatch(pairs)
}

// addBatch computes what that of g1Adder does.
func (g *g2Adder) addBatch(pairs []pair) {
	n := len(pairs)
	x1, y1, x2, y2 := g.x1.first(n), g.y1.first(n), g.x2.first(n), g.y2.first(n)
	slope, temporary := g.slope.first(n), g.temporary.first(n)
	slope.subtract(x2, x1)
	g.special = g.special[:0]
	for i := range n {
		if slope.isZero(i) || x1.isZero(i) || x2.isZero(i) {
			g.special = append(g.special, i)
			slope.c0[i].SetOne()
		}
	}
	g.addSpecial(pairs)
	g.invertSlope(n)
	temporary.subtract(y2, y1)
	x2.add(x2, x1)
	g.multiply(slope, slope, temporary, y2)
	g.square(temporary, slope)
	temporary.subtract(temporary, x2)
	x1.subtract(x1, temporary)
	g.multiply(x1, x1, slope, y2)
	x1.subtract(x1, y1)
	next := 0
	for i, each := range pairs {
		if next < len(g.special) && g.special[next] == i {
			next++
			continue
		}
		g.x.c0[each.to], g.x.c1[each.to] = temporary.c0[i], temporary.c1[i]
		g.y.c0[each.to], g.y.c1[each.to] = x1.c0[i], x1.c1[i]
	}
}

func (g *g2Adder) addSpecial(pairs []pair) {
	for _, i := range g.special {
		i := uint32(i)
		left, right := bn254.G2Affine{X: g.x1.at(i), Y: g.y1.at(i)}, bn254.G2Affine{X: g.x2.at(i), Y: g.y2.at(i)}
		left.Add(&left, &right)
		g.x.set(pairs[i].to, &left.X)
		g.y.set(pairs[i].to, &left.Y)
	}
}

// invertSlope: 1 / (c0 + c1·u) = (c0 - c1·u) / (c0² + c1²).
func (g *g2Adder) invertSlope(n int) {
	slope, norm, square := g.slope.first(n), g.temporary.c0[:n], g.temporary.c1[:n]
	norm.Mul(slope.c0, slope.c0)
	square.Mul(slope.c1, slope.c1)
	norm.Add(norm, square)
	invert(norm, g.product)
	slope.c0.Mul(slope.c0, norm)
	slope.c1.Mul(slope.c1, norm)
	for i := range slope.c1 {
		slope.c1[i].Neg(&slope.c1[i])
	}
}

// multiply: to = a·b by Karatsuba's three products; `to` may be a or b, `spare` neither.
func (g *g2Adder) multiply(to, a, b, spare e2Vector) {
	product := g.product[:len(a.c0)]
	spare.c0.Add(a.c0, a.c1)
	spare.c1.Add(b.c0, b.c1)
	product.Mul(spare.c0, spare.c1)
	spare.c0.Mul(a.c0, b.c0)
	spare.c1.Mul(a.c1, b.c1)
	to.c0.Sub(spare.c0, spare.c1)
	spare.c0.Add(spare.c0, spare.c1)
	to.c1.Sub(product, spare.c0)
}

// square: (c0 + c1)(c0 - c1) + 2·c0·c1·u.
func (g *g2Adder) square(to, a e2Vector) {
	product := g.product[:len(a.c0)]
	to.c0.Add(a.c0, a.c1)
	to.c1.Sub(a.c0, a.c1)
	product.Mul(a.c0, a.c1)
	to.c0.Mul(to.c0, to.c1)
	to.c1.Add(product, product)
}

func (g *g2Adder) weighted(sums []uint32) (total bn254.G2Jac) {
	var running bn254.G2Jac
	for i := len(sums) - 1; i >= 0; i-- {
		if sums[i] != none {
			running.AddMixed(&bn254.G2Affine{X: g.x.at(sums[i]), Y: g.y.at(sums[i])})
		}
		total.AddAssign(&running)
	}
	return total
}

func (g *g2Adder) clear() {
	for _, vector := range []e2Vector{g.x, g.y, g.x1, g.y1, g.x2, g.y2, g.slope, g.temporary} {
		vector.clear()
	}
	clear(g.product)
}
