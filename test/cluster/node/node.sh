#!/usr/bin/env bash
# The first process of the node: prepares its mounts and network, and keeps the
# cluster's programs running. Started by up.sh, in fresh namespaces.
set -euo pipefail
. "$(dirname "$0")/../env.sh"

etc=$CLUSTER_STATE/etc pki=$CLUSTER_STATE/pki log=$CLUSTER_STATE/log

# --- mounts: the usual paths, with the state folder's content ---------------
mount --make-rshared /
mount --bind "$CLUSTER_STATE/lib" /var/lib
mount --bind "$log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/containerd /run/lock /var/lib/{kubelet,containerd,etcd,cni} "$etc/cni"
hostname "$CLUSTER_NODE"

# --- network: an island ------------------------------------------------------
ip link set lo up
ip link add node0 type bridge # carries the node's address
ip addr add "$CLUSTER_NODE_IP/32" dev node0
ip link set node0 up
# kube-proxy rewrites connections to services, but a route has to exist first.
ip route add "$CLUSTER_SERVICE_CIDR" dev node0 src "$CLUSTER_NODE_IP"
echo 1 >/proc/sys/net/ipv4/ip_forward
# Answers between two pods on the bridge must pass the address translation too.
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables

cat >"$etc/cni/10-forebay-test.conflist" <<CNI
{
  "cniVersion": "1.0.0", "name": "forebay-test",
  "plugins": [
    {"type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "$CLUSTER_POD_CIDR"}]]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
CNI

cat >"$etc/containerd.toml" <<TOML
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "$CLUSTER_PAUSE_IMAGE"
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true # root may lack CAP_SYS_RESOURCE: a lower score is refused
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["$CLUSTER_CNI_BIN"]
  conf_dir = "$etc/cni"
[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = "runc"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
TOML

: >"$etc/resolv.conf"
cat >"$etc/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$CLUSTER_NAME
failCgroupV1: false # where the controllers are on cgroup v1 still
failSwapOn: false
makeIPTablesUtilChains: false
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet-serving.crt
tlsPrivateKeyFile: $pki/kubelet-serving.key
clusterDomain: cluster.local
clusterDNS: ["$CLUSTER_NODE_IP"]
resolvConf: $etc/resolv.conf
# The disk is the host's: how full it is says nothing about this cluster.
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
serializeImagePulls: false
YAML

cat >"$etc/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: $pki/kube-proxy.kubeconfig}
clusterCIDR: $CLUSTER_POD_CIDR
hostnameOverride: $CLUSTER_NODE
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s} # the host's: leave them
YAML

cat >"$etc/Corefile" <<COREFILE
.:53 {
  bind $CLUSTER_NODE_IP
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig $pki/admin-local.kubeconfig
    pods insecure
    ttl 5
  }
}
COREFILE
sed 's|server: .*|server: https://127.0.0.1:6443|' "$pki/admin.kubeconfig" >"$pki/admin-local.kubeconfig"

# --- programs ----------------------------------------------------------------
keep() { # NAME COMMAND...: runs it, again whenever it ends
  local name=$1
  shift
  while :; do
    "$@" >>"$log/$name.log" 2>&1 && status=0 || status=$?
    echo "$(date +%T) $name ended with status $status"
    sleep 0.5
  done &
}

keep etcd etcd --name forebay-test --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
  --initial-cluster forebay-test=http://127.0.0.1:2380

keep containerd containerd --config "$etc/containerd.toml" --log-level warn

keep kube-apiserver kube-apiserver \
  --etcd-servers http://127.0.0.1:2379 \
  --advertise-address "$CLUSTER_NODE_IP" --secure-port 6443 \
  --service-cluster-ip-range "$CLUSTER_SERVICE_CIDR" --allow-privileged \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
  --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
  --kubelet-client-certificate "$pki/apiserver-kubelet-client.crt" --kubelet-client-key "$pki/apiserver-kubelet-client.key" \
  --kubelet-certificate-authority "$pki/ca.crt" --kubelet-preferred-address-types InternalIP \
  --service-account-issuer https://kubernetes.default.svc.cluster.local \
  --service-account-signing-key-file "$pki/sa.key" --service-account-key-file "$pki/sa.pub" \
  --requestheader-client-ca-file "$pki/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
  --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
  --requestheader-extra-headers-prefix X-Remote-Extra- \
  --proxy-client-cert-file "$pki/front-proxy-client.crt" --proxy-client-key-file "$pki/front-proxy-client.key" \
  --shutdown-delay-duration 0s

# The others need the API server: started before it they would only retry at
# growing intervals.
until curl -sf --cacert "$pki/ca.crt" https://127.0.0.1:6443/readyz >/dev/null; do sleep 0.1; done

keep kube-controller-manager kube-controller-manager --kubeconfig "$pki/kube-controller-manager.kubeconfig" \
  --authentication-kubeconfig "$pki/kube-controller-manager.kubeconfig" \
  --authorization-kubeconfig "$pki/kube-controller-manager.kubeconfig" \
  --bind-address 127.0.0.1 --leader-elect=false --use-service-account-credentials \
  --kube-api-qps 500 --kube-api-burst 1000 `# at the default 20 its start alone takes 5 s` \
  --root-ca-file "$pki/ca.crt" --service-account-private-key-file "$pki/sa.key" \
  --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key"

keep kube-scheduler kube-scheduler --kubeconfig "$pki/kube-scheduler.kubeconfig" \
  --authentication-kubeconfig "$pki/kube-scheduler.kubeconfig" \
  --authorization-kubeconfig "$pki/kube-scheduler.kubeconfig" \
  --bind-address 127.0.0.1 --leader-elect=false --kube-api-qps 500 --kube-api-burst 1000

keep kubelet kubelet --config "$etc/kubelet.yaml" --kubeconfig "$pki/kubelet.kubeconfig" \
  --hostname-override "$CLUSTER_NODE" --node-ip "$CLUSTER_NODE_IP"

keep kube-proxy kube-proxy --config "$etc/kube-proxy.yaml"

[[ ! -x $CLUSTER_BIN/coredns ]] || keep coredns coredns -conf "$etc/Corefile"

wait
