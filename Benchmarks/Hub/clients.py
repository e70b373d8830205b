# SPDX-License-Identifier: Apache-2.0
"""Clients over raw sockets in one thread: they cost little beside the server that is measured."""
import hashlib
import json
import selectors
import socket
import time

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = b"{}"
CONFIG_DIGEST = "sha256:" + hashlib.sha256(CONFIG).hexdigest()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest(layer, size, **annotations):
    return json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": CONFIG_DIGEST,
                   "size": len(CONFIG)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": size}],
        "annotations": annotations}).encode()


def head(method, path, length=None, kind=None):
    text = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {MANIFEST}, */*\r\n"
    if kind:
        text += f"Content-Type: {kind}\r\n"
    if length is not None:
        text += f"Content-Length: {length}\r\n"
    return (text + "\r\n").encode()


class Connection:
    """One connection that works through a generator: it yields requests and is sent (status, headers) of answers."""

    def __init__(self, port, steps):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.steps = steps
        self.out, self.data, self.is_head = [], b"", False
        self.done = not self.advance(None)

    def advance(self, answer):
        try:
            parts = self.steps.send(answer)
        except StopIteration:
            return False
        self.is_head = parts[0].startswith(b"HEAD")
        # Not joined: a copy of a large body would be made in the time that is measured.
        self.out = [memoryview(part) for part in parts if part]
        return True

    def write(self):
        try:
            sent = self.socket.sendmsg(self.out)
        except BlockingIOError:
            return
        while self.out and sent >= len(self.out[0]):
            sent -= len(self.out.pop(0))
        if sent:
            self.out[0] = self.out[0][sent:]

    def read(self):
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.data += chunk
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        text = self.data[:end].decode("latin-1")
        lower = text.lower()
        place = lower.find("\r\ncontent-length: ")
        length = 0
        if place >= 0 and not self.is_head:
            length = int(lower[place + 18:].split("\r\n", 1)[0])
        if len(self.data) < end + 4 + length:
            return
        body, self.data = self.data[end + 4:end + 4 + length], self.data[end + 4 + length:]
        self.done = not self.advance((int(text[9:12]), text, body))


def run(port, generators, limit=3600):
    """Runs a connection for each generator until all have ended; returns the seconds it took."""
    selector = selectors.DefaultSelector()
    connections = [Connection(port, steps) for steps in generators]
    live = 0
    for connection in connections:
        if not connection.done:
            selector.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
            live += 1
    begin = time.perf_counter()
    while live and time.perf_counter() - begin < limit:
        for key, events in selector.select(5):
            connection = key.data
            if events & selectors.EVENT_WRITE and connection.out:
                connection.write()
            if events & selectors.EVENT_READ:
                connection.read()
                # Nearly always there is room for the next request: asking first would be one more call.
                if connection.out:
                    connection.write()
            if connection.done:
                selector.unregister(connection.socket)
                live -= 1
            else:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.out else 0)
                if key.events != wanted:
                    selector.modify(connection.socket, wanted, connection)
    seconds = time.perf_counter() - begin
    for connection in connections:
        connection.socket.close()
    return seconds


def expect(answer, status):
    if answer[0] != status:
        raise RuntimeError(f"expected {status}: {answer[1]}\n{answer[2][:300]!r}")
    return answer


def location(answer, base=None):
    for line in answer[1].split("\r\n"):
        if line.lower().startswith("location: "):
            value = line[10:]
            return value[value.index("/", 8):] if value.startswith("http") else value
    raise RuntimeError("no Location")


def blob(repository, data, name=None):
    """Pushes a blob: POST, then PUT."""
    name = name or digest(data)
    place = location(expect((yield [head("POST", f"/v2/{repository}/blobs/uploads/", 0)]), 202))
    joint = "&" if "?" in place else "?"
    expect((yield [head("PUT", f"{place}{joint}digest={name}", len(data)), data]), 201)
    return name


def put_manifest(repository, tag, data):
    expect((yield [head("PUT", f"/v2/{repository}/manifests/{tag}", len(data), MANIFEST), data]), 201)


def config(repository):
    yield from blob(repository, CONFIG, CONFIG_DIGEST)


def get(path, answers):
    answers.append(expect((yield [head("GET", path)]), 200))


def images(repository, items, latencies=None):
    """Pushes images from a shared iterator of (tag, parts of the layer, its digest, manifest)."""
    for tag, layer, name, document in items:
        begin = time.perf_counter()
        yield from blob(repository, layer, name)
        yield from put_manifest(repository, tag, document)
        if latencies is not None:
            latencies.append(time.perf_counter() - begin)


def repeat(request, deadline, counter, status=200):
    """Sends the same request over and over."""
    while time.perf_counter() < deadline:
        expect((yield [request]), status)
        counter[0] += 1
