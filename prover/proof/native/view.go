//go:build amd64 || arm64

// Both are little-endian, as the files are, and forgive addresses that are no multiple of eight.

package main

import "unsafe"

// view is bytes seen as elements of plain numbers, without a copy.
func view[T any](bytes []byte) []T {
	var element T
	if len(bytes) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/int(unsafe.Sizeof(element)))
}

// bytesOf is the memory of plain numbers.
func bytesOf[T any](elements []T) []byte {
	if len(elements) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(elements))), len(elements)*int(unsafe.Sizeof(elements[0])))
}
