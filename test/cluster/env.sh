# Settings that all scripts here share; each may be set in the environment.
# shellcheck shell=bash

cluster=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/forebay/cluster
: "${CLUSTER_BIN:=$cache/bin}"     # programs: kubectl, helm and those of the node
: "${CLUSTER_STATE:=$cache/state}" # the running cluster: kubeconfig, data, logs, keys
: "${CLUSTER_NAME:=forebay}"       # kind's name of it; the node's cgroup
: "${CLUSTER_API_PORT:=6443}"      # of the node on the host's 127.0.0.1
: "${CLUSTER_NODE:=node1}"
: "${CLUSTER_NODE_IP:=10.201.0.1}"
: "${CLUSTER_POD_CIDR:=10.202.0.0/16}"     # a /16: the gateway is its .0.1
: "${CLUSTER_SERVICE_CIDR:=10.203.0.0/16}" # a /16: kubernetes.default is its .0.1
: "${CLUSTER_CNI_BIN:=/usr/lib/cni}"       # where Debian puts the CNI plugins
: "${CLUSTER_PAUSE_IMAGE:=forebay.test/pause:1}"
export CLUSTER_BIN CLUSTER_STATE CLUSTER_NAME CLUSTER_API_PORT CLUSTER_NODE CLUSTER_NODE_IP CLUSTER_POD_CIDR \
  CLUSTER_SERVICE_CIDR CLUSTER_CNI_BIN CLUSTER_PAUSE_IMAGE

export PATH="$CLUSTER_BIN:$PATH"
export KUBECONFIG=$CLUSTER_STATE/kubeconfig

say() { echo "cluster: $*" >&2; }

# The process that NAME.pid (node, forward) tells of, if it still is ours: after
# a reboot the number may be another's.
pid_of() {
  local pid
  pid=$(cat "$CLUSTER_STATE/$1.pid" 2>/dev/null) &&
    { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -Eq 'node\.sh|hyperkube forward' && echo "$pid"
}

# Runs a command inside the node: its network, mounts and processes.
in_node() {
  nsenter --target "$(pid_of node)" --net --mount --pid --ipc --uts -- "$@"
}
