// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
package import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A private folder for one run of Envoy, removed when the value goes, and by the watcher of a process if we vanish.
package final class RunFolder: Sendable {
    package let path: FilePath

    package init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        path = FilePath(parent).appending("wasme-envoy-\(Files.randomName())")
        // Private: a configuration may hold secrets.
        guard mkdir(path.string, 0o700) == 0 else {
            throw SystemError("create folder", path.string, errno: errno)
        }
    }

    deinit { try? Files.remove(path) }

    var log: FilePath { path.appending("envoy.log") }
    var adminAddress: FilePath { path.appending("admin-address") }
    var bootstrap: FilePath { path.appending("bootstrap.yaml") }

    func readLog() throws -> String {
        String(decoding: try Files.read(log, limit: 1 << 30), as: UTF8.self)
    }
}
