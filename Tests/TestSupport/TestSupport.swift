// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
private import Synchronization
package import SystemPackage
package import Testing

/// A folder for one test, removed when the value goes.
package final class ScratchDirectory: Sendable {
    package let path: FilePath

    package init(_ name: String = "test") throws {
        let parent = FilePath(NSTemporaryDirectory())
        path = parent.appending("wasme-\(name)-\(Files.randomName())")
        try Files.createDirectory(path)
        Self.live.withLock { _ = $0.insert(path) }
        // What a static value holds is never let go of: it is removed with the process.
        _ = Self.cleanUpAtExit
    }

    deinit {
        try? Files.remove(path)
        Self.live.withLock { _ = $0.remove(path) }
    }

    private static let live = Mutex<Set<FilePath>>([])
    private static let cleanUpAtExit: Void = {
        atexit { for path in ScratchDirectory.live.withLock({ $0 }) { try? Files.remove(path) } }
    }()

    /// A path below the folder.
    package func appending(_ name: String) -> FilePath { path.appending(name) }

    /// Writes a file below the folder, with the folders above it.
    @discardableResult
    package func write(_ name: String, _ text: String) throws -> FilePath {
        let file = path.pushing(FilePath(name))
        try Files.createDirectory(file.removingLastComponent())
        try Files.replace(file, with: Array(text.utf8))
        return file
    }
}

