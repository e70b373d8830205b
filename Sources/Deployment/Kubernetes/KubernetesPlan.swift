// SPDX-License-Identifier: Apache-2.0

package import JSON
package import SystemPackage

/// What is to be in a cluster: a pure value, the same for a dry run, a difference, a folder in a repository and the real thing.
package struct KubernetesPlan: Hashable, Sendable {
    /// What will be so once it is carried out, in one line.
    package let summary: String
    /// What to write, in this order: what others refer to comes first.
    package let objects: [KubernetesObject]
    /// Files that are no objects of a cluster, as a configuration entry of Consul, by their names.
    package let files: [File]
    /// What to tell people before it is carried out.
    package let warnings: [String]

    /// Something that a tool of the target's own takes.
    package struct File: Hashable, Sendable {
        package let name: String
        package let text: String
        /// How a file of that name shows that it may be written.
        let mark: Mark

        /// What says that a file is wasme's.
        enum Mark: Hashable, Sendable {
            /// Its first line, in a language that is not read: such a file is for one deployment.
            case line(String)
            /// A pair of its metadata: what else is in it is kept.
            case metadata(key: String, value: String)
        }
    }

    package init(
        summary: String, objects: [KubernetesObject], files: [File] = [], warnings: [String] = []
    ) {
        self.summary = summary
        self.objects = objects
        self.files = files
        self.warnings = warnings
    }

    /// All objects as YAML documents, and the files after them.
    package var text: String {
        (objects.map(\.yaml) + files.map(\.text)).joined(separator: "---\n")
    }

    /// The plan as files of a folder with a kustomization, for a repository that a controller applies.
    /// - Parameters:
    ///   - folder: an absolute path.
    ///   - existing: what the folder's kustomization holds; nil if there is none.
    ///   - name: the kustomization's file.
    /// - Returns: files, each object its own, the kustomization last.
    /// - Throws: `DeploymentError` if the kustomization is written in a way that cannot be added to.
    package func files(
        in folder: FilePath, kustomization existing: String? = nil,
        named name: String = Kustomization.fileNames[0]
    ) throws -> DeploymentPlan {
        let objectFiles = objects.map { object in
            DeploymentPlan.File(folder.appending(Self.fileName(object)), text: object.yaml)
        }
        let otherFiles = files.map { DeploymentPlan.File(folder.appending($0.name), text: $0.text) }
        var all = objectFiles + otherFiles
        if !objects.isEmpty {
            let path = folder.appending(name)
            let text = try Kustomization.adding(
                objects.map(Self.fileName), to: existing, at: path.string)
            all.append(DeploymentPlan.File(path, text: text))
        }
        return DeploymentPlan(summary: summary, files: all)
    }

    /// Whether an object is an earlier form of what this plan writes, of another kind: both would run the filter twice.
    ///
    /// What only helps a filter has no history, and may still be named by others.
    /// - Parameters:
    ///   - live: an object, as it is in a cluster or a folder.
    ///   - groups: the APIs whose kinds can stand for each other.
    /// - Returns: false for what belongs to others or to another deployment, and for what the plan itself writes.
    package func replaces(_ live: JSONValue, in groups: Set<String>) -> Bool {
        guard let filter = objects.last, !filter.isShared, let id = filter.labels[KubernetesStamp.idLabel],
            KubernetesStamp.isOurs(live), KubernetesStamp.deployments(in: live) == [id],
            !KubernetesStamp.history(of: id, in: live).revisions.isEmpty,
            let group = live.object?["apiVersion"]?.string.map({ String($0.prefix { $0 != "/" }) }),
            groups.contains(group),
            // Without one it is that of the context, where the object was found.
            filter.namespace == nil || live.metadata?["namespace"]?.string == filter.namespace
        else { return false }
        return !objects.contains { live.isSameObject(as: $0) }
    }

    /// Named by kind and name, so that two filters never share a file.
    package static func fileName(_ object: KubernetesObject) -> String {
        let parts = [object.namespace, object.kind.lowercased(), object.name].compactMap { $0 }
        return parts.joined(separator: ".") + ".yaml"
    }
}
