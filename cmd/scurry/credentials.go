package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"slices"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/proxy"
)

// leastSecret is how many bytes a secret must have. A shorter one could be guessed.
const leastSecret = 16

// readCredentials reads into c what the nodes prove to each other by.
func readCredentials(cfg *config.Config, c *proxy.Cluster, log zerolog.Logger) (err error) {
	if c.Secret, err = readPeerSecret(cfg.PeerSecretFile, log); err != nil {
		return err
	}
	c.TLS, err = readTLS(cfg, log)
	return err
}

// readPeerSecret reads the secret that all nodes prove to know.
func readPeerSecret(path config.File, log zerolog.Logger) ([]byte, error) {
	return readSecret("--peer-secret-file", path, log)
}

// readAdminToken reads the token that the admin listener wants. It is a header field's value, so it
// has printable characters only.
func readAdminToken(path config.File, log zerolog.Logger) ([]byte, error) {
	const flag = "--admin-token-file"
	token, err := readSecret(flag, path, log)
	unprintable := func(c byte) bool { return c <= ' ' || c > '~' }
	if err == nil && slices.ContainsFunc(token, unprintable) {
		err = usagef("%s %s: a token has no spaces and no other characters than those of ASCII: "+
			"take one such as \"openssl rand -base64 32\" prints", flag, path)
	}
	return token, err
}

// readSecret reads the secret in the file that a flag names. It returns nil if no file is named.
// One newline at the end of the file isn't part of the secret.
func readSecret(flag string, path config.File, log zerolog.Logger) ([]byte, error) {
	text, err := readPrivate(flag, path, log)
	secret := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if err == nil && path != "" && len(secret) < leastSecret {
		err = usagef("%s %s: a secret of %d bytes is too short: "+
			"it needs %d or more, such as \"openssl rand -base64 32\" prints",
			flag, path, len(secret), leastSecret)
	}
	return secret, err
}

// readGossipKeys reads the keys of gossip, one in a line. It returns nil if no file is named.
func readGossipKeys(path config.File, log zerolog.Logger) (keys [][]byte, err error) {
	const flag = "--gossip-key-file"
	text, err := readPrivate(flag, path, log)
	if err != nil || path == "" {
		return nil, err
	}
	for line := range bytes.Lines(bytes.TrimSpace(text)) {
		key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
		if err != nil || !slices.Contains([]int{16, 24, 32}, len(key)) { // AES-128, -192, -256
			keys = nil
			break
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, usagef("%s %s: expected 16, 24 or 32 bytes in base64, "+
			"as \"openssl rand -base64 32\" prints them", flag, path)
	}
	return keys, nil
}

// readTLS reads the TLS settings with which nodes dial and accept each other. It returns nil if no
// files are named.
func readTLS(cfg *config.Config, log zerolog.Logger) (*tls.Config, error) {
	if cfg.PeerTLSCert == "" {
		return nil, nil
	}
	cert, noCert := readFile("--peer-tls-cert", cfg.PeerTLSCert)
	key, noKey := readPrivate("--peer-tls-key", cfg.PeerTLSKey, log)
	authority, noCA := readFile("--peer-tls-ca", cfg.PeerTLSCA)
	if err := cmp.Or(noCert, noKey, noCA); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, usagef("--peer-tls-cert %s with --peer-tls-key %s: %w",
			cfg.PeerTLSCert, cfg.PeerTLSKey, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, usagef(
			"--peer-tls-ca %s: there is no certificate in it: expected PEM", cfg.PeerTLSCA)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		RootCAs:      pool,
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}, nil
}

// readPrivate is readFile for a file that only the nodes should know. It returns nil if no file is
// named. If other users may read the file, it logs a warning and goes on: secrets that an
// orchestrator mounts often have such a mode.
func readPrivate(flag string, path config.File, log zerolog.Logger) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readFile(flag, path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(string(path)); err == nil && info.Mode().Perm()&0o004 != 0 {
		log.Warn().Str("file", string(path)).Msg("every user of this machine can read the file " +
			"of " + flag + ": take the right away with chmod o-r")
	}
	return text, nil
}

func readFile(flag string, path config.File) ([]byte, error) {
	text, err := os.ReadFile(string(path))
	if err != nil {
		err = fmt.Errorf("%s %s: can't read this file: %w", flag, path, config.FileProblem(err))
	}
	return text, err
}
