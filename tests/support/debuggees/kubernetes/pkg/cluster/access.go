package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

type pair struct {
	certificate, key []byte // PEM
}

func (p pair) load() (tls.Certificate, error) { return tls.X509KeyPair(p.certificate, p.key) }

func (p pair) write(directory, name string) error {
	if err := os.WriteFile(filepath.Join(directory, name+".key"), p.key, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, name+".crt"), p.certificate, 0o644)
}

func issue(name string, groups []string, addresses []net.IP, by *tls.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true}
	above, signer := template, any(key)
	if by == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		if above, err = x509.ParseCertificate(by.Certificate[0]); err != nil {
			return pair{}, err
		}
		signer = by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, above, &key.PublicKey, signer)
	if err != nil {
		return pair{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	return pair{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})}, err
}

// Admit makes, once, the authority, the server's certificate and a kubeconfig for each user in the directory; the
// administrator's has a certificate, the others' have tokens. It returns what the server listens with.
func (c *Cluster) Admit(directory, address string, users []string) (*tls.Config, error) {
	if _, err := os.Stat(filepath.Join(directory, "admin.conf")); os.IsNotExist(err) {
		if err := c.admit(directory, address, users); err != nil {
			return nil, err
		}
	}
	authority, err := os.ReadFile(filepath.Join(directory, "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	own, err := tls.LoadX509KeyPair(filepath.Join(directory, "server.crt"), filepath.Join(directory, "server.key"))
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool,
		MinVersion: tls.VersionTLS12}, err
}

func (c *Cluster) admit(directory, address string, users []string) error {
	root, err := issue("kubernetes", nil, nil, nil)
	if err != nil {
		return err
	}
	signer, err := root.load()
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	own, err := issue("kube-apiserver", nil, []net.IP{net.ParseIP(host)}, &signer)
	if err != nil {
		return err
	}
	admin, err := issue("kubernetes-admin", []string{"system:masters"}, nil, &signer)
	if err != nil {
		return err
	}
	if err := root.write(directory, "ca"); err != nil {
		return err
	}
	if err := own.write(directory, "server"); err != nil {
		return err
	}
	encoded := base64.StdEncoding.EncodeToString
	for _, user := range users {
		token := word(24)
		c.store.mutex.Lock()
		c.store.Tokens[token] = Token{user, time.Now().Add(24 * time.Hour)}
		c.keep()
		c.store.mutex.Unlock()
		if err := kubeconfig(directory, user, address, root.certificate, "token: "+token); err != nil {
			return err
		}
	}
	return kubeconfig(directory, "admin", address, root.certificate, "client-certificate-data: "+encoded(admin.certificate)+
		"\n    client-key-data: "+encoded(admin.key))
}

func kubeconfig(directory, user, address string, authority []byte, credential string) error {
	text := fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %s
    server: https://%s
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: me
  name: me@kubernetes
current-context: me@kubernetes
kind: Config
preferences: {}
users:
- name: me
  user:
    %s
`, base64.StdEncoding.EncodeToString(authority), address, credential)
	return os.WriteFile(filepath.Join(directory, user+".conf"), []byte(text), 0o600)
}
