# SPDX-License-Identifier: Apache-2.0
"""The case `pages`: what pages and searches cost over many repositories that hold filters, and how large they are."""
import gzip
import http.client
import io
import json
import random
import re
import sqlite3
import subprocess
import tarfile
import time
import urllib.parse

import clients

LANGUAGES = ["rust", "go", "swift", "c++", "c", "assemblyscript", "zig", "tinygo"]
# Imports of Proxy-Wasm by what a filter does with them, and how many numbers each takes.
ABILITIES = [
    {"proxy_add_header_map_value": 5}, {"proxy_add_header_map_value": 5, "proxy_get_buffer_bytes": 5},
    {"proxy_http_call": 10, "proxy_get_header_map_value": 5}, {"proxy_set_shared_data": 5, "proxy_get_shared_data": 5},
    {"proxy_define_metric": 4, "proxy_increment_metric": 3},
]
PASSWORD = "a long password of the benchmark"
GOAL_BYTES, GOAL_MICROSECONDS = 50_000, 5_000


def sized(data):
    size, length = len(data), b""
    while True:
        length += bytes([size & 0x7f | (0x80 if size > 0x7f else 0)])
        size >>= 7
        if not size:
            return length + data


def section(number, entries):
    return bytes([number]) + sized(sized_count(len(entries)) + b"".join(entries))


def sized_count(number):
    return bytes([number]) if number < 0x80 else bytes([number & 0x7f | 0x80, number >> 7])


def module(imports, salt):
    """A module of Proxy-Wasm with some imports and the callbacks of a filter for HTTP."""
    kinds = [(0, 0), (1, 1), (3, 1), (2, 1)] + [(count, 1) for count in imports.values()]
    types = [b"\x60" + sized_count(count) + b"\x7f" * count + sized_count(results) + b"\x7f" * results
             for count, results in kinds]
    first = len(imports)
    functions = {"proxy_abi_version_0_2_1": 0, "malloc": 1, "proxy_on_request_headers": 2, "proxy_on_configure": 3}
    exports = [sized(name.encode()) + b"\x00" + bytes([first + place]) for place, name in enumerate(functions)]
    bodies = [sized(b"\x00" + (b"" if kind == 0 else b"\x41\x01") + b"\x0b") for kind in functions.values()]
    return (b"\0asm\1\0\0\0" + section(1, types)
            + section(2, [sized(b"env") + sized(name.encode()) + b"\x00" + bytes([4 + place])
                          for place, name in enumerate(imports)])
            + section(3, [bytes([kind]) for kind in functions.values()]) + section(5, [b"\x00\x01"])
            + section(7, exports + [sized(b"memory") + b"\x02\x00"]) + section(10, bodies)
            + b"\x00" + sized(sized(b"salt") + salt))


def layer(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), compresslevel=1, mtime=0)


class Content:
    """Filters of forty kinds with words of their own, the same each time."""

    def __init__(self):
        self.random = random.Random(7)
        self.readmes = {}
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = ["".join(self.random.choices(letters, k=self.random.randint(3, 9))) for _ in range(3000)]
        runtime = json.dumps({"type": "envoy_proxy", "abiVersions": ["v0.2.1"], "config": {"rootIds": ["root"]}}).encode()
        self.kinds = [(language, layer({"plugin.wasm": module(imports, f"{language}{number}".encode()),
                                        "runtime-config.json": runtime}))
                      for language in LANGUAGES for number, imports in enumerate(ABILITIES)]

    def text(self, count):
        return " ".join(self.random.choices(self.words, k=count))

    def image(self, number):
        """Layers with their digests, and the manifest."""
        language, wasm = self.kinds[number % len(self.kinds)]
        readme = f"# Filter {number}\n\n" + "\n\n".join(
            f"## {self.text(2)}\n\nThis filter for Envoy {self.text(50)}.\n\n- {self.text(5)}\n- {self.text(5)}"
            for _ in range(5))
        schema = {"type": "object", "properties": {
            name: {"type": "string", "description": self.text(6)} for name in self.random.sample(self.words, 4)}}
        self.readmes[number] = readme
        papers = layer({"README.md": readme.encode(), "config.schema.json": json.dumps(schema).encode()})
        layers = [(clients.digest(data), data) for data in (papers, wasm)]
        kind = "application/vnd.oci.image.layer.v1.tar+gzip"
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": clients.MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": clients.CONFIG_DIGEST,
                       "size": len(clients.CONFIG)},
            "layers": [{"mediaType": kind, "digest": name, "size": len(data)} for name, data in layers],
            "annotations": {
                "org.opencontainers.image.title": f"filter {number}",
                "org.opencontainers.image.description": f"A filter that {self.text(8)}.",
                "org.opencontainers.image.version": f"1.{number % 10}.0", "org.opencontainers.image.licenses": "Apache-2.0",
                "module.wasm.image/variant": "compat", "module.wasm.runtime/type": "envoy_proxy",
                "module.wasm.runtime/abi_version": "v0.2.1", "dev.wasme.language": language,
                "dev.wasme.filter.type": "http"}}).encode()
        return layers, manifest


