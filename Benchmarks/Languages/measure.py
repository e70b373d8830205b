#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size and cost of the same filter in several languages, side by side in one Envoy with one worker.

Reads KIND.LANGUAGE.wasm from a folder, which run.sh fills. Drives one listener after the other, in rounds whose order
rotates, as Benchmarks/FilterCost does; what counts is the CPU time of Envoy's process for each request.
"""
import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "FilterCost"))
from measure import TYPES, Envoy, drive  # noqa: E402

# Of each kind: its configuration, and the body of the answer.
KINDS = {
    "http-headers": ({"header": "x-filtered", "value": "yes"}, None),
    "http-body": ({"find": "cat", "replace": "horse"}, ("no dog, but a cat; " * 54)[:1024]),
}
NONE = "no filter"


def listener(name, kind, module):
    configuration, body = KINDS[kind]
    filters = []
    if module:
        filters.append({"name": name, "typed_config": {"@type": f"{TYPES}.http.wasm.v3.Wasm", "config": {
            "name": name, "root_id": "my_filter",
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue",
                              "value": json.dumps(configuration)},
            "vm_config": {"vm_id": name, "runtime": "envoy.wasm.runtime.v8",
                          "code": {"local": {"filename": module}}}}}})
    answer = {"status": 200}
    if body:
        answer["body"] = {"inline_string": body}
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": answer}]}]},
        "http_filters": filters + [{"name": "router", "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"}}]}
    return {"name": name, "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", help="the folder that run.sh has filled")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=1, help="of each filter in each round")
    parser.add_argument("--envoy", default=os.environ.get("WASME_ENVOY") or "envoy")
    options = parser.parse_args()
    found = {}
    for file in sorted(os.listdir(options.modules)):
        kind, _, rest = file.partition(".")
        if kind in KINDS and rest.endswith(".wasm"):
            found.setdefault(kind, {NONE: None})[rest.removesuffix(".wasm")] = os.path.join(options.modules, file)
    if not found:
        sys.exit("error: no language could be built")
    with tempfile.TemporaryDirectory() as folder:
        listeners = [listener(f"{kind} {name}", kind, module)
                     for kind, modules in found.items() for name, module in modules.items()]
        envoy = Envoy(options.envoy, listeners, folder)
        try:
            version = json.loads(envoy.ask("/server_info"))["version"].split("/")[1]
            print(f"Envoy {version}, one worker; {options.rounds} rounds of {options.seconds} s; "
                  f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
            for kind, modules in found.items():
                report(kind, modules, measured(envoy, kind, list(modules), options))
            print(f"\nload {os.getloadavg()[0]:.1f} at the end")
        finally:
            envoy.stop()


def measured(envoy, kind, names, options):
    """CPU microseconds per request, a list for each name."""
    results = {name: [] for name in names}
    for number in range(-1, options.rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            _, micro = drive(envoy, f"{kind} {name}", options.seconds, None)
            # The first round warms up.
            if number >= 0:
                results[name].append(micro)
    return results


def report(kind, modules, results):
    base = results[NONE]
    print(f"\n{kind}\n| Language | Module, KB | gzip, KB | CPU more than no filter, µs per request: median (lowest to highest) "
          "| by the lowest figures |\n| --- | --- | --- | --- | --- |")
    for name, module in modules.items():
        if module is None:
            continue
        with open(module, "rb") as file:
            data = file.read()
        more = [micro - none for micro, none in zip(results[name], base)]
        print(f"| {name} | {len(data) / 1000:.1f} | {len(gzip.compress(data, 9)) / 1000:.1f} "
              f"| {statistics.median(more):.1f} ({min(more):.1f} to {max(more):.1f}) "
              f"| {min(results[name]) - min(base):.1f} |")
    print(f"no filter: {statistics.median(base):.1f} µs per request ({min(base):.1f} to {max(base):.1f})")


if __name__ == "__main__":
    main()
