# SPDX-License-Identifier: Apache-2.0
"""Cases beside plain reads: pushes, large blobs, many tags, starts and memory."""
import os
import socket
import sqlite3
import statistics
import subprocess
import time

import clients


def prepared(count, size=100_000, prefix="v"):
    """Images whose layers differ in their first bytes: (tag, parts of the layer, digest, manifest)."""
    base = os.urandom(size)
    run = os.urandom(4).hex()
    for number in range(count):
        layer = f"{run}{number:010}".encode() + base[18:]
        name = clients.digest(layer)
        yield f"{prefix}{number}", layer, name, clients.manifest(name, size, number=str(number))


def registries(bench):
    return [server for server in bench.servers.values() if server.name != "nginx"]


def push(bench):
    """Images of 100 KB: POST and PUT of the layer, PUT of the manifest; config pushed before."""
    for _ in range(bench.options.rounds):
        for server in registries(bench):
            for connections, count in ((1, 60), (16, 400), (64, 800)):
                server.start()
                clients.run(server.port, [clients.config("bench")])
                items, latencies = list(prepared(count if server.name == "hub" else count // 2)), []
                before, shared = server.cpu(), iter(items)
                seconds = clients.run(server.port, [
                    clients.images("bench", shared, latencies) for _ in range(connections)])
                used = server.cpu() - before
                bench.record(f"push of 100 KB images, {connections} clients", server.name, **{
                    "CPU ms": used / len(items) * 1e3, "per s": len(items) / seconds,
                    "p99 ms": sorted(latencies)[int(len(latencies) * 0.99)] * 1e3,
                    "peak MB": server.memory("VmHWM")})
                server.stop()
                server.clear()


def written(data, path):
    """Seconds until data is in a file and on the disk: no server that says so can be faster."""
    begin = time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        for start in range(0, len(data), 1 << 20):
            file.write(data[start:start + (1 << 20)])
        os.fsync(file.fileno())
    seconds = time.perf_counter() - begin
    os.remove(path)
    return seconds


def large(bench):
    """A blob of 200 MB: pushed by one PUT, pulled by one client and by eight at once; and what the disk alone takes."""
    size = 200_000_000
    data = os.urandom(size)
    begin = time.process_time()
    name = clients.digest(data)
    bench.record("SHA-256 of 200 MB, one core", "python", **{"MB/s": size / (time.process_time() - begin) / 1e6})
    path = f"/v2/bench/blobs/{name}"
    for _ in range(bench.options.rounds):
        seconds = written(memoryview(data), f"{bench.folder}/disk")
        bench.record("write and fsync of 200 MB", "the disk alone", **{"MB/s": size / seconds / 1e6})
        for server in bench.servers.values():
            server.start()
            if server.name == "nginx":
                os.makedirs(f"{server.data}/v2/bench/blobs", exist_ok=True)
                with open(f"{server.data}{path}", "wb") as file:
                    file.write(data)
            else:
                before = server.cpu()
                seconds = clients.run(server.port, [clients.blob("bench", data, name)])
                bench.record("push 200 MB", server.name, **{
                    "MB/s": size / seconds / 1e6, "CPU s": server.cpu() - before,
                    "peak MB": server.memory("VmHWM")})
            for count in (1, 8):
                before, begin = server.cpu(), time.perf_counter()
                pulls = [subprocess.Popen(
                    ["curl", "-sSf", "-o", "/dev/null", server.url + path]) for _ in range(count)]
                if any([pull.wait() for pull in pulls]):
                    raise RuntimeError("a pull failed")
                seconds = time.perf_counter() - begin
                bench.record(f"pull 200 MB, {count} at once", server.name, **{
                    "CPU s": (server.cpu() - before) / count, "MB/s": count * size / seconds / 1e6,
                    "peak MB": server.memory("VmHWM")})
            server.stop()
            server.clear()


def growth(bench):
    """Tags pushed onto one image: pushes a second, thousand by thousand."""
    for server in registries(bench):
        server.start()
        clients.run(server.port, [clients.config("bench")])
        total = bench.options.tags if server.name == "hub" else min(bench.options.tags, 3000)
        items = ((f"t{number:08}", clients.manifest(clients.CONFIG_DIGEST, 2, number=str(number)))
                 for number in range(total))

        def tags(count):
            for _ in range(count):
                tag, document = next(items)
                yield from clients.put_manifest("bench", tag, document)

        rates, part = [], max(total // 10, 1000)
        for _ in range(0, total, part):
            before = server.cpu()
            seconds = clients.run(server.port, [tags(part // 64) for _ in range(64)])
            made = part // 64 * 64
            rates.append(made / seconds)
            bench.record("tags pushed into one repository, 64 clients", server.name, **{
                "CPU ms": (server.cpu() - before) / made * 1e3, "per s": made / seconds})
        print(f"growth, {server.name}: " + " ".join(f"{rate:.0f}" for rate in rates))
        server.stop()
        server.clear()


def many(server, tags, manifests):
    """Writes many tags and manifests into the stopped hub's database, as so many pushes would have left them."""
    server.start()
    clients.run(server.port, [clients.config("bench")])
    document = clients.manifest(clients.CONFIG_DIGEST, 2)
    clients.run(server.port, [clients.put_manifest("bench", "v1", document)])
    server.stop()
    with sqlite3.connect(f"{server.data}/hub.sqlite") as database:
        repository, manifest = database.execute("SELECT repository_id, id FROM manifests").fetchone()
        database.executemany(
            "INSERT INTO tags (repository_id, name, manifest_id, updated_at) VALUES (?, ?, ?, 1)",
            ((repository, f"t{number:08}", manifest) for number in range(tags)))
        if manifests:
            database.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                INSERT INTO manifests (repository_id, digest, media_type, annotations, bytes, total_size, created_at)
                SELECT repository_id, 'sha256:' || lower(hex(randomblob(32))), media_type, annotations, bytes,
                    total_size, created_at FROM manifests, n WHERE manifests.id = ?
                """, (manifests, manifest))
        database.execute("ANALYZE")


def tags(bench):
    """Pages of 100 tags of ten thousand and of a million."""
    server = bench.servers["hub"]
    for total in (10_000, 1_000_000):
        many(server, total, 0)
        server.start()
        for _ in range(bench.options.rounds):
            for part, place in (("begin", 0), ("middle", total // 2), ("end", total - 200)):
                bench.wrk(f"page of 100 tags of {total}, {part}", server,
                          f"/v2/bench/tags/list?n=100&last=t{place:08}", 64)
        server.stop()
        server.clear()


def start(bench):
    """The start over a hundred thousand manifests, and memory: at rest and with 2000 connections that do nothing."""
    server = bench.servers["hub"]
    many(server, 100_000, 100_000)
    for _ in range(bench.options.rounds):
        bench.record("start with 100000 manifests", "hub", **{"ms": server.start() * 1e3})
        # What the hub needed for its start only it gives back when nothing was asked for five seconds, looked at every five.
        time.sleep(12)
        idle = server.memory()
        request = clients.head("GET", "/v2/bench/manifests/v1")
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2000)]
        for connection in sockets:
            connection.sendall(request)
        for connection in sockets:
            connection.recv(1 << 16)
        time.sleep(1)
        bench.record("memory", "hub", **{
            "idle MB": idle, "KiB for each of 2000 connections": (server.memory() - idle) * 1024 / 2000})
        for connection in sockets:
            connection.close()
        server.stop()
    server.clear()


PUSH_CASES = {"push": push, "large": large, "growth": growth, "tags": tags, "start": start}
