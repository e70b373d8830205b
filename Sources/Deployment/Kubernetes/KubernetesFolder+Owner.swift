// SPDX-License-Identifier: Apache-2.0

private import JSON
private import SystemPackage

/// What of a folder is others', and would be lost.
extension KubernetesFolder {
    /// Refuses to write a file for a tool of the target's own over one that is not wasme's.
    func checkOwner(of file: KubernetesPlan.File) throws {
        let place = path.appending(file.name)
        guard let bytes = try content(place) else { return }
        let text = Self.text(bytes)
        switch file.mark {
        case .line(let line):
            let first = text.prefix { !$0.isNewline }
            guard first != line else { return }
            let ours = line.prefix { $0 != "\"" }
            guard !first.hasPrefix(ours) else {
                throw DeploymentError(
                    .foreign,
                    "\"\(place)\" is \(first.dropFirst(2).prefix { $0 != "." }.replacing("Written by wasme ", with: "")), which would be lost: HCL is not read",
                    hint: "write both into one entry with --form json, or choose another folder")
            }
            throw DeploymentError(
                .foreign, "\"\(place)\" is there and is not wasme's",
                hint: "move it away, or choose another folder")
        case .metadata(let key, let value):
            let entry = (try? JSONValue(parsing: text))?.object
            let metadata = entry?.members.first { $0.name.lowercased() == "meta" }?.value.object
            guard metadata?[key]?.string != value else { return }
            throw DeploymentError(
                .foreign, "\"\(place)\" is there and is not wasme's",
                hint:
                    "if wasme may write it, give it the Meta \"\(key)\": \"\(value)\": what else is in it is kept; or choose another folder"
            )
        }
    }

    /// Refuses to write our part of an object over a file in which others have said more of it: a cluster would keep that, and
    /// a file does not.
    func checkLoss(of item: Item, by object: KubernetesObject) throws {
        guard let field = Self.missing(item.object, in: object.value.json) else { return }
        throw DeploymentError(
            .foreign, "\"\(path.appending(item.file))\" is not wasme's alone: its \(field) would be lost",
            hint:
                "add the filter to that file yourself, as --dry-run client prints it, or choose another folder"
        )
    }

    /// The first field of maps that is not in another value; lists are merged before.
    private static func missing(_ value: JSONValue, in other: JSONValue?, at path: String = "") -> String? {
        guard case .object(let object) = value else { return other == nil ? path : nil }
        for (name, below) in object.members {
            let step = path.isEmpty ? name : "\(path).\(name)"
            // What is ours comes and goes with deployments.
            if path == "metadata.annotations", name.contains(".wasme.io/") { continue }
            if let field = missing(below, in: other?.object?[name], at: step) { return field }
        }
        return nil
    }
}
