package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// grace is how long the API server may take to end; it would wait for clients that are gone.
const grace = 3 * time.Second

// run runs a control plane until the parent goes or a signal comes. The folder's files are the kubeconfig (kubeconfig),
// the keys that it names, the audit log (audit.log) and etcd's data (etcd/).
func run(dir, auditLevel string, flags []string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeKeys(dir); err != nil {
		return err
	}
	etcd, err := startEtcd(dir)
	if err != nil {
		return err
	}
	defer etcd.Close()

	port, err := freePort()
	if err != nil {
		return err
	}
	server := "https://127.0.0.1:" + strconv.Itoa(port)
	if err := writeKubeconfig(dir, server); err != nil {
		return err
	}
	policy := fmt.Sprintf("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: %s}]\n", auditLevel)
	if err := os.WriteFile(filepath.Join(dir, "audit.yaml"), []byte(policy), 0o600); err != nil {
		return err
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		// The parent writes nothing; the read ends when it closes the pipe or dies.
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
		// The command listens to signals and to nothing else; this is as good as one.
		genericapiserver.RequestShutdown()
		time.AfterFunc(grace, func() { os.Exit(0) })
	}()
	go func() {
		if waitUntilReady(ctx, dir, server) == nil {
			fmt.Println("ready")
		}
	}()
	apiserver := app.NewAPIServerCommand()
	apiserver.SetArgs(append(apiserverFlags(dir, etcd.Config().AdvertiseClientUrls[0].String(), port), flags...))
	apiserver.SilenceUsage = true
	return apiserver.ExecuteContext(ctx)
}

func apiserverFlags(dir, etcd string, port int) []string {
	file := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port), "--advertise-address=127.0.0.1",
		"--tls-cert-file=" + file("server.crt"), "--tls-private-key-file=" + file("server.key"),
		"--client-ca-file=" + file("ca.crt"),
		"--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + file("server.key"), "--service-account-signing-key-file=" + file("server.key"),
		"--authorization-mode=RBAC",
		// There is no controller manager that would make the service accounts that pods have to have.
		"--disable-admission-plugins=ServiceAccount",
		"--endpoint-reconciler-type=none",
		"--allow-privileged=true",
		"--audit-policy-file=" + file("audit.yaml"), "--audit-log-path=" + file("audit.log"),
	}
}

func startEtcd(dir string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	client, err := freeURL()
	if err != nil {
		return nil, err
	}
	peer, err := freeURL()
	if err != nil {
		return nil, err
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "error"
	// Nothing here outlives the test.
	config.UnsafeNoFsync = true
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	<-etcd.Server.ReadyNotify()
	return etcd, nil
}

func freeURL() (url.URL, error) {
	port, err := freePort()
	return url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}, err
}

// freePort is a port that was free just now; kube-apiserver and etcd take numbers, not listeners.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
