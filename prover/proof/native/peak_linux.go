package main

import (
	"bytes"
	"fmt"
	"os"
)

// peakBytes is the most memory that the process has held. (What getrusage tells includes the parent's, from before exec.)
func peakBytes() (peak uint64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return runtimeBytes()
	}
	_, found, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	if _, err := fmt.Sscanf(string(found), "%d kB", &peak); err != nil {
		return runtimeBytes()
	}
	return peak * 1024
}
