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
        /// Where it ran and what the target was told, without a namespace, as the object stays where it is; nil if an older
        /// version deployed it, or if it was too large to be kept.
        package let target: FilterDeploymentFile.Target?
        package let author: String
        /// RFC 3339.
        package let time: String
        /// The digest of a configuration that was too large to be kept, and that `deployment` is therefore without.
        package let lostConfiguration: Digest?
        /// The digest of a target's section that was too large to be kept.
        package let lostTarget: Digest?

        package init(
            number: Int, deployment: FilterDeployment, target: FilterDeploymentFile.Target?, author: String,
            time: String, lostConfiguration: Digest? = nil, lostTarget: Digest? = nil
        ) {
            self.number = number
            self.deployment = deployment
            self.target = target
            self.author = author
            self.time = time
            self.lostConfiguration = lostConfiguration
            self.lostTarget = lostTarget
        }

        /// Whether a deployment is this one; of an older version's it is not known where it ran.
        fileprivate func isSame(as other: FilterDeployment, at target: FilterDeploymentFile.Target) -> Bool {
            let isThere =
                if let lostTarget { lostTarget == target.digest } else {
                    self.target == nil || self.target == target
                }
            guard isThere, let lostConfiguration else { return isThere && deployment == other }
            return deployment == other.withoutConfiguration
                && lostConfiguration == other.configuration.map { Digest(of: $0.utf8) }
        }

        /// The revision without its configuration.
        fileprivate var withoutConfiguration: Revision {
            Revision(
                number: number, deployment: deployment.withoutConfiguration, target: target, author: author,
                time: time, lostConfiguration: deployment.configuration.map { Digest(of: $0.utf8) })
        }

        /// The revision without what the target was told.
        fileprivate var withoutTarget: Revision {
            Revision(
                number: number, deployment: deployment, target: nil, author: author, time: time,
                lostConfiguration: lostConfiguration, lostTarget: target?.digest)
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
    /// - Parameters:
    ///   - deployment: what runs.
    ///   - target: where it runs, and what the target was told; the namespace does not matter.
    ///   - author: who deployed it.
    ///   - time: when, as in RFC 3339.
    ///   - limit: the bytes that the annotation may have.
    package mutating func add(
        _ deployment: FilterDeployment, at target: FilterDeploymentFile.Target, author: String, time: String,
        limit: Int = maximumSize
    ) {
        let target = target.withoutNamespace
        var (number, author, time) = ((revisions.last?.number ?? 0) + 1, author, time)
        if let last = revisions.last, last.isSame(as: deployment, at: target) {
            guard last.target == nil, last.lostTarget == nil else { return }
            // An older version has deployed the same, and has not said where: that is the same deployment still.
            (number, author, time) = (last.number, last.author, last.time)
            revisions.removeLast()
        }
        revisions.append(
            Revision(number: number, deployment: deployment, target: target, author: author, time: time))
        revisions.removeFirst(max(0, revisions.count - Self.maximumCount))
        while revisions.count > 1, annotation.utf8.count > limit { revisions.removeFirst() }
        // A large configuration is in the object itself; that there was a revision has to be known all the same.
        if annotation.utf8.count > limit, let last = revisions.last {
            revisions = [last.withoutConfiguration]
        }
        if annotation.utf8.count > limit, let last = revisions.last { revisions = [last.withoutTarget] }
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
        guard revision.lostConfiguration == nil, revision.lostTarget == nil else {
            let lost = revision.lostTarget == nil ? "configuration" : "target's options"
            throw DeploymentError(
                .invalid, "the \(lost) of revision \(revision.number) was too large to be kept",
                hint: "deploy \(revision.deployment.digest.short) with all of its options again")
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
        object["targetDigest"] = lostTarget.map { .string($0.description) }
        for member in deployment.members { object[member.name] = member.value }
        object["pullSecret"] = target?.place?.pullSecret.map { .string($0) }
        object["target"] = target?.section
        return .object(object)
    }

    fileprivate init?(_ json: JSONValue, id: String) {
        guard let object = json.object, let number = object["revision"]?.int,
            let author = object["by"]?.string, let time = object["at"]?.string,
            let deployment = FilterDeployment(id: id, members: object)
        else { return nil }
        var target: FilterDeploymentFile.Target?
        if let section = object["target"] {
            target = .init(section: section, pullSecret: object["pullSecret"]?.string)
            guard target != nil else { return nil }
        }
        self.init(
            number: number, deployment: deployment, target: target, author: author, time: time,
            lostConfiguration: object["configDigest"]?.string.flatMap { Digest($0) },
            lostTarget: object["targetDigest"]?.string.flatMap { Digest($0) })
    }
}

extension FilterDeployment {
    fileprivate var withoutConfiguration: FilterDeployment {
        var deployment = self
        deployment.configuration = nil
        return deployment
    }
}

extension FilterDeploymentFile.Target {
    fileprivate var digest: Digest { Digest(of: section.description.utf8) }
}
