package cluster

import (
	"fmt"
	"strings"
)

func version(path string) string {
	if strings.HasPrefix(path, "/apis/apps/") {
		return "apps/v1"
	}
	return "v1"
}

// discovery is what kubectl asks for before it knows what a "daemonsets.apps" is.
func discovery(path string) Object {
	resources := func(version string, names ...string) Object {
		list := []any{}
		for _, name := range names {
			list = append(list, Object{"name": name, "singularName": strings.ToLower(kinds[name]), "namespaced": name != "nodes",
				"kind": kinds[name], "verbs": []any{"create", "delete", "get", "list", "patch", "update", "watch"}})
		}
		return Object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": list}
	}
	apps := Object{"groupVersion": "apps/v1", "version": "v1"}
	switch path {
	case "/version":
		return Object{"major": "1", "minor": "34", "gitVersion": "v1.34.1", "platform": "linux/amd64"}
	case "/api":
		return Object{"kind": "APIVersions", "versions": []any{"v1"}, "serverAddressByClientCIDRs": []any{}}
	case "/apis":
		return Object{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{
			Object{"name": "apps", "versions": []any{apps}, "preferredVersion": apps}}}
	case "/api/v1":
		return resources("v1", "pods", "configmaps", "secrets", "services", "nodes", "serviceaccounts")
	case "/apis/apps/v1":
		return resources("apps/v1", "daemonsets", "controllerrevisions")
	}
	return nil
}

// chosen are those that selectors fit; of fields, those of pods and the name.
func chosen(items []Object, labels, fields string) ([]Object, error) {
	out := []Object{}
	for _, each := range items {
		fits := true
		for _, one := range split(fields) {
			key, value, given := strings.Cut(one, "=")
			if !given || key != "spec.nodeName" && key != "metadata.name" && key != "status.phase" {
				return nil, fmt.Errorf("field label not supported: %s", one)
			}
			fits = fits && text(each, strings.Split(key, ".")...) == strings.TrimPrefix(value, "=")
		}
		for _, one := range split(labels) {
			fits = fits && labelled(each, one)
		}
		if fits {
			out = append(out, each)
		}
	}
	return out, nil
}

// split at commas that are outside of brackets.
func split(selector string) []string {
	var out []string
	depth, start := 0, 0
	for i, c := range selector + "," {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			if one := strings.TrimSpace(selector[start:i]); one != "" {
				out = append(out, one)
			}
			start = i + 1
		}
	}
	return out
}

func labelled(object Object, requirement string) bool {
	labels, _ := at(object, "metadata", "labels").(Object)
	value := func(key string) string { text, _ := labels[key].(string); return text }
	if key, list, given := strings.Cut(requirement, " in "); given {
		return strings.Contains(","+strings.Trim(list, "() ")+",", ","+value(key)+",")
	}
	if key, list, given := strings.Cut(requirement, " notin "); given {
		return !strings.Contains(","+strings.Trim(list, "() ")+",", ","+value(key)+",")
	}
	if key, wanted, given := strings.Cut(requirement, "="); given {
		if strings.HasSuffix(key, "!") {
			return value(strings.TrimSuffix(key, "!")) != wanted
		}
		return value(key) == strings.TrimPrefix(wanted, "=")
	}
	_, there := labels[strings.TrimPrefix(requirement, "!")]
	return there != strings.HasPrefix(requirement, "!")
}
