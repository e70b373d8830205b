#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What moving images costs wasme and skopeo, in turn, on the same registries, to a cold destination each time.

Every run gets a registry with an empty folder (or one that just holds the images, for a pull) and an empty local folder.
Wall and CPU time are those of the client's processes, as the kernel accounts them. Ratios are taken pair by pair, wasme
to skopeo.
"""
import argparse
import hashlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# Name: number of images, bytes of the documents and of the module.
IMAGES = {"1mb": (1, 20_000, 1_000_000), "200mb": (1, 20_000, 200_000_000), "100": (100, 4_000, 30_000)}


class Layout:
    """An OCI image layout that both tools read, its images tagged as `registry/bench/NAME:vN`."""

    def __init__(self, folder, name, registry):
        self.folder = folder
        self.repository = f"{registry}/bench/{name}"
        count, documents, module = IMAGES[name]
        os.makedirs(f"{folder}/blobs/sha256")
        entries = []
        for number in range(count):
            layers = [
                dict(self.put(os.urandom(size)), mediaType=LAYER, annotations={"dev.wasme.layer": what})
                for what, size in (("documents", documents), ("module", module))]
            config = self.put(json.dumps({
                "architecture": "wasm", "os": "linux", "author": str(number),
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}).encode())
            manifest = json.dumps({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": dict(config, mediaType="application/vnd.oci.image.config.v1+json"), "layers": layers})
            entries.append(dict(self.put(manifest.encode()), mediaType=MANIFEST, annotations={
                "org.opencontainers.image.ref.name": f"{self.repository}:v{number}"}))
        self.references = [f"{self.repository}:v{number}" for number in range(count)]
        self.write("index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode())
        self.write("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')

    def write(self, name, data):
        with open(f"{self.folder}/{name}", "wb") as file:
            file.write(data)

    def put(self, data):
        digest = hashlib.sha256(data).hexdigest()
        self.write(f"blobs/sha256/{digest}", data)
        return {"digest": f"sha256:{digest}", "size": len(data)}


class Registry:
    """A registry process on a fixed port, over a folder that can be emptied or set back to a copy."""

    def __init__(self, kind, program, folder):
        self.kind, self.program, self.folder = kind, program, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.process = None

    def start(self, data=None):
        self.stop()
        shutil.rmtree(f"{self.folder}/data", ignore_errors=True)
        if data:
            shutil.copytree(data, f"{self.folder}/data")
        os.makedirs(f"{self.folder}/data", exist_ok=True)
        if self.kind == "hub":
            command = [self.program, "serve", "--data", f"{self.folder}/data", "--listen", self.address]
        else:
            with open(f"{self.folder}/config.yml", "w") as file:
                file.write('version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n'
                           f'storage: {{filesystem: {{rootdirectory: "{self.folder}/data"}}}}\n'
                           f'http: {{addr: "{self.address}"}}\n')
            command = [self.program, "serve", f"{self.folder}/config.yml"]
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{self.address}/v2/", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{self.kind} does not answer; see {self.folder}/log")

    def keep(self, copy):
        self.stop()
        shutil.copytree(f"{self.folder}/data", copy)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process = None


def timed(commands, log):
    """Wall and CPU seconds of commands one after the other; each must succeed."""
    wall = cpu = 0
    for command in commands:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall += time.perf_counter() - start
        cpu += usage.ru_utime + usage.ru_stime
        if process.returncode != 0:
            sys.exit(f"failed: {' '.join(command[:6])} …; see {log.name}")
    return wall, cpu


def takes_many(wasme, verb):
    """Whether one command moves many images."""
    return "<ref> ..." in subprocess.run([wasme, verb, "--help"], capture_output=True, text=True).stdout


def commands(direction, way, layout, registry, wasme, target):
    """What wasme and skopeo are told, for a way that both have."""
    push = direction == "push"
    references = layout.references
    if way == "one":
        ours = [[wasme, "push", *references, "--store", layout.folder] if push
                else [wasme, "pull", *references, "--store", target]]
        # One process for all images, which skopeo has between a registry and its own kind of folder.
        theirs = [["skopeo", "sync", "--src", "dir", "--dest", "docker", "--dest-tls-verify=false",
                   f"{layout.folder}.dir", f"{registry.address}/bench"] if push
                  else ["skopeo", "sync", "--src", "docker", "--dest", "dir", "--src-tls-verify=false",
                        layout.repository, target]]
    elif push:
        ours = [[wasme, "push", name, "--store", layout.folder] for name in references]
        theirs = [["skopeo", "copy", "--dest-tls-verify=false", f"oci:{layout.folder}:{name}", f"docker://{name}"]
                  for name in references]
    else:
        ours = [[wasme, "pull", name, "--store", target] for name in references]
        theirs = [["skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{target}:{name}"]
                  for name in references]
    return {"wasme": ours, "skopeo": theirs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wasme", required=True)
    parser.add_argument("--hub", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", default=",".join(f"{d}-{n}" for n in IMAGES for d in ("push", "pull")))
    parser.add_argument("--registries", default="docker-registry,hub")
    parser.add_argument("--json", help="write every figure to this file")
    options = parser.parse_args()
    programs = {"docker-registry": shutil.which("docker-registry"), "hub": options.hub}
    figures = []
    with tempfile.TemporaryDirectory(prefix="transfers-") as folder, open(f"{folder}/log", "wb") as log:
        def run(text):
            subprocess.run(text, check=True, stdout=log, stderr=log)
        print("| registry | case | wasme, s | skopeo, s | ratio of wall (range) | CPU: wasme, s | skopeo, s |")
        print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for kind in options.registries.split(","):
            os.makedirs(f"{folder}/{kind}")
            registry = Registry(kind, programs[kind], f"{folder}/{kind}")
            layouts, full = {}, {}
            try:
                for case in options.cases.split(","):
                    direction, name = case.split("-")
                    if name not in layouts:
                        layout = layouts[name] = Layout(f"{folder}/{kind}/{name}", name, registry.address)
                        registry.start()
                        for reference in layout.references:
                            run(["skopeo", "copy", "--dest-tls-verify=false",
                                 f"oci:{layout.folder}:{reference}", f"docker://{reference}"])
                        run(["skopeo", "sync", "--src", "docker", "--dest", "dir", "--src-tls-verify=false",
                             layout.repository, f"{layout.folder}.dir"])
                        full[name] = f"{folder}/{kind}/{name}.full"
                        registry.keep(full[name])
                    layout = layouts[name]
                    ways = ["each"]
                    if len(layout.references) > 1 and takes_many(options.wasme, direction):
                        ways.append("one")
                    for way in ways:
                        times = {"wasme": [], "skopeo": []}
                        # The first round warms the caches of the file system and is not counted.
                        for number in range(options.rounds + 1):
                            for tool in ("wasme", "skopeo") if number % 2 else ("skopeo", "wasme"):
                                registry.start(full[name] if direction == "pull" else None)
                                target = f"{folder}/{kind}/target"
                                shutil.rmtree(target, ignore_errors=True)
                                os.makedirs(target) if way == "one" and tool == "skopeo" else None
                                result = timed(
                                    commands(direction, way, layout, registry, options.wasme, target)[tool], log)
                                if number:
                                    times[tool].append(result)
                        figures.append(report(kind, case, way, len(layout.references), times))
            finally:
                registry.stop()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


def report(kind, case, way, count, times):
    ours, theirs = times["wasme"], times["skopeo"]
    ratios = [a[0] / b[0] for a, b in zip(ours, theirs)]
    what = case if count == 1 else f"{case}, {'one command' if way == 'one' else f'{count} commands'}"
    middle = statistics.median

    def seconds(values, index):
        return f"{middle(value[index] for value in values):.3f}"
    print(f"| {kind} | {what} | {seconds(ours, 0)} | {seconds(theirs, 0)} | {middle(ratios):.2f} "
          f"({min(ratios):.2f}–{max(ratios):.2f}) | {seconds(ours, 1)} | {seconds(theirs, 1)} |", flush=True)
    return {"registry": kind, "case": what, "wasme": ours, "skopeo": theirs}


main()
