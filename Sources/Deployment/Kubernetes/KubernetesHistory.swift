// SPDX-License-Identifier: Apache-2.0

import JSON
package import OCI

/// What has been deployed under an id, kept in an annotation of its object: the cluster is the only memory that all share.
package struct KubernetesHistory: Hashable, Sendable {
    /// One deployment, with all that is needed to have it again.
    package struct Revision: Hashable, Sendable {
        /// Counts from 1 and is never used again.
        package let number: Int
        package let deployment: FilterDeployment
        package let author: String
        /// RFC 3339.
        package let time: String
        /// The digest of a configuration that was too large to be kept, and that `deployment` is therefore without.
        package let lostConfiguration: Digest?

        package init(
            number: Int, deployment: FilterDeployment, author: String, time: String,
            lostConfiguration: Digest? = nil
        ) {
            self.number = number
            self.deployment = deployment
            self.author = author
            self.time = time
            self.lostConfiguration = lostConfiguration
        }

        /// Whether a deployment is this one.
        func isSame(as other: FilterDeployment) -> Bool {
            guard let lostConfiguration else { return deployment == other }
            return deployment == other.withoutConfiguration
                && lostConfiguration == other.configuration.map { Digest(of: $0.utf8) }
        }

        /// The revision without its configuration.
        fileprivate var shortened: Revision {
            Revision(
                number: number, deployment: deployment.withoutConfiguration, author: author, time: time,
                lostConfiguration: deployment.configuration.map { Digest(of: $0.utf8) })
        }
    }

    /// How many are kept.
    static let maximumCount = 10
    /// Bytes of the annotation: half of what all annotations may have.
    package static let maximumSize = KubernetesLimits.annotations / 2
    /// The same for an object that several filters share.
    static let maximumSharedSize = KubernetesLimits.annotations / 16

    /// The oldest first.
    package private(set) var revisions: [Revision] = []

    package init() {}

    /// Reads what an annotation says; revisions that are not understood are left out, as others may have written them.
    package init(id: String, annotation: String?) {
        guard let annotation, let list = try? JSONValue(parsing: annotation).array else { return }
        revisions = list.compactMap { Revision($0, id: id) }.sorted { $0.number < $1.number }
    }

    /// Adds a deployment, unless it is what runs already; the oldest go when there is no room for them.
    package mutating func add(
        _ deployment: FilterDeployment, author: String, time: String, limit: Int = maximumSize
    ) {
        guard revisions.last?.isSame(as: deployment) != true else { return }
        let number = (revisions.last?.number ?? 0) + 1
        revisions.append(Revision(number: number, deployment: deployment, author: author, time: time))
        revisions.removeFirst(max(0, revisions.count - Self.maximumCount))
        while revisions.count > 1, annotation.utf8.count > limit { revisions.removeFirst() }
        // A large configuration is in the object itself; that there was a revision has to be known all the same.
        if annotation.utf8.count > limit, let last = revisions.last { revisions = [last.shortened] }
    }

    /// The text of the annotation.
    package var annotation: String { JSONValue.array(revisions.map(\.json)).description }

    /// The revision of a number, or the one before the last.
    /// - Throws: `DeploymentError` if it is not kept.
    package func revision(_ number: Int?) throws -> Revision {
        let wanted =
            if let number { revisions.first { $0.number == number } } else { revisions.dropLast().last }
        guard let revision = wanted else {
            let kept = revisions.map { "\($0.number)" }.joined(separator: ", ")
            throw DeploymentError(
                .unknown,
                number.map { "there is no revision \($0)" } ?? "there is no revision before this one",
                hint: kept.isEmpty ? "nothing has been deployed yet" : "kept are \(kept)")
        }
        guard revision.lostConfiguration == nil else {
            throw DeploymentError(
                .invalid, "the configuration of revision \(revision.number) was too large to be kept",
                hint: "deploy \(revision.deployment.digest.short) with its configuration again")
        }
        return revision
    }
}

