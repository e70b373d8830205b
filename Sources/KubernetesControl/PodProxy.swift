// SPDX-License-Identifier: Apache-2.0

package import EnvoyControl
private import HTTPTypes
private import OCI
package import OCIRegistry

/// How the proxy of a pod is asked.
package protocol PodProxy: Sendable {
    /// Reaches the admin interface of a pod's proxy for the time of some work.
    /// - Throws: `KubernetesError` if it cannot be reached; what the work throws.
    func reach<Result: Sendable>(
        _ pod: Pod, _ work: @escaping @Sendable (PodAccess) async throws -> Result
    ) async throws -> Result
    /// What the proxy's container wrote last.
    func log(of pod: Pod) async throws -> String
}

/// The proxy of one pod.
package struct PodAccess: Sendable {
    package let admin: EnvoyAdmin
    /// Where the metrics of the agent beside it are, at `/stats/prometheus`; nil if there is none.
    package let agent: EnvoyAdmin?

    package init(admin: EnvoyAdmin, agent: EnvoyAdmin? = nil) {
        self.admin = admin
        self.agent = agent
    }
}

/// Through a port on this machine that `kubectl port-forward` leads to the pod; needs the right to create
/// `pods/portforward`.
package struct PortForward: PodProxy {
    private let kubectl: Kubectl
    private let ports: ProxyPorts
    private let makeTransport: @Sendable () -> any HTTPTransport

    package init(
        _ kubectl: Kubectl, ports: ProxyPorts,
        transport: @escaping @Sendable () -> any HTTPTransport
    ) {
        self.kubectl = kubectl
        self.ports = ports
        makeTransport = transport
    }

    package func reach<Result: Sendable>(
        _ pod: Pod, _ work: @escaping @Sendable (PodAccess) async throws -> Result
    ) async throws -> Result {
        let wanted = [ports.admin] + (ports.agent.map { [$0] } ?? [])
        let arguments =
            ["port-forward", "-n", pod.namespace, "--address", "127.0.0.1", "pod/\(pod.name)"]
            + wanted.map { ":\($0)" }
        return try await kubectl.running(
            arguments, to: "reach the proxy of pod \"\(pod.namespace)/\(pod.name)\"",
            begin: { lines in Self.localPorts(lines, of: wanted) },
            work: { local in
                let transport = makeTransport()
                let admins = local.map {
                    EnvoyAdmin(HostPort(host: "127.0.0.1", port: $0), transport: transport)
                }
                return try await work(PodAccess(admin: admins[0], agent: admins.count > 1 ? admins[1] : nil))
            })
    }

    /// The ports of this machine, once kubectl has said all: a line "Forwarding from 127.0.0.1:40123 -> 15000" each.
    static func localPorts(_ output: Substring, of wanted: [UInt16]) -> [UInt16]? {
        var local: [UInt16: UInt16] = [:]
        for match in output.matches(of: /Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)/) {
            if let near = UInt16(match.1), let far = UInt16(match.2) { local[far] = near }
        }
        let ports = wanted.compactMap { local[$0] }
        return ports.count == wanted.count ? ports : nil
    }

    package func log(of pod: Pod) async throws -> String {
        try await kubectl.log(of: pod, container: ports.container)
    }
}

/// Through a program in the proxy's container, Istio's agent; needs the right to create `pods/exec`.
package struct PodExec: PodProxy {
    private let kubectl: Kubectl
    private let ports: ProxyPorts

    package init(_ kubectl: Kubectl, ports: ProxyPorts) {
        self.kubectl = kubectl
        self.ports = ports
    }

    package func reach<Result: Sendable>(
        _ pod: Pod, _ work: @escaping @Sendable (PodAccess) async throws -> Result
    ) async throws -> Result {
        let transport = ExecTransport(kubectl: kubectl, pod: pod, container: ports.container)
        func admin(_ port: UInt16) -> EnvoyAdmin {
            EnvoyAdmin(HostPort(host: "127.0.0.1", port: port), transport: transport)
        }
        return try await work(PodAccess(admin: admin(ports.admin), agent: ports.agent.map(admin)))
    }

    package func log(of pod: Pod) async throws -> String {
        try await kubectl.log(of: pod, container: ports.container)
    }

    /// Sends requests by `pilot-agent request` (istio, pilot/cmd/pilot-agent), which prints the body of a good answer.
    private struct ExecTransport: HTTPTransport {
        let kubectl: Kubectl
        let pod: Pod
        let container: String

        func send(
            _ request: HTTPRequest, body: HTTPBody?, options: HTTPTransportOptions,
            receive: @escaping @Sendable (HTTPResponse) throws -> (any ByteSink)?
        ) async throws -> HTTPResponse {
            let port = request.authority?.split(separator: ":").last.map(String.init) ?? "15000"
            let bytes: [UInt8]
            do {
                bytes = try await kubectl.run(
                    [
                        "exec", "-n", pod.namespace, pod.name, "-c", container, "--", "pilot-agent",
                        "request",
                        "--debug-port", port, request.method.rawValue, request.path ?? "/",
                    ], to: "reach the proxy of pod \"\(pod.namespace)/\(pod.name)\"")
            } catch let error as KubernetesError where error.code == .failed {
                throw HTTPTransportError(.other, error.message)
            }
            let response = HTTPResponse(status: .ok)
            if let sink = try receive(response) { try bytes.withUnsafeBytes { try sink.write($0) } }
            return response
        }
    }
}

extension Kubectl {
    func log(of pod: Pod, container: String) async throws -> String {
        let bytes = try await run(
            ["logs", "-n", pod.namespace, pod.name, "-c", container, "--tail=500"],
            to: "read the log of pod \"\(pod.namespace)/\(pod.name)\"", limit: 8 << 20)
        return String(decoding: bytes, as: UTF8.self)
    }
}
