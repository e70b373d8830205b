#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds for use and installs: PREFIX/bin/{wasme,wasme-hub} and PREFIX/share/wasme/templates.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$1
# Swift's libraries are linked into the programs: they start sooner, and run where there is no toolchain.
options=(-c release --static-swift-stdlib)
binaries=$(swift build "${options[@]}" --show-bin-path)
# So is libarchive, of which only tar, gzip and zstd are used: the shared one loads an XML reader and Unicode tables besides
# (Docs/decisions/0010). The linker looks into this folder first.
mkdir -p "$binaries"
archive=$(cc -print-file-name=libarchive.a)
# What it needs in turn; the libraries are there with the shared libarchive, their development files may not be.
zstd=$(cc -print-file-name=libzstd.so.1)
if [ -e "$archive" ] && [ -e "$zstd" ]; then
    ln -sf "$archive" "$binaries/"
    options+=(-Xlinker -lz -Xlinker -l:libzstd.so.1)
fi
# And the C++ library that Swift's own is written with.
stdcxx=$(cc -print-file-name=libstdc++.a)
if [ -e "$stdcxx" ]; then ln -sf "$stdcxx" "$binaries/"; fi
swift build "${options[@]}" --product wasme
swift build "${options[@]}" --product wasme-hub
mkdir -p "$prefix/bin" "$prefix/share/wasme"
install -m 755 "$binaries/wasme" "$binaries/wasme-hub" "$prefix/bin/"
rm -rf "$prefix/share/wasme/templates.new"
cp -R "$binaries/wasme_WasmeTemplates.resources" "$prefix/share/wasme/templates.new"
rm -rf "$prefix/share/wasme/templates"
mv "$prefix/share/wasme/templates.new" "$prefix/share/wasme/templates"
echo "installed $prefix/bin/wasme and $prefix/bin/wasme-hub"
