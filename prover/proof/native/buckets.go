package main

// none stands for a sum that is not there.
const none = ^uint32(0)

// adder adds affine points of one group in batches. Sums have numbers; points too, with `negated` set for an inverse.
type adder interface {
	reserve(sums int)
	copyPoint(point, to uint32)
	copySum(sum, to uint32)
	addPoints(pairs []pair)
	addSums(pairs []pair)
}

// buckets sums the points of one window by digit, each bucket as a tree of additions: neighbours in pairs, the sums in pairs, and
// so on, in all buckets at once, so that there are always many additions that do not wait for one another.
type buckets struct {
	order   []uint32
	starts  []uint32
	filled  []uint32
	lengths []uint32
	first   []uint32
	pairs   []pair
	sums    []uint32
	grouped []uint32
}

// sumBuckets adds up the points of each digit. Bucket b (digit ±(b+1)) is then the sum of that number where lengths[b] = 1.
func (b *buckets) sumBuckets(group adder, wires []uint32, d digits) {
	count := 1 << (d.scalars.bits - 1)
	b.sort(wires, d, count)
	group.reserve(len(b.order)/2 + 3*count + 2)
	b.sumLists(group, 0, group.addPoints, group.copyPoint)
}

// sort lists the points of each bucket.
func (b *buckets) sort(wires []uint32, d digits, count int) {
	b.starts = resized(b.starts, count+1)
	clear(b.starts)
	least := uint8(wide)
	if d.lowest {
		least = one
	}
	sizes := d.scalars.sizes
	for _, wire := range wires {
		if sizes[wire] < least {
			continue
		}
		if digit := d.at(wire); digit > 0 {
			b.starts[digit]++
		} else if digit < 0 {
			b.starts[-digit]++
		}
	}
	for i := range count {
		b.starts[i+1] += b.starts[i]
	}
	b.order = resized(b.order, int(b.starts[count]))
	b.filled = append(b.filled[:0], b.starts...)
	for i, wire := range wires {
		if sizes[wire] < least {
			continue
		}
		if digit := d.at(wire); digit > 0 {
			b.order[b.filled[digit-1]] = uint32(i)
			b.filled[digit-1]++
		} else if digit < 0 {
			b.order[b.filled[-digit-1]] = uint32(i) | negated
			b.filled[-digit-1]++
		}
	}
}

// sumLists adds up the lists of `order`. List l ends up as sum first[l], the first of them as `base`, where lengths[l] = 1.
func (b *buckets) sumLists(group adder, base uint32, add func([]pair), copyOne func(from, to uint32)) {
	lists := len(b.starts) - 1
	b.first, b.lengths = resized(b.first, lists), resized(b.lengths, lists)
	longest := uint32(0)
	for list := range lists {
		entries := b.order[b.starts[list]:b.starts[list+1]]
		half := uint32(len(entries)+1) / 2
		b.first[list], b.lengths[list] = base, half
		longest = max(longest, half)
		for i := uint32(0); int(i+half) < len(entries); i++ {
			b.push(pair{entries[i], entries[i+half], base + i}, add)
		}
		if len(entries)%2 == 1 {
			copyOne(entries[half-1], base+half-1)
		}
		base += half
	}
	b.flush(add)
	for ; longest > 1; longest = (longest + 1) / 2 {
		b.halve(group)
	}
}

// halve adds the upper half of each list to its lower half.
func (b *buckets) halve(group adder) {
	for list, length := range b.lengths {
		if length < 2 {
			continue
		}
		first, half := b.first[list], (length+1)/2
		for i := first; i+half < first+length; i++ {
			b.push(pair{i, i + half, i}, group.addSums)
		}
		b.lengths[list] = half
	}
	b.flush(group.addSums)
}

func (b *buckets) push(each pair, add func([]pair)) {
	b.pairs = append(b.pairs, each)
	if len(b.pairs) == batchSize {
		b.flush(add)
	}
}

func (b *buckets) flush(add func([]pair)) {
	if len(b.pairs) > 0 {
		add(b.pairs)
		b.pairs = b.pairs[:0]
	}
}

// collect numbers the lists' sums; none where a list has no sum.
func (b *buckets) collect(into []uint32) []uint32 {
	into = into[:0]
	for list, length := range b.lengths {
		if length == 1 {
			into = append(into, b.first[list])
		} else {
			into = append(into, none)
		}
	}
	return into
}

// regroup makes a list of the bucket sums that listOf puts together; list 0 has no weight and is left out.
func (b *buckets) regroup(sums []uint32, lists int, listOf func(weight int) int) {
	b.starts = resized(b.starts, lists)
	clear(b.starts)
	each := func(visit func(list int, sum uint32)) {
		for bucket, sum := range sums {
			if list := listOf(bucket + 1); sum != none && list > 0 {
				visit(list, sum)
			}
		}
	}
	each(func(list int, _ uint32) { b.starts[list]++ })
	for i := range lists - 1 {
		b.starts[i+1] += b.starts[i]
	}
	b.order = resized(b.order, int(b.starts[lists-1]))
	b.filled = append(b.filled[:0], b.starts...)
	each(func(list int, sum uint32) {
		b.order[b.filled[list-1]] = sum
		b.filled[list-1]++
	})
}

// sumWindow is Σ digit·point over the wires' digits of one window.
//
// Σ weight·bucket with weight = row·2^h + column is 2^h·Σ row·(sum of the row) + Σ column·(sum of the column): the sums of rows and
// columns are trees of affine additions again, and only about 4·2^h slow additions remain.
func sumWindow[J any, P jacobian[J]](b *buckets, group weighing[J], wires []uint32, d digits) J {
	b.sumBuckets(group, wires, d)
	b.sums = b.collect(b.sums)
	magnitudeBits := d.scalars.bits - 1
	columnBits := (magnitudeBits + 1) / 2
	free := uint32(len(b.order)/2 + len(b.sums))

	b.regroup(b.sums, 1<<(magnitudeBits-columnBits)+1, func(weight int) int { return weight >> columnBits })
	b.sumLists(group, free, group.addSums, group.copySum)
	b.grouped = b.collect(b.grouped)
	total := group.weighted(b.grouped)
	for range columnBits {
		P(&total).DoubleAssign()
	}
	b.regroup(b.sums, 1<<columnBits, func(weight int) int { return weight & (1<<columnBits - 1) })
	b.sumLists(group, free, group.addSums, group.copySum)
	b.grouped = b.collect(b.grouped)
	columns := group.weighted(b.grouped)
	P(&total).AddAssign(&columns)
	return total
}

type weighing[J any] interface {
	adder
	weighted(sums []uint32) J
}

// jacobian is a point that can be doubled and added to.
type jacobian[J any] interface {
	*J
	AddAssign(*J) *J
	DoubleAssign() *J
}

// joinWindows is Σ window·2^(bits·i).
func joinWindows[J any, P jacobian[J]](windows []J, bits int) (total J) {
	for i := len(windows) - 1; i >= 0; i-- {
		for range bits {
			P(&total).DoubleAssign()
		}
		P(&total).AddAssign(&windows[i])
	}
	return total
}
