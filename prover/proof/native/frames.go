package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Both directions carry frames: a little-endian uint32 length, then that many bytes. A request is the uint32 length of a JSON header,
// the header, and the wires of a witness, 32 little-endian bytes each; none to load the key only. An answer is JSON.

const (
	// A witness of 2^24 wires and its header.
	mostFrameBytes = 1<<29 + 1<<16
	// Read ahead, so that the end of the input is noticed while a proof is made.
	framesWaiting = 4
)

type request struct {
	ID     uint64 `json:"id"`
	Zkey   string `json:"zkey"`
	Sha256 string `json:"sha256"`
	// wires is the rest of the frame.
	wires []byte
}

type answer struct {
	ID            uint64   `json:"id"`
	Proof         *proof   `json:"proof,omitempty"`
	Wires         uint32   `json:"wires"`
	PublicSignals uint32   `json:"publicSignals"`
	LoadMs        float64  `json:"loadMs"`
	ProofMs       float64  `json:"proofMs"`
	KeysInMemory  int      `json:"keysInMemory"`
	PeakBytes     uint64   `json:"peakBytes"`
	Error         *failure `json:"error,omitempty"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

// readFrames ends the process with its input: whoever asked is gone, and a proof under way is for nobody.
func readFrames(input io.Reader, frames chan<- []byte) {
	for {
		var size uint32
		if err := binary.Read(input, binary.LittleEndian, &size); err != nil {
			os.Exit(0)
		}
		if size > mostFrameBytes {
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

func parse(frame []byte) (asked request, err error) {
	if len(frame) < 4 || uint64(binary.LittleEndian.Uint32(frame)) > uint64(len(frame)-4) {
		return asked, &failure{"malformed-request", "the header's length exceeds the frame's"}
	}
	headerEnd := 4 + int(binary.LittleEndian.Uint32(frame))
	if err := json.Unmarshal(frame[4:headerEnd], &asked); err != nil {
		return asked, &failure{"malformed-request", err.Error()}
	}
	asked.wires = frame[headerEnd:]
	return asked, nil
}

func writeAnswer(reply answer) {
	text, err := json.Marshal(reply)
	if err != nil {
		panic(err)
	}
	frame := append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
	if _, err := os.Stdout.Write(frame); err != nil {
		os.Exit(0)
	}
}
