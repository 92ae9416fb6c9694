// Package manifest reads a static pod from YAML in the block style that kubeadm writes, or from JSON.
package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

type line struct {
	indent int
	text   string
	number int
}

type reader struct {
	lines []line
	next  int
}

// Only the first document counts, as for the kubelet.
func split(text string) ([]line, error) {
	var lines []line
	for number, raw := range strings.Split(text, "\n") {
		raw = strings.TrimRight(raw, " \r")
		content := strings.TrimLeft(raw, " ")
		if strings.HasPrefix(raw, "---") {
			if len(lines) > 0 {
				break
			}
			continue
		}
		if content == "" || content[0] == '#' {
			continue
		}
		if content[0] == '\t' {
			return nil, fmt.Errorf("line %d: a tab cannot indent", number+1)
		}
		lines = append(lines, line{len(raw) - len(content), content, number + 1})
	}
	return lines, nil
}

// decode gives maps, slices and scalars, as encoding/json does.
func decode(data []byte) (any, error) {
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "{") {
		var value any
		err := json.Unmarshal([]byte(text), &value)
		return value, err
	}
	lines, err := split(string(data))
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("nothing in it")
	}
	r := &reader{lines: lines}
	value, err := r.block(lines[0].indent)
	if err == nil && r.next < len(lines) {
		err = fmt.Errorf("line %d: unexpected indentation", lines[r.next].number)
	}
	return value, err
}

func (r *reader) block(indent int) (any, error) {
	if isItem(r.lines[r.next].text) {
		return r.sequence(indent)
	}
	return r.mapping(indent)
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

func (r *reader) at(indent int) bool {
	return r.next < len(r.lines) && r.lines[r.next].indent == indent
}

func (r *reader) sequence(indent int) (any, error) {
	list := []any{}
	for r.at(indent) && isItem(r.lines[r.next].text) {
		here := &r.lines[r.next]
		rest := strings.TrimLeft(here.text[1:], " ")
		var value any
		var err error
		switch {
		case rest == "":
			r.next++
			value, err = r.nested(indent)
		case isItem(rest) || colon(rest) >= 0:
			here.indent += len(here.text) - len(rest) // the item's own block begins on this line
			here.text = rest
			value, err = r.block(here.indent)
		default:
			r.next++
			value, err = scalar(rest, here.number)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func (r *reader) mapping(indent int) (any, error) {
	fields := map[string]any{}
	for r.at(indent) && !isItem(r.lines[r.next].text) {
		here := r.lines[r.next]
		end := colon(here.text)
		if end < 0 {
			return nil, fmt.Errorf("line %d: expected a key", here.number)
		}
		key, err := scalar(here.text[:end], here.number)
		if err != nil {
			return nil, err
		}
		r.next++
		rest := strings.TrimSpace(here.text[end+1:])
		var value any
		if rest == "" {
			value, err = r.nested(indent)
		} else {
			value, err = scalar(rest, here.number)
		}
		if err != nil {
			return nil, err
		}
		fields[fmt.Sprint(key)] = value
	}
	return fields, nil
}

// What belongs to a key or a dash: deeper lines, or for a key a list at the same depth.
func (r *reader) nested(indent int) (any, error) {
	if r.next >= len(r.lines) {
		return nil, nil
	}
	here := r.lines[r.next]
	if here.indent > indent || here.indent == indent && isItem(here.text) {
		return r.block(here.indent)
	}
	return nil, nil
}

// colon finds the end of a key.
func colon(text string) int {
	if text[0] == '"' || text[0] == '\'' {
		end := strings.IndexByte(text[1:], text[0])
		if end >= 0 && strings.HasPrefix(text[end+2:], ":") {
			return end + 2
		}
		return -1
	}
	if text[0] == '{' || text[0] == '[' {
		return -1
	}
	if end := strings.Index(text, ": "); end >= 0 {
		return end
	}
	if strings.HasSuffix(text, ":") {
		return len(text) - 1
	}
	return -1
}

func scalar(text string, number int) (any, error) {
	var value any
	switch {
	case text[0] == '"' || text[0] == '{' || text[0] == '[':
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		return value, nil
	case text[0] == '\'':
		if len(text) < 2 || !strings.HasSuffix(text, "'") {
			return nil, fmt.Errorf("line %d: unclosed quote", number)
		}
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), nil
	case strings.ContainsAny(text[:1], "&*!|>%@`"):
		return nil, fmt.Errorf("line %d: this stand-in does not read %q", number, text)
	}
	if end := strings.Index(text, " #"); end >= 0 {
		text = strings.TrimRight(text[:end], " ")
	}
	switch text {
	case "null", "~":
		return nil, nil
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off":
		return false, nil
	}
	if integer, err := strconv.ParseInt(text, 10, 64); err == nil {
		return float64(integer), nil
	}
	return text, nil
}
