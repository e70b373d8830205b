// SPDX-License-Identifier: Apache-2.0

/// What kubectl wrote when it failed, as one of our errors: it has no other form than text for people.
struct KubectlComplaint {
    /// Its words without the notes of its libraries.
    let text: String
    /// The cluster that was asked, for people.
    let cluster: String

    init(_ output: String, cluster: String) {
        self.cluster = cluster
        let lines = output.split(whereSeparator: \.isNewline).filter { line in
            // klog's prefix: level, month, day and time (k8s.io/klog); and notes of servers.
            line.prefixMatch(of: /[IWEF]\d{4} \d\d:\d\d:\d\d/) == nil && !line.hasPrefix("Warning: ")
        }
        text = lines.joined(separator: "\n")
    }

    /// The error that the words stand for.
    /// - Parameter subject: what was done to what, as in `apply WasmPlugin "a" in namespace "b"`.
    /// - Returns: with a code of its own if the words are known.
    func error(_ subject: String) -> KubernetesError {
        admission(subject) ?? access(subject) ?? place(subject) ?? content(subject) ?? connection(subject)
            ?? KubernetesError(.failed, "cannot \(subject): \(reason)")
    }

    /// The first line without the words that say that it is an error.
    private var reason: String {
        let line = text.split(separator: "\n").first.map(String.init) ?? "kubectl does not say why"
        return line.replacing(
            #/^(error: |Error from server \([A-Za-z]+\): |Error in configuration: )+/#, with: ""
        )
        .replacing(
            #/^error when (creating|applying patch|patching|retrieving current configuration of)[^:]*: /#,
            with: "")
    }

    // MARK: - Who is asked beside the API server