/// A program that some tests need and not every machine has.
package struct Tool: Sendable {
    /// The name that `WASME_REQUIRE` lists.
    package let name: String
    /// Where it is; nil if it is not here.
    package let path: FilePath?

    package init(_ name: String, executables: [String], also candidates: [String?] = []) {
        self.name = name
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths =
            candidates.compactMap { $0 } + folders.flatMap { folder in executables.map { "\(folder)/\($0)" } }
        path = paths.first { access($0, X_OK) == 0 && Files.kind(FilePath($0)) == .file }.map { FilePath($0) }
    }

    private init(name: String, path: FilePath?) {
        self.name = name
        self.path = path
    }

    /// The program, if it does here what it is needed for.
    private func usable(_ check: (FilePath) -> Bool) -> Tool {
        Tool(name: name, path: path.flatMap { check($0) ? $0 : nil })
    }

    package static let envoy = Tool(
        "envoy", executables: ["envoy"],
        also: [ProcessInfo.processInfo.environment["WASME_ENVOY"]]
            + installed("envoy", below: repositoryRoot.appending(".tools").appending("envoy")))
    /// Rust's package manager; its compiler need not have the standard library for modules.
    package static let cargo = Tool("cargo", executables: ["cargo"])
    package static let go = Tool(
        "go", executables: [],
        also: installed("go/bin/go", below: repositoryRoot.appending(".tools").appending("go"))
            + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/go" })
    /// The package manager of Node.js.
    package static let npm = Tool("npm", executables: ["npm"])
    package static let skopeo = Tool("skopeo", executables: ["skopeo"])
    /// The Python that has schemathesis, which tries an API by its description; `scripts/setup.sh --tests` installs it.
    package static let schemathesis = Tool(
        "schemathesis", executables: [],
        also: [repositoryRoot.pushing(".tools/schemathesis/bin/python").string])
    package static let umoci = Tool("umoci", executables: ["umoci"])
    package static let nginx = Tool("nginx", executables: ["nginx"], also: ["/usr/sbin/nginx"])
    package static let git = Tool("git", executables: ["git"])
    package static let kubectl = Tool("kubectl", executables: ["kubectl"])
    /// What Kubernetes keeps its objects in.
    package static let etcd = Tool("etcd", executables: ["etcd"])
    /// A whole API server; `scripts/kube-apiserver.sh` builds it.
    package static let kubernetes = Tool(
        "kubernetes", executables: ["kube-apiserver"],
        also: [ProcessInfo.processInfo.environment["WASME_KUBE_APISERVER"], cachedAPIServer]
    ).usable { _ in etcd.path != nil && kubectl.path != nil }
    package static let registry = Tool("registry", executables: ["docker-registry"])
    package static let browser = Tool(
        "browser", executables: ["chromium", "chromium-browser", "google-chrome"])
    package static let bsdtar = Tool("bsdtar", executables: ["bsdtar"])
    package static let curl = Tool("curl", executables: ["curl"])
    package static let wrk = Tool("wrk", executables: ["wrk"])
    package static let openssl = Tool("openssl", executables: ["openssl"])
    /// An HTTP proxy.
    package static let tinyproxy = Tool("tinyproxy", executables: ["tinyproxy"])
    /// A SOCKS5 proxy.
    package static let microsocks = Tool("microsocks", executables: ["microsocks"])
    /// Checks metrics as Prometheus reads them.
    package static let promtool = Tool("promtool", executables: ["promtool"])
    /// Checks units of systemd, which need not run for it.
    package static let systemdAnalyze = Tool("systemd-analyze", executables: ["systemd-analyze"])
    package static let swift = Tool("swift", executables: ["swift"])
    /// Writes WebAssembly from its text; `wasm-objdump` comes with it.
    package static let wabt = Tool("wabt", executables: ["wat2wasm"])
    /// Optimises WebAssembly; Debian's package is binaryen.
    package static let wasmOpt = Tool("wasm-opt", executables: ["wasm-opt"])
    /// The compiler beside the Swift compiler: it is built with the back end for WebAssembly, and has `wasm-ld`.
    package static let clang = Tool(
        "clang", executables: ["clang"],
        also: [swift.path.map { $0.removingLastComponent().appending("clang").string }])
    /// Makes a mount that only one command sees, to test a full disk; not every container lets us.
    package static let unshare = Tool("unshare", executables: ["unshare"]).usable { path in
        let process = Process()
        process.executableURL = URL(filePath: path.string)
        process.arguments = privateMount + ["sh", "-c", "mount -t tmpfs tmpfs \"$(pwd)\""]
        process.currentDirectoryURL = FileManager.default.temporaryDirectory
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Counts the system calls of a program and makes them fail; not every container lets us.
    package static let strace = Tool("strace", executables: ["strace"]).usable { path in
        let process = Process()
        process.executableURL = URL(filePath: path.string)
        process.arguments = ["-o", "/dev/null", "true"]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// The options of `unshare` for a mount that only one command sees; root needs no name space of users.
    package static let privateMount = getuid() == 0 ? ["--mount"] : ["--mount", "--map-root-user"]

    private static var cachedAPIServer: String? {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { "\($0)/.cache" }
        return cache.map { "\($0)/wasme/kube-apiserver/kube-apiserver" }
    }

    /// Where the versions of a program are that `make setup` installs.
    private static func installed(_ program: String, below folder: FilePath) -> [String?] {
        ((try? Files.contents(folder)) ?? []).reversed().map {
            folder.appending($0).pushing(FilePath(program)).string
        }
    }

    /// Whether `WASME_REQUIRE` says that this machine must have it.
    package var isRequired: Bool {
        (ProcessInfo.processInfo.environment["WASME_REQUIRE"] ?? "").split(separator: ",").contains {
            $0 == name
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test, with the reason, where a program is missing; fails it there if `WASME_REQUIRE` names the program.
    package static func requires(_ tool: Tool) -> Self {
        .enabled(
            if: tool.path != nil || tool.isRequired,
            "needs \(tool.name), which is not on this machine or cannot be used")
    }
}

/// The checkout that the tests were built from.
package let repositoryRoot: FilePath = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent()

/// The folder of the executables that were built with the tests.
package let buildFolder: FilePath = {
    let executable =
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        ?? CommandLine.arguments[0]
    return FilePath(executable).removingLastComponent()
}()
