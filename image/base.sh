#!/usr/bin/env bash
# Makes the lowest layer of the image, base.sh FOLDER: Node.js, the libraries it
# links, certificates, one user; no shell, no package manager. All but Node.js,
# which is the pinned one of node_modules, is taken out of Debian's packages
# without installing them. Needs apt-get and dpkg.
set -euo pipefail

root=$(realpath -m "$1")
node=$(realpath "$(dirname "$0")/../node_modules/.bin/node")
debian=$root.debian
packages=(base-files ca-certificates libatomic1 libc6 libgcc-s1 libstdc++6)

rm -rf "$root" "$debian"
mkdir -p "$root"/{app,dev,etc/ssl/certs,proc,sys,usr/{bin,lib,lib64},usr/share/doc} "$debian"
install -d -m 1777 "$root/tmp"
# Some packages ship /lib, others its contents under /usr: join them.
for folder in lib lib64; do
  mkdir -p "$debian/usr/$folder"
  ln -s "usr/$folder" "$debian/$folder"
  ln -s "usr/$folder" "$root/$folder"
done

cd "$debian"
download() { apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null; }
# A machine that has no package lists yet gets them.
download 2>/dev/null || { apt-get -qq update && download; }
for package in *.deb; do dpkg-deb --fsys-tarfile "$package" | tar --keep-directory-symlink -x; done

install "$node" "$root/usr/bin/node"
# What "ldd" says Node.js loads: "libc.so.6 => /lib/.../libc.so.6 (0x...)", the loader without the arrow.
for library in $(ldd "$node" | sed -En 's|.* => (/[^ ]+) .*|\1|p; s|^\s+(/[^ ]+) .*|\1|p'); do
  found=$(find -L usr/lib usr/lib64 -path "*/${library##*/}" -print -quit)
  install -D "$found" "$root/$found"
done
# The loader is asked for by a path of its own, which differs between machines.
loader=$(ldd "$node" | sed -En 's|^\s+(/[^ ]+) .*|\1|p')
[[ -e $root$loader ]] || install -D "$debian$loader" "$root$loader"

find usr/share/ca-certificates -name '*.crt' | sort | xargs cat >"$root/etc/ssl/certs/ca-certificates.crt"
cp etc/debian_version "$root/etc/"
cp usr/lib/os-release "$root/etc/os-release"
cp usr/share/common-licenses -r "$root/usr/share/"
for package in "${packages[@]}"; do
  # Some share the folder of another package by a link.
  install -D -m 644 "usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright" 2>/dev/null || true
done
echo 'forebay:x:65532:65532::/:/sbin/nologin' >"$root/etc/passwd"
echo 'forebay:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
rm -rf "$debian"
