// SPDX-License-Identifier: Apache-2.0

package import WasmBinary

/// What came out for versions of one host that follow each other and agree.
package struct HostCheckRow: Sendable, Hashable, Codable {
    /// The host's plain name.
    package let family: String
    /// The host's name for people.
    package let title: String
    package let from: HostVersion
    package let to: HostVersion
    package let findings: [Finding]

    /// Whether the host takes the module and the image.
    package var isTaken: Bool { !findings.contains { $0.severity == .error } }

    /// The versions for people, as in "1.33 to 1.39".
    package var versions: String { from == to ? "\(from)" : "\(from) to \(to)" }
}

/// What is held against hosts: a module, or an image with what could be found in it.
package struct CheckSubject: Sendable {
    /// What is known of the module.
    package enum Module: Sendable {
        case whole(WasmModule)
        /// Read up to its code; what follows, as the names of functions, is not known.
        case declarations(WasmModule)
        /// The bytes are no module that could be read.
        case unreadable(WasmBinaryError)
        /// The image holds none.
        case missing
    }

    package var module: Module
    package var image: ImageFacts?
    /// The index that leads to the image.
    package var index: ImageFacts?
    /// Why the layer with the module cannot be unpacked.
    package var layerProblem: String?

    package init(
        _ module: Module, image: ImageFacts? = nil, index: ImageFacts? = nil, layerProblem: String? = nil
    ) {
        self.module = module
        self.image = image
        self.index = index
        self.layerProblem = layerProblem
    }
}

extension HostCatalog {
    /// Checks for every version that a target means; versions with the same findings share a row.
    /// - Returns: the rows, the oldest versions first.
    package func check(
        _ module: WasmModule, for target: HostTarget, image: ImageFacts? = nil
    ) throws -> [HostCheckRow] {
        try check(CheckSubject(.whole(module), image: image), for: target)
    }

    /// Checks for every version that a target means; versions with the same findings share a row.
    /// - Returns: the rows, the oldest versions first.
    package func check(_ subject: CheckSubject, for target: HostTarget) throws -> [HostCheckRow] {
        var rows: [HostCheckRow] = []
        for profile in try profiles(for: target) {
            // A hostile module with very many imports takes a while for each version: Ctrl-C ends it in between.
            try Task.checkCancellation()
            let findings = findings(subject, profile)
            let from: HostVersion
            if let last = rows.last, Self.agree(last.findings, findings) {
                from = last.from
                rows.removeLast()
            } else {
                from = profile.version
            }
            rows.append(
                HostCheckRow(
                    family: profile.family, title: profile.title, from: from, to: profile.version,
                    findings: findings))
        }
        return rows
    }

    private func findings(_ subject: CheckSubject, _ profile: HostProfile) -> [Finding] {
        var findings: [Finding]
        switch subject.module {
        case .whole(let module): findings = ModuleChecker.check(module, against: profile, catalog: self)
        case .declarations(let module):
            // These rules are about sections that stand behind the code.
            findings = ModuleChecker.check(module, against: profile, catalog: self).filter {
                $0.rule != .noNames && $0.rule != .debugInformation
            }
        case .unreadable(let error): findings = [Finding(unreadable: error)]
        case .missing: findings = []
        }
        if let index = subject.index { findings += ImageChecker.check(index, against: profile) }
        if let image = subject.image { findings += ImageChecker.check(image, against: profile) }
        if let problem = subject.layerProblem {
            findings.append(
                Finding(
                    .error, .imageLayer, "the layer of the module", problem,
                    fix: "push the image again: the layer was not written by a working packer"))
        } else if case .missing = subject.module, !findings.contains(where: { $0.severity == .error }) {
            findings.append(
                Finding(
                    .error, .imageModule, "the image", "the image holds no WebAssembly module",
                    fix: "a filter image has plugin.wasm in its last layer, as 'wasme build' makes it"))
        }
        return findings
    }

    /// Whether two lists say the same; where the rules are from may differ.
    private static func agree(_ left: [Finding], _ right: [Finding]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.saysTheSame(as: $1) }
    }
}

extension Finding {
    /// Bytes that no host could load.
    init(unreadable error: WasmBinaryError) {
        switch error.reason {
        case .notACoreModule, .unsupportedVersion:
            self.init(.error, .notAModule, "the file", "\(error)", fix: error.hint)
        default:
            self.init(
                .error, .damagedModule, "the module",
                at: Location(offset: error.offset, section: "module"), "\(error.reason)", fix: error.hint)
        }
    }
}