def name_of(number):
    """A hub has a few large organisations and many small ones."""
    return f"team{number % 300 if number % 3 else number % 12}/filter-{number:05}"


def filters(content, numbers):
    for number in numbers:
        layers, manifest = content.image(number)
        repository = name_of(number)
        for name, data in [(clients.CONFIG_DIGEST, clients.CONFIG), *layers]:
            answer = yield [clients.head("POST", f"/v2/{repository}/blobs/uploads/?mount={name}", 0)]
            if answer[0] == 202:
                place = clients.location(answer)
                joint = "&" if "?" in place else "?"
                clients.expect((yield [clients.head("PUT", f"{place}{joint}digest={name}", len(data)), data]), 201)
        for tag in ("v1", f"1.{number % 10}.0"):
            yield from clients.put_manifest(repository, tag, manifest)


def pending(database):
    return database.execute("SELECT count(*) FROM pending_facts").fetchone()[0]


def describe(database, content):
    """Writes facts of filters that the hub has not read yet: those of another one of the kind, with the own README.

    It is what the hub would find out by itself, at some milliseconds for each.
    """
    kinds, rest = {}, []
    rows = database.execute(
        """
        SELECT repositories.name, manifests.id, document, abi, language, licence, module_digest, module_size, module_blob
        FROM manifests JOIN repositories ON repositories.id = repository_id
        LEFT JOIN manifest_facts ON manifest_id = manifests.id
        """).fetchall()
    for name, manifest, document, *facts in rows:
        number = int(name[-5:])
        if document is None:
            rest.append((number, manifest))
        else:
            kinds.setdefault(number % len(content.kinds), (json.loads(document), facts))
    for number, manifest in rest:
        document, facts = kinds[number % len(content.kinds)]
        document["readme"]["text"] = content.readmes[number]
        database.execute(
            """
            INSERT INTO manifest_facts (manifest_id, kind, document, abi, language, licence, module_digest, module_size,
                module_blob) VALUES (?, 'filter', ?, ?, ?, ?, ?, ?, ?)
            """, (manifest, json.dumps(document), *facts))
    database.execute("DELETE FROM pending_facts")
    return len(rest)


