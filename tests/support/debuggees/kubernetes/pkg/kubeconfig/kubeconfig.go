// Package kubeconfig reaches an API server as a kubeconfig in the block style of kubeadm says.
package kubeconfig

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Client of one API server; the token is read anew for each request.
type Client struct {
	Server    string
	token     string
	tokenFile string
	http      *http.Client
}

// ErrNoServer is what a kubeconfig without a cluster gives.
var ErrNoServer = errors.New("it names no server")

// Read understands one cluster and one user.
func Read(path string) (*Client, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if key, value, given := strings.Cut(strings.TrimLeft(line, " -"), ": "); given {
			fields[key] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	if fields["server"] == "" {
		return nil, ErrNoServer
	}
	authority, err := base64.StdEncoding.DecodeString(fields["certificate-authority-data"])
	if err == nil && fields["certificate-authority"] != "" {
		authority, err = os.ReadFile(fields["certificate-authority"])
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s: no certificate of its authority", path)
	}
	return &Client{Server: fields["server"], token: fields["token"], tokenFile: fields["tokenFile"],
		http: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}}, nil
}

// Do sends a request, and decodes the answer into result unless that is nil.
func (c *Client) Do(method, path, kind string, body, result any) error {
	var data io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		data = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, c.Server+path, data)
	if err != nil {
		return err
	}
	token := c.token
	if c.tokenFile != "" {
		read, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(read))
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", kind)
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, result)
}
