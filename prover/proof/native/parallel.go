package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// workers is how many threads share the work of a proof. A proof has about a hundred tasks, so more would not be of use, and each
// has memory of its own.
var workers = min(runtime.GOMAXPROCS(0), 16)

// crew is goroutines whose panics reach who waits for them, so that one request fails and not the process.
type crew struct {
	group sync.WaitGroup
	cause atomic.Value
}

type panicked struct{ cause any }

func (c *crew) start(work func()) {
	c.group.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				c.cause.CompareAndSwap(nil, panicked{cause})
			}
		}()
		work()
	})
}

func (c *crew) wait() {
	c.group.Wait()
	if first, ok := c.cause.Load().(panicked); ok {
		panic(first.cause)
	}
}

// pieceSize is small enough to keep all workers busy to the end, and large enough that taking a piece costs nothing.
const pieceSize = 1024

// inParallel cuts [0, n) into pieces that the workers take one after the other.
func inParallel(n int, work func(from, to int)) {
	var next atomic.Int64
	var all crew
	for range min(workers, (n+pieceSize-1)/pieceSize) {
		all.start(func() {
			for {
				to := int(next.Add(pieceSize))
				if to-pieceSize >= n {
					return
				}
				work(to-pieceSize, min(to, n))
			}
		})
	}
	all.wait()
}

// resized is a slice of n elements, in the memory of an old one where that is enough. What they hold is left over.
func resized[T any](old []T, n int) []T {
	if n <= cap(old) {
		return old[:n]
	}
	return make([]T, n)
}
