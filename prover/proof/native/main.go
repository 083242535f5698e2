// Command native makes Groth16 proofs over BN254. Its only caller is nativeProcess.ts.
//
// As `prover generator` it answers once, with multiples of the generators (generator.go). Otherwise:
//
// Requests are answered one at a time in order, each a frame (frames.go). The process ends when its input does, in the middle of a
// proof too, and when it has taken more memory than it may.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "generator" {
		if err := multiplyGenerators(bufio.NewReaderSize(os.Stdin, 1<<16), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	limits := make([]uint64, 2)
	for i := range limits {
		var err error
		if len(os.Args) != 1+len(limits) {
			usage()
		}
		if limits[i], err = strconv.ParseUint(os.Args[i+1], 10, 63); err != nil || limits[i] == 0 {
			usage()
		}
	}
	// Ctrl-C and a service manager's stop reach the whole group; whoever wants the proof in hand ends this process by its input.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	// What is kept from proof to proof is no garbage; what is, is a few megabytes a proof.
	debug.SetGCPercent(20)
	memoryLimit = limits[1]
	go watchMemory()
	store := &keyStore{limit: limits[0], keys: map[string]*storedKey{}}
	prover := &prover{}
	frames := make(chan []byte, framesWaiting)
	go readFrames(bufio.NewReaderSize(os.Stdin, 1<<16), frames)
	for frame := range frames {
		reply := handle(store, prover, frame)
		endWhereTooLarge()
		writeAnswer(reply)
		// The witness and what follows from it are their owner's secret.
		clear(frame)
		prover.clear()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "Usage: prover <bytes that keys may take> <bytes that all may take>. Frames on standard input; see frames.go.")
	os.Exit(2)
}

func handle(store *keyStore, prover *prover, frame []byte) (reply answer) {
	defer func() {
		if cause := recover(); cause != nil {
			reply.Error = &failure{"panic", fmt.Sprint(cause)}
		}
		reply.KeysInMemory = len(store.keys)
		reply.PeakBytes = peakBytes()
	}()
	asked, err := parse(frame)
	reply.ID = asked.ID
	if err == nil {
		err = answerRequest(store, prover, asked, &reply)
	}
	if err != nil && !errors.As(err, &reply.Error) {
		reply.Error = &failure{"refused", err.Error()}
	}
	return reply
}

func answerRequest(store *keyStore, prover *prover, asked request, reply *answer) (err error) {
	start := time.Now()
	key, err := store.load(asked.Zkey, asked.Sha256)
	reply.LoadMs = millisecondsSince(start)
	if err != nil {
		return err
	}
	reply.Wires, reply.PublicSignals = key.wires, key.publicSignals
	if len(asked.wires) == 0 {
		return nil
	}
	start = time.Now()
	reply.Proof, err = prover.prove(key, asked.wires)
	reply.ProofMs = millisecondsSince(start)
	return err
}

func millisecondsSince(start time.Time) float64 {
	return float64(time.Since(start).Microseconds()) / 1000
}
