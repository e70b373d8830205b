// SPDX-License-Identifier: Apache-2.0

private import Files
package import JSON
package import SystemPackage
private import YAML

/// A folder with objects of clusters, each in a file of its own, and a kustomization that lists them: what a controller applies
/// from a repository.
///
/// It is to its objects what an API server is to those of a cluster: it has the history, and says whose they are.
package struct KubernetesFolder: Sendable {
    package let path: FilePath

    /// An object that a file holds.
    package struct Item: Sendable {
        /// The file's name in the folder.
        package let file: String
        package let object: JSONValue
        /// Whether the file holds nothing else.
        let isAlone: Bool

        var namespace: String? { object.metadata?["namespace"]?.string }
        /// As in `WasmPlugin "add-header"`.
        var title: String {
            "\(object.object?["kind"]?.string ?? "object") \"\(object.metadata?["name"]?.string ?? "")\""
        }
    }

    /// Changes of its files that are not carried out yet, and are looked at as if they were.
    private var pending: [FileChange] = []

    /// - Parameter path: an absolute path; the folder need not be there yet.
    package init(_ path: FilePath) { self.path = path }

    /// The folder as changes of its files will leave it.
    package func after(_ changes: [FileChange]) -> KubernetesFolder {
        var folder = self
        folder.pending.add(changes)
        return folder
    }

    /// Bytes of a file that is read; an object of a cluster has less.
    private static let maximumSize = 4 << 20

    /// All objects in the folder's files.
    ///
    /// A file that is none of ours may be anything, as a template: one that cannot be read holds nothing.
    /// - Parameter needed: the files that have to be read.
    /// - Returns: each with the file that holds it.
    /// - Throws: `DeploymentError` for a needed file that is no YAML.
    package func items(needed: Set<String> = []) throws -> [Item] {
        try names.flatMap { name -> [Item] in
            guard [".yaml", ".yml", ".json"].contains(where: name.hasSuffix),
                !Kustomization.fileNames.contains(name)
            else { return [] }
            do {
                return try objects(in: name)
            } catch {
                guard needed.contains(name) else { return [] }
                throw DeploymentError(
                    .unreadable,
                    "\"\(path.appending(name))\" is to be written, and what it holds is no object",
                    cause: error, hint: "move it away, or choose another folder")
            }
        }
    }

    private func objects(in name: String) throws -> [Item] {
        let file = path.appending(name)
        let text = Self.text(try content(file, limit: Self.maximumSize) ?? [])
        let documents = try YAMLNode.documents(text, file: file.string, limit: Self.maximumSize).map(\.json)
        return documents.filter { $0.object != nil }
            .map { Item(file: name, object: $0, isAlone: documents.count == 1) }
    }

    /// What a plan makes of the folder.
    /// - Parameters:
    ///   - plan: made with the folder's objects as `live`, so that their history goes on.
    ///   - groups: the APIs whose kinds can stand for each other: an object of another kind is replaced.
    /// - Returns: each of the plan's files, the kustomization last.
    /// - Throws: `DeploymentError` for files that hold what is not the plan's to write; `SystemError`.
    package func changes(for plan: KubernetesPlan, in groups: Set<String> = []) throws -> [FileChange] {
        let names = Set(plan.objects.map(KubernetesPlan.fileName))
        var replaced: [String] = []
        for item in try items(needed: names) {
            if plan.replaces(item.object, in: groups) {
                guard item.isAlone else { throw shared(item) }
                replaced.append(item.file)
                continue
            }
            guard let object = plan.objects.first(where: item.object.isSameObject) else {
                guard !names.contains(item.file) else { throw occupied(item) }
                continue
            }
            let name = KubernetesPlan.fileName(object)
            guard item.file == name else {
                throw DeploymentError(
                    .foreign, "\(object.description) is in \"\(path.appending(item.file))\" already",
                    hint: "rename that file to \"\(name)\", or take the object out of it")
            }
            guard item.isAlone else { throw occupied(item) }
            if object.isShared { try checkLoss(of: item, by: object) }
        }
        for file in plan.files { try checkOwner(of: file) }
        let list = try kustomization
        let file = path.appending(list.name)
        let rest = try list.bytes.map {
            try Kustomization.removing(replaced, from: Self.text($0), at: file.string)
        }
        let files = try plan.files(in: path, kustomization: rest, named: list.name)
        let gone = try replaced.map { try removal(of: $0) }
        return try gone
            + files.files.map { FileChange($0.path, before: try content($0.path), after: $0.bytes) }
    }

    private func removal(of file: String) throws -> FileChange {
        FileChange(path.appending(file), before: try content(path.appending(file)), after: nil)
    }

    private func shared(_ item: Item) -> DeploymentError {
        DeploymentError(
            .foreign, "\"\(path.appending(item.file))\" holds other objects beside \(item.title)",
            hint: "take it out of the file yourself")
    }

    private func occupied(_ item: Item) -> DeploymentError {
        DeploymentError(
            .foreign,
            "\"\(path.appending(item.file))\" is to be written, and holds other objects: \(item.title)",
            hint: "give each object a file of its own")
    }

    /// What taking a deployment out makes of the folder.
    /// - Parameters:
    ///   - id: the deployment.
    ///   - groups: the APIs that its target writes objects of.
    ///   - namespace: nil for the only one it is in.
    /// - Returns: its files, the kustomization last; nothing if it is not there.
    /// - Throws: `DeploymentError` for one that is in several namespaces, or shares a file with others.
    package func removal(
        of id: String, groups: Set<String>, namespace: String?
    ) throws -> [FileChange] {
        let found = try items().filter { item in
            let group = item.object.object?["apiVersion"]?.string?.prefix { $0 != "/" } ?? ""
            return KubernetesStamp.isOurs(item.object) && groups.contains(String(group))
                && KubernetesStamp.deployments(in: item.object).contains(id)
                && (namespace == nil || item.namespace == namespace)
        }
        let namespaces = Set(found.compactMap(\.namespace))
        guard namespaces.count < 2 else {
            throw DeploymentError(
                .unknown,
                "\"\(id)\" is in several namespaces in \"\(path)\": \(namespaces.sorted().joined(separator: ", "))",
                hint: "say which with --namespace")
        }
        if let item = found.first(where: { !$0.isAlone }) { throw shared(item) }
        guard !found.isEmpty else { return [] }
        var changes = try found.map { try removal(of: $0.file) }
        let list = try kustomization
        if let before = list.bytes {
            let file = path.appending(list.name)
            let text = try Kustomization.removing(
                found.map(\.file), from: Self.text(before), at: file.string)
            changes.append(FileChange(file, before: before, after: Array(text.utf8)))
        }
        return changes
    }

    // MARK: - The files as they are, or will be

    /// The kustomization by the name it has here.
    private var kustomization: (name: String, bytes: [UInt8]?) {
        get throws {
            let there = try names
            let name = Kustomization.fileNames.first(where: there.contains) ?? Kustomization.fileNames[0]
            return (name, try content(path.appending(name)))
        }
    }

    /// The names of all files.
    private var names: [String] {
        get throws {
            var names = Set(Files.kind(path) == .directory ? try Files.contents(path) : [])
            for change in pending where change.path.removingLastComponent() == path {
                guard let name = change.path.lastComponent?.string else { continue }
                if change.after == nil { names.remove(name) } else { names.insert(name) }
            }
            return names.sorted()
        }
    }

    /// What a file holds; nil if it is not there.
    func content(_ file: FilePath, limit: Int? = nil) throws -> [UInt8]? {
        if let change = pending.first(where: { $0.path == file }) { return change.after }
        guard Files.kind(file) != nil else { return nil }
        return try limit.map { try Files.read(file, limit: $0) } ?? Files.read(file)
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
