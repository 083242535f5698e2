package main

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// pair names two affine points and where their sum goes.
type pair struct{ left, right, to uint32 }

const (
	// batchSize additions share an inversion; their operands lie in the second-level cache.
	batchSize = 1024
	// negated, in the number of a point: its inverse is meant.
	negated = 1 << 31
)

// g1Adder adds affine points of the first group, a batch at a time. An affine addition takes six multiplications when many share
// an inversion, fewer than in any other coordinates, and all are multiplications of whole vectors.
type g1Adder struct {
	points []bn254.G1Affine
	// x, y are the sums by number; (0, 0) stands for infinity.
	x, y fp.Vector
	// Operands and intermediate values of a batch.
	x1, y1, x2, y2, slope, temporary fp.Vector
	special                          []int
}

func (g *g1Adder) reserve(sums int) {
	g.x, g.y = resized(g.x, sums), resized(g.y, sums)
	if g.x1 == nil {
		for _, vector := range []*fp.Vector{&g.x1, &g.y1, &g.x2, &g.y2, &g.slope, &g.temporary} {
			*vector = make(fp.Vector, batchSize)
		}
	}
}

// copyPoint makes a point the sum `to`.
func (g *g1Adder) copyPoint(point, to uint32) {
	g.x[to], g.y[to] = g.points[point&^negated].X, g.points[point&^negated].Y
	if point&negated != 0 {
		g.y[to].Neg(&g.y[to])
	}
}

func (g *g1Adder) copySum(sum, to uint32) { g.x[to], g.y[to] = g.x[sum], g.y[sum] }

// addPoints adds pairs of points, at most a batch. Signs come second: nothing may wait for memory between two reads of points.
func (g *g1Adder) addPoints(pairs []pair) {
	n := len(pairs)
	x1, y1, x2, y2 := g.x1[:n], g.y1[:n], g.x2[:n], g.y2[:n]
	for i, each := range pairs {
		left, right := &g.points[each.left&^negated], &g.points[each.right&^negated]
		x1[i], y1[i], x2[i], y2[i] = left.X, left.Y, right.X, right.Y
	}
	for i, each := range pairs {
		if each.left&negated != 0 {
			y1[i].Neg(&y1[i])
		}
		if each.right&negated != 0 {
			y2[i].Neg(&y2[i])
		}
	}
	g.addBatch(pairs)
}

// addSums adds pairs of sums, at most a batch.
func (g *g1Adder) addSums(pairs []pair) {
	n := len(pairs)
	x1, y1, x2, y2 := g.x1[:n], g.y1[:n], g.x2[:n], g.y2[:n]
	for i, each := range pairs {
		x1[i], y1[i] = g.x[each.left], g.y[each.left]
		x2[i], y2[i] = g.x[each.right], g.y[each.right]
	}
	g.addBatch(pairs)
}

// addBatch: slope = (y2 - y1) / (x2 - x1), x = slope² - x1 - x2, y = slope·(x1 - x) - y1.
func (g *g1Adder) addBatch(pairs []pair) {
	n := len(pairs)
	x1, y1, x2, y2, slope, temporary := g.x1[:n], g.y1[:n], g.x2[:n], g.y2[:n], g.slope[:n], g.temporary[:n]
	slope.Sub(x2, x1)
	g.special = g.special[:0]
	for i := range slope {
		if slope[i].IsZero() || x1[i].IsZero() || x2[i].IsZero() {
			g.special = append(g.special, i)
			slope[i].SetOne()
		}
	}
	invert(slope, temporary)
	temporary.Sub(y2, y1)
	slope.Mul(slope, temporary)
	g.addSpecial(pairs)
	x2.Add(x2, x1)
	temporary.Mul(slope, slope)
	temporary.Sub(temporary, x2)
	x1.Sub(x1, temporary)
	x1.Mul(x1, slope)
	x1.Sub(x1, y1)
	next := 0
	for i, each := range pairs {
		if next < len(g.special) && g.special[next] == i {
			next++
			continue
		}
		g.x[each.to], g.y[each.to] = temporary[i], x1[i]
	}
}

// addSpecial adds what the formula does not cover: equal points, opposite ones and infinity.
func (g *g1Adder) addSpecial(pairs []pair) {
	for _, i := range g.special {
		left, right := bn254.G1Affine{X: g.x1[i], Y: g.y1[i]}, bn254.G1Affine{X: g.x2[i], Y: g.y2[i]}
		left.Add(&left, &right)
		g.x[pairs[i].to], g.y[pairs[i].to] = left.X, left.Y
	}
}

// weighted is Σ weight · sum, the weight being the place in the list plus 1; 0 in the list stands for no sum.
func (g *g1Adder) weighted(sums []uint32) (total bn254.G1Jac) {
	var running bn254.G1Jac
	for i := len(sums) - 1; i >= 0; i-- {
		if sums[i] != none {
			running.AddMixed(&bn254.G1Affine{X: g.x[sums[i]], Y: g.y[sums[i]]})
		}
		total.AddAssign(&running)
	}
	return total
}

func (g *g1Adder) clear() {
	for _, vector := range []fp.Vector{g.x, g.y, g.x1, g.y1, g.x2, g.y2, g.slope, g.temporary} {
		clear(vector)
	}
}
