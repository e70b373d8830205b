// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Deployment
import EnvoyControl
import Files
import OCI
import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Changes a slot that others use, too, for the suite to kill, to run in twos and on disks that are full.
///
///     SlotWorker deploy SLOT ADMIN ID MODULE
///     SlotWorker undeploy SLOT ADMIN ID
///     SlotWorker prepare SLOT
///
/// An admin address of `-` stands for none. It says `written` when a place has another content, and `done` at the end.
@main struct SlotWorker {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.count == 2, arguments[0] == "prepare" {
            try SlotFolder.create(at: FilePath(arguments[1]))
            return
        }
        guard arguments.count >= 4 else { return }
        var options = EnvoyDeployer.Options(who: "worker@\(getpid())")
        options.timeout = .seconds(30)
        options.watch = .zero
        let admins = arguments[2] == "-" ? [] : [try HostPort(arguments[2])]
        let deployer = EnvoyDeployer(
            EnvoyFleet([.init(slot: FilePath(arguments[1]), admins: admins)]), options: options,
            connect: { EnvoyAdmin($0, transport: CurlTransport()) },
            progress: { if case .written = $0 { say("written") } })
        do {
            if arguments[0] == "undeploy" {
                _ = try await deployer.undeploy(arguments[3])
            } else {
                let module = try Files.read(FilePath(arguments[4]))
                _ = try await deployer.deploy(
                    FilterDeployment(id: arguments[3], image: nil, digest: Digest(of: module)),
                    module: module)
            }
            say("done")
        } catch {
            say("error: \(error)")
            exit(1)
        }
    }

    /// At once, in one piece.
    private static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}
