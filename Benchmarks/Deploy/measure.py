#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What deploying under load costs: measure.py WASME [--rounds N] [--requests N]

A real Envoy is started once with a slot, and from then on never again. While wrk loads it over connections that stay open
and a client of ours opens a new one for each request, filters are deployed, updated, configured anew, refused, taken back,
undeployed and rolled back. Printed are the requests that failed, and how long after a command's start the new version
served on every connection.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

WORD = '"world"'
# A filter of a real size: 10 KB of code and 30 KB that cannot be left out.
BALLAST = "\n__attribute__((used)) static const unsigned char ballast[30000] = {%s};\n" % ",".join(
    str((number * 7919 + 13) % 255 + 1) for number in range(30000))
MISSING = """
__attribute__((import_module("env"), import_name("proxy_no_such_call"))) int no_such_call(void);
__attribute__((used, export_name("use_no_such_call"))) int use_no_such_call(void) { return no_such_call(); }
"""
BOOTSTRAP = """
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: public
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                direct_response: {status: 200, body: {inline_string: "hello\\n"}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"""


def run(command, environment, folder=None, succeeds=True):
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if succeeds and done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done


def images(wasme, scratch, environment):
    """Builds the filters; returns the size of the module in KB."""
    project = os.path.join(scratch, "gate")
    run([wasme, "init", project, "--language", "c", "--kind", "http-headers", "--name", "gate"], environment)
    source = os.path.join(project, "src", "filter.c")
    text = open(source, encoding="utf-8").read()
    if WORD not in text:
        sys.exit(f"{source} does not have {WORD}")
    trap = re.sub(r"(proxy_on_response_headers\([^)]*\)\s*\{)", r"\1\n    __builtin_trap();", text)
    if trap == text:
        sys.exit(f"{source} does not handle response headers")
    sizes = set()
    for name, content in [
            ("v1", text.replace(WORD, '"v1"', 1) + BALLAST), ("v2", text.replace(WORD, '"v2"', 1) + BALLAST),
            ("trap", trap + BALLAST), ("bad", text + MISSING)]:
        with open(source, "w", encoding="utf-8") as file:
            file.write(content)
        output = run([wasme, "build", project, "-t", f"gate:{name}", "--no-check"], environment).stdout
        if name in ("v1", "v2"):
            sizes.add(re.search(r"module ([0-9.]+ KB)", output).group(1))
    return "/".join(sorted(sizes))


class Client(threading.Thread):
    """Sends request after request, and remembers when which value of the header and which status came."""

    def __init__(self, port, keeps):
        super().__init__(daemon=True)
        self.port, self.keeps, self.ends = port, keeps, False
        self.answers = []  # (time at its end, status or 0, value or None)

    def run(self):
        connection = None
        request = b"GET / HTTP/1.1\r\nhost: bench\r\n" + (b"" if self.keeps else b"connection: close\r\n") + b"\r\n"
        while not self.ends:
            status, value = 0, None
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                connection.sendall(request)
                data = b""
                while b"\r\n\r\n" not in data:
                    part = connection.recv(65536)
                    if not part:
                        raise ConnectionError("closed")
                    data += part
                head, body = data.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"content-length: (\d+)", head).group(1))
                while len(body) < length:
                    part = connection.recv(65536)
                    if not part:
                        raise ConnectionError("closed")
                    body += part
                status = int(head.split(b" ", 2)[1])
                found = re.search(rb"\r\nhello: ([^\r]*)", head)
                value = found.group(1).decode() if found else None
            except (OSError, AttributeError, ValueError):
                pass
            self.answers.append((time.perf_counter(), status, value))
            if connection is not None and (not self.keeps or status == 0 or b"connection: close" in head):
                connection.close()
                connection = None


