#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What moving images costs, beside skopeo: run.sh [--rounds N] [--cases push-1mb,pull-1mb,…] [--registries NAMES] …
# Needs skopeo, docker-registry, python3 and the Swift toolchain. WASME and WASME_HUB name other binaries than those of
# `make install`, which are built into .build/installed otherwise.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ -z "${WASME:-}" ] || [ -z "${WASME_HUB:-}" ]; then
    "$root/scripts/install.sh" "$root/.build/installed" >&2
fi
exec python3 "$here/measure.py" --wasme "${WASME:-$root/.build/installed/bin/wasme}" \
    --hub "${WASME_HUB:-$root/.build/installed/bin/wasme-hub}" "$@"
