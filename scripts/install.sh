#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds for use and installs: PREFIX/bin/{wasme,wasme-hub} and PREFIX/share/wasme/templates.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$1
swift build -c release --product wasme
swift build -c release --product wasme-hub
binaries=$(swift build -c release --show-bin-path)
mkdir -p "$prefix/bin" "$prefix/share/wasme"
install -m 755 "$binaries/wasme" "$binaries/wasme-hub" "$prefix/bin/"
rm -rf "$prefix/share/wasme/templates.new"
cp -R "$binaries/wasme_WasmeTemplates.resources" "$prefix/share/wasme/templates.new"
rm -rf "$prefix/share/wasme/templates"
mv "$prefix/share/wasme/templates.new" "$prefix/share/wasme/templates"
echo "installed $prefix/bin/wasme and $prefix/bin/wasme-hub"
