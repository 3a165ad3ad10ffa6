// The oracle alone: what the API server makes of CEL expressions. See package oracle; the control plane's subcommand "cel"
// is the same.
//
//	cel [VERSION] < questions > answers
package main

import (
	"log"
	"os"

	"virt-guard.io/controlplane/oracle"
)

func main() {
	kubernetes := oracle.Newest
	if len(os.Args) > 1 {
		kubernetes = os.Args[1]
	}
	if err := oracle.Serve(os.Stdin, os.Stdout, kubernetes); err != nil {
		log.Fatal(err)
	}
}
