#!/usr/bin/env bash
# Starts a fresh one-node cluster and waits until it takes pods. Needs root.
#
# The node lives in namespaces of its own (network, mounts, processes): nothing
# of it shows in the host's network or mounts, it has no way out to any other
# machine, and it goes away whole when its first process is killed (down.sh).
# The host reaches the API server on 127.0.0.1:$CLUSTER_API_PORT.
set -euo pipefail
. "$(dirname "$0")/../env.sh"

say "starting a single node; its logs are in $CLUSTER_STATE/log"
mkdir -p "$CLUSTER_STATE"/{etc,lib,log}
started=$EPOCHREALTIME

export PATH="$cluster/../../node_modules/.bin:$PATH" # the pinned Node.js
export KUBECONFIG=$CLUSTER_STATE/pki/admin.kubeconfig
hyperkube pki -dir "$CLUSTER_STATE/pki" -node "$CLUSTER_NODE" -server "https://127.0.0.1:$CLUSTER_API_PORT" \
  -sans "$CLUSTER_NODE_IP,127.0.0.1,${CLUSTER_SERVICE_CIDR%.*.*}.0.1"
# Inside the node the API server listens on its usual port.
sed -i "s|https://127.0.0.1:$CLUSTER_API_PORT|https://127.0.0.1:6443|" "$CLUSTER_STATE"/pki/{kube-*,kubelet}.kubeconfig

# The kubelet sets these for the whole machine; down.sh sets them back.
for f in vm/overcommit_memory kernel/panic kernel/panic_on_oops; do
  echo "$f $(cat "/proc/sys/$f")"
done >"$CLUSTER_STATE/sysctl"

# A subtree for the pods: of the one cgroup hierarchy, or (v1) of each.
if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
  sed 's/\</+/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
  mkdir -p "/sys/fs/cgroup/$CLUSTER_NAME"
else
  for controller in /sys/fs/cgroup/*/; do
    mkdir -p "$controller/$CLUSTER_NAME"
    [[ ! -e $controller/cpuset.cpus ]] || for f in cpuset.cpus cpuset.mems; do cat "$controller/$f" >"$controller/$CLUSTER_NAME/$f"; done
  done
fi

setsid unshare --fork --kill-child --pid --mount-proc --mount --propagation slave --net --ipc --uts \
  bash "$cluster/node/node.sh" >"$CLUSTER_STATE/log/node.log" 2>&1 </dev/null &
outer=$!
until inner=$(ps -o pid= --ppid "$outer") && [[ $inner ]]; do
  kill -0 "$outer" || { cat "$CLUSTER_STATE/log/node.log" >&2; exit 1; }
  sleep 0.02
done
echo $((inner)) >"$CLUSTER_STATE/node.pid"

setsid hyperkube forward -dial-ns "/proc/$((inner))/ns/net" "127.0.0.1:$CLUSTER_API_PORT" 127.0.0.1:6443 \
  >"$CLUSTER_STATE/log/forward.log" 2>&1 </dev/null &
echo $! >"$CLUSTER_STATE/forward.pid"
sleep 0.1
pid_of forward >/dev/null || { cat "$CLUSTER_STATE/log/forward.log" >&2; "$cluster/node/down.sh"; exit 1; }

# A stray connection from the host to an address of the cluster must fail at
# once rather than leave the machine.
for cidr in "$CLUSTER_NODE_IP/32" "$CLUSTER_POD_CIDR" "$CLUSTER_SERVICE_CIDR"; do ip route replace unreachable "$cidr"; done

wait_for() { # SECONDS WHAT COMMAND...
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || { say "$what did not come up; see $CLUSTER_STATE/log"; exit 1; }
    sleep 0.2
  done
}
node_ready() { kubectl wait --for=condition=Ready "node/$CLUSTER_NODE" --timeout=60s; }
wait_for 30 containerd test -S "/proc/$((inner))/root/run/containerd/containerd.sock"
pause=$CLUSTER_STATE/pause
mkdir "$pause" && cp "$CLUSTER_BIN/pause" "$pause/"
node "$cluster/../../image/pack.ts" --tag "$CLUSTER_PAUSE_IMAGE" --out "$pause.tar" --entrypoint /pause --user 65535 "$pause"
"$cluster/load" "$pause.tar"
wait_for 60 'the node' node_ready
wait_for 30 'the default service account' kubectl get serviceaccount default
cp "$KUBECONFIG" "$CLUSTER_STATE/kubeconfig" # only now: "up" takes it for a sign that the cluster is ready
say "up in $(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }')"
