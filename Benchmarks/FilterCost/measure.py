#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a filter costs Envoy for each request, side by side in one process.

One Envoy with one worker thread has a listener for each variant; wrk drives one after the other, in rounds whose order
rotates. What counts is CPU time of the whole process per request (the kernel's own account, in nanoseconds), because
neighbours disturb it less than the rate; differences are taken within a round.

    Benchmarks/FilterCost/run.sh            builds the modules and runs this
"""
import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TYPES = "type.googleapis.com/envoy.extensions.filters"
LUA = 'function envoy_on_response(handle) handle:headers():replace("hello", "world") end'
BODY = 1024
INSIDE = ["inside-c-filter", "inside-c-contexts", "inside-swift"]
# As c/inside.c has it.
INSIDE_REQUESTS = 20000
ABOUT = {
    "none": "no filter",
    "c-empty": "empty module: C, the Swift filter's callbacks doing nothing",
    "c-filter": "C, the leanest: response headers only",
    "c-contexts": "C, an instance per request",
    "c-all": "C, an instance per request, every HTTP callback exported",
    "swift": "Swift, the scaffold's filter",
    "swift-all": "Swift, every HTTP callback exported",
    "lua": "Lua",
}


def filters(variant, modules):
    if variant == "none":
        return []
    if variant == "lua":
        return [{"name": "lua", "typed_config": {
            "@type": f"{TYPES}.http.lua.v3.Lua", "default_source_code": {"inline_string": LUA}}}]
    return [{"name": variant, "typed_config": {"@type": f"{TYPES}.http.wasm.v3.Wasm", "config": {
        "name": variant, "root_id": "",
        "vm_config": {"vm_id": variant, "runtime": "envoy.wasm.runtime.v8",
                      "code": {"local": {"filename": os.path.join(modules, variant + ".wasm")}}}}}}]


def listener(variant, modules, bodies):
    answer = {"status": 200}
    # Has the request read to its end before it is answered, so that its body passes the filter.
    buffering = []
    if bodies:
        answer["body"] = {"inline_string": "x" * BODY}
        buffering = [{"name": "buffer", "typed_config": {
            "@type": f"{TYPES}.http.buffer.v3.Buffer", "max_request_bytes": 1 << 20}}]
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": answer}]}]},
        "http_filters": filters(variant, modules) + buffering + [
            {"name": "router", "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"}}]}
    return {"name": f"{variant}{'+bodies' if bodies else ''}",
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


class Envoy:
    def __init__(self, program, listeners, folder):
        admin = os.path.join(folder, "admin")
        config = {"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
                  "static_resources": {"listeners": listeners}}
        path = os.path.join(folder, "envoy.json")
        with open(path, "w") as file:
            json.dump(config, file)
        self.process = subprocess.Popen(
            [program, "-c", path, "--concurrency", "1", "--disable-hot-restart", "-l", "error",
             "--admin-address-path", admin])
        deadline = time.monotonic() + 60
        while True:
            try:
                with open(admin) as file:
                    self.admin = file.read()
                if self.ask("/ready").startswith("LIVE"):
                    break
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("error: Envoy does not start")
            time.sleep(0.05)
        self.ports = {}
        for status in json.loads(self.ask("/listeners?format=json"))["listener_statuses"]:
            self.ports[status["name"]] = status["local_address"]["socket_address"]["port_value"]

    def ask(self, path):
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as answer:
            return answer.read().decode()

    def cpu(self):
        """Seconds of CPU time of all threads so far."""
        total = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            try:
                with open(path) as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass  # The thread has just ended.
        return total / 1e9

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def drive(envoy, name, seconds, script):
    """Requests per second and CPU microseconds per request."""
    before, start = envoy.cpu(), time.monotonic()
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{envoy.ports[name]}/"]
    if script:
        command[1:1] = ["-s", script]
    out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    spent, elapsed = envoy.cpu() - before, time.monotonic() - start
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"error: {name} does not serve:\n{out}")
    requests = int(re.search(r"(\d+) requests in", out)[1])
    return requests / elapsed, spent / requests * 1e6


def inside(envoy, rounds):
    """What a filter itself does for a request, in nanoseconds: see c/inside.c."""
    calls = 5
    results = {name: [] for name in INSIDE}
    for number in range(-1, rounds):
        for name in INSIDE:
            before = envoy.cpu()
            for _ in range(calls):
                with urllib.request.urlopen(f"http://127.0.0.1:{envoy.ports[name]}/", timeout=60) as answer:
                    answer.read()
            if number >= 0:
                results[name].append((envoy.cpu() - before) / calls / INSIDE_REQUESTS * 1e9)
    print("\nThe filter's own work for a request, without the boundary and the host, in ns: median (lowest to highest)")
    for name in INSIDE:
        print(f"{name.removeprefix('inside-'):12} {spread(results[name])}")


def spread(values, sign=""):
    return f"{statistics.median(values):{sign}8.2f} ({min(values):{sign}.1f} to {max(values):{sign}.1f})"


def table(title, names, results):
    """Neighbours only ever add to a figure, so the lowest is the one least disturbed."""
    print(f"\n{title}")
    print(f"{'':12} {'req/s':>7}  {'CPU µs/request':>24} {'more than no filter':>24} {'more than C':>24}")
    for name in names:
        cpu = [micro for _, micro in results[name]]
        row = f"{name:12} {statistics.median(rate for rate, _ in results[name]):7.0f}  {spread(cpu):>24}"
        for other in ("none", "c-filter"):
            if name == other or other not in results:
                row += f" {'':>24}"
            else:
                row += f" {spread([a - b for a, (_, b) in zip(cpu, results[other])], '+'):>24}"
        print(row)
    lowest = {name: min(micro for _, micro in results[name]) for name in names}
    print("lowest of each, and what that is more than the lowest of no filter and of C:")
    for name in names:
        more = [f"{lowest[name] - lowest[other]:+8.2f}" for other in ("none", "c-filter") if other in lowest]
        print(f"{name:12} {lowest[name]:8.2f} {' '.join(more)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", help="the folder that build-modules.sh has filled")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2, help="of each variant in each round")
    parser.add_argument("--variants", default=",".join(ABOUT))
    parser.add_argument("--without-bodies", action="store_true")
    parser.add_argument("--envoy", default=os.environ.get("WASME_ENVOY") or "envoy")
    options = parser.parse_args()
    names = options.variants.split(",")
    modes = [False] if options.without_bodies else [False, True]
    modules = os.path.abspath(options.modules)
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "post.lua")
        with open(script, "w") as file:
            file.write(f'wrk.method = "POST"\nwrk.body = string.rep("x", {BODY})\n')
        listeners = [listener(name, modules, bodies) for name in names for bodies in modes]
        listeners += [listener(name, modules, False) for name in INSIDE]
        envoy = Envoy(options.envoy, listeners, folder)
        try:
            version = json.loads(envoy.ask("/server_info"))["version"].split("/")[1]
            print(f"Envoy {version}, one worker; wrk -t1 -c32; {options.rounds} rounds of {options.seconds} s each; "
                  f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
            for name in names:
                print(f"  {name:12} {ABOUT[name]}")
            for bodies in modes:
                results = {name: [] for name in names}
                for number in range(-1, options.rounds):
                    shift = number % len(names)
                    for name in names[shift:] + names[:shift]:
                        listening = name + ("+bodies" if bodies else "")
                        result = drive(envoy, listening, options.seconds, script if bodies else None)
                        # The first round warms up: V8 compiles what is hot once more.
                        if number >= 0:
                            results[name].append(result)
                title = f"POST and answer of {BODY} bytes each" if bodies else "GET, answer without a body"
                table(f"{title}: median (lowest to highest of {options.rounds})", names, results)
            inside(envoy, options.rounds)
            print(f"\nload {os.getloadavg()[0]:.1f} at the end; Envoy's resident memory {envoy.resident()} KB")
        finally:
            envoy.stop()


if __name__ == "__main__":
    main()