extension KubernetesHistory.Revision {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object["revision"] = .integer(number)
        object["by"] = .string(author)
        object["at"] = .string(time)
        object["configDigest"] = lostConfiguration.map { .string($0.description) }
        for member in deployment.historyMembers { object[member.name] = member.value }
        return .object(object)
    }

    fileprivate init?(_ json: JSONValue, id: String) {
        guard let object = json.object, let number = object["revision"]?.integer,
            let author = object["by"]?.string, let time = object["at"]?.string,
            let deployment = FilterDeployment(id: id, history: object)
        else { return nil }
        self.init(
            number: number, deployment: deployment, author: author, time: time,
            lostConfiguration: object["configDigest"]?.string.flatMap { Digest($0) })
    }
}

extension FilterDeployment {
    fileprivate var withoutConfiguration: FilterDeployment {
        var deployment = self
        deployment.configuration = nil
        return deployment
    }

    /// All but the id, as plain members; what is not said is not there.
    var historyMembers: [(name: String, value: JSONValue)] {
        var object = JSONObject()
        object["digest"] = .string(digest.description)
        object["image"] = image.map { .string($0.description) }
        if kind != .http { object["type"] = .string(kind.rawValue) }
        if !rootID.isEmpty { object["rootID"] = .string(rootID) }
        if !vmID.isEmpty { object["vmID"] = .string(vmID) }
        object["config"] = configuration.map { .string($0) }
        object["vmConfig"] = vmConfiguration.map { .string($0) }
        if !environment.isEmpty {
            var variables = JSONObject()
            for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
                if case .value(let text) = value {
                    variables[name] = .string(text)
                } else {
                    variables[name] = .null
                }
            }
            object["env"] = .object(variables)
        }
        object["failurePolicy"] = failurePolicy.map { .string($0.rawValue) }
        object["capabilities"] = capabilities.map { .array($0.map { .string($0) }) }
        object["phase"] = phase.map { .string($0.rawValue) }
        object["priority"] = priority.map { .integer($0) }
        if !match.isEmpty {
            object["match"] = .array(
                match.map {
                    .object([
                        "mode": .string($0.mode.rawValue), "ports": .array($0.ports.map { .integer($0) }),
                    ])
                })
        }
        return object.members
    }

    /// Reads `historyMembers`; nil if they are not understood.
    init?(id: String, history object: JSONObject) {
        guard let digest = object["digest"]?.string.flatMap({ Digest($0) }) else { return nil }
        self.init(id: id, image: object["image"]?.string.flatMap { try? Reference($0) }, digest: digest)
        if let text = object["type"]?.string {
            guard let kind = EnvoyPlugin.Kind(rawValue: text) else { return nil }
            self.kind = kind
        }
        rootID = object["rootID"]?.string ?? ""
        vmID = object["vmID"]?.string ?? ""
        configuration = object["config"]?.string
        vmConfiguration = object["vmConfig"]?.string
        for (name, value) in object["env"]?.object?.members ?? [] {
            environment[name] = value.string.map { .value($0) } ?? .host
        }
        if let text = object["failurePolicy"]?.string {
            guard let policy = EnvoyPlugin.FailurePolicy(rawValue: text) else { return nil }
            failurePolicy = policy
        }
        capabilities = object["capabilities"]?.array?.compactMap(\.string)
        if let text = object["phase"]?.string {
            guard let phase = Phase(rawValue: text) else { return nil }
            self.phase = phase
        }
        priority = object["priority"]?.integer
        for item in object["match"]?.array ?? [] {
            guard let mode = item.object?["mode"]?.string.flatMap({ TrafficMatch.Mode(rawValue: $0) })
            else { return nil }
            match.append(
                TrafficMatch(mode: mode, ports: item.object?["ports"]?.array?.compactMap(\.integer) ?? []))
        }
    }
}

extension JSONValue {
    /// The number, if this is a whole one that fits.
    var integer: Int? { if case .number(let number) = self { Int(number.description) } else { nil } }
}
