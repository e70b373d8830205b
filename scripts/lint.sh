#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Format rules, licence lines, and no lock files or build output among the sources.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.swift' | while read -r f; do [ -e "$f" ] && echo "$f"; done)
swift format lint --strict --parallel "${files[@]}" || status=1
for file in "${files[@]}"; do
    # What a tutorial shows is the reader's own file.
    [[ $file == *.docc/* ]] && continue
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$file: no SPDX line" >&2; status=1; }
done
if git ls-files | grep -E '(^|/)(\.build/|Package\.resolved$)'; then
    echo 'error: build output or a lock file is tracked' >&2
    status=1
fi
exit $status
