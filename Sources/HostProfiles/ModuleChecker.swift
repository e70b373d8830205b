// SPDX-License-Identifier: Apache-2.0

import FilterImage
package import WasmBinary

/// Holds a module against what a host takes, without running it.
package struct ModuleChecker: Sendable {
    let module: WasmModule
    let profile: HostProfile
    let catalog: HostCatalog
    /// The ABI version by which the host judges; a module without a known one is held against the newest.
    let abi: ProxyABIVersion
    let offer: HostProfile.Offer
    private var findings: [Finding] = []
    private var counts: [Rule: Int] = [:]

    /// Findings of one rule that are kept: a hostile module must not cost hours, and nobody reads more.
    static let most = 100

    /// Checks a module.
    /// - Returns: the worst first, each kind in the order of the file.
    package static func check(
        _ module: WasmModule, against profile: HostProfile, catalog: HostCatalog
    ) -> [Finding] {
        guard var checker = ModuleChecker(module, profile, catalog) else { return [] }
        checker.checkHost()
        checker.checkKind()
        checker.checkABI()
        checker.checkImports()
        checker.checkCallbacks()
        checker.checkAllocator()
        checker.checkStart()
        checker.checkMemory()
        checker.checkCustomSections()
        checker.checkNotes()
        return checker.findings.enumerated()
            .sorted { ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset) }
            .map(\.element)
    }

    private init?(_ module: WasmModule, _ profile: HostProfile, _ catalog: HostCatalog) {
        let known = module.proxyABIVersions.first { profile.abis[$0] != nil }
        let newest = profile.abis[.v0_2_1] == nil ? profile.abiVersions.last : .v0_2_1
        guard let abi = known ?? newest, let offer = profile.abis[abi] else { return nil }
        self.module = module
        self.profile = profile
        self.catalog = catalog
        self.abi = abi
        self.offer = offer
    }

    mutating func add(_ finding: Finding) {
        counts[finding.rule, default: 0] += 1
        switch counts[finding.rule, default: 0] {
        case ...Self.most: findings.append(finding)
        case Self.most + 1:
            findings.append(
                Finding(
                    finding.severity, finding.rule, "more of the same",
                    "there is more of the same, which is not listed"))
        default: break
        }
    }

    /// Whether findings of a rule are no longer kept, so that there is no use in wording them.
    func isFull(_ rule: Rule) -> Bool { counts[rule, default: 0] > Self.most }

    /// The place of an export's entry.
    func location(_ export: Export) -> Finding.Location {
        Finding.Location(offset: export.offset, section: "export")
    }
}

// MARK: - The module as a whole

extension ModuleChecker {
    private mutating func checkHost() {
        guard profile.isNewerThanKnown else { return }
        add(
            Finding(
                .warning, .newerHost, "\(profile.title) \(profile.version)",
                "\(profile.title) \(profile.version) is newer than what is known; its newest known profile was used",
                fix: "look for a newer wasme, or let the host itself load the module"))
    }

    private mutating func checkKind() {
        guard module.isObjectFile else { return }
        add(
            Finding(
                .error, .objectFile, "the module",
                "this is an object file for the linker, not a finished module",
                fix: "link it, as in 'wasm-ld --no-entry --export-dynamic filter.o -o filter.wasm'"))
    }

    private mutating func checkABI() {
        let versions = module.proxyABIVersions
        let taken = profile.abiVersions.map(\.description).joined(separator: ", ")
        guard let first = versions.first else {
            add(
                Finding(
                    .error, .noABIVersion, "the ABI version",
                    "no export says which ABI version the module is for; the host takes \(taken)",
                    fix:
                        "link a Proxy-Wasm SDK, and let the linker keep its export proxy_abi_version_0_2_1",
                    sources: profile.sources))
            return
        }
        guard versions.contains(where: { profile.abis[$0] != nil }) else {
            let others = catalog.titles(taking: first).filter { $0 != profile.title }
            let only =
                others.isEmpty ? "no known host takes it" : "only \(others.joined(separator: ", ")) takes it"
            add(
                Finding(
                    .error, .unknownABIVersion, "export \(first.exportName)", at: location(ofMarker: first),
                    "the module is for ABI version \(first), of which the host takes \(taken); \(only)",
                    fix: others.isEmpty
                        ? "build with an SDK for ABI version 0.2.1"
                        : "build with the SDK of proxy-wasm instead of that of \(others.joined(separator: ", "))",
                    sources: profile.sources))
            return
        }
        if versions.count > 1 {
            let names = versions.map(\.exportName).joined(separator: ", ")
            add(
                Finding(
                    .warning, .severalABIVersions, "exports \(names)", at: location(ofMarker: first),
                    "the module is for several ABI versions; the host takes it for one of \(abi)",
                    fix: "export one of them only: two SDKs may be linked into one module"))
        }
    }

    private func location(ofMarker version: ProxyABIVersion) -> Finding.Location? {
        module.export(version.exportName).map(location)
    }

    private mutating func checkNotes() {
        let imported = Set(module.imports.map(\.name))
        let exported = Set(module.exports.map(\.name))
        for note in profile.notes {
            let imports = note.when.imports.map { $0.contains(where: imported.contains) } ?? true
            let exports = note.when.exports.map { $0.allSatisfy(exported.contains) } ?? true
            guard imports, exports else { continue }
            add(Finding(.note, .hostNote, note.id, note.text, fix: note.fix, sources: note.sources))
        }
    }
}
