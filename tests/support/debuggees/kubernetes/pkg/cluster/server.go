package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Cluster is API server and controllers.
type Cluster struct {
	Nodes []string
	Real  map[string]bool // nodes with a kubelet of their own
	Roles map[string][]Rule
	Log   *os.File

	store *Store
	mutex sync.Mutex
	next  *Surprise
}

// Rule of a Role.
type Rule struct {
	Resources, Names, Verbs []string
}

// Surprise is what a test has happen to the next patch: Edit is done by somebody else just before it, Lose loses its answer.
type Surprise struct {
	Edit json.RawMessage `json:"edit"`
	Lose bool            `json:"lose"`
}

// What a request is about.
type target struct {
	user, verb, namespace, resource, name, sub, path string
}

var kinds = map[string]string{"pods": "Pod", "configmaps": "ConfigMap", "secrets": "Secret", "services": "Service", "nodes": "Node",
	"serviceaccounts": "ServiceAccount", "daemonsets": "DaemonSet", "controllerrevisions": "ControllerRevision"}

// New begins to reconcile.
func New(directory string, nodes []string, kubelets map[string]bool) (*Cluster, error) {
	store, err := Open(directory)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Nodes: nodes, Real: kubelets, Roles: map[string][]Rule{}, store: store}
	go func() {
		for {
			c.reconcile()
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return c, nil
}

func (c *Cluster) keep() {
	if err := c.store.save(); err != nil {
		panic(err)
	}
}

func answer(to http.ResponseWriter, code int, value any) {
	to.Header().Set("Content-Type", "application/json")
	to.WriteHeader(code)
	_ = json.NewEncoder(to).Encode(value)
}

func refuse(to http.ResponseWriter, code int, reason, format string, words ...any) {
	answer(to, code, Object{"kind": "Status", "apiVersion": "v1", "metadata": Object{}, "status": "Failure",
		"message": fmt.Sprintf(format, words...), "reason": reason, "code": code})
}

// who authenticates: by certificate or by token.
func (c *Cluster) who(request *http.Request) string {
	if request.TLS != nil && len(request.TLS.PeerCertificates) > 0 {
		return request.TLS.PeerCertificates[0].Subject.CommonName
	}
	token, given := c.store.Tokens[strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")]
	if given && time.Now().Before(token.Expires) {
		return token.User
	}
	return ""
}

func (c *Cluster) may(what target) bool {
	resource := strings.TrimSuffix(what.resource+"/"+what.sub, "/")
	switch {
	case what.user == "kubernetes-admin" || strings.HasPrefix(what.user, "system:node:"):
		return true
	case strings.HasPrefix(what.user, "system:serviceaccount:"):
		return resource == "services" && what.verb == "list"
	}
	has := func(list []string, word string) bool {
		for _, each := range list {
			if each == word {
				return true
			}
		}
		return false
	}
	for _, rule := range c.Roles[what.user] {
		if has(rule.Resources, resource) && has(rule.Verbs, what.verb) && (len(rule.Names) == 0 || has(rule.Names, what.name)) {
			return true
		}
	}
	return false
}

// read takes a path apart; ok is false where it is none of a resource.
func read(request *http.Request) (what target, ok bool) {
	rest := strings.TrimPrefix(strings.TrimPrefix(request.URL.Path, "/api/v1/"), "/apis/apps/v1/")
	base := strings.TrimSuffix(request.URL.Path, rest)
	parts := strings.Split(rest, "/")
	if len(parts) > 2 && parts[0] == "namespaces" {
		what.namespace = parts[1]
		base += "namespaces/" + parts[1] + "/"
		parts = parts[2:]
	}
	if kinds[parts[0]] == "" || len(parts) > 3 || rest == request.URL.Path {
		return what, false
	}
	what.resource = parts[0]
	what.path = base + parts[0]
	if len(parts) > 1 {
		what.name = parts[1]
		what.path += "/" + parts[1]
	}
	if len(parts) > 2 {
		what.sub = parts[2]
	}
	what.verb = map[string]string{"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}[request.Method]
	if what.verb == "get" && what.name == "" {
		what.verb = "list"
	}
	return what, true
}

func (c *Cluster) ServeHTTP(to http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	c.store.mutex.Lock()
	defer c.store.mutex.Unlock()
	user := c.who(request)
	if user == "" {
		refuse(to, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return
	}
	if document := discovery(request.URL.Path); document != nil {
		answer(to, http.StatusOK, document)
		return
	}
	if request.URL.Path == "/rig/surprise" && user == "kubernetes-admin" {
		c.next = &Surprise{}
		_ = json.Unmarshal(body, c.next)
		return
	}
	what, ok := read(request)
	if !ok {
		refuse(to, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
		return
	}
	what.user = user
	allowed := c.may(what)
	if c.Log != nil {
		_ = json.NewEncoder(c.Log).Encode(Object{"user": user, "verb": what.verb, "resource": what.resource, "sub": what.sub,
			"name": what.name, "namespace": what.namespace, "allowed": allowed, "agent": request.UserAgent()})
	}
	if !allowed {
		refuse(to, http.StatusForbidden, "Forbidden", "%s %q is forbidden: User %q cannot %s resource %q in the namespace %q", what.resource,
			what.name, user, what.verb, what.resource, what.namespace)
		return
	}
	c.serve(to, request, what, body)
	c.keep()
}

func (c *Cluster) serve(to http.ResponseWriter, request *http.Request, what target, body []byte) {
	found := c.store.Objects[what.path]
	missing := func() { refuse(to, http.StatusNotFound, "NotFound", "%s %q not found", what.resource, what.name) }
	switch {
	case what.verb == "list":
		items, err := chosen(c.store.list(what.path), request.URL.Query().Get("labelSelector"), request.URL.Query().Get("fieldSelector"))
		if err != nil {
			refuse(to, http.StatusBadRequest, "BadRequest", "%v", err)
			return
		}
		answer(to, http.StatusOK, Object{"kind": kinds[what.resource] + "List", "apiVersion": version(what.path),
			"metadata": Object{"resourceVersion": fmt.Sprint(c.store.Revision)}, "items": items})
	case what.sub == "token" && what.verb == "create":
		if found == nil {
			missing()
			return
		}
		c.token(to, what, body)
	case what.verb == "create":
		var object Object
		if err := json.Unmarshal(body, &object); err != nil || text(object, "metadata", "name") == "" {
			refuse(to, http.StatusBadRequest, "BadRequest", "no object: %v", err)
			return
		}
		path := what.path + "/" + text(object, "metadata", "name")
		if c.store.Objects[path] != nil {
			refuse(to, http.StatusConflict, "AlreadyExists", "%s %q already exists", what.resource, text(object, "metadata", "name"))
			return
		}
		answer(to, http.StatusCreated, c.store.put(path, object))
	case found == nil:
		missing()
	case what.verb == "get":
		answer(to, http.StatusOK, found)
	case what.verb == "delete":
		if what.resource == "pods" && request.URL.Query().Get("gracePeriodSeconds") != "0" {
			c.end(found)
		} else {
			delete(c.store.Objects, what.path)
			c.store.Revision++
		}
		answer(to, http.StatusOK, found)
	case what.verb == "patch":
		c.patch(to, request, what, body)
	default:
		refuse(to, http.StatusMethodNotAllowed, "MethodNotAllowed", "%s is not done here", what.verb)
	}
}

func (c *Cluster) patch(to http.ResponseWriter, request *http.Request, what target, body []byte) {
	surprise := c.next
	if surprise != nil && what.user != "kubernetes-admin" && !strings.HasPrefix(what.user, "system:") {
		c.next = nil
		if surprise.Edit != nil {
			changed, err := apply(clone(c.store.Objects[what.path]), surprise.Edit)
			if err != nil {
				panic(err)
			}
			c.store.put(what.path, changed.(Object))
		}
	} else {
		surprise = nil
	}
	object := clone(c.store.Objects[what.path])
	var err error
	if request.Header.Get("Content-Type") == "application/json-patch+json" {
		object, err = apply(object, body)
	} else {
		var changes any
		if err = json.Unmarshal(body, &changes); err == nil {
			object = merge(object, changes)
		}
	}
	if err != nil {
		refuse(to, http.StatusUnprocessableEntity, "Invalid", "the server rejected our request due to an error in our request: %v", err)
		return
	}
	if text(object, "metadata", "resourceVersion") != text(c.store.Objects[what.path], "metadata", "resourceVersion") {
		refuse(to, http.StatusConflict, "Conflict", "Operation cannot be fulfilled on %s %q: the object has been modified; please apply "+
			"your changes to the latest version and try again", what.resource, what.name)
		return
	}
	after := c.store.put(what.path, object.(Object))
	if surprise != nil && surprise.Lose {
		c.keep()
		panic(http.ErrAbortHandler)
	}
	answer(to, http.StatusOK, after)
}

func (c *Cluster) token(to http.ResponseWriter, what target, body []byte) {
	var asked Object
	_ = json.Unmarshal(body, &asked)
	life := number(asked, "spec", "expirationSeconds")
	if life < 600 {
		refuse(to, http.StatusUnprocessableEntity, "Invalid", "TokenRequest %q is invalid: spec.expirationSeconds: Invalid value: %d: may "+
			"not specify a duration less than 10 minutes", what.name, life)
		return
	}
	value, end := word(24), time.Now().Add(time.Duration(life)*time.Second).UTC()
	c.store.Tokens[value] = Token{"system:serviceaccount:" + what.namespace + ":" + what.name, end}
	answer(to, http.StatusCreated, Object{"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": Object{
		"name": what.name, "namespace": what.namespace}, "spec": asked["spec"],
		"status": Object{"token": value, "expirationTimestamp": end.Format(time.RFC3339)}})
}
