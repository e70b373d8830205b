// SPDX-License-Identifier: Apache-2.0

import FilterImage
import WasmBinary

/// Imports that are missing for one and the same reason are one finding.
private struct Missing {
    var items: [Import]
    let rule: Rule
    let reason: String
    let fix: String
    let sources: [String]
}

extension ModuleChecker {
    mutating func checkImports() {
        var missing: [Missing] = []
        // To find out why an import is missing takes a look at every host.
        var explained = 0
        var unexplained = 0
        for item in module.imports {
            let name = ImportName(item.module, item.name)
            guard let type = module.signature(of: item) else {
                checkOther(item)
                continue
            }
            guard let offered = offer.imports[name] else {
                guard explained < Self.most else {
                    unexplained += 1
                    continue
                }
                explained += 1
                let reason = why(name, item)
                if let place = missing.firstIndex(where: {
                    ($0.rule, $0.reason, $0.fix) == (reason.rule, reason.reason, reason.fix)
                }) {
                    missing[place].items.append(item)
                } else {
                    missing.append(reason)
                }
                continue
            }
            if type != offered {
                add(
                    Finding(
                        .error, .importSignature, "import \(name)", at: location(item),
                        "the module wants \(name) to be \(type); the host offers \(offered)",
                        fix: signatureFix(name, type), sources: catalog.sources(of: name)))
            } else if profile.stubs.contains(item.name) {
                add(
                    Finding(
                        .warning, .stubImport, "import \(name)", at: location(item),
                        "\(name) is there, but does nothing in \(profile.title)",
                        fix: "do without it on this host", sources: profile.sources))
            }
        }
        if unexplained > 0 {
            add(
                Finding(
                    .error, .missingImport, "more imports", "\(unexplained) more imports are not offered",
                    fix: "build with a Proxy-Wasm SDK: no filter needs so many"))
        }
        for group in missing {
            let names = group.items.map { ImportName($0.module, $0.name).description }
            let list = names.joined(separator: ", ")
            add(
                Finding(
                    .error, group.rule, "\(names.count == 1 ? "import" : "imports") \(list)",
                    at: group.items.first.map(location),
                    "\(list) \(names.count == 1 ? "is" : "are") not offered: \(group.reason)", fix: group.fix,
                    sources: group.sources))
        }
    }

    private func location(_ item: Import) -> Finding.Location {
        Finding.Location(offset: item.offset, section: "import")
    }

    /// Tables, memories, globals and tags: a host offers few of them.
    private mutating func checkOther(_ item: Import) {
        guard !profile.importKinds.contains(item.kind) else { return }
        let name = ImportName(item.module, item.name)
        let leftover = catalog.leftovers.first { $0.matches(name) }
        add(
            Finding(
                .error, .importKind, "import \(name)", at: location(item),
                "the module wants a \(item.kind) \(name); the host offers none"
                    + (leftover.map { " (it is left from \($0.from))" } ?? ""),
                fix: leftover?.fix ?? "define it in the module", sources: profile.sources))
    }

    /// Why a host call is missing.
    private func why(_ name: ImportName, _ item: Import) -> Missing {
        func missing(_ rule: Rule, _ reason: String, _ fix: String, _ sources: [String] = []) -> Missing {
            Missing(items: [item], rule: rule, reason: reason, fix: fix, sources: sources)
        }
        if let other = offer.imports.keys.filter({ $0.name == name.name && $0.module != name.module }).max() {
            return missing(
                .importModule, "the host has it as \(other.module).\(name.name)",
                "declare it with the import module \"\(other.module)\"", profile.sources)
        }
        let otherABIs = profile.abiVersions.filter { profile.abis[$0]?.imports[name] != nil }
        if !otherABIs.isEmpty {
            let list = otherABIs.map(\.description).joined(separator: " and ")
            return missing(
                .missingImport,
                "it belongs to ABI version \(list), and the module says that it is for \(abi)",
                "use an SDK for one ABI version only; the marker and the calls must agree", profile.sources)
        }
        if let reason = later(name) {
            return missing(.missingImport, reason.text, reason.fix, catalog.sources(of: name))
        }
        let others = catalog.titles(offering: name).filter { $0 != profile.title }
        if !others.isEmpty {
            return missing(
                .missingImport, "only \(others.joined(separator: ", ")) has it",
                "build with an SDK that does without it", catalog.sources(of: name))
        }
        if let leftover = catalog.leftovers.first(where: { $0.matches(name) }) {
            return missing(.missingImport, "it is left from \(leftover.from)", leftover.fix)
        }
        let candidates = offer.imports.keys.filter { $0.module == name.module }.map(\.name)
        if let near = closestName(to: name.name, in: candidates) {
            return missing(.missingImport, "no known host has it", "did you mean \"\(near)\"?")
        }
        return missing(
            .missingImport, "no known host has it",
            "define the function: the linker may have turned an undefined symbol into an import")
    }

    /// The newer version of the same host, or of the Envoy inside, that has the host call.
    private func later(_ name: ImportName) -> (text: String, fix: String)? {
        guard let own = catalog.firstVersion(of: profile.family, offering: name, to: abi),
            own > profile.version.line
        else { return nil }
        var text = "\(profile.title) has it since \(own)"
        if profile.family != "envoy",
            let inside = try? catalog.profile(of: profile.family, own).envoy,
            let since = catalog.firstVersion(of: "envoy", offering: name, to: abi), since <= inside
        {
            text = "Envoy has it since \(since), and with it \(profile.title) since \(own)"
        }
        return (text, Self.olderHostFix(name))
    }

    private static func olderHostFix(_ name: ImportName) -> String {
        name.module.hasPrefix("wasi_")
            ? "run it on a newer host, or leave out what needs it: Go 1.24 and later, the standard library's files, sleep and threads"
            : "run it on a newer host, or link with less: the memory may have to be fixed in size"
    }

    private func signatureFix(_ name: ImportName, _ type: FunctionType) -> String {
        let otherABIs = profile.abiVersions.filter { profile.abis[$0]?.imports[name] == type }
        if let other = otherABIs.first {
            return "that is its type in ABI version \(other): the module's marker and its SDK do not agree"
        }
        return "declare it as the host has it; an SDK for another ABI version or host may have been used"
    }
}
