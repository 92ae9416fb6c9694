package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"

	delve "github.com/go-delve/delve/service/dap"
	"github.com/google/go-dap"
)

// Every request that go-dap can decode; the codec keeps the list to itself.
var dapCommands = func() []string {
	var commands []string
	for _, key := range reflect.ValueOf(dap.NewCodec()).Elem().FieldByName("requestCtor").MapKeys() {
		commands = append(commands, key.String())
	}
	slices.Sort(commands)
	return commands
}()

// One request as Delve has it in the end: go-dap leaves the arguments of attach to Delve.
type dapRequest struct {
	message dap.Message
	attach  *delve.AttachConfig
}

func readDAP(body []byte) (*dapRequest, error) {
	message, err := dap.DecodeProtocolMessage(body)
	if err != nil {
		return nil, err
	}
	if _, ok := message.(dap.RequestMessage); !ok {
		return nil, fmt.Errorf("a client sent a %T", message)
	}
	request := &dapRequest{message: message}
	if attach, ok := message.(*dap.AttachRequest); ok {
		request.attach = &delve.AttachConfig{Mode: "local"}
		if err := json.Unmarshal(attach.Arguments, request.attach); err != nil {
			return nil, err
		}
		attach.Arguments = nil
	}
	return request, nil
}

func answerDAP(c *testCase) *answer {
	a := &answer{}
	var head struct{ Command string }
	if json.Unmarshal(c.client, &head) == nil {
		a.Operation = head.Command
		_, a.Known = slices.BinarySearch(dapCommands, head.Command)
	}
	client, err := readDAP(c.client)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.Read = true
	if len(c.upstream) == 0 {
		return a
	}
	a.Why = compareDAP(client, c.upstream)
	a.Same = a.Why == ""
	return a
}

func compareDAP(client *dapRequest, frame []byte) string {
	in := bufio.NewReader(bytes.NewReader(frame))
	body, err := dap.ReadBaseMessage(in)
	if err != nil {
		return "what dlv would be sent: " + err.Error()
	}
	if rest, _ := io.ReadAll(in); len(rest) != 0 {
		return fmt.Sprintf("what dlv would be sent leaves %q", rest)
	}
	upstream, err := readDAP(body)
	if err != nil {
		return "what dlv would be sent: " + err.Error()
	}
	withoutDAP(client)
	if why := difference(client.attach, upstream.attach); why != "" {
		return why
	}
	return difference(client.message, upstream.message)
}

// What the gateway takes away on purpose; everything else must arrive as it was said.
func withoutDAP(r *dapRequest) {
	if a := r.attach; a != nil {
		a.ProcessID, a.AttachWaitFor = 0, ""
		a.FollowExec, a.FollowExecRegex, a.Backend = false, "", ""
	}
	switch m := r.message.(type) {
	case *dap.DisconnectRequest:
		if m.Arguments != nil {
			m.Arguments.TerminateDebuggee, m.Arguments.SuspendDebuggee = false, false
		}
	case *dap.SetBreakpointsRequest:
		s := &m.Arguments.Source
		s.Origin, s.Sources, s.AdapterData, s.Checksums = "", nil, nil, nil
	}
}

// The bodies of a stream of frames, until Go finds an error in it.
func frames(stream []byte) [][]byte {
	in := bufio.NewReader(bytes.NewReader(stream))
	var found [][]byte
	for {
		body, err := dap.ReadBaseMessage(in)
		if err != nil {
			return found
		}
		found = append(found, body)
	}
}
