#!/usr/bin/env bash
# Builds the node's programs and helm from Go modules into $CLUSTER_BIN.
set -euo pipefail
. "$(dirname "$0")/../env.sh"

programs='etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl containerd ctr'
packages='./cmd/... helm.sh/helm/v3/cmd/helm'
# The no_* tags leave out snapshotters that need C libraries or devices.
tags=no_btrfs,no_zfs,no_devmapper,no_tracing

cd "$cluster/node/programs"
command -v go >/dev/null || { say "needs Go $(sed -n 's/^go //p' go.mod) or newer"; exit 1; }

# Nothing to do, not even with an empty build cache, when the sources and the
# compiler are those that $CLUSTER_BIN was made of.
inputs=$({ go version; cat "$cluster/node/build.sh" go.mod go.sum; find cmd -type f | sort | xargs cat; } | sha256sum)
[[ $inputs != "$(cat "$CLUSTER_BIN/inputs" 2>/dev/null)" ]] || exit 0
mkdir -p "$CLUSTER_BIN"
rm -f "$CLUSTER_BIN/inputs"

export CGO_ENABLED=0
say "building Kubernetes from Go modules: once on this machine, 6 to 10 minutes on 2 cores, 5 GB of Go caches"
say "downloading modules"
# shellcheck disable=SC2086
total=$(go list -deps -tags $tags $packages 2> >(grep -v 'go: downloading' >&2) | wc -l)

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.} minor=${minor%%.*}
stamp="-s -w"
for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $p.gitVersion=$version -X $p.gitMajor=1 -X $p.gitMinor=$minor -X $p.gitTreeState=clean"
done
# -v names each package when it is compiled. Without debugging data the compiler
# is an eighth quicker and its cache a sixth smaller.
# shellcheck disable=SC2086
go build -v -trimpath -buildvcs=false -gcflags=all=-dwarf=false -ldflags "$stamp" -tags $tags -o "$CLUSTER_BIN/" $packages 2>&1 |
  awk -v total="$total" '
    /^[a-z0-9A-Z.\/_-]+$/ { if (++n % 200 == 0) { print "cluster: compiled " n " of at most " total " packages"; fflush() }; next }
    !/^go: downloading/ { print; fflush() }' >&2
for p in $programs; do ln -sfn hyperkube "$CLUSTER_BIN/$p"; done
echo "$inputs" >"$CLUSTER_BIN/inputs"
