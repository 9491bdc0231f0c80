#!/usr/bin/env bash
# Ends the node of up.sh, with all its processes, and sets the machine back.
set -uo pipefail
. "$(dirname "$0")/../env.sh"

for name in forward node; do
  pid=$(pid_of $name) || continue
  kill -KILL "$pid" 2>/dev/null
  # The node's first process is gone only once all others in it are.
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
done
for cidr in "$CLUSTER_NODE_IP/32" "$CLUSTER_POD_CIDR" "$CLUSTER_SERVICE_CIDR"; do
  ip route del unreachable "$cidr" 2>/dev/null
done
for controller in /sys/fs/cgroup{,/*}/"$CLUSTER_NAME"; do
  [[ -d $controller ]] && find "$controller" -depth -type d -exec rmdir {} +
done
[[ ! -e $CLUSTER_STATE/sysctl ]] || while read -r f value; do echo "$value" >"/proc/sys/$f"; done <"$CLUSTER_STATE/sysctl"
