// SPDX-License-Identifier: Apache-2.0

import Foundation
package import SystemPackage
private import Testing

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A real Kubernetes API server on a real etcd, without controllers and without nodes: what is created stays as it is, and
/// tests create what a controller would.
///
/// `scripts/kube-apiserver.sh` builds the server once per machine.
package final class KubernetesServer: Sendable {
    /// As in `https://127.0.0.1:40123`.
    package let url: String
    /// The configuration of kubectl for somebody who may do everything.
    package let administrator: FilePath
    private let scratch: ScratchDirectory
    private let etcd: BackgroundProcess
    private let api: BackgroundProcess
    private let authority: CertificateAuthority

    /// The server of the suite that runs with `.kubernetesServer`.
    @TaskLocal package static var current: KubernetesServer?

    private static let anyPort = "http://127.0.0.1:0"

    /// The tokens of the users that a test may grant rights to; none has any by itself.
    private static let users = ["alice", "bob", "carol", "dave"]

    private init(
        url: String, scratch: ScratchDirectory, etcd: BackgroundProcess, api: BackgroundProcess,
        authority: CertificateAuthority
    ) throws {
        self.url = url
        self.scratch = scratch
        self.etcd = etcd
        self.api = api
        self.authority = authority
        administrator = try Self.configuration(
            for: "administrator", url: url, authority: authority, in: scratch)
    }

    /// Runs a server for some work.
    /// - Throws: what `work` threw, or `ProcessFailure` if the server does not start.
    package static func run(_ work: (KubernetesServer) async throws -> Void) async throws {
        let server = try await start()
        do {
            try await work(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// The configuration of kubectl for one of `alice`, `bob`, `carol` and `dave`, who may do what RBAC grants them.
    package func configuration(for user: String) throws -> FilePath {
        try Self.configuration(for: user, url: url, authority: authority, in: scratch)
    }

    /// Variables with which kubectl keeps what it knows of this server beside it, and not in somebody's home under a port that
    /// the next server may have.
    package var surroundings: [String: String] { ["HOME": scratch.path.string] }

    /// Runs kubectl as the administrator.
    /// - Returns: its standard output.
    /// - Throws: `ProcessFailure` with its standard error if it fails.
    @discardableResult
    package func kubectl(_ arguments: [String], input: String? = nil) async throws -> String {
        let outcome = try await TestSupport.run(
            try #require(Tool.kubectl.path), ["--kubeconfig", administrator.string] + arguments,
            environment: surroundings, input: input)
        guard outcome.status == 0 else {
            throw ProcessFailure(
                description: "kubectl \(arguments.joined(separator: " ")): \(outcome.stderr)")
        }
        return outcome.stdout
    }

    /// Stops listening, as a server does that goes away half-way.
    package func suspend() { api.signal(SIGSTOP) }

    /// Goes on.
    package func resume() { api.signal(SIGCONT) }

    // MARK: - Start and end

    /// Starts a server; who does, stops it.
    static func start() async throws -> KubernetesServer {
        var failure: (any Error)?
        // Somebody else may take a port between our choice and their start.
        for _ in 0..<5 {
            do { return try await attempt() } catch { failure = error }
        }
        throw failure ?? ProcessFailure(description: "no kube-apiserver")
    }

    private static func attempt() async throws -> KubernetesServer {
        let scratch = try ScratchDirectory("kubernetes")
        let etcd = try BackgroundProcess(
            try #require(Tool.etcd.path),
            [
                "--data-dir", scratch.appending("etcd").string, "--name", "test",
                "--listen-client-urls", anyPort, "--advertise-client-urls", anyPort,
                "--listen-peer-urls", anyPort, "--initial-advertise-peer-urls", anyPort,
                "--initial-cluster", "test=\(anyPort)", "--logger", "zap", "--log-outputs", "stdout",
                "--enable-grpc-gateway=false",
                // What a test writes need not outlive the machine.
                "--unsafe-no-fsync",
            ])
        try etcd.start()
        // The port that it has, not one that it should have: at that, the etcd of another server might answer.
        let store = try await etcd.line { line -> String? in
            guard line.contains("serving client traffic") else { return nil }
            return line.firstMatch(of: /"address":"([0-9.:]+)"/).map { String($0.1) }
        }
        let authority = try await CertificateAuthority("kubernetes")
        let serving = try await authority.issue("apiserver")
        let tokens = try scratch.write(
            "tokens.csv",
            (["administrator-token,administrator,administrator,\"system:masters\""]
                + users.map { "\($0)-token,\($0),\($0)" }).joined(separator: "\n") + "\n")
        // It takes no elliptic keys in the form in which openssl writes them.
        let accounts = scratch.appending("accounts.key").string
        let made = try await TestSupport.run(
            try #require(Tool.openssl.path), ["genrsa", "-out", accounts, "2048"])
        guard made.status == 0 else { throw ProcessFailure(description: made.stderr) }
        // It takes no port 0. Whoever else answers at this port has no certificate of this authority.
        let port = try freePort()
        let url = "https://127.0.0.1:\(port)"
        let api = try BackgroundProcess(
            try #require(Tool.kubernetes.path),
            [
                "--etcd-servers", "http://\(store)", "--bind-address", "127.0.0.1", "--secure-port",
                "\(port)",
                "--tls-cert-file", serving.certificate.string,
                "--tls-private-key-file", serving.key.string,
                "--cert-dir", scratch.appending("certificates").string,
                "--token-auth-file", tokens.string, "--authorization-mode", "RBAC",
                "--service-account-issuer", "https://kubernetes.default.svc",
                "--service-account-key-file", accounts,
                "--service-account-signing-key-file", accounts,
                "--disable-admission-plugins", "ServiceAccount",
                "--service-cluster-ip-range", "10.0.0.0/24",
            ])
        try api.start()
        let server = try KubernetesServer(
            url: url, scratch: scratch, etcd: etcd, api: api, authority: authority)
        let deadline = ContinuousClock.now + .seconds(180)
        while true {
            let outcome = try await TestSupport.run(
                try #require(Tool.kubectl.path),
                ["--kubeconfig", server.administrator.string, "get", "--raw", "/readyz"],
                environment: server.surroundings)
            guard api.isRunning, etcd.isRunning, ContinuousClock.now < deadline else {
                let words = "\(outcome.stderr)\n\(api.stderr.suffix(4000))\n\(etcd.stdout.suffix(1000))"
                await server.stop()
                throw ProcessFailure(description: "kube-apiserver does not start: \(words)")
            }
            if outcome.status == 0 { return server }
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    func stop() async {
        api.resume()
        await api.stop(SIGKILL)
        await etcd.stop(SIGKILL)
    }

    private static func configuration(
        for user: String, url: String, authority: CertificateAuthority, in scratch: ScratchDirectory
    ) throws -> FilePath {
        try scratch.write(
            "kubeconfig-\(user)",
            """
            apiVersion: v1
            kind: Config
            current-context: test
            clusters:
            - name: test
              cluster: {server: "\(url)", certificate-authority: "\(authority.certificate)"}
            users:
            - name: \(user)
              user: {token: \(user)-token}
            contexts:
            - name: test
              context: {cluster: test, user: \(user)}

            """)
    }

    /// A port that nobody listens on now.
    private static func freePort() throws -> UInt16 {
        #if canImport(Darwin)
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
            }
        }
        guard descriptor >= 0, code == 0 else {
            throw ProcessFailure(description: "no free port: error \(errno)")
        }
        return UInt16(bigEndian: address.sin_port)
    }
}

extension BackgroundProcess {
    fileprivate func resume() { signal(SIGCONT) }
}
