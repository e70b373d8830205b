#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds a real kube-apiserver for the tests from Debian's own sources, once per machine: about seven minutes on two
# cores. It lies in the cache folder of the user, never in a checkout; nothing of the machine's apt is changed.
# Prints the path of the binary; with --is-there it only says by its exit status whether it has been built.
set -euo pipefail

fail() { printf 'error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf '  help: %s\n' "$2" >&2; exit 1; }

cache="${XDG_CACHE_HOME:-$HOME/.cache}/wasme/kube-apiserver"
go=/usr/lib/go-1.19/bin/go
reflect=/usr/share/gocode/src/github.com/modern-go/reflect2

if [ "${1:-}" = --is-there ]; then
    [ -x "$cache/kube-apiserver" ]
    exit
fi
if [ -x "$cache/kube-apiserver" ]; then
    echo "$cache/kube-apiserver"
    exit
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ -x "$cache/kube-apiserver" ]; then
    echo "$cache/kube-apiserver"
    exit
fi

[ -x "$go" ] || fail 'Go 1.19 is missing, which this version of Kubernetes is built with' \
    'run as root: apt-get install golang-1.19-go'
for pair in dpkg-source:dpkg-dev make:make rsync:rsync; do
    command -v "${pair%%:*}" >/dev/null || fail "${pair%%:*} is missing" "run as root: apt-get install ${pair##*:}"
done
[ -d "$reflect" ] || fail "$reflect is missing" 'run as root: apt-get install golang-github-modern-go-reflect2-dev'

work=$(mktemp -d "$cache/build-XXXXXX")
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT

# --- The sources, by an apt configuration of our own: the entries of the machine, as sources
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/parts"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $file in
    *.sources) sed -n '/^#/d; s/^Types:.*/Types: deb-src/; p' "$file" | awk 'BEGIN { RS = ""; ORS = "\n\n" } /URIs:[^\n]*debian/' \
        >"$work/apt/parts/$(basename "$file")" ;;
    *.list) [ -f "$file" ] && sed -n '/debian/s/^deb /deb-src /p' "$file" >"$work/apt/parts/$(basename "$file")" ;;
    esac
done
[ -s /etc/apt/sources.list ] && sed -n '/debian/s/^deb /deb-src /p' /etc/apt/sources.list >"$work/apt/parts/main.list"
: >"$work/apt/sources.list"
cat >"$work/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "$work/apt/parts";
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "";
CONF
export APT_CONFIG="$work/apt/apt.conf"
log="$work/log"
say() { echo "\$ $*" >&2; }
say apt-get source --download-only kubernetes
cd "$work"
{ apt-get update && apt-get source --download-only kubernetes; } >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; fail 'Debian'"'"'s sources of Kubernetes cannot be fetched' 'these tests need Debian 12 and its mirror'; }
dpkg-source -x ./*.dsc source >>"$log" 2>&1 || { tail -n 5 "$log" >&2; fail 'the sources cannot be unpacked'; }

# --- The build, with what lies in the sources alone
cd source
# The version that they carry dies under Go 1.18 and later at the first server-side apply.
chmod -R u+w vendor/github.com/modern-go/reflect2
rm -f vendor/github.com/modern-go/reflect2/*.go vendor/github.com/modern-go/reflect2/*.s
cp "$reflect"/*.go "$reflect"/*.s vendor/github.com/modern-go/reflect2/
mkdir -p .go/src/k8s.io
ln -s "$PWD" .go/src/k8s.io/kubernetes
export GOPATH="$PWD/.go" GOCACHE="$work/go-cache" GOFLAGS= GO111MODULE=off CGO_ENABLED=0 GOPROXY=off PATH="${go%/go}:$PATH"
say make WHAT=cmd/kube-apiserver
(cd .go/src/k8s.io/kubernetes && make WHAT=cmd/kube-apiserver) >>"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; fail 'kube-apiserver cannot be built'; }
binary=$(find .go _output -name kube-apiserver -type f -perm -u+x 2>/dev/null | head -n 1)
[ -n "$binary" ] || { tail -n 20 "$log" >&2; fail 'the build made no kube-apiserver'; }
mv "$binary" "$cache/kube-apiserver"
echo "$cache/kube-apiserver"
