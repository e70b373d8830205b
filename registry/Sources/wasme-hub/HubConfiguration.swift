// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hub
import HubHTTP
import HubOutbound

/// How a hub is set up: what a file says, then what the environment says, then what the command line says.
struct HubConfiguration: Hashable {
    var data: String?
    var listen = "127.0.0.1:5000"
    var publicURL: String?
    var rules = ServeRules()
    var limits = Self.standardLimits
    var log = LogSettings()
    var metrics = MetricsSettings()
    var connections = ConnectionLimits()
    var proxies = TrustedProxies()
    /// Whether READMEs show pictures from other hosts.
    var showsForeignPictures = false
    /// Seconds that requests under way are given when the hub is to stop.
    var shutdownGrace = 30
    var tls = TLSFiles()
    var mirrors: [MirrorSettings] = []
    var sync: [SyncSettings] = []
    var webhooks: [WebhookSettings] = []
    /// Where events may be sent that organisations want by the API.
    var receivers = AllowedReceivers()
    /// Settings that were set, as they were written; of lists, how many entries they have.
    private(set) var written: [String: String] = [:]

    /// Where metrics are read.
    struct MetricsSettings: Hashable {
        /// Nil for the hub's own address, where only this machine and administrators may.
        var listen: String?
    }

    /// A certificate and its key, both or none.
    struct TLSFiles: Hashable {
        var certificate: String?
        var key: String?
    }

    /// The certificate that connections are encrypted with; nil if they are not.
    func certificates() throws -> TLSCertificates? {
        switch (tls.certificate, tls.key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return try TLSCertificates(certificate: certificate, key: key)
        default:
            throw HubError(
                configuration: "the configuration",
                ["tls.certificate and tls.key: one needs the other, and only one is set"])
        }
    }

    private static var standardLimits: Registry.Limits {
        var limits = Registry.Limits()
        limits.freeSpace = 256 << 20
        return limits
    }

    /// One thing that can be set.
    struct Setting {
        /// As in a file, with a dot for each level.
        let key: String
        /// What it is, for the sample file.
        let meaning: String
        /// How the default is written; nil for none.
        let standard: String?
        /// Takes a value as it is written.
        let set: @Sendable (inout HubConfiguration, String) throws(Problem) -> Void
        /// Whether it is a list, which is one text with commas where there are no lists.
        let isList: Bool

        init(
            key: String, meaning: String, standard: String?, isList: Bool = false,
            set: @escaping @Sendable (inout HubConfiguration, String) throws(Problem) -> Void
        ) {
            self.key = key
            self.meaning = meaning
            self.standard = standard
            self.isList = isList
            self.set = set
        }

        /// As in the environment.
        var variable: String {
            "WASME_HUB_" + key.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
        }
    }

    /// Why a value is not taken.
    struct Problem: Error, Hashable {
        let text: String
    }

    /// The settings of an environment.
    /// - Throws: `HubError` that names each variable that is not known or has a value that is not taken.
    mutating func apply(environment: [String: String]) throws {
        var problems: [String] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("WASME_HUB_") {
            do throws(Problem) {
                if let list = Self.lists.first(where: { $0.variable == name }) {
                    try apply(list, variable: value)
                } else if let setting = Self.settings.first(where: { $0.variable == name }) {
                    try set(setting, value)
                } else {
                    let known = Self.settings.map(\.variable) + Self.lists.map(\.variable)
                    throw Problem(text: "there is no such setting\(Self.suggestion(name, known))")
                }
            } catch {
                problems.append("\(name): \(error.text)")
            }
        }
        guard problems.isEmpty else { throw HubError(configuration: "the environment", problems) }
    }

    /// Takes a value as it is written.
    mutating func set(_ setting: Setting, _ text: String) throws(Problem) {
        try setting.set(&self, text)
        written[setting.key] = text
    }

    /// Notes what was set in another way.
    mutating func note(_ key: String, _ text: String) { written[key] = text }

