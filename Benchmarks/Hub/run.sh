#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the hub's requests cost, beside docker-registry and nginx: run.sh [--cases blob,manifest,…] [--rounds N] …
# Needs wrk, docker-registry, nginx, python3 and the Swift toolchain. WASME_HUB names another binary than a release build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ -z "${WASME_HUB:-}" ]; then
    swift build --package-path "$root" --scratch-path "$root/.build-release" -c release --product wasme-hub >&2
    WASME_HUB=$(swift build --package-path "$root" --scratch-path "$root/.build-release" -c release --show-bin-path)/wasme-hub
fi
exec python3 "$here/measure.py" --hub "$WASME_HUB" "$@"
