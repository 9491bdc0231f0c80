#!/usr/bin/env bash
# Installs the Debian packages that the other scripts call.
set -euo pipefail
. "$(dirname "$0")/../env.sh"

packages=(runc containernetworking-plugins nftables iptables iproute2 util-linux procps curl)
dpkg --status "${packages[@]}" >/dev/null 2>&1 && exit
say "installing Debian packages: ${packages[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
