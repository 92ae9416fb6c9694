package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
)

// A case on stdin is one byte of kind, then twice a 32-bit big-endian length and that many bytes:
// what the client sent, and what the gateway would send to dlv for it (empty when it refused).
//
//	r  one JSON-RPC request          d  the body of one DAP request
//	v  a stream of JSON values       f  a stream of DAP frames
type testCase struct {
	kind     byte
	client   []byte
	upstream []byte
}

// An answer says how Go reads the case.
type answer struct {
	Read      bool     // Go reads the client's bytes without an error
	Error     string   `json:",omitempty"`
	Operation string   `json:",omitempty"` // method or command
	Known     bool     // Delve has such an operation
	Same      bool     // the upstream bytes are one message, and mean exactly the same
	Why       string   `json:",omitempty"` // of not Same
	Parts     [][]byte `json:",omitempty"` // of a stream: what Go takes from it, one by one
}

func readCase(in *bufio.Reader) (*testCase, error) {
	kind, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	c := &testCase{kind: kind}
	for _, part := range []*[]byte{&c.client, &c.upstream} {
		var size uint32
		if err := binary.Read(in, binary.BigEndian, &size); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		*part = make([]byte, size)
		if _, err := io.ReadFull(in, *part); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return c, nil
}

func (c *testCase) answer() (*answer, error) {
	switch c.kind {
	case 'r':
		return answerRPC(c), nil
	case 'd':
		return answerDAP(c), nil
	case 'v':
		return &answer{Read: true, Parts: values(c.client)}, nil
	case 'f':
		return &answer{Read: true, Parts: frames(c.client)}, nil
	}
	return nil, fmt.Errorf("unknown kind of case %q", c.kind)
}

func difference(client, upstream any) string {
	if reflect.DeepEqual(client, upstream) {
		return ""
	}
	return fmt.Sprintf("the client said %#v, dlv would be told %#v", client, upstream)
}
