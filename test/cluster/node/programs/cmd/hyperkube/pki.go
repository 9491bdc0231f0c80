package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// pki writes what the programs of a cluster need to trust each other: two
// authorities, certificates signed by them, the service-account key pair and
// one kubeconfig per client. It takes milliseconds, and a cluster that starts
// afresh gets fresh keys.
func pki() int {
	flags := flag.NewFlagSet("pki", flag.ExitOnError)
	dir := flags.String("dir", "pki", "directory to write to")
	server := flags.String("server", "https://127.0.0.1:6443", "address of the API server in the kubeconfigs")
	node := flags.String("node", "node1", "name of the node")
	sans := flags.String("sans", "127.0.0.1", "extra names and addresses of the API server, comma-separated")
	_ = flags.Parse(os.Args[1:])
	if err := writePKI(*dir, *server, *node, strings.Split(*sans, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		return 1
	}
	return 0
}

type keyPair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func writePKI(dir, server, node string, sans []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	ca, err := issue(dir, "ca", "forebay-test", nil, nil, nil)
	if err != nil {
		return err
	}
	// Aggregated API servers trust the API server through an authority of its own.
	frontCA, err := issue(dir, "front-proxy-ca", "forebay-test-front-proxy", nil, nil, nil)
	if err != nil {
		return err
	}
	if _, err = issue(dir, "front-proxy-client", "front-proxy-client", nil, nil, frontCA); err != nil {
		return err
	}
	sans = append(sans, "localhost", node, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local")
	if _, err = issue(dir, "apiserver", "kube-apiserver", nil, sans, ca); err != nil {
		return err
	}
	if _, err = issue(dir, "kubelet-serving", node, nil, []string{node, sans[0]}, ca); err != nil {
		return err
	}
	if _, err = issue(dir, "apiserver-kubelet-client", "kube-apiserver-kubelet-client", []string{"system:masters"}, nil, ca); err != nil {
		return err
	}
	for name, id := range map[string]struct {
		user   string
		groups []string
	}{
		"admin":                   {"kubernetes-admin", []string{"system:masters"}},
		"kube-controller-manager": {"system:kube-controller-manager", nil},
		"kube-scheduler":          {"system:kube-scheduler", nil},
		"kube-proxy":              {"system:kube-proxy", nil},
		"kubelet":                 {"system:node:" + node, []string{"system:nodes"}},
	} {
		if _, err = issue(dir, name, id.user, id.groups, nil, ca); err != nil {
			return err
		}
		if err = kubeconfig(dir, name, server); err != nil {
			return err
		}
	}
	sa, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err = writeKey(filepath.Join(dir, "sa.key"), sa); err != nil {
		return err
	}
	pub, err := x509.MarshalPKIXPublicKey(&sa.PublicKey)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", pub)
}

// issue writes NAME.crt and NAME.key: an authority when parent is nil, else a
// certificate of it for clients, and for servers too when it has names.
func issue(dir, name, cn string, groups, names []string, parent *keyPair) (*keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: cn, Organization: groups},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if parent == nil {
		template.IsCA = true
		template.KeyUsage |= x509.KeyUsageCertSign
		template.ExtKeyUsage = nil
		parent = &keyPair{template, key}
	}
	if len(names) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, &key.PublicKey, parent.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err = writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return &keyPair{cert, key}, writeKey(filepath.Join(dir, name+".key"), key)
}

func kubeconfig(dir, name, server string) error {
	read := func(file string) (b []byte) { b, _ = os.ReadFile(filepath.Join(dir, file)); return b }
	config := clientcmdapi.NewConfig()
	config.Clusters["forebay-test"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: read("ca.crt")}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{
		ClientCertificateData: read(name + ".crt"), ClientKeyData: read(name + ".key"),
	}
	config.Contexts["forebay-test"] = &clientcmdapi.Context{Cluster: "forebay-test", AuthInfo: name}
	config.CurrentContext = "forebay-test"
	return clientcmd.WriteToFile(*config, filepath.Join(dir, name+".kubeconfig"))
}

func writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(file, "EC PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