    /// Everything that can be set, as it holds.
    ///
    /// Entries of lists are counted only: they name receivers and registries, and where their secrets are.
    var inEffect: [SettingInEffect] {
        Self.settings.map { setting in
            SettingInEffect(
                key: setting.key, value: written[setting.key] ?? setting.standard,
                isSet: written[setting.key] != nil)
        }
            + [("mirrors", mirrors.count), ("sync", sync.count), ("webhooks", webhooks.count)].map {
                key, count in
                SettingInEffect(key: key, value: "\(count)", isSet: count > 0)
            }
    }

    /// The settings that people most likely meant.
    static func suggestion(_ name: String, _ known: [String]) -> String {
        let near = known.filter { distance($0, name) <= 3 }.min { distance($0, name) < distance($1, name) }
        return near.map { "; did you mean \($0)?" } ?? ""
    }

    /// A file with every setting at its default.
    static var sample: String {
        var lines = ["# wasme-hub: every setting, at its default."]
        var group = ""
        for setting in settings {
            let parts = setting.key.split(separator: ".").map(String.init)
            let indent = parts.count > 1 ? "  " : ""
            if parts.count > 1, parts[0] != group {
                group = parts[0]
                lines.append("\(group):")
            }
            lines.append("\(indent)# \(setting.meaning) (\(setting.variable))")
            let name = parts.last ?? ""
            lines.append(setting.standard.map { "\(indent)\(name): \($0)" } ?? "\(indent)# \(name):")
        }
        return (lines + lists.flatMap(\.sample)).joined(separator: "\n")
    }

    static func check(_ work: () throws -> Void) throws(Problem) {
        do {
            try work()
        } catch {
            throw Problem(text: (error as? HubError)?.message ?? "\(error)")
        }
    }

    static func truth(_ text: String) throws(Problem) -> Bool {
        guard let value = Bool(text) else { throw Problem(text: "\"\(text)\" is neither true nor false") }
        return value
    }

    static func number(_ text: String, _ range: ClosedRange<Int>) throws(Problem) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw Problem(text: "\"\(text)\" is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A time, as in `30s`, `5m` or `2h`; a number alone is seconds.
    static func seconds(_ text: String, _ range: ClosedRange<Int64>) throws(Problem) -> Int64 {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard let value = Int64(digits), value <= 1 << 32, range.contains(value * (unit ?? 1)) else {
            throw Problem(
                text:
                    "\"\(text)\" is not a time from \(range.lowerBound)s to \(range.upperBound)s: write 30s or 5m"
            )
        }
        return value * (unit ?? 1)
    }

    static func bytes(_ text: String) throws(Problem) -> Int64 {
        let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard let value = Int64(digits), value > 0 else {
            throw Problem(
                text: "\"\(text)\" is not a size: write a number of bytes, or one with K, M, G or T")
        }
        let (size, isTooLarge) = value.multipliedReportingOverflow(by: unit ?? 1)
        guard !isTooLarge else { throw Problem(text: "\"\(text)\" is too large") }
        return size
    }

    /// How many characters must be changed, added or left out to make one text of another.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (index, character) in left.enumerated() {
            var corner = row[0]
            row[0] = index + 1
            for column in right.indices {
                let cost = min(
                    row[column] + 1, row[column + 1] + 1, corner + (right[column] == character ? 0 : 1))
                corner = row[column + 1]
                row[column + 1] = cost
            }
        }
        return row[right.count]
    }
}

extension HubError {
    /// An error that holds all that is wrong in one place.
    init(configuration place: String, _ problems: [String]) {
        self.init(
            .configuration,
            (["\(place) cannot be used"] + problems.map { "  \($0)" }).joined(separator: "\n"),
            hint: "see 'wasme-hub config --print-defaults' for all settings", category: .usage)
    }
}

extension HubError.Code {
    /// The hub's configuration is not understood.
    static let configuration = Self("UNKNOWN", kind: "configuration")
}
