// SPDX-License-Identifier: Apache-2.0

import Foundation
package import SystemPackage
package import Testing

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

    /// Runs kubectl as the administrator.
    /// - Returns: its standard output.
    /// - Throws: `ProcessFailure` with its standard error if it fails.
    @discardableResult
    package func kubectl(_ arguments: [String], input: String? = nil) async throws -> String {
        let outcome = try await TestSupport.run(
            try #require(Tool.kubectl.path), ["--kubeconfig", administrator.string] + arguments,
            input: input)
        guard outcome.status == 0 else {
            throw ProcessFailure(
                description: "kubectl \(arguments.joined(separator: " ")): \(outcome.stderr)")
        }
        return outcome.stdout
    }

    /// Makes kinds known, and waits until the server describes them.
    ///
    /// kubectl checks what it sends against that description, but only once it is there: without waiting, what a test sends
    /// would be refused at one time and not at another.
    /// - Parameter definitions: `CustomResourceDefinition`s, as YAML.
    /// - Throws: `ProcessFailure`.
    package func define(_ definitions: String) async throws {
        try await kubectl(["apply", "--server-side", "-f", "-"], input: definitions)
        try await waitForDefinitions()
    }

    /// Makes kinds known that a project publishes.
    ///
    /// This server is older than some of the keywords in their schemas, which it drops: rules in CEL hold nothing here.
    package func install(definitions file: FilePath) async throws {
        try await kubectl(["create", "--validate=false", "-f", file.string])
        try await waitForDefinitions()
    }

    /// Waits until all kinds that are defined are served and described.
    private func waitForDefinitions() async throws {
        try await kubectl([
            "wait", "--for=condition=Established", "--timeout=60s", "--all", "customresourcedefinitions",
        ])
        // As its description names each of them.
        let kinds = try await kubectl([
            "get", "customresourcedefinitions", "-o",
            #"jsonpath={range .items[*]}"group":"{.spec.group}","kind":"{.spec.names.kind}"{"\n"}{end}"#,
        ]).split(separator: "\n")
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let description = try await kubectl(["get", "--raw", "/openapi/v2"])
            let missing = kinds.filter { !description.contains($0) }
            if missing.isEmpty { return }
            guard ContinuousClock.now < deadline else {
                throw ProcessFailure(
                    description: "kube-apiserver does not describe \(missing.joined(separator: "; "))")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Stops listening, as a server does that goes away half-way.
    package func suspend() { api.signal(SIGSTOP) }

    /// Goes on.
    package func resume() { api.signal(SIGCONT) }

    // MARK: - Start and end

    private static func start() async throws -> KubernetesServer {
        var failure: (any Error)?
        // Somebody else may take a port between our choice and their start.
        for _ in 0..<5 {
            do { return try await attempt() } catch { failure = error }
        }
        throw failure ?? ProcessFailure(description: "no kube-apiserver")
    }

    private static func attempt() async throws -> KubernetesServer {
        let scratch = try ScratchDirectory("kubernetes")
        let ports = try freePorts(3)
        let client = "http://127.0.0.1:\(ports[0])"
        let peer = "http://127.0.0.1:\(ports[1])"
        let etcd = try BackgroundProcess(
            try #require(Tool.etcd.path),
            [
                "--data-dir", scratch.appending("etcd").string, "--name", "test",
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", "test=\(peer)", "--log-level", "error",
                // What a test writes need not outlive the machine.
                "--unsafe-no-fsync",
            ])
        try etcd.start()
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
        let url = "https://127.0.0.1:\(ports[2])"
        let api = try BackgroundProcess(
            try #require(Tool.kubernetes.path),
            [
                "--etcd-servers", client, "--bind-address", "127.0.0.1", "--secure-port", "\(ports[2])",
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
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let outcome = try await TestSupport.run(
                try #require(Tool.kubectl.path),
                ["--kubeconfig", server.administrator.string, "get", "--raw", "/readyz"])
            if outcome.status == 0 { return server }
            guard api.isRunning, etcd.isRunning, ContinuousClock.now < deadline else {
                let words = "\(outcome.stderr)\n\(api.stderr.suffix(4000))\n\(etcd.stderr.suffix(1000))"
                await server.stop()
                throw ProcessFailure(description: "kube-apiserver does not start: \(words)")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func stop() async {
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

    /// Ports that nobody listens on now.
    private static func freePorts(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        var ports: [UInt16] = []
        for _ in 0..<count {
            #if canImport(Darwin)
                let descriptor = socket(AF_INET, SOCK_STREAM, 0)
            #else
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            #endif
            sockets.append(descriptor)
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
            ports.append(UInt16(bigEndian: address.sin_port))
        }
        return ports
    }
}

extension BackgroundProcess {
    fileprivate func resume() { signal(SIGCONT) }
}

/// Runs a suite with an API server of its own, `KubernetesServer.current`.
package struct KubernetesServerTrait: SuiteTrait, TestScoping {
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // All suites begin at once; twenty API servers beside each other would only wait for each other.
        await Self.turnstile.enter()
        do {
            try await KubernetesServer.run { server in
                try await KubernetesServer.$current.withValue(server) { try await function() }
            }
        } catch {
            await Self.turnstile.leave()
            throw error
        }
        await Self.turnstile.leave()
    }

    private static let turnstile = Turnstile(places: 3)
}

/// Lets only so many in at a time, in the order in which they came.
private actor Turnstile {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { free = places }

    func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

extension Trait where Self == KubernetesServerTrait {
    package static var kubernetesServer: Self { KubernetesServerTrait() }
}
