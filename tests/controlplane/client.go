package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes dir/kubeconfig for the client that may do everything.
func writeKubeconfig(dir, server string) error {
	file := func(name string) string { return filepath.Join(dir, name) }
	config := api.NewConfig()
	config.Clusters["test"] = &api.Cluster{Server: server, CertificateAuthority: file("ca.crt")}
	config.AuthInfos["admin"] = &api.AuthInfo{ClientCertificate: file("admin.crt"), ClientKey: file("admin.key")}
	config.Contexts["test"] = &api.Context{Cluster: "test", AuthInfo: "admin"}
	config.CurrentContext = "test"
	text, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	// Whoever waits for the file must never read half of it.
	if err := os.WriteFile(file("kubeconfig.new"), text, 0o600); err != nil {
		return err
	}
	return os.Rename(file("kubeconfig.new"), file("kubeconfig"))
}

// waitUntilReady waits for /readyz.
func waitUntilReady(ctx context.Context, dir, server string) error {
	config, err := clientcmd.BuildConfigFromFlags(server, filepath.Join(dir, "kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
}
