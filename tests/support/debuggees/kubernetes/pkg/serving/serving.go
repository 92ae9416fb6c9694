// Package serving answers health questions over HTTPS, with a certificate made in memory.
package serving

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"time"
)

func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// Listen binds as components do: an address that is taken is an error that ends them.
func Listen(address string, plain bool) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("failed to create listener: failed to listen on %s: %w", address, err)
	}
	if plain {
		return listener, nil
	}
	pair, err := certificate()
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}}), nil
}

// Health answers /healthz, /livez and /readyz with what healthy says.
func Health(mux *http.ServeMux, healthy func() error) {
	for _, path := range []string{"/healthz", "/livez", "/readyz"} {
		mux.HandleFunc(path, func(answer http.ResponseWriter, _ *http.Request) {
			if err := healthy(); err != nil {
				http.Error(answer, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprint(answer, "ok")
		})
	}
}
