package cluster

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Operation of a JSON patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func apply(document any, body []byte) (any, error) {
	var operations []Operation
	if err := json.Unmarshal(body, &operations); err != nil {
		return nil, err
	}
	for _, each := range operations {
		var keys []string
		if each.Path != "" {
			keys = strings.Split(each.Path[1:], "/")
		}
		for i := range keys {
			keys[i] = strings.ReplaceAll(strings.ReplaceAll(keys[i], "~1", "/"), "~0", "~")
		}
		changed, err := operate(document, keys, each)
		if err != nil {
			return nil, fmt.Errorf("%s operation at %s: %w", each.Op, each.Path, err)
		}
		document = changed
	}
	return document, nil
}

func operate(value any, keys []string, what Operation) (any, error) {
	if len(keys) == 0 {
		switch what.Op {
		case "test":
			if !same(value, what.Value) {
				return nil, fmt.Errorf("testing value failed: test failed")
			}
			return value, nil
		case "add", "replace":
			return what.Value, nil
		}
		return nil, fmt.Errorf("not here")
	}
	key, last := keys[0], len(keys) == 1
	switch in := value.(type) {
	case Object:
		child, there := in[key]
		if last && what.Op == "remove" {
			if !there {
				return nil, fmt.Errorf("unable to remove nonexistent key: %s", key)
			}
			delete(in, key)
			return in, nil
		}
		if !there && !(last && (what.Op == "add" || what.Op == "test")) {
			return nil, fmt.Errorf("doc is missing path: %s", key)
		}
		changed, err := operate(child, keys[1:], what)
		if err == nil && what.Op != "test" {
			in[key] = changed
		}
		return in, err
	case []any:
		if key == "-" && last && what.Op == "add" {
			return append(in, what.Value), nil
		}
		index, err := strconv.Atoi(key)
		if err != nil || index < 0 || index > len(in) || index == len(in) && !(last && what.Op == "add") {
			return nil, fmt.Errorf("invalid index %s", key)
		}
		switch {
		case last && what.Op == "add":
			return append(in[:index:index], append([]any{what.Value}, in[index:]...)...), nil
		case last && what.Op == "remove":
			return append(in[:index:index], in[index+1:]...), nil
		}
		in[index], err = operate(in[index], keys[1:], what)
		return in, err
	}
	return nil, fmt.Errorf("doc is missing path: %s", key)
}

// merge is a JSON merge patch.
func merge(value, patch any) any {
	changes, ok := patch.(Object)
	if !ok {
		return patch
	}
	object, ok := value.(Object)
	if !ok {
		object = Object{}
	}
	for key, change := range changes {
		if change == nil {
			delete(object, key)
		} else {
			object[key] = merge(object[key], change)
		}
	}
	return object
}
