#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a filter costs Envoy for each request: run.sh [--rounds N] [--seconds N] [--variants none,c-filter,swift] …
# Needs Envoy (WASME_ENVOY or in PATH), wrk, python3 and the Swift toolchain; takes about seven minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
modules=$(mktemp -d)
trap 'rm -rf "$modules"' EXIT
"$here/build-modules.sh" "$modules"
python3 "$here/measure.py" "$modules" "$@"