    /// A webhook's refusal has whatever status the webhook chose, and one that does not answer is not the API server
    /// (apiserver, admission/plugin/webhook/errors).
    private func admission(_ subject: String) -> KubernetesError? {
        if let match = text.firstMatch(of: /admission webhook "([^"]+)" denied the request(?:: (.+))?/) {
            let reason = match.2.map { ": \($0)" } ?? ", and does not say why"
            return KubernetesError(
                .invalid,
                "cannot \(subject): \(cluster) refuses it by the admission webhook \"\(match.1)\"\(reason)",
                hint: "change what it refuses, or ask who has set the webhook up")
        }
        if let match = text.firstMatch(of: /failed calling (?:admission )?webhook "([^"]+)"(?:: (.+))?/) {
            let reason = match.2.map { ": \($0)" } ?? ""
            return KubernetesError(
                .failed,
                "cannot \(subject): the admission webhook \"\(match.1)\" of \(cluster) fails\(reason)",
                hint: "see that the control plane which has set it up runs")
        }
        return nil
    }

    // MARK: - Who asks

    private func access(_ subject: String) -> KubernetesError? {
        if text.contains("because it is being terminated") {
            let name = text.firstMatch(of: /in namespace ("?)([a-z0-9-]+)\1 because it is being terminated/)
            return KubernetesError(
                .terminating,
                "cannot \(subject): namespace \"\(name?.2 ?? "?")\" of \(cluster) is being deleted",
                hint: "wait until it is gone and create it again, or choose another with --namespace")
        }
        // "cannot VERB resource "R" in API group "G" in the namespace "N"" (apiserver, responsewriters/errors.go).
        if let match = text.firstMatch(
            of:
                /(?:[Uu]ser "([^"]*)" )?cannot ([a-z]+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]*)"| at the cluster scope)?/
        ) {
            let group = match.4.flatMap { $0.isEmpty ? nil : ".\($0)" } ?? ""
            let resource = "\(match.3)\(group)"
            let place = match.5.map { "in namespace \"\($0)\"" } ?? "in the whole cluster"
            let who = match.1.map { "\"\($0)\"" } ?? "this user"
            let option = match.5.map { "-n \($0)" } ?? "-A"
            return KubernetesError(
                .denied, "cannot \(subject): \(who) may not \(match.2) \(resource) \(place) of \(cluster)",
                hint:
                    "the least rights are in deploy/rbac; 'kubectl auth can-i \(match.2) \(resource) \(option)' asks the cluster"
            )
        }
        if text.contains("(Forbidden)") {
            return KubernetesError(
                .denied, "cannot \(subject): \(cluster) does not allow it: \(reason)",
                hint: "the least rights are in deploy/rbac")
        }
        let isUnknown = [
            "(Unauthorized)", "Unauthorized", "provide credentials", "has expired", "token is expired",
        ]
        .contains { text.contains($0) }
        if isUnknown || text.contains("Please enter Username") {
            return KubernetesError(
                .unauthorized,
                "cannot \(subject): \(cluster) does not accept the credentials; they are missing or have expired",
                hint: "log in again as your cluster wants it, and see that 'kubectl auth whoami' answers")
        }
        if text.contains("executable") && text.contains("getting credentials") {
            return KubernetesError(
                .unauthorized, "cannot \(subject): the program that gets the credentials fails: \(reason)",
                hint: "the user's 'exec' in the kubeconfig names it; install it, or log in again")
        }
        return nil
    }

    // MARK: - Where to

    private func place(_ subject: String) -> KubernetesError? {
        if let match = text.firstMatch(of: /namespaces "([^"]+)" not found/) {
            return KubernetesError(
                .noNamespace, "cannot \(subject): there is no namespace \"\(match.1)\" in \(cluster)",
                hint: "choose one with --namespace, or 'kubectl create namespace \(match.1)'")
        }
        if let match = text.firstMatch(of: /no matches for kind "([^"]+)" in (?:version|group) "([^"]+)"/) {
            return KubernetesError(
                .noKind, "cannot \(subject): \(cluster) has no kind \(match.1) in \(match.2)",
                hint:
                    "install the mesh's or gateway's CustomResourceDefinitions first, or deploy to another target"
            )
        }
        if let match = text.firstMatch(of: /doesn't have a resource type "([^"]+)"/) {
            return KubernetesError(
                .noKind, "cannot \(subject): \(cluster) has no \(match.1)",
                hint: "install the mesh's or gateway's CustomResourceDefinitions first")
        }
        if text.contains("(NotFound)") { return KubernetesError(.notFound, "cannot \(subject): \(reason)") }
        return nil
    }

    // MARK: - What

    private func content(_ subject: String) -> KubernetesError? {
        if text.contains("Apply failed with") { return conflict(subject) }
        if [
            "(RequestEntityTooLarge)", "Request entity too large", "request is too large",
            "message larger than max",
            "metadata.annotations: Too long", "ResourceExhausted",
        ].contains(where: text.contains) {
            return KubernetesError(
                .tooLarge, "cannot \(subject): it is larger than the API server takes: \(reason)",
                hint: "make the filter's configuration smaller, or let the filter fetch its data itself")
        }
        if let range = text.firstRange(of: " is invalid: ") {
            return invalid(subject, String(text[range.upperBound...]))
        }
        if let match = text.firstMatch(of: /strict decoding error: (.*)/) {
            return invalid(subject, String(match.1))
        }
        if let match = text.firstMatch(of: /error validating data: (.*?)(?:; if you choose to ignore|$)/) {
            return invalid(subject, String(match.1))
        }
        if text.contains("(Conflict)") {
            return KubernetesError(
                .conflict, "cannot \(subject): somebody else changed it at the same moment",
                hint: "run the command again")
        }
        if text.contains("(BadRequest)") || text.contains("(Invalid)") { return invalid(subject, reason) }
        return nil
    }

    /// "conflict with "M" using V: .spec.url", or "conflicts with "M" using V:" and a line "- .spec.url" for each
    /// (apimachinery, managedfields/internal/conflict.go).
    private func conflict(_ subject: String) -> KubernetesError {
        var fields: [(manager: String, field: String)] = []
        var manager = "?"
        for line in text.split(separator: "\n") {
            if let match = line.firstMatch(
                of: /conflicts? with "([^"]+)"(?: with subresource "[^"]+")?(?: using [^:]+)?:(?: (\..+))?$/)
            {
                manager = String(match.1)
                if let field = match.2 { fields.append((manager, String(field))) }
            } else if let match = line.wholeMatch(of: /- (\..+)/) {
                fields.append((manager, String(match.1)))
            }
        }
        let managers = Dictionary(grouping: fields, by: \.manager).sorted { $0.key < $1.key }
        let told = managers.map { manager, fields in
            "\(fields.map { String($0.field.dropFirst()) }.joined(separator: ", ")) to \"\(manager)\""
        }
        return KubernetesError(
            .conflict,
            "cannot \(subject): fields of it belong to others: "
                + (told.isEmpty ? reason : told.joined(separator: "; ")),
            hint: "leave these fields to them, or take them over with --force-conflicts")
    }

    /// The field and the reason of each complaint of the API server (apimachinery, validation/field/errors.go).
    private func invalid(_ subject: String, _ words: String) -> KubernetesError {
        let reasons = words.split(separator: "\n").map { line in
            line.drop { $0 == "*" || $0 == " " }
        }.filter { !$0.isEmpty && $0 != "Invalid value" }
        return KubernetesError(
            .invalid, "cannot \(subject): \(cluster) refuses it: \(reasons.joined(separator: "; "))",
            hint:
                "the cluster's version of this kind may be older or newer than what was rendered: name the target's with --target-version, as in --target-version 1.24"
        )
    }

    // MARK: - The way there

    private func connection(_ subject: String) -> KubernetesError? {
        let configuration = [
            "context was not found", "does not exist", "no such file or directory", "current-context",
            "Missing or incomplete configuration", "Error loading config file", "error loading config file",
            "invalid configuration",
        ]
        if configuration.contains(where: text.contains) {
            return KubernetesError(
                .configuration,
                "cannot \(subject): kubectl's configuration does not lead to a cluster: \(reason)",
                hint:
                    "see 'kubectl config get-contexts', and name one with --context or a file with --kubeconfig"
            )
        }
        if let match = text.firstMatch(of: /The connection to the server (\S+) was refused/) {
            let isDefault = match.1 == "localhost:8080"
            return KubernetesError(
                .unreachable, "cannot \(subject): no API server answers at \(match.1) (\(cluster))",
                hint: isDefault
                    ? "kubectl has no configuration here: set KUBECONFIG, or name a file with --kubeconfig"
                    : "see that 'kubectl cluster-info' answers")
        }
        let silent = [
            "Unable to connect to the server", "dial tcp", "no such host", "i/o timeout",
            "TLS handshake timeout",
            "connection refused", "network is unreachable", "x509:", "no route to host",
        ]
        if silent.contains(where: text.contains) {
            return KubernetesError(
                .unreachable, "cannot \(subject): the API server of \(cluster) does not answer: \(reason)",
                hint: "see that 'kubectl cluster-info' answers")
        }
        let lost = [
            "unexpected EOF", "connection reset", "http2: ", "context deadline exceeded", "request canceled",
            "(Timeout)", "the server was unable to return a response", "(ServiceUnavailable)", "etcdserver: ",
            "EOF",
            "Client.Timeout exceeded", "apiserver is shutting down", "(TooManyRequests)",
        ]
        if lost.contains(where: text.contains) {
            return KubernetesError(
                .lost, "cannot \(subject): the API server of \(cluster) went away: \(reason)",
                hint: "when it answers again, run the command again: what is already so stays as it is")
        }
        return nil
    }
}
