# What cargo alone cannot do: tests that ask the API server's own code. They need Go and make beside Rust.
#
#   make parity              our CEL against the API server's: policies, corpus, and N generated expressions
#   make parity N=1000000    more of them
#   make parity SHOW=20      print that many examples of each group of differences
#   make parity FILTER=text  only cases whose file or expression has this text in it
#   UPDATE=1 make parity     record the API server's answers anew, for `cargo test`
#   make fuzz                mutated expressions, for FUZZ_SECONDS (600)
#   make test-cluster        the webhook as a real API server calls it; FILTER=text picks cases (or, without Go, with the
#                            programs of KUBEBUILDER_ASSETS)
#   make demo                starts an API server, installs the webhook, applies a bad and a good manifest
#   make oracle controlplane build the Go programs and print where they are

N ?= 20000
SEED ?= 1
FUZZ_SECONDS ?= 600

# Beyond the number that every change is checked with, an optimised build pays: it takes minutes, and then questions take
# less than half of the time.
optimised := $(if $(filter 1,$(shell expr $(N) '>' 20000)),--release)

# Built once and kept outside of the tree, under the hash of what they are built from.
sources := $(sort $(shell find tests/controlplane -name '*.go' -o -name 'go.*'))
hash := $(shell cat $(sources) | sha256sum | cut -c1-16)
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/virt-guard
oracle := $(cache)/oracle-$(hash)
controlplane := $(cache)/controlplane-$(hash)

kubernetes := 1.36.3
major := $(word 1,$(subst ., ,$(kubernetes)))
minor := $(word 2,$(subst ., ,$(kubernetes)))
version := $(foreach package,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
  -X $(package).gitVersion=v$(kubernetes) -X $(package).gitMajor=$(major) -X $(package).gitMinor=$(minor))

.PHONY: parity fuzz test-cluster demo oracle controlplane

parity: $(oracle)
	RUST_BACKTRACE=0 PARITY_ORACLE=$(oracle) PARITY_N=$(N) PARITY_SEED=$(SEED) PARITY_SHOW=$(SHOW) \
	  PARITY_FILTER='$(FILTER)' cargo test --locked $(optimised) --test parity the_api_server_agrees -- --ignored --nocapture

fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --locked --test parity hostile -- --nocapture

# With KUBEBUILDER_ASSETS its etcd, kube-apiserver and kubectl are taken, and no Go is needed.
plane := $(if $(KUBEBUILDER_ASSETS),$(CURDIR)/tests/cluster/assets,$(controlplane))

# Four at once: kubectl and the API server share the machine with them.
test-cluster: $(plane)
	RUST_BACKTRACE=0 CONTROLPLANE=$(plane) \
	  cargo test --locked --test cluster '$(FILTER)' -- --ignored --test-threads=4

demo: $(plane)
	@cargo build --locked --quiet
	@tests/cluster/demo $(plane) target/debug/virt-guard

oracle: $(oracle)
	@echo $(oracle)

controlplane: $(controlplane)
	@echo $(controlplane)

# The CEL part alone builds within a minute; the control plane takes several.
$(oracle): $(sources)
	mkdir -p $(cache)
	cd tests/controlplane && go build -trimpath -ldflags '-s -w' -o $@ ./cmd/cel

$(controlplane): $(sources)
	mkdir -p $(cache)
	cd tests/controlplane && go build -trimpath -ldflags '-s -w $(version)' -o $@ .
