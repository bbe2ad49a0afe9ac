package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

// write makes a file that only its owner can read, and returns its path.
func write(t *testing.T, name string, text []byte) config.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return config.File(path)
}

func TestReadSecret(t *testing.T) {
	const short = "a secret of %d bytes is too short: it needs 16 or more, such as \"openssl " +
		"rand -base64 32\" prints"
	sixteen := strings.Repeat("s", 16)
	tests := []struct{ text, want, err string }{
		{"", "", fmt.Sprintf(short, 0)},
		{sixteen[:15] + "\n", "", fmt.Sprintf(short, 15)},
		{sixteen, sixteen, ""},
		{sixteen + "\n", sixteen, ""},
		{sixteen + "\r\n", sixteen, ""},
		{sixteen + "\n\n", sixteen + "\n", ""},
		{" " + sixteen, " " + sixteen, ""},
	}
	for _, tt := range tests {
		path := write(t, "secret", []byte(tt.text))
		got, err := readPeerSecret(path, zerolog.Nop())
		if tt.err == "" && (err != nil || string(got) != tt.want) {
			t.Errorf("%q is %q, %v", tt.text, got, err)
		}
		if want := fmt.Sprintf("--peer-secret-file %s: %s", path, tt.err); tt.err != "" &&
			(fmt.Sprint(err) != want || !errors.As(err, new(usageError))) {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.text, err, want)
		}
	}
	if got, err := readPeerSecret("", zerolog.Nop()); got != nil || err != nil {
		t.Errorf("no file: %q, %v", got, err)
	}
	_, err := readPeerSecret("/nowhere/s", zerolog.Nop())
	if fmt.Sprint(err) != "--peer-secret-file /nowhere/s: can't read this file: no such file or "+
		"directory" || errors.As(err, new(usageError)) {
		t.Error(err)
	}
}

func TestReadGossipKey(t *testing.T) {
	for text, want := range map[string]int{
		"MDEyMzQ1Njc4OWFiY2RlZg==\n": 16, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3": 24,
		" MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= \r\n":           32,
		"MDEyMzQ1Njc4OWFiY2RlZg==\nMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n": 16,
		"MDEyMzQ1Njc4OWFiY2RlZg==\nM\n":                                0,
		"":                                                             0, "MDEyMw==": 0,
		"30313233343536373839616263646566": 24, "0123456789abcde": 0, "MDEyMzQ1Njc4OWFiY2RlZg": 0,
	} {
		path := write(t, "key", []byte(text))
		got, err := readGossipKeys(path, zerolog.Nop())
		if want > 0 && (err != nil || len(got) == 0 || len(got[0]) != want ||
			len(got) != strings.Count(text, "=\nM")+1) {
			t.Errorf("%q is %q, %v; want %d bytes", text, got, err, want)
		}
		if want == 0 && fmt.Sprint(err) != fmt.Sprintf("--gossip-key-file %s: expected 16, 24 or "+
			"32 bytes in base64, as \"openssl rand -base64 32\" prints them", path) {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestReadableSecretIsWarnedOf(t *testing.T) {
	path := write(t, "secret", bytes.Repeat([]byte("s"), 16))
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
		if err := os.Chmod(string(path), mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		if _, err := readPeerSecret(path, zerolog.New(&log)); err != nil {
			t.Error(err)
		}
		if warned := strings.Contains(log.String(), `"level":"warn"`); warned != want {
			t.Errorf("mode %o: the log says %q", mode, &log)
		}
	}
}

// authority signs certificates of nodes.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	a.cert = a.sign(t, a.cert, a.key)
	return a
}

func (a *authority) sign(t *testing.T, c *x509.Certificate,
	key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// settings is those of a node at 127.0.0.1 with a certificate that a has signed.
func (a *authority) settings(t *testing.T) *config.Config {
	t.Helper()
	key := newKey(t)
	cert := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind,
			Bytes: der})
	}
	c := &config.Config{}
	c.PeerTLSCert = write(t, "cert", text("CERTIFICATE", cert.Raw))
	c.PeerTLSKey = write(t, "key", text("PRIVATE KEY", der))
	c.PeerTLSCA = write(t, "ca", text("CERTIFICATE", a.cert.Raw))
	return c
}

// Two nodes of one authority talk to each other; one of another authority gets nowhere, in either
// role, and nor does one without a certificate.
func TestReadTLS(t *testing.T) {
	load := func(c *config.Config) *tls.Config {
		t.Helper()
		loaded, err := readTLS(c, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	ours := newAuthority(t)
	one, two, stranger := load(ours.settings(t)), load(ours.settings(t)),
		load(newAuthority(t).settings(t))
	if err := exchange(t, one, two); err != nil {
		t.Errorf("nodes of one authority: %v", err)
	}
	if exchange(t, one, stranger) == nil || exchange(t, stranger, one) == nil {
		t.Error("nodes of different authorities talk to each other")
	}
	if exchange(t, one, &tls.Config{RootCAs: one.RootCAs}) == nil {
		t.Error("a node talks to one without a certificate")
	}
	old := two.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if exchange(t, one, old) == nil {
		t.Error("a node talks TLS 1.2")
	}
}

// exchange has client dial server and each send the other a byte.
func exchange(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = swap(conn)
		}
		accepted <- err
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client = client.Clone()
	client.ServerName = "127.0.0.1"
	err = swap(tls.Client(conn, client))
	return errors.Join(err, <-accepted)
}

func swap(conn net.Conn) error {
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err
}

func TestReadTLSErrors(t *testing.T) {
	a := newAuthority(t)
	nonsense := write(t, "nonsense", []byte("nonsense"))
	tests := []struct {
		change func(c *config.Config)
		want   string
		usage  bool
	}{
		{func(c *config.Config) { c.PeerTLSCert = "/nowhere" },
			"--peer-tls-cert /nowhere: can't read this file: no such file or directory", false},
		{func(c *config.Config) { c.PeerTLSKey = "/nowhere" },
			"--peer-tls-key /nowhere: can't read this file: no such file or directory", false},
		{func(c *config.Config) { c.PeerTLSCA = "/nowhere" },
			"--peer-tls-ca /nowhere: can't read this file: no such file or directory", false},
		{func(c *config.Config) { c.PeerTLSCA = nonsense }, "--peer-tls-ca " + string(nonsense) +
			": there is no certificate in it: expected PEM", true},
		{func(c *config.Config) { c.PeerTLSCert = nonsense }, "--peer-tls-cert " +
			string(nonsense) + " with --peer-tls-key ", true},
		// another's
		{func(c *config.Config) { c.PeerTLSKey = a.settings(t).PeerTLSKey }, "--peer-tls-cert ",
			true},
	}
	for _, tt := range tests {
		c := a.settings(t)
		tt.change(c)
		_, err := readTLS(c, zerolog.Nop())
		if !strings.HasPrefix(fmt.Sprint(err), tt.want) ||
			errors.As(err, new(usageError)) != tt.usage {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
	if none, err := readTLS(&config.Config{}, zerolog.Nop()); none != nil || err != nil {
		t.Errorf("no files: %v, %v", none, err)
	}
}
