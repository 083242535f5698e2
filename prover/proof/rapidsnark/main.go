// Command native makes Groth16 proofs with rapidsnark. Its only caller is nativeProcess.ts.
//
// Both directions carry frames: a little-endian uint32 length, then that many bytes. A request is the uint32 length of a JSON
// header, the header, and a witness (*.wtns; empty to load the key only). An answer is JSON. Requests are answered one at a time in
// order; the process ends when its input does, in the middle of a proof too.
//
// The library trusts what it is given: the caller has checked key and witness, and the SHA-256 of a key is compared here with
// the one that was checked.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/iden3/go-rapidsnark/prover"
)

// A witness of 2^24 wires and its header.
const maxFrameBytes = 1<<29 + 1<<16

type request struct {
	ID     uint64 `json:"id"`
	Zkey   string `json:"zkey"`
	Sha256 string `json:"sha256"`
	// witness is the rest of the frame.
	witness []byte
}

type answer struct {
	ID           uint64          `json:"id"`
	Proof        json.RawMessage `json:"proof,omitempty"`
	LoadMs       float64         `json:"loadMs"`
	ProofMs      float64         `json:"proofMs"`
	KeysInMemory int             `json:"keysInMemory"`
	Error        *failure        `json:"error,omitempty"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

func main() {
	limit, err := strconv.ParseInt(strings.Join(os.Args[1:], " "), 10, 64)
	if err != nil || limit <= 0 {
		fmt.Fprintln(os.Stderr, "Usage: prover <bytes that keys may take>. Frames on standard input; see main.go.")
		os.Exit(2)
	}
	store := &keyStore{limit: limit, keys: map[string]*key{}}
	frames := make(chan []byte)
	go readFrames(bufio.NewReaderSize(os.Stdin, 1<<16), frames)
	for frame := range frames {
		writeAnswer(handle(store, frame))
		clear(frame) // the witness is its owner's secret
	}
}

// readFrames ends the process with its input: whoever asked is gone, and a proof under way is for nobody.
func readFrames(input io.Reader, frames chan<- []byte) {
	for {
		var size uint32
		if err := binary.Read(input, binary.LittleEndian, &size); err != nil {
			os.Exit(0)
		}
		if size > maxFrameBytes {
			// Where the next frame starts is unknown from here on.
			writeAnswer(answer{Error: &failure{"frame-too-long", fmt.Sprintf("a frame of %d bytes was announced", size)}})
			os.Exit(3)
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(input, frame); err != nil {
			os.Exit(0)
		}
		frames <- frame
	}
}

func handle(store *keyStore, frame []byte) (reply answer) {
	defer func() {
		if cause := recover(); cause != nil {
			reply.Error = &failure{"panic", fmt.Sprint(cause)}
		}
		reply.KeysInMemory = len(store.keys)
	}()
	asked, err := parse(frame)
	reply.ID = asked.ID
	if err == nil {
		err = answerRequest(store, asked, &reply)
	}
	if err != nil && !errors.As(err, &reply.Error) {
		reply.Error = &failure{"refused", err.Error()}
	}
	return reply
}

func parse(frame []byte) (asked request, err error) {
	if len(frame) < 4 || uint64(binary.LittleEndian.Uint32(frame)) > uint64(len(frame)-4) {
		return asked, &failure{"malformed-request", "the header's length exceeds the frame's"}
	}
	headerEnd := 4 + int(binary.LittleEndian.Uint32(frame))
	if err := json.Unmarshal(frame[4:headerEnd], &asked); err != nil {
		return asked, &failure{"malformed-request", err.Error()}
	}
	asked.witness = frame[headerEnd:]
	return asked, nil
}

func answerRequest(store *keyStore, asked request, reply *answer) error {
	start := time.Now()
	zkey, err := store.load(asked.Zkey, asked.Sha256)
	reply.LoadMs = millisecondsSince(start)
	if err != nil || len(asked.witness) == 0 {
		return err
	}
	start = time.Now()
	proof, _, err := prover.Groth16ProverRaw(zkey, asked.witness)
	reply.ProofMs = millisecondsSince(start)
	reply.Proof = json.RawMessage(proof)
	return err
}

// key is a proving key's file in memory.
type key struct {
	bytes    []byte
	lastUsed uint64
}

// keyStore keeps keys by hash; the least recently used ones make room for a new one. One key is kept however large it is.
type keyStore struct {
	limit int64
	taken int64
	uses  uint64
	keys  map[string]*key
}

func (s *keyStore) load(path, hash string) ([]byte, error) {
	s.uses++
	if known := s.keys[hash]; known != nil {
		known.lastUsed = s.uses
		return known.bytes, nil
	}
	state, err := os.Stat(path)
	if err != nil {
		return nil, &failure{"corrupt-key-file", err.Error()}
	}
	for len(s.keys) > 0 && s.taken+state.Size() > s.limit {
		s.dropLeastRecent()
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, &failure{"corrupt-key-file", err.Error()}
	}
	if sum := sha256.Sum256(bytes); hex.EncodeToString(sum[:]) != hash {
		return nil, &failure{"corrupt-key-file", "its SHA-256 is not the one that was asked for"}
	}
	s.keys[hash] = &key{bytes, s.uses}
	s.taken += int64(len(bytes))
	return bytes, nil
}

func (s *keyStore) dropLeastRecent() {
	oldest := ""
	for hash, each := range s.keys {
		if oldest == "" || each.lastUsed < s.keys[oldest].lastUsed {
			oldest = hash
		}
	}
	s.taken -= int64(len(s.keys[oldest].bytes))
	delete(s.keys, oldest)
}

func writeAnswer(reply answer) {
	text, err := json.Marshal(reply)
	if err != nil {
		text, _ = json.Marshal(answer{ID: reply.ID, Error: &failure{"malformed-proof", err.Error()}})
	}
	frame := append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
	if _, err := os.Stdout.Write(frame); err != nil {
		os.Exit(0)
	}
}

func millisecondsSince(start time.Time) float64 {
	return float64(time.Since(start).Microseconds()) / 1000
}
