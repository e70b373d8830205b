#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a namespace with very many pods costs a deploy: measure.py WASME [--pods N] [--rounds N]

Runs a real kube-apiserver and etcd, fills a namespace with pods of a usual size, and measures kubectl's own listings and
wasme's commands: the time, the most memory of the process, and how much of both is kubectl's.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CACHED = os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "wasme/kube-apiserver/kube-apiserver")
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wasmplugins.extensions.istio.io}
spec:
  group: extensions.istio.io
  scope: Namespaced
  names: {kind: WasmPlugin, plural: wasmplugins, singular: wasmplugin, listKind: WasmPluginList}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
# Stands in kubectl's place and writes down what each call took; compiled, as a script's own start would count as wasme's.
WRAPPER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    (void)count;
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        execv(getenv("BENCH_KUBECTL"), arguments);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) < 0) return 127;
    FILE *log = fopen(getenv("BENCH_LOG"), "a");
    if (log == NULL) return 127;
    fprintf(log, "[%.6f, %ld]\n", now() - start, usage.ru_maxrss);
    fclose(log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def pod(number, app):
    """A pod as a Deployment of a mesh makes it, of about 5 KB."""
    environment = [{"name": f"SETTING_{index}", "value": f"value-{number}-{index}" * 3} for index in range(24)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    container = {
        "image": f"registry.example.org/team/{app}:1.{number % 7}.0", "env": environment, "livenessProbe": probe,
        "readinessProbe": probe, "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": f"{app}-7d9c8b6f5-{number:05d}",
            "labels": {
                "app": app, "pod-template-hash": "7d9c8b6f5", "security.istio.io/tlsMode": "istio",
                "service.istio.io/canonical-name": app, "service.istio.io/canonical-revision": "latest"},
            "annotations": {"kubectl.kubernetes.io/default-container": app, "sidecar.istio.io/status": "x" * 300}},
        "spec": {"containers": [{"name": app, **container}, {"name": "istio-proxy", **container}]}}


class Cluster:
    """An API server of its own, without nodes: pods stay as they were made."""

    def __init__(self, folder):
        ports = [free_port() for _ in range(3)]
        client, peer = (f"http://127.0.0.1:{port}" for port in ports[:2])
        self.port = ports[2]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": open(os.path.join(folder, "log"), "ab")}
        self.processes = [subprocess.Popen(
            ["etcd", "--data-dir", os.path.join(folder, "etcd"), "--name", "bench", "--listen-client-urls", client,
             "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", f"bench={peer}", "--log-level", "error", "--unsafe-no-fsync"], **quiet)]
        tokens = os.path.join(folder, "tokens.csv")
        with open(tokens, "w", encoding="utf-8") as file:
            file.write('bench-token,bench,bench,"system:masters"\n')
        key = os.path.join(folder, "accounts.key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, **quiet)
        self.processes.append(subprocess.Popen(
            [os.environ.get("WASME_KUBE_APISERVER", CACHED), "--etcd-servers", client, "--bind-address", "127.0.0.1",
             "--secure-port", str(self.port), "--cert-dir", os.path.join(folder, "certificates"), "--token-auth-file",
             tokens, "--authorization-mode", "RBAC", "--service-account-issuer", "https://kubernetes.default.svc",
             "--service-account-key-file", key, "--service-account-signing-key-file", key,
             "--disable-admission-plugins", "ServiceAccount", "--service-cluster-ip-range", "10.0.0.0/24",
             "--max-mutating-requests-inflight", "400"], **quiet))
        self.configuration = os.path.join(folder, "kubeconfig")
        with open(self.configuration, "w", encoding="utf-8") as file:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "bench",
                "clusters": [{"name": "bench", "cluster": {
                    "server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}}],
                "users": [{"name": "bench", "user": {"token": "bench-token"}}],
                "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]}, file)
        deadline = time.monotonic() + 120
        while self.kubectl(["get", "--raw", "/readyz"], check=False).returncode != 0:
            if time.monotonic() > deadline or any(process.poll() is not None for process in self.processes):
                self.stop()
                sys.exit(f"kube-apiserver does not start: see {folder}/log")
            time.sleep(0.2)

    def kubectl(self, arguments, text=None, check=True):
        return subprocess.run(
            ["kubectl", "--kubeconfig", self.configuration] + arguments, input=text, text=True, check=check,
            capture_output=True)

    def fill(self, count):
        """Makes pods, a hundredth of them of the app "web", from eight connections."""
        local = threading.local()

        def create(number):
            if not hasattr(local, "connection"):
                context = ssl._create_unverified_context()
                local.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)
            body = json.dumps(pod(number, "web" if number % 100 == 0 else f"shop-{number % 40}"))
            local.connection.request("POST", "/api/v1/namespaces/shop/pods", body, {
                "Authorization": "Bearer bench-token", "Content-Type": "application/json"})
            answer = local.connection.getresponse()
            text = answer.read()
            if answer.status != 201:
                raise RuntimeError(text[:300])

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(create, range(count)))

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def measure(command, environment):
    """Runs a command; returns its seconds, its own most KB and what it wrote."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    most = [0]

    def watch():
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                    for line in file:
                        if line.startswith("VmHWM"):
                            most[0] = max(most[0], int(line.split()[1]))
            except (OSError, ValueError):
                pass
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.stdout.read()
    process.wait()
    seconds = time.perf_counter() - start
    watcher.join()
    return seconds, most[0], process.returncode, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("wasme")
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    wasme = os.path.abspath(options.wasme)
    with tempfile.TemporaryDirectory(prefix="wasme-pods-") as scratch:
        log = os.path.join(scratch, "kubectl.log")
        wrapper = os.path.join(scratch, "kubectl")
        real = subprocess.run(["sh", "-c", "command -v kubectl"], capture_output=True, text=True, check=True)
        subprocess.run(["cc", "-O2", "-Wall", "-x", "c", "-o", wrapper, "-"], input=WRAPPER, text=True, check=True)
        cluster = Cluster(scratch)
        try:
            environment = {
                **os.environ, "KUBECONFIG": cluster.configuration, "HOME": scratch,
                "WASME_HOME": os.path.join(scratch, "home"), "WASME_KUBECTL": wrapper,
                "BENCH_KUBECTL": real.stdout.strip(), "BENCH_LOG": log}
            cluster.kubectl(["apply", "--server-side", "-f", "-"], DEFINITION)
            cluster.kubectl(["create", "namespace", "shop"])
            begun = time.perf_counter()
            cluster.fill(options.pods)
            print(f"{options.pods} pods made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
            project, image = os.path.join(scratch, "gate"), "127.0.0.1:1/acme/gate:v1"
            for command in (
                    ["init", project, "--language", "c", "--kind", "http-headers", "--name", "gate"],
                    ["build", project, "-t", image]):
                subprocess.run([wasme] + command, env=environment, check=True, capture_output=True)
            deploy = [wasme, "deploy", "istio", image, "-n", "shop", "--id", "gate"]
            kubectl = [wrapper, "get", "pods", "-n", "shop", "--no-headers"]
            cases = [
                ("kubectl: a table of all pods with their labels", kubectl + ["--show-labels"]),
                ("kubectl: a table of those of one label", kubectl + ["-l", "app=web"]),
                ("kubectl: all pods as JSON", kubectl[:5] + ["-o", "json"]),
                ("deploy to a label that 1 % of the pods have", deploy + ["-l", "app=web"]),
                ("the same again", deploy + ["-l", "app=web"]),
                ("deploy to a label that no pod has", deploy + ["-l", "app=wbe"]),
                ("deploy without labels", deploy),
                ("status of a filter for all pods", [wasme, "status", "istio", "-n", "shop"]),
            ]
            print("| command | time, s | of that kubectl, s | memory, MB | of kubectl, MB | calls |")
            print("| --- | --- | --- | --- | --- | --- |")
            for name, command in cases:
                rows = []
                for _ in range(options.rounds):
                    open(log, "w", encoding="utf-8").close()
                    seconds, memory, code, output = measure(command, environment)
                    # Pods without nodes run nothing: status says that nothing is proved.
                    if code != (1 if "status" in command else 0):
                        sys.exit(f"{' '.join(command)} ended with {code}:\n{output[-2000:]}")
                    with open(log, encoding="utf-8") as file:
                        calls = [json.loads(line) for line in file]
                    rows.append((
                        seconds, sum(call[0] for call in calls), memory / 1024, max(call[1] for call in calls) / 1024,
                        len(calls)))
                    if name == "deploy to a label that no pod has" and "did you mean" not in output:
                        sys.exit(f"the warning is missing:\n{output}")
                middle = [statistics.median(column) for column in zip(*rows)]
                own = "–" if command[0] == wrapper else f"{middle[2]:.0f}"
                print(f"| {name} | {middle[0]:.2f} | {middle[1]:.2f} | {own} | {middle[3]:.0f} | {middle[4]:.0f} |")
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
