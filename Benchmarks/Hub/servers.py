# SPDX-License-Identifier: Apache-2.0
"""The three servers, each on a port of its own of this machine over a folder of its own."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server process and what it has used."""

    def __init__(self, name, program, folder):
        self.name, self.program, self.folder = name, program, folder
        os.makedirs(folder, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self):
        return f"{self.folder}/data"

    def command(self):
        if self.name == "hub":
            return [self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"]
        if self.name == "nginx":
            with open(f"{self.folder}/nginx.conf", "w") as file:
                file.write(
                    f"daemon off; user root; worker_processes 2; pid {self.folder}/pid; error_log {self.folder}/error;\n"
                    "events { worker_connections 4096; }\n"
                    "http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;\n"
                    "default_type application/octet-stream; client_body_temp_path /tmp;\n"
                    f"server {{ listen 127.0.0.1:{self.port} backlog=4096; root {self.data};\n"
                    "location / { open_file_cache max=1000; } } }\n")
            return [self.program, "-c", f"{self.folder}/nginx.conf", "-p", self.folder]
        with open(f"{self.folder}/config.yml", "w") as file:
            file.write(
                "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                f'storage: {{filesystem: {{rootdirectory: "{self.data}"}}, cache: {{blobdescriptor: inmemory}}}}\n'
                f'http: {{addr: "127.0.0.1:{self.port}"}}\n')
        return [self.program, "serve", f"{self.folder}/config.yml"]

    def start(self):
        """Starts it; returns the seconds until it answers."""
        os.makedirs(self.data, exist_ok=True)
        begin = time.perf_counter()
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/v2/", timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if self.process.poll() is not None or time.perf_counter() - begin > 30:
                    sys.exit(f"{self.name} does not answer; see {self.folder}/log")
                time.sleep(0.002)
        return time.perf_counter() - begin

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process = None

    def clear(self):
        shutil.rmtree(self.data, ignore_errors=True)

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                todo += [int(child) for child in file.read().split()]
        return found

    def cpu(self):
        """Seconds of CPU so far, of all its processes."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory(self, field="VmRSS"):
        """MB of memory, now or (VmHWM) at most so far."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status") as file:
                for line in file:
                    if line.startswith(field + ":"):
                        total += int(line.split()[1])
        return total / 1024

    def forget_peak(self):
        for pid in self.pids():
            with open(f"/proc/{pid}/clear_refs", "w") as file:
                file.write("5")
