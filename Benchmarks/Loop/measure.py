#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long the inner loop takes: measure.py WASME [--rounds N] [--languages c,swift]

From saving a source to the new version serving in `wasme dev`, beside the compiler alone: in each round the source is
changed twice, once for `wasme dev` and once for the toolchain's own command in a copy of the project. And how long
`wasme test` takes for a hundred tests of a module that is built already.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SOURCES = {"c": "src/filter.c", "swift": None}
TIMEOUT = 300


def run(command, folder, environment):
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=TIMEOUT)
    wall = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return wall, done.stdout


def edit(path, before, after):
    """Saves as editors do: a new file in the place of the old one."""
    text = open(path, encoding="utf-8").read()
    if before not in text:
        sys.exit(f"{path} does not have {before}")
    with open(path + "~", "w", encoding="utf-8") as file:
        file.write(text.replace(before, after, 1))
    os.rename(path + "~", path)


def compiler(language, wasme, project):
    """The toolchain's own command, as `wasme build` runs it."""
    if language == "c":
        return ["make"]
    resources = (
        os.path.join(os.path.dirname(os.path.dirname(wasme)), "share/wasme/templates/toolsets/proxy-wasm.json"),
        os.path.join(os.path.dirname(wasme), "wasme_WasmeTemplates.resources/toolsets/proxy-wasm.json"))
    toolset = next(path for path in resources if os.path.exists(path))
    return [
        "swift", "build", "-c", "release", "--triple", "wasm32-unknown-none-wasm", "--toolset", toolset,
        "--product", "PFilter", "-Xswiftc", "-Xclang-linker", "-Xswiftc", "--no-wasm-opt",
    ]


class Dev:
    """A `wasme dev` whose events are read."""

    def __init__(self, wasme, project, environment):
        self.process = subprocess.Popen(
            [wasme, "dev", "--listen", "127.0.0.1:0", "--replay", "0", "--format", "json"], cwd=project,
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def live(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] in ("buildFailed", "refused"):
                sys.exit(line)
            if event["event"] == "live":
                return event
        sys.exit("wasme dev has ended")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)


def measure(language, wasme, rounds, scratch, environment):
    project = os.path.join(scratch, language, "p")
    os.makedirs(os.path.dirname(project))
    run([wasme, "init", "p", "--language", language, "--name", "p-filter"], os.path.dirname(project), environment)
    copy = os.path.join(scratch, language, "copy", "p")
    shutil.copytree(project, copy)
    alone = compiler(language, wasme, copy)
    run(alone, copy, environment)
    rows = []
    dev = Dev(wasme, project, environment)
    try:
        dev.live()
        words = ['"world"'] + [f'"world{number}"' for number in range(1, rounds + 2)]
        for number in range(rounds + 1):
            edit(path_of(copy, language, words[number]), words[number], words[number + 1])
            alone_time, _ = run(alone, copy, environment)
            edit(path_of(project, language, words[number]), words[number], words[number + 1])
            event = dev.live()
            if number:
                rows.append((alone_time, event["buildMilliseconds"] / 1000, event["milliseconds"] / 1000))
    finally:
        dev.end()
    return rows


def path_of(project, language, word):
    """The source that has a word now."""
    if SOURCES[language]:
        return os.path.join(project, SOURCES[language])
    for folder, _, names in os.walk(os.path.join(project, "Sources")):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".swift") and word in open(path, encoding="utf-8").read():
                return path
    sys.exit(f"no source has {word}")


def hundred(wasme, rounds, project, environment):
    cases = "".join(f"  - {{number: {number}}}\n" for number in range(100))
    with open(os.path.join(project, "hundred.yaml"), "w", encoding="utf-8") as file:
        file.write(
            "tests:\n- name: sets the header\n  cases:\n" + cases
            + '  config: {header: x-number, value: "v${number}"}\n  request: {path: /}\n'
            + '  expect: {status: 200, response: {headers: {x-number: "v${number}"}}}\n')
    walls = []
    for number in range(rounds + 1):
        wall, output = run([wasme, "test", "hundred.yaml"], project, environment)
        if "100 passed" not in output:
            sys.exit(output)
        if number:
            walls.append(wall)
    return walls


def figure(values):
    values = sorted(values)
    return f"{statistics.median(values):.2f} ({values[0]:.2f}–{values[-1]:.2f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wasme")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--languages", default="c,swift")
    arguments = parser.parse_args()
    wasme = os.path.abspath(arguments.wasme)
    scratch = tempfile.mkdtemp(prefix="wasme-loop-")
    environment = dict(os.environ, WASME_HOME=os.path.join(scratch, "home"))
    if not environment.get("WASME_ENVOY") and not shutil.which("envoy"):
        sys.exit("set WASME_ENVOY to an Envoy")
    try:
        print("| language | compiler alone, s | build in wasme dev, s | saved to live, s | over the compiler, s |")
        print("| --- | --- | --- | --- | --- |")
        for language in arguments.languages.split(","):
            rows = measure(language, wasme, arguments.rounds, scratch, environment)
            over = [live - alone_time for alone_time, _, live in rows]
            columns = [figure([row[index] for row in rows]) for index in (0, 1, 2)]
            print(f"| {language} | {' | '.join(columns)} | {figure(over)} |")
        first = arguments.languages.split(",")[0]
        walls = hundred(wasme, arguments.rounds, os.path.join(scratch, first, "p"), environment)
        print(f"\nwasme test, 100 tests, with the start of Envoy: {figure(walls)} s")
    finally:
        shutil.rmtree(scratch)


main()
