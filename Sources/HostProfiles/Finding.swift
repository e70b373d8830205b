// SPDX-License-Identifier: Apache-2.0

/// Something about a module or an image that a host refuses, or that its author wants to know.
package struct Finding: Hashable, Sendable, Codable {
    /// How bad it is.
    package enum Severity: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        /// Worth knowing.
        case note
        /// It is taken, and will most likely not do what is meant.
        case warning
        /// The host refuses it, or nothing works.
        case error

        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// A place in a module's file.
    package struct Location: Hashable, Sendable, Codable {
        /// Bytes from the start of the file.
        package let offset: Int
        /// The section, as in "import".
        package let section: String
    }

    package let severity: Severity
    package let rule: Rule
    /// What it is about, as in `import env.abort`.
    package let subject: String
    package let location: Location?
    /// What is wrong and why: one line.
    package let message: String
    /// What to do about it.
    package let fix: String?
    /// Where the rule is from.
    package let sources: [String]

    init(
        _ severity: Severity, _ rule: Rule, _ subject: String, at location: Location? = nil,
        _ message: String,
        fix: String? = nil, sources: [String] = []
    ) {
        self.severity = severity
        self.rule = rule
        self.subject = subject
        self.location = location
        self.message = message
        self.fix = fix
        self.sources = sources
    }

    /// Whether another finding reads the same; where the rule is from may differ.
    func saysTheSame(as other: Finding) -> Bool {
        (severity, rule, subject, message, fix, location)
            == (other.severity, other.rule, other.subject, other.message, other.fix, other.location)
    }
}

/// The stable name of a rule; more come with time.
package struct Rule: Hashable, Sendable, RawRepresentable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    private init(_ name: String) { rawValue = name }

    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package var description: String { rawValue }

    // The module as a whole.
    package static let notAModule = Rule("not-a-module")
    package static let damagedModule = Rule("damaged-module")
    package static let noABIVersion = Rule("no-abi-version")
    package static let unknownABIVersion = Rule("unknown-abi-version")
    package static let severalABIVersions = Rule("several-abi-versions")
    package static let objectFile = Rule("object-file")
    // Imports.
    package static let missingImport = Rule("missing-import")
    package static let importSignature = Rule("import-signature")
    package static let importModule = Rule("import-module")
    package static let importKind = Rule("import-kind")
    package static let stubImport = Rule("stub-import")
    // Exports.
    package static let callbackSignature = Rule("callback-signature")
    package static let unknownCallback = Rule("unknown-callback")
    package static let noCallbacks = Rule("no-callbacks")
    package static let noRootCallbacks = Rule("no-root-callbacks")
    package static let noAllocator = Rule("no-allocator")
    package static let allocatorSignature = Rule("allocator-signature")
    package static let noMemoryExport = Rule("no-memory-export")
    package static let startSignature = Rule("start-signature")
    package static let noStart = Rule("no-start")
    package static let command = Rule("command-module")
    // Memory and size.
    package static let memory64 = Rule("memory64")
    package static let memoryTooLarge = Rule("memory-too-large")
    package static let memoryUse = Rule("memory-use")
    package static let sharedMemory = Rule("shared-memory")
    package static let noNames = Rule("no-names")
    package static let debugInformation = Rule("debug-information")
    // Images.
    package static let imageLayout = Rule("image-layout")
    package static let imageIndex = Rule("image-index")
    package static let imageLayer = Rule("image-layer")
    package static let imageModule = Rule("image-module")
    package static let imageSize = Rule("image-size")
    package static let imageDigest = Rule("image-digest")
    package static let noImages = Rule("no-images")
    // What is known of the host itself.
    package static let newerHost = Rule("newer-host")
    package static let hostNote = Rule("host-note")
}
