package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strconv"

	"github.com/go-delve/delve/service/api"
)

type operationList struct {
	Methods, Commands, Requests []string
}

func operations() (*operationList, error) {
	commands, err := commandNames()
	if err != nil {
		return nil, err
	}
	return &operationList{slices.Sorted(maps.Keys(methods)), commands, dapCommands}, nil
}

// The names that a DebuggerCommand can have: Delve has them as untyped constants, so only its source
// has all of them together.
func commandNames() ([]string, error) {
	here := runtime.FuncForPC(reflect.ValueOf(api.ValidBreakpointName).Pointer())
	path, _ := here.FileLine(here.Entry())
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return nil, err
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		names := map[string]string{}
		for _, spec := range group.Specs {
			spec := spec.(*ast.ValueSpec)
			if len(spec.Values) != 1 {
				continue
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
				if names[spec.Names[0].Name], err = strconv.Unquote(value.Value); err != nil {
					return nil, err
				}
			}
		}
		if names["Continue"] == api.Continue {
			return slices.Sorted(maps.Values(names)), nil
		}
	}
	return nil, fmt.Errorf("%s has no constant Continue", path)
}
