#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the hub's requests cost, beside docker-registry and nginx, in turn, in the same minutes on the same machine.

What counts is the CPU of the server's processes for each request, from /proc: the wall time of a machine that client and
server share says less. Each figure is the median of the rounds.
"""
import argparse
import base64
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import clients
from cases_pages import pages
from cases_push import PUSH_CASES
from servers import Server

MIXED = """
local paths = {%s}
local state = 1
request = function()
    state = (state * 1103515245 + 12345) %% 2147483648
    return wrk.format("GET", paths[state %% #paths + 1])
end
"""


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        programs = {"hub": options.hub, "docker-registry": "docker-registry", "nginx": "nginx"}
        self.servers = {
            name: Server(name, programs[name], f"{folder}/{name}") for name in options.servers.split(",")}
        self.results = {}

    def record(self, case, server, **figures):
        kept = self.results.setdefault(case, {}).setdefault(server, {})
        for name, value in figures.items():
            kept.setdefault(name, []).append(value)

    def wrk(self, case, server, path, connections, script=None, authorization=None):
        """Loads a server with wrk and notes requests a second, CPU for each, and the time that 99 of 100 took."""
        # Without it docker-registry gives no manifest of OCI's.
        command = ["wrk", "-t1", f"-c{connections}", f"-d{self.options.seconds}s", "--latency",
                   "-H", f"Accept: {clients.MANIFEST}, */*"]
        if authorization:
            command += ["-H", f"Authorization: {authorization}"]
        if script:
            with open(f"{self.folder}/wrk.lua", "w") as file:
                file.write(script)
            command += ["-s", f"{self.folder}/wrk.lua"]
        before = server.cpu()
        output = subprocess.run(command + [server.url + path], capture_output=True, text=True, check=True).stdout
        used = server.cpu() - before
        count = int(re.search(r"(\d+) requests in", output).group(1))
        if "Non-2xx" in output or "Socket errors" in output:
            sys.exit(f"{case} at {server.name}: {output}")
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
        scale = {"us": 0.001, "ms": 1, "s": 1000}[p99.group(2)]
        self.record(
            case, server.name, **{
                "CPU µs": used / count * 1e6, "per s": count / self.options.seconds,
                "p99 ms": float(p99.group(1)) * scale})

    def heads(self, case, server, path, connections=64):
        counter, begin = [0], time.perf_counter()
        request = clients.head("HEAD", path)
        before = server.cpu()
        seconds = clients.run(server.port, [
            clients.repeat(request, begin + self.options.seconds, counter) for _ in range(connections)])
        used = server.cpu() - before
        self.record(case, server.name, **{"CPU µs": used / counter[0] * 1e6, "per s": counter[0] / seconds})


def fill(server, layer, name, document):
    """Gives a server the image that is read: pushed, or put where nginx finds it."""
    if server.name == "nginx":
        for kind, key, data in (("blobs", name, layer), ("manifests", "v1", document),
                                ("manifests", clients.digest(document), document)):
            os.makedirs(f"{server.data}/v2/bench/{kind}", exist_ok=True)
            with open(f"{server.data}/v2/bench/{kind}/{key}", "wb") as file:
                file.write(data)
        return
    clients.run(server.port, [clients.config("bench")])
    clients.run(server.port, [clients.images("bench", iter([("v1", layer, name, document)]))])


def reads(bench, wanted):
    """Reads of one image, server by server, round by round."""
    layer = os.urandom(100_000)
    name = clients.digest(layer)
    document = clients.manifest(name, len(layer))
    by_digest = f"/v2/bench/manifests/{clients.digest(document)}"
    blob, by_tag = f"/v2/bench/blobs/{name}", "/v2/bench/manifests/v1"
    for server in bench.servers.values():
        server.start()
        fill(server, layer, name, document)
    for _ in range(bench.options.rounds):
        for server in bench.servers.values():
            if "blob" in wanted:
                bench.wrk("GET blob, 100 KB, 64 clients", server, blob, 64)
                bench.wrk("GET blob, 100 KB, 1 client", server, blob, 1)
            if "manifest" in wanted:
                bench.wrk("GET manifest by tag", server, by_tag, 64)
                bench.wrk("GET manifest by digest", server, by_digest, 64)
            if "head" in wanted:
                bench.heads("HEAD manifest by tag", server, by_tag)
                bench.heads("HEAD manifest by digest", server, by_digest)
                bench.heads("HEAD blob", server, blob)
            if "mixed" in wanted and server.name != "nginx":
                paths = [by_tag] * 4 + [blob] * 4 + [by_digest, "/v2/bench/tags/list"]
                script = MIXED % ",".join(f'"{path}"' for path in paths)
                bench.wrk("mixed: 40 tag, 40 blob, 10 digest, 10 tags", server, by_tag, 64, script)
    for server in bench.servers.values():
        server.stop()
        server.clear()


def authorised(bench):
    """Reads of a private image, by each kind of credential: what log-in and rights cost beside the same read without."""
    server = bench.servers["hub"]
    layer = os.urandom(100_000)
    name = clients.digest(layer)
    server.start()
    fill(server, layer, name, clients.manifest(name, len(layer)))
    kinds = {"open hub": None}
    cases = {"blob": f"/v2/bench/blobs/{name}", "manifest": "/v2/bench/manifests/v1"}

    def measure():
        for _ in range(bench.options.rounds):
            for kind, authorization in kinds.items():
                for case, path in cases.items():
                    bench.wrk(f"GET {case}, {kind}", server, path, 64, authorization=authorization)

    measure()
    server.stop()

    def run(*arguments, text=None):
        return subprocess.run(
            [bench.options.hub, *arguments, "--data", server.data], input=text, capture_output=True, text=True,
            check=True).stdout.strip()

    def basic(password):
        return "Basic " + base64.b64encode(f"ada:{password}".encode()).decode()

    run("user", "add", "ada", "--admin", "--password-stdin", text="a long password")
    token = run("token", "create", "ada", "--name", "bench")
    # The open hub's pushes belong to nobody: with a user they are private.
    server.start()
    request = urllib.request.Request(
        f"{server.url}/token?service=wasme-hub&scope=repository:bench:pull",
        headers={"Authorization": basic("a long password")})
    with urllib.request.urlopen(request) as answer:
        session = json.load(answer)["token"]
    kinds = {"password": basic("a long password"), "token as password": basic(token),
             "token": f"Bearer {token}", "session token": f"Bearer {session}"}
    measure()
    server.stop()
    server.clear()


def report(bench):
    print(f"\n{bench.options.rounds} rounds of {bench.options.seconds} s; medians, with the range of the first figure")
    for case, servers in bench.results.items():
        print(f"\n{case}")
        columns = list(dict.fromkeys(name for figures in servers.values() for name in figures))
        print("  " + "".ljust(18) + "".join(column.rjust(14) for column in columns))
        for server, figures in servers.items():
            cells = [f"{statistics.median(figures[name]):.4g}" if name in figures else "–" for name in columns]
            first = figures.get(columns[0])
            spread = f"  ({min(first):.4g}–{max(first):.4g})" if first and len(first) > 1 else ""
            print("  " + server.ljust(18) + "".join(cell.rjust(14) for cell in cells) + spread)
        if "hub" in servers and "nginx" in servers and "per s" in columns:
            ratio = statistics.median(servers["hub"]["per s"]) / statistics.median(servers["nginx"]["per s"])
            print(f"  hub / nginx, requests a second: {ratio:.2f}")


READ_CASES = ["blob", "manifest", "head", "mixed"]
OTHER_CASES = {**PUSH_CASES, "pages": pages}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", required=True)
    parser.add_argument("--cases", default=",".join(READ_CASES + ["authorised"] + list(OTHER_CASES)))
    parser.add_argument("--servers", default="hub,docker-registry,nginx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--tags", type=int, default=100_000, help="how many tags the case growth makes")
    parser.add_argument("--repositories", type=int, default=10_000, help="how many filters the case pages pushes")
    parser.add_argument("--folder", help="where the servers keep their data (default: a temporary folder)")
    options = parser.parse_args()
    wanted = options.cases.split(",")
    unknown = set(wanted) - set(READ_CASES) - set(OTHER_CASES) - {"authorised"}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    folder = tempfile.mkdtemp(prefix="hub-bench-", dir=options.folder)
    bench = Bench(options, folder)
    try:
        if set(wanted) & set(READ_CASES):
            reads(bench, wanted)
        if "authorised" in wanted:
            authorised(bench)
        for case in wanted:
            if case in OTHER_CASES:
                OTHER_CASES[case](bench)
    finally:
        for server in bench.servers.values():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        report(bench)


if __name__ == "__main__":
    main()
