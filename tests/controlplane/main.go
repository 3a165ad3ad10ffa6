// A control plane for tests: etcd, kube-apiserver and kubectl of one Kubernetes version in one program, built from their
// published Go modules.
//
//	controlplane -dir STATE [-audit LEVEL] [-- kube-apiserver flags]
//	    runs etcd and kube-apiserver with all state in STATE, writes STATE/kubeconfig, prints "ready" when it serves, and
//	    stops when its standard input is closed: with its parent, however that ends
//	controlplane kubectl ...
//	    kubectl of the same version, kustomize included
//	controlplane cel [VERSION]
//	    what the API server makes of CEL expressions, JSON lines in and out: see package oracle
//
// The Makefile at the top of the repository builds it, with the version that /version and kubectl report, which has to be
// set at link time: kubectl cannot parse a server's version that is not there.
//
// go.mod: k8s.io/kubernetes replaces its staging modules by relative folders, which do not exist in the published module;
// so each of them is replaced here by its published version (1.36.3 is 0.36.3).
package main

import (
	"flag"
	"log"
	"os"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"

	"virt-guard.io/controlplane/oracle"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("controlplane: ")
	subcommand := ""
	if len(os.Args) > 1 {
		subcommand = os.Args[1]
	}
	switch subcommand {
	case "kubectl":
		os.Args = os.Args[1:]
		os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
	case "cel":
		kubernetes := oracle.Newest
		if len(os.Args) > 2 {
			kubernetes = os.Args[2]
		}
		if err := oracle.Serve(os.Stdin, os.Stdout, kubernetes); err != nil {
			log.Fatal(err)
		}
	default:
		dir := flag.String("dir", "", "folder for keys, kubeconfig, etcd's data and the audit log; is made")
		audit := flag.String("audit", "Metadata", "level of the audit log: None, Metadata, Request or RequestResponse")
		flag.Parse()
		if *dir == "" {
			log.Fatal("-dir is missing: where may etcd and the keys be written?")
		}
		if err := run(*dir, *audit, flag.Args()); err != nil {
			log.Fatal(err)
		}
	}
}
