package main

import (
	"os"
	"runtime/metrics"
	"time"
)

// outOfMemory is the process's exit code when it has taken more memory than it may; proverProtocol.ts knows it.
const outOfMemory = 86

var memoryLimit uint64

// watchMemory ends the process soon after it has become too large.
func watchMemory() {
	for range time.Tick(50 * time.Millisecond) {
		endWhereTooLarge()
	}
}

// endWhereTooLarge looks at the most memory that was ever taken, so that no answer leaves a process that was too large, however fast
// it came.
func endWhereTooLarge() {
	if peakBytes() > memoryLimit {
		os.Exit(outOfMemory)
	}
}

// runtimeBytes is what the Go runtime holds of the system's memory, which is nearly all that the process takes.
func runtimeBytes() uint64 {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(held)
	return held[0].Value.Uint64() - held[1].Value.Uint64()
}