def fill(server, count):
    """Pushes filters, has some of each kind read, and gives the hub accounts and pulls."""
    content = Content()
    server.start()
    first = min(count, len(content.kinds))
    clients.run(server.port, [filters(content, iter(range(first)))])
    with sqlite3.connect(f"file:{server.data}/hub.sqlite?mode=ro", uri=True) as database:
        while pending(database):
            time.sleep(0.2)
    numbers = iter(range(first, count))
    seconds = clients.run(server.port, [filters(content, numbers) for _ in range(32)])
    server.stop()
    with sqlite3.connect(f"{server.data}/hub.sqlite") as database:
        copied = describe(database, content)
    print(f"pages: {count} filters pushed in {seconds:.0f} s, the facts of {copied} copied from their kind", flush=True)
    subprocess.run([server.program, "user", "add", "ada", "--admin", "--password-stdin", "--data", server.data],
                   input=PASSWORD.encode() + b"\n", check=True, capture_output=True)
    for number in range(300):
        subprocess.run([server.program, "org", "add", f"team{number}", "--data", server.data], check=True,
                       capture_output=True)
    with sqlite3.connect(f"{server.data}/hub.sqlite") as database:
        # As so many pulls and changes of visibility would have left them.
        database.execute("UPDATE repositories SET is_public = id % 10 <> 0")
        database.execute("INSERT INTO pulls SELECT id, ? - id % 90, 1 + (id * 7919) % 1000 FROM repositories",
                         (int(time.time()) // 86400,))
        database.execute("UPDATE listings SET pulls = 1 + (repository_id * 7919) % 1000")


class Visitor:
    """A browser with one connection and, if it signed in, a cookie."""

    def __init__(self, server, signs_in=False):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self.headers = {"Accept": "text/html"}
        if signs_in:
            page, answer = self.get("/signin")
            cookie = answer.getheader("Set-Cookie").split(";")[0]
            key = re.search(r'name="csrf" value="([^"]+)"', page.decode()).group(1)
            form = urllib.parse.urlencode({"csrf": key, "name": "ada", "password": PASSWORD})
            self.connection.request("POST", "/signin", form, {
                "Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie,
                "Origin": f"http://127.0.0.1:{server.port}"})
            answer = self.connection.getresponse()
            answer.read()
            if answer.status != 303:
                raise RuntimeError(f"nobody is signed in: {answer.status}")
            self.headers["Cookie"] = answer.getheader("Set-Cookie").split(";")[0]

    def get(self, path):
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return body, answer


def far(visitor, path, pages):
    """The address of a page that many others come before, by the links that a reader follows."""
    for _ in range(pages - 1):
        body, answer = visitor.get(path)
        link = re.search(r'<a rel="next" href="([^"]+)"', body.decode()) if path.startswith("/?") else None
        path = link.group(1).replace("&amp;", "&")
    return path


def pages(bench):
    """Pages and searches over ten thousand repositories with filters (`--repositories`)."""
    server = bench.servers["hub"]
    fill(server, bench.options.repositories)
    words = Content().words
    server.start()
    guest, keeper = Visitor(server), Visitor(server, signs_in=True)
    some, other = name_of(1234), name_of(2345)
    cases = [
        ("explore, no words", guest, ["/"]),
        *((f"explore, by {order}", guest, [f"/?sort={order}"]) for order in ("pulls", "newest", "name")),
        *((f"explore, page 50 by {order}", guest, [far(guest, f"/?sort={order}", 50)])
          for order in ("relevance", "pulls", "newest", "name")),
        ("explore, a word, another each time", guest, [f"/?q={word}" for word in words]),
        ("explore, a word that all have, by match", guest, ["/?q=filter"]),
        ("explore, two words and a facet", guest, [f"/?q=filter+{word}&language=rust" for word in words]),
        ("explore, three facets", guest, ["/?language=rust&host=envoy&organisation=team3"]),
        ("explore, who runs the hub", keeper, ["/"]),
        ("search by the API", guest, ["/api/v1/search"]),
        ("search by the API, 20 with a word", guest, [f"/api/v1/search?n=20&q={word}" for word in words]),
        ("a filter", guest, [f"/r/{some}", f"/r/{other}"]),
        ("a filter's versions compared", guest, [f"/compare/{some}?from=v1&to=1.4.0"]),
        ("feed", guest, ["/feed.atom"]), ("feed of a filter", guest, [f"/feed/{some}.atom"]),
        ("badge", guest, [f"/badge/{some}.svg"]), ("site map", guest, ["/sitemap.xml"]),
        ("organisations", keeper, ["/organisations"]), ("organisation", keeper, ["/organisations/team3"]),
        ("administration", keeper, ["/admin"]), ("users", keeper, ["/admin/users"]),
        ("audit log", keeper, ["/admin/audit"]), ("settings in effect", keeper, ["/admin/settings"]),
        ("account", keeper, ["/account"]), ("signing in", guest, ["/signin"]),
    ]
    for _ in range(bench.options.rounds):
        for case, visitor, paths in cases:
            measure(bench, server, case, visitor, paths)
    server.stop()
    server.clear()


def measure(bench, server, case, visitor, paths):
    count, largest = 0, 0
    first = server.cpu()
    visitor.get(paths[0])
    used_first = server.cpu() - first
    before, begin = server.cpu(), time.perf_counter()
    while time.perf_counter() - begin < bench.options.seconds:
        body, _ = visitor.get(paths[(count + 1) % len(paths)])
        largest = max(largest, len(body))
        count += 1
    used = (server.cpu() - before) / count * 1e6
    bench.record(case, "hub", **{
        "CPU µs": used, "bytes": largest, "first ms": used_first * 1e3,
        "over the goal": int(used > GOAL_MICROSECONDS) + int(largest > GOAL_BYTES)})
