package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// readSections reads the container of iden3's binary formats: four letters, a version, then numbered sections, each with its
// length. As strict as binaryFile.ts: every byte belongs to exactly one section, and none comes twice.
func readSections(input io.Reader, size int64, magic string, versions ...uint32) (map[uint32][]byte, error) {
	var header [12]byte
	if _, err := io.ReadFull(input, header[:]); err != nil {
		return nil, malformed("it is only %d bytes long", size)
	}
	if string(header[:4]) != magic {
		return nil, malformed("it does not start with %q", magic)
	}
	version := binary.LittleEndian.Uint32(header[4:])
	if !slices.Contains(versions, version) {
		return nil, malformed("version %d is not supported", version)
	}
	left := size - int64(len(header))
	sections := map[uint32][]byte{}
	for range binary.LittleEndian.Uint32(header[8:]) {
		if _, err := io.ReadFull(input, header[:]); err != nil {
			return nil, malformed("it is truncated")
		}
		left -= int64(len(header))
		id, length := binary.LittleEndian.Uint32(header[:]), binary.LittleEndian.Uint64(header[4:])
		if left < 0 || length > uint64(left) {
			return nil, malformed("it is truncated inside section %d", id)
		}
		if sections[id] != nil {
			return nil, malformed("section %d comes twice", id)
		}
		sections[id] = make([]byte, length)
		if _, err := io.ReadFull(input, sections[id]); err != nil {
			return nil, malformed("it is truncated inside section %d", id)
		}
		left -= int64(length)
	}
	if extra, _ := io.CopyN(io.Discard, input, 1); extra > 0 || left > 0 {
		return nil, malformed("bytes follow its last section")
	}
	return sections, nil
}

func malformed(format string, values ...any) *failure {
	return &failure{"malformed-key", fmt.Sprintf(format, values...)}
}
