package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"
	"reflect"

	"github.com/go-delve/delve/service/api"
	"github.com/go-delve/delve/service/rpc2"
	"github.com/go-delve/delve/service/rpccommon"
)

// The argument type of every method, found as rpccommon finds them: those of rpc2.RPCServer, and the
// two that rpccommon.RPCServer adds.
var methods = func() map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for _, server := range []reflect.Type{reflect.TypeFor[*rpc2.RPCServer](), reflect.TypeFor[*rpccommon.RPCServer]()} {
		for i := range server.NumMethod() {
			method := server.Method(i)
			if method.Type.NumIn() == 3 { // receiver, argument, reply or callback
				found["RPCServer."+method.Name] = method.Type.In(1)
			}
		}
	}
	return found
}()

// A connection whose client has said everything already.
type wire struct {
	io.Reader
	written bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) { return w.written.Write(p) }
func (w *wire) Close() error                { return nil }

type rpcRequest struct {
	method   string
	id       any
	argument any // nil when Delve has no such method
}

// Reads one request with the very codec that dlv serves JSON-RPC with, and says what is left.
func readRPC(text []byte) (*rpcRequest, []byte, error) {
	rest := bytes.NewReader(text)
	conn := &wire{Reader: rest}
	codec := jsonrpc.NewServerCodec(conn)
	var header rpc.Request
	if err := codec.ReadRequestHeader(&header); err != nil {
		return nil, nil, err
	}
	request := &rpcRequest{method: header.ServiceMethod}
	if typ, ok := methods[header.ServiceMethod]; ok {
		argument := reflect.New(typ)
		if err := codec.ReadRequestBody(argument.Interface()); err != nil {
			return request, nil, err
		}
		request.argument = argument.Interface()
	}

	// The codec keeps the id to itself until it answers.
	if err := codec.WriteResponse(&rpc.Response{Seq: header.Seq}, struct{}{}); err != nil {
		return request, nil, err
	}
	var reply struct {
		ID json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(conn.written.Bytes(), &reply); err != nil {
		return request, nil, err
	}
	id := json.NewDecoder(bytes.NewReader(reply.ID))
	id.UseNumber()
	if err := id.Decode(&request.id); err != nil {
		return request, nil, err
	}
	return request, leftOver(text), nil
}

// What follows the first value of a stream.
func leftOver(text []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		return text
	}
	return bytes.Trim(text[decoder.InputOffset():], " \t\r\n")
}

func answerRPC(c *testCase) *answer {
	client, rest, err := readRPC(c.client)
	a := &answer{}
	if client != nil {
		a.Operation = client.method
		_, a.Known = methods[client.method]
	}
	if err != nil {
		a.Error = err.Error()
		return a
	}
	if len(rest) != 0 {
		a.Error = fmt.Sprintf("%q is left", rest)
		return a
	}
	a.Read = true
	if len(c.upstream) == 0 {
		return a
	}
	upstream, rest, err := readRPC(c.upstream)
	switch {
	case err != nil:
		a.Why = "what dlv would be sent: " + err.Error()
	case len(rest) != 0:
		a.Why = fmt.Sprintf("what dlv would be sent leaves %q", rest)
	default:
		withoutRPC(client.argument)
		a.Why = difference(*client, *upstream)
		if a.Why != "" {
			a.Why += fmt.Sprintf("; arguments %+v and %+v", client.argument, upstream.argument)
		}
	}
	a.Same = a.Why == ""
	return a
}

// What the gateway takes away on purpose; everything else must arrive as it was said.
func withoutRPC(argument any) {
	switch in := argument.(type) {
	case *api.DebuggerCommand:
		in.WithEvents = false
	case *rpc2.CreateBreakpointIn:
		in.Breakpoint.ID = 0
		withoutCommands(&in.Breakpoint)
	case *rpc2.AmendBreakpointIn:
		withoutCommands(&in.Breakpoint)
	}
}

func withoutCommands(bp *api.Breakpoint) {
	if len(bp.CustomCommands) == 0 {
		bp.CustomCommands = nil
	}
}

// The values of a stream, until Go finds an error in it.
func values(stream []byte) [][]byte {
	decoder := json.NewDecoder(bytes.NewReader(stream))
	var found [][]byte
	for {
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return found
		}
		found = append(found, value)
	}
}
