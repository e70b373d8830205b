#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `wasme build` costs where nothing has changed, beside the toolchain's own no-op: measure.py WASME [--rounds N]

Each round runs both, in turn, in a project of `wasme init` that has just been built; the first round is not counted.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def timed(command, folder, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wasme")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    wasme = os.path.abspath(arguments.wasme)
    scratch = tempfile.mkdtemp(prefix="wasme-builds-")
    try:
        environment = dict(os.environ, WASME_HOME=os.path.join(scratch, "home"))
        timed([wasme, "init", "p", "--language", "swift", "--name", "p-filter"], scratch, environment)
        project = os.path.join(scratch, "p")
        timed([wasme, "build"], project, environment)
        templates = timed(["sh", "-c", f"dirname $(dirname {wasme})"], scratch, environment)[2].strip()
        toolset = next(
            path for path in (
                os.path.join(templates, "share/wasme/templates/toolsets/proxy-wasm.json"),
                os.path.join(os.path.dirname(wasme), "wasme_WasmeTemplates.resources/toolsets/proxy-wasm.json"),
            ) if os.path.exists(path))
        noop = [
            "swift", "build", "-c", "release", "--triple", "wasm32-unknown-none-wasm", "--toolset", toolset,
            "--product", "PFilter", "-Xswiftc", "-Xclang-linker", "-Xswiftc", "--no-wasm-opt",
        ]
        # Options that differ make it link anew; afterwards it has nothing to do.
        timed(noop, project, environment)
        rows = {"swift build, nothing to do": [], "wasme build, nothing changed": [], "wasme version": []}
        compiler = ["swiftc", "-print-target-info", "-target", "wasm32-unknown-none-wasm"]
        rows["swiftc -print-target-info"] = []
        for turn in range(arguments.rounds + 1):
            for name, command in zip(rows, (noop, [wasme, "build"], [wasme, "version"], compiler)):
                wall, cpu, output = timed(command, project, environment)
                if name.startswith("wasme build") and not output.startswith("unchanged "):
                    sys.exit(f"the build did something:\n{output}")
                if turn:
                    rows[name].append((wall, cpu))
        print("| command | wall, ms (range) | CPU, ms |\n| --- | --- | --- |")
        for name, times in rows.items():
            walls = sorted(1000 * wall for wall, _ in times)
            cpu = statistics.median(1000 * cpu for _, cpu in times)
            print(f"| {name} | {statistics.median(walls):.0f} ({walls[0]:.0f}–{walls[-1]:.0f}) | {cpu:.0f} |")
    finally:
        shutil.rmtree(scratch)


main()
