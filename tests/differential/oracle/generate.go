package main

import (
	"encoding/json"
	"io"
	"maps"
	"math"
	"math/rand"
	"reflect"
	"slices"

	"github.com/go-delve/delve/service/api"
	delve "github.com/go-delve/delve/service/dap"
	"github.com/go-delve/delve/service/rpc2"
	"github.com/google/go-dap"
)

// Writes requests as a client in Go would, one a line.
func generate(out io.Writer, seed int64, count int) error {
	g := &generator{rand.New(rand.NewSource(seed))}
	commands, err := commandNames()
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	id := 0
	for _, method := range slices.Sorted(maps.Keys(methods)) {
		repeat := count
		if method == "RPCServer.Command" {
			repeat = count * len(commands)
		}
		for i := range repeat {
			argument := reflect.New(methods[method]).Elem()
			g.fill(argument, 0)
			switch in := argument.Addr().Interface().(type) {
			case *api.DebuggerCommand:
				in.Name = commands[i%len(commands)]
			case *rpc2.RestartIn: // otherwise nearly all of them ask for what is refused
				if i%2 == 0 {
					in.Rebuild, in.Rerecord, in.Position, in.NewRedirects = false, false, "", [3]string{}
				}
			}
			id++
			if err := lines.Encode(map[string]any{"method": method, "params": [1]any{argument.Interface()}, "id": id}); err != nil {
				return err
			}
		}
	}
	for _, command := range dapCommands {
		for range count {
			id++
			if err := lines.Encode(g.request(command, id)); err != nil {
				return err
			}
		}
	}
	return nil
}

type generator struct{ *rand.Rand }

func (g *generator) request(command string, seq int) dap.Message {
	empty, err := dap.DecodeProtocolMessage(fmtRequest(command, seq))
	if err != nil {
		panic(err)
	}
	message := reflect.ValueOf(empty).Elem()
	if arguments := message.FieldByName("Arguments"); arguments.IsValid() {
		g.fill(arguments, 0)
	}
	switch m := empty.(type) {
	case *dap.InitializeRequest:
		m.Arguments.PathFormat, m.Arguments.LinesStartAt1, m.Arguments.ColumnsStartAt1 = "path", true, true
	case *dap.LaunchRequest:
		m.Arguments = []byte(`{"mode":"exec","program":"/bin/true"}`)
	case *dap.RestartRequest:
		m.Arguments = []byte(`{"arguments":{"request":"launch","rebuild":false}}`)
	case *dap.AttachRequest:
		var config delve.AttachConfig
		g.fill(reflect.ValueOf(&config).Elem(), 0)
		config.Mode = "remote"
		for i := range config.SubstitutePath { // which omits what it then insists on
			config.SubstitutePath[i] = delve.SubstitutePath{From: "/from", To: "/to"}
		}
		m.Arguments, _ = json.Marshal(config)
	case *dap.EvaluateRequest:
		m.Arguments.Expression = pick(g, []string{"x", "call f(x)", " dlv config -list", "dlv sources x",
			"dlv help", "dlv x -count 3 0x1000", "dlv target list", "dlv nothing", "dlvx"})
	case *dap.SetDataBreakpointsRequest:
		for i := range m.Arguments.Breakpoints {
			m.Arguments.Breakpoints[i].DataId = "-1,0,x"
		}
	}
	return empty
}

func fmtRequest(command string, seq int) []byte {
	body, _ := json.Marshal(dap.Request{ProtocolMessage: dap.ProtocolMessage{Seq: seq, Type: "request"}, Command: command})
	return body
}

// Every field gets a value; deep down, types that contain themselves end.
func (g *generator) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.Intn(2) == 0)
	case reflect.String:
		v.SetString(pick(g, []string{"", "x", "main.main", "/src/a b/ü.go", "\"\\\n\t\x00<&>", "日本\U0001F600", "*p", "12"}))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := pick(g, []int64{0, 1, 2, 7, 100, 4096, math.MaxInt32, math.MaxInt64 - 1, math.MaxInt64})
		if g.Intn(24) == 0 {
			n = pick(g, []int64{-1, math.MinInt64})
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := pick(g, []uint64{0, 1, 2, 8, 1 << 32, 1 << 53, 1<<53 + 1, math.MaxUint64})
		v.SetUint(n >> (64 - v.Type().Bits()))
		if n < 1<<v.Type().Bits() {
			v.SetUint(n)
		}
	case reflect.Pointer:
		if g.Intn(4) != 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem(), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				g.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(pick(g, []string{`{}`, `{"a":[1,null]}`, `"text"`, `7`})))
		} else if n := g.Intn(4); n > 0 && depth < 8 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
			g.each(v, depth)
		}
	case reflect.Array:
		g.each(v, depth)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"a", "B", "é"}[:g.Intn(4)] {
			value := reflect.New(v.Type().Elem()).Elem()
			g.fill(value, depth+1)
			v.SetMapIndex(reflect.ValueOf(key), value)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(pick(g, []string{"any", ""})))
	}
}

func (g *generator) each(v reflect.Value, depth int) {
	for i := range v.Len() {
		g.fill(v.Index(i), depth+1)
	}
}

func pick[T any](g *generator, from []T) T { return from[g.Intn(len(from))] }
