package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime/debug"
)

// storedKey is a proving key in memory.
type storedKey struct {
	*provingKey
	// bytes of its file; in memory it takes less.
	bytes    uint64
	lastUsed uint64
}

// keyStore keeps keys by hash; the least recently used ones make room for a new one. One key is kept however large it is.
type keyStore struct {
	limit uint64
	taken uint64
	uses  uint64
	keys  map[string]*storedKey
}

func (s *keyStore) load(path, hash string) (*provingKey, error) {
	s.uses++
	if known := s.keys[hash]; known != nil {
		known.lastUsed = s.uses
		return known.provingKey, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &failure{"corrupt-key-file", err.Error()}
	}
	defer file.Close()
	state, err := file.Stat()
	if err != nil {
		return nil, &failure{"corrupt-key-file", err.Error()}
	}
	bytes := uint64(state.Size())
	for len(s.keys) > 0 && s.taken+bytes > s.limit {
		s.dropLeastRecent()
	}
	key, err := readHashed(file, state.Size(), hash)
	// The file as it was read, and keys that made room.
	debug.FreeOSMemory()
	if err != nil {
		return nil, err
	}
	s.keys[hash] = &storedKey{key, bytes, s.uses}
	s.taken += bytes
	return key, nil
}

// readHashed reads a key; what is wrong with it matters only once its hash is the one that was asked for.
func readHashed(file io.Reader, size int64, hash string) (*provingKey, error) {
	sum := sha256.New()
	input := io.TeeReader(bufio.NewReaderSize(file, 1<<20), sum)
	key, readError := readKey(input, size)
	if _, err := io.Copy(io.Discard, input); err != nil {
		return nil, &failure{"corrupt-key-file", err.Error()}
	}
	if hex.EncodeToString(sum.Sum(nil)) != hash {
		return nil, &failure{"corrupt-key-file", "its SHA-256 is not the one that was asked for"}
	}
	return key, readError
}

func (s *keyStore) dropLeastRecent() {
	oldest := ""
	for hash, each := range s.keys {
		if oldest == "" || each.lastUsed < s.keys[oldest].lastUsed {
			oldest = hash
		}
	}
	s.taken -= s.keys[oldest].bytes
	delete(s.keys, oldest)
}
