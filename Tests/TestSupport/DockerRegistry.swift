// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
private import Testing

/// A real registry, Debian's docker-registry, as a process with its own folder and port.
package struct DockerRegistry: Sendable {
    /// Host and port.
    package let address: String
    /// Its folder: `docker/registry/v2/…`.
    package let data: FilePath
    private let process: BackgroundProcess

    /// What it logged so far, each request too.
    package var log: String { process.stdout }

    /// The user `me` with the password `s3cret`.
    private static let users = "me:$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n"

    /// Runs a registry for some work.
    /// - Parameters:
    ///   - withUsers: whether it lets in only `me`, by Basic.
    ///   - settings: more lines of its configuration.
    ///   - work: what is done meanwhile.
    /// - Throws: what `work` threw, or `ProcessFailure` if the registry does not start.
    package static func run(
        withUsers: Bool = false, settings: String = "", _ work: (DockerRegistry) async throws -> Void
    ) async throws {
        let scratch = try ScratchDirectory("registry")
        var configuration = """
            version: 0.1
            log: {level: info, formatter: json}
            storage: {filesystem: {rootdirectory: "\(scratch.path)/data"}, delete: {enabled: true}}
            http: {addr: "127.0.0.1:0"}

            """
        configuration += settings
        if withUsers {
            let users = try scratch.write("users", users)
            configuration += "auth: {htpasswd: {realm: test, path: \"\(users)\"}}\n"
        }
        let file = try scratch.write("config.yml", configuration)
        let program = try #require(Tool.registry.path)
        // It logs to its standard error.
        let process = try BackgroundProcess(
            "/bin/sh", ["-c", #"exec "$0" serve "$1" 2>&1"#, program.string, file.string])
        try process.start()
        let address = try await process.line { line -> String? in
            guard let range = line.firstRange(of: "listening on ") else { return nil }
            return String(line[range.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == ":" })
        }
        let registry = DockerRegistry(address: address, data: scratch.appending("data"), process: process)
        try await work(registry)
        await process.stop()
    }
}
