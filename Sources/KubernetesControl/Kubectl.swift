// SPDX-License-Identifier: Apache-2.0

private import Programs
package import SystemPackage

/// A cluster, as kubectl reaches it: it knows every way to log in.
///
/// Objects go in by its standard input and come out as JSON; nothing that may be secret is on a command line, which
/// others on the machine can read.
package struct Kubectl: Sendable {
    package let program: FilePath
    /// The variables that kubectl and the programs that log in for it get.
    private let environment: [String: String]
    private let folder: FilePath
    /// The file that describes clusters; nil for kubectl's own choice.
    package var kubeconfig: FilePath?
    /// Which of its contexts; nil for the current one.
    package var context: String?
    /// How long one call may take.
    package var timeLimit: Duration = .seconds(60)

    /// Finds kubectl: `WASME_KUBECTL`, else in `PATH`.
    /// - Parameters:
    ///   - environment: the variables of this process.
    ///   - folder: the folder that relative paths start from.
    /// - Throws: `KubernetesError` with code `noKubectl`.
    package init(environment: [String: String], in folder: FilePath) throws {
        let named = environment["WASME_KUBECTL"].flatMap { $0.isEmpty ? nil : $0 }
        guard let program = Program.find(named ?? "kubectl", environment: environment, in: folder) else {
            throw KubernetesError(
                .noKubectl,
                named.map { "WASME_KUBECTL is \"\($0)\", which is no program" }
                    ?? "there is no kubectl in PATH",
                hint:
                    "install kubectl (https://kubernetes.io/docs/tasks/tools), or name it with WASME_KUBECTL")
        }
        self.program = program
        self.folder = folder
        var environment = environment
        // Its words are read: they have to be in the language that they were written in.
        environment["LC_ALL"] = "C"
        environment["LANG"] = "C"
        environment["KUBECTL_EXTERNAL_DIFF"] = nil
        self.environment = environment
    }

    /// The cluster for people.
    package var cluster: String { context.map { "context \"\($0)\"" } ?? "the current context" }

    /// The same kubectl for another context.
    package func with(context: String?) -> Kubectl {
        var other = self
        other.context = context
        return other
    }

    private var connection: [String] {
        var arguments: [String] = []
        if let kubeconfig { arguments += ["--kubeconfig", kubeconfig.string] }
        if let context { arguments += ["--context", context] }
        return arguments
    }

    /// Runs kubectl to its end.
    /// - Parameters:
    ///   - arguments: what is asked of it; no secret.
    ///   - input: what it reads.
    ///   - subject: what is done to what, for errors, as in `apply WasmPlugin "a" in namespace "b"`.
    ///   - limit: bytes of its answer at most.
    /// - Returns: what it wrote to standard output.
    /// - Throws: `KubernetesError`.
    @discardableResult
    package func run(
        _ arguments: [String], input: [UInt8] = [], to subject: String, limit: Int = 64 << 20
    ) async throws -> [UInt8] {
        let seconds = max(1, Int(timeLimit.components.seconds))
        let outcome: Program.Outcome
        do {
            outcome = try await Program.run(
                program, connection + ["--request-timeout=\(seconds)s"] + arguments, input: input,
                environment: environment, in: folder, limit: limit, within: timeLimit + .seconds(5))
        } catch let error as Program.Failure {
            switch error {
            case .tookTooLong:
                throw KubernetesError(
                    .lost, "cannot \(subject): kubectl took longer than \(seconds) s (\(cluster))",
                    hint: "see that 'kubectl cluster-info' answers; --timeout gives it longer")
            case .tooMuch:
                throw KubernetesError(
                    .failed, "cannot \(subject): the answer is larger than \(limit >> 20) MiB",
                    hint: "choose fewer objects, as with --namespace or --labels")
            case .notRun(let reason):
                throw KubernetesError(.noKubectl, "cannot run \"\(program)\"", cause: reason)
            }
        }
        guard outcome.succeeded else {
            throw KubectlComplaint(outcome.stderr, cluster: cluster).error(subject)
        }
        return outcome.stdout
    }

    /// Runs kubectl beside some work, and ends it with the work.
    /// - Parameters:
    ///   - arguments: what is asked of it.
    ///   - subject: what for, for errors.
    ///   - begin: is given its lines so far until they say that the work can begin.
    ///   - work: what to do meanwhile.
    /// - Returns: what the work gave.
    /// - Throws: `KubernetesError` if kubectl ends before; what the work throws.
    func running<Begun: Sendable, Result: Sendable>(
        _ arguments: [String], to subject: String, begin: @escaping @Sendable (Substring) -> Begun?,
        work: @escaping @Sendable (Begun) async throws -> Result
    ) async throws -> Result {
        do {
            return try await Program.beside(
                program, connection + arguments, environment: environment, in: folder, within: timeLimit,
                begin: begin, work: work)
        } catch let ending as Program.EarlyEnd {
            throw KubectlComplaint(ending.stderr, cluster: cluster).error(subject)
        }
    }
}
