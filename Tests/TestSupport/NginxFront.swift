// SPDX-License-Identifier: Apache-2.0

import Files
private import SystemPackage
private import Testing

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Debian's nginx before a server of the tests, as a process with its own folder and port.
package struct NginxFront: Sendable {
    /// Host and port.
    package let address: String
    package var port: UInt16 { UInt16(address.split(separator: ":").last ?? "") ?? 0 }
    private let process: BackgroundProcess
    private let scratch: ScratchDirectory

    /// Its notices and errors so far.
    package var log: String { process.stdout }

    /// The finished requests so far, each as method, target, status and bytes of the request.
    package var requests: [String] {
        get throws {
            let log = try Files.read(scratch.appending("access.log"))
            return String(decoding: log, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// What a test adds to the configuration.
    package struct Additions: Sendable {
        /// What follows the address in `listen`, as in `ssl`.
        package var listen = ""
        /// Directives of `http`, as in `map`.
        package var http = ""
        /// Directives of `server`.
        package var server = ""
        /// Directives of the one `location`.
        package var location = ""

        package init() {}
    }

    /// Runs nginx for some work.
    /// - Parameters:
    ///   - upstream: host and port of the server behind it.
    ///   - change: adds to the configuration.
    ///   - work: what is done meanwhile.
    /// - Throws: what `work` threw, or `ProcessFailure` if nginx does not start.
    package static func run(
        before upstream: String, _ change: (inout Additions) -> Void = { _ in },
        _ work: (NginxFront) async throws -> Void
    ) async throws {
        let scratch = try ScratchDirectory("nginx")
        var additions = Additions()
        change(&additions)
        // nginx cannot be given port 0: a free one is tried, and another if somebody was faster.
        for isLast in [false, false, false, false, true] {
            let address = "127.0.0.1:\(freePort())"
            let file = try scratch.write(
                "nginx.conf", configuration(address, upstream, additions, scratch.path))
            let program = try #require(Tool.nginx.path)
            let process = try BackgroundProcess(
                "/bin/sh",
                [
                    "-c", #"exec "$0" -p "$1" -e stderr -c "$2" 2>&1"#, program.string, scratch.path.string,
                    file.string,
                ])
            try process.start()
            let isUp = try await process.line { line -> Bool? in
                if line.contains("event method") { return true }
                return line.contains("Address already in use") && !isLast ? false : nil
            }
            if isUp {
                try await work(NginxFront(address: address, process: process, scratch: scratch))
            }
            // As one process it takes no notice of a polite signal.
            await process.stop(SIGKILL)
            if isUp { return }
        }
    }

    private static func configuration(
        _ address: String, _ upstream: String, _ additions: Additions, _ folder: FilePath
    ) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \"\(folder)/\($0)\";"
        }
        return """
            daemon off;
            master_process off;
            pid "\(folder)/pid";
            error_log stderr notice;
            events { worker_connections 512; }
            http {
                log_format test '$request_method $request_uri $status $request_length';
                access_log "\(folder)/access.log" test;
                \(temporary.joined(separator: " "))
                client_max_body_size 0;
                \(additions.http)
                server {
                    listen \(address) \(additions.listen);
                    \(additions.server)
                    location / {
                        \(additions.location)
                        proxy_pass http://\(upstream);
                        proxy_http_version 1.1;
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-Proto $scheme;
                    }
                }
            }

            """
    }
}

/// A loopback port that nobody has just now.
private func freePort() -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(socket, address, length) == 0 && getsockname(socket, address, &length) == 0
        }
    }
    return UInt16(bigEndian: address.sin_port)
}