def wrk(port, seconds):
    return subprocess.Popen(
        ["wrk", "-t1", "-c8", f"-d{seconds}s", f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, text=True)


def counts(output):
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    return requests, int(bad.group(1)) if bad else 0, sum(map(int, errors.groups())) if errors else 0


class Bench:
    def __init__(self, wasme, port, admin, slot, environment):
        self.wasme, self.port, self.environment = wasme, port, environment
        self.slot = slot
        self.options = ["--slot", slot, "--admin", f"127.0.0.1:{admin}"]
        self.clients = [Client(port, keeps) for keeps in (True, True, False)]

    def change(self, arguments, value, succeeds=True, alone=False):
        """Runs a command, perhaps where no Envoy could be asked beforehand; returns how long after its start every
        client had the new value, and its wall time."""
        environment = {name: text for name, text in self.environment.items() if not alone or name != "WASME_ENVOY"}
        start = time.perf_counter()
        done = run([self.wasme] + arguments + self.options, environment, os.path.dirname(self.slot), succeeds=False)
        wall = time.perf_counter() - start
        if (done.returncode == 0) != succeeds:
            sys.exit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        time.sleep(0.2)
        if not succeeds:
            return None, wall
        moments = []
        for client in self.clients:
            answers = [answer for answer in list(client.answers) if answer[0] >= start]
            late = [index for index, answer in enumerate(answers) if answer[2] != value]
            first = late[-1] + 1 if late else 0
            if first >= len(answers):
                sys.exit(f"{' '.join(arguments)}: the new version does not serve")
            moments.append(answers[first][0] - start)
        return max(moments), wall


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wasme")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=100000, help="at least so many")
    arguments = parser.parse_args()
    wasme = os.path.abspath(arguments.wasme)
    envoy = os.environ.get("WASME_ENVOY") or shutil.which("envoy")
    if not envoy or not shutil.which("wrk"):
        sys.exit("set WASME_ENVOY to an envoy, and install wrk")
    scratch = tempfile.mkdtemp(prefix="wasme-deploy-")
    environment = dict(os.environ, WASME_HOME=os.path.join(scratch, "home"), WASME_ENVOY=envoy)
    process = None
    try:
        size = images(wasme, scratch, environment)
        slot, bootstrap = os.path.join(scratch, "slot"), os.path.join(scratch, "envoy.yaml")
        with open(bootstrap, "w", encoding="utf-8") as file:
            file.write(BOOTSTRAP)
        run([wasme, "deploy", "envoy", "--prepare", bootstrap, "--slot", slot], environment)
        address = os.path.join(scratch, "admin")
        process = subprocess.Popen(
            [envoy, "-c", bootstrap, "--concurrency", "2", "--disable-hot-restart", "-l", "off",
             "--admin-address-path", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + 30
        while True:
            try:
                admin = int(open(address, encoding="utf-8").read().rsplit(":", 1)[1])
                answer = urllib.request.urlopen(f"http://127.0.0.1:{admin}/ready", timeout=1).read()
                if answer.startswith(b"LIVE"):
                    break
            except (OSError, IndexError, ValueError):
                pass
            if time.time() > deadline or process.poll() is not None:
                sys.exit("envoy does not start")
            time.sleep(0.02)
        listeners = json.load(urllib.request.urlopen(f"http://127.0.0.1:{admin}/listeners?format=json"))
        port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]

        bench = Bench(wasme, port, admin, slot, environment)
        for client in bench.clients:
            client.start()
        deploy = ["deploy", "envoy"]
        config = ["--config", '{"value": "other"}']
        probe = ["--probe", "GET / expect status 200"]
        rows, total, failed, broken = {}, 0, 0, 0
        for number in range(arguments.rounds):
            load = wrk(port, 3600)
            for name, command, value, succeeds in [
                    ("deploy", deploy + ["gate:v1"] + probe, "v1", True),
                    ("update", deploy + ["gate:v2"] + probe, "v2", True),
                    ("configuration", deploy + ["gate:v2"] + config, "other", True),
                    ("bad module", deploy + ["gate:bad", "--id", "gate", "--no-check"], None, False),
                    ("bad, in Envoy", deploy + ["gate:bad", "--id", "gate", "--no-check"], None, False),
                    ("rollback", ["rollback", "envoy", "gate"], "v2", True),
                    ("undeploy", ["undeploy", "envoy", "gate"], None, True)]:
                rows.setdefault(name, []).append(
                    bench.change(command, value, succeeds, alone=name == "bad, in Envoy"))
            while number == arguments.rounds - 1 and process_requests(admin) < arguments.requests:
                time.sleep(0.5)
            load.send_signal(2)
            requests, bad, errors = counts(load.communicate()[0])
            total, failed, broken = total + requests, failed + bad, broken + errors
        own = [answer for client in bench.clients for answer in client.answers]
        total += len(own)
        failed += sum(1 for answer in own if answer[1] not in (0, 200))
        broken += sum(1 for answer in own if answer[1] == 0)

        # A filter that traps answers 503 itself, until it is taken back; only those are allowed, and none after that.
        bench.change(deploy + ["gate:v1"], "v1")
        start = time.perf_counter()
        bench.change(deploy + ["gate:trap", "--id", "gate"] + probe, None, succeeds=False)
        since = [answer for client in bench.clients for answer in client.answers if answer[0] >= start]
        trapped = [answer for answer in since if answer[1] == 503]
        others = sum(1 for answer in since if answer[1] not in (200, 503))
        time.sleep(0.3)
        after = [client.answers[-1] for client in bench.clients]
        for client in bench.clients:
            client.ends = True

        print(f"module of {size}, Envoy with 2 workers, {arguments.rounds} rounds, "
              f"{total:,} requests: {failed} failed, {broken} connections broken")
        print(f"{'':15} serves everywhere after    command")
        for name, values in rows.items():
            moments = [moment for moment, _ in values if moment is not None]
            text = figure(moments) if moments else "refused"
            print(f"{name:15} {text:26} {figure([wall for _, wall in values])}")
        duration = max(answer[0] for answer in trapped) - min(answer[0] for answer in trapped) if trapped else 0
        print(f"{'trapping':15} taken back; {len(trapped)} of {len(since)} answers were the filter's own 503, "
              f"over {duration * 1000:.0f} ms; {others} of another kind; afterwards: "
              + ("as before" if all(answer[1:] == (200, "v1") for answer in after) else f"{after}"))
        return 0 if failed == broken == others == 0 and all(answer[1] == 200 for answer in after) else 1
    finally:
        if process:
            process.kill()
            process.wait()
        shutil.rmtree(scratch)


def process_requests(admin):
    text = urllib.request.urlopen(
        f"http://127.0.0.1:{admin}/stats?filter=http.public.downstream_rq_total&format=json").read()
    return json.loads(text)["stats"][0]["value"]


def figure(values):
    values = sorted(value * 1000 for value in values)
    return f"{statistics.median(values):.0f} ms ({values[0]:.0f}–{values[-1]:.0f})"


if __name__ == "__main__":
    sys.exit(main())
