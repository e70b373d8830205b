// SPDX-License-Identifier: Apache-2.0

import Hub
import HubHTTP
import HubOutbound
import Logging

extension HubConfiguration {
    /// Everything that can be set, in the order of the sample file.
    static let settings: [Setting] = general + limits + operation

    private static let general: [Setting] = [
        Setting(
            key: "data", meaning: "The folder that everything is kept in.", standard: nil,
            set: { (hub, text) throws(Problem) in hub.data = text }),
        Setting(
            key: "listen", meaning: "The address and port to listen on.", standard: "127.0.0.1:5000",
            set: { (hub, text) throws(Problem) in
                try check { _ = try HubServer.Address(text) }
                hub.listen = text
            }),
        Setting(
            key: "public-url", meaning: "Where clients find the hub, if not by the address that they use.",
            standard: nil,
            set: { (hub, text) throws(Problem) in
                try check { hub.publicURL = try ServeRules.publicURL(text) }
            }),
        Setting(
            key: "access.require-login",
            meaning:
                "Let nobody in without a log-in, except to public repositories; so it is anyway once there are users.",
            standard: "false",
            set: { (hub, text) throws(Problem) in hub.rules.requiresLogIn = try truth(text) }),
        Setting(
            key: "access.anonymous-pull", meaning: "Let everybody read public repositories.",
            standard: "true",
            set: { (hub, text) throws(Problem) in hub.rules.allowsAnonymousPull = try truth(text) }),
        Setting(
            key: "access.anonymous-push", meaning: "Let everybody who reaches the hub read, push and delete.",
            standard: "false",
            set: { (hub, text) throws(Problem) in hub.rules.allowsAnonymousPush = try truth(text) }),
        Setting(
            key: "access.webhook-hosts",
            meaning:
                "Hosts that webhooks of organisations may lead to, as in ci.example.com or *.example.com; * is any. Who runs the hub may name any host.",
            standard: nil, isList: true,
            set: { (hub, text) throws(Problem) in hub.receivers = try receivers(text) }),
    ]

    private static func receivers(_ text: String) throws(Problem) -> AllowedReceivers {
        let hosts = text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        for host in hosts
        where host.isEmpty || host.contains("/")
            || (host != "*" && host.replacing(/^\*\./, with: "").contains("*"))
        {
            throw Problem(
                text: "\"\(host)\" is no host: write ci.example.com, ci.example.com:8443 or *.example.com")
        }
        return AllowedReceivers(hosts: hosts)
    }

    private static let operation: [Setting] = [
        Setting(
            key: "tls.certificate",
            meaning:
                "A PEM file with the hub's certificate and its chain: connections are then encrypted. Read again on SIGHUP and when it changes.",
            standard: nil, set: { (hub, text) throws(Problem) in hub.tls.certificate = text }),
        Setting(
            key: "tls.key", meaning: "A PEM file with the certificate's key.", standard: nil,
            set: { (hub, text) throws(Problem) in hub.tls.key = text }),
        Setting(
            key: "log.format", meaning: "How the log is written, to standard error: text or json.",
            standard: "text",
            set: { (hub, text) throws(Problem) in hub.log.format = try choice(text) }),
        Setting(
            key: "log.level",
            meaning: "The least that is logged: trace, debug, info, notice, warning, error or critical.",
            standard: "notice",
            set: { (hub, text) throws(Problem) in hub.log.level = try choice(text) }),
        Setting(
            key: "log.requests", meaning: "Log a line for each request.", standard: "false",
            set: { (hub, text) throws(Problem) in hub.log.includesRequests = try truth(text) }),
        Setting(
            key: "metrics.listen",
            meaning:
                "An address and port for /metrics, /healthz and /readyz, open to whoever reaches it; without one, /metrics is for this machine and administrators.",
            standard: nil,
            set: { (hub, text) throws(Problem) in
                try check { _ = try HubServer.Address(text) }
                hub.metrics.listen = text
            }),
        Setting(
            key: "proxies.trusted",
            meaning:
                "Proxies before the hub, as in 10.0.0.0/8: what they say about where a request came from is believed.",
            standard: nil, isList: true,
            set: { (hub, text) throws(Problem) in hub.proxies.ranges = try ranges(text) }),
        Setting(
            key: "proxies.header",
            meaning: "Where they say it, and overwrite what a client says: X-Forwarded-For or Forwarded.",
            standard: "X-Forwarded-For",
            set: { (hub, text) throws(Problem) in hub.proxies.header = try choice(text) }),
        Setting(
            key: "pages.foreign-pictures",
            meaning:
                "Show the pictures of READMEs that come by https from other hosts, which then learn who looks; without it they are links.",
            standard: "false",
            set: { (hub, text) throws(Problem) in hub.showsForeignPictures = try truth(text) }),
        Setting(
            key: "shutdown.grace",
            meaning: "Time that requests under way are given to end when the hub is to stop.",
            standard: "30s",
            set: { (hub, text) throws(Problem) in
                hub.shutdownGrace = Int(try seconds(text, 1...3600))
            }),
    ]

    private static func ranges(_ text: String) throws(Problem) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for part in text.split(separator: ",") {
            let part = part.filter { !$0.isWhitespace }
            guard let range = AddressRange(part) else {
                throw Problem(
                    text:
                        "\"\(part)\" is neither an address nor a range of them: write 10.0.0.0/8 or fd00::/8")
            }
            ranges.append(range)
        }
        return ranges
    }

    private static func choice<Value: RawRepresentable & CaseIterable>(
        _ text: String
    ) throws(Problem) -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(text: "\"\(text)\" is none of \(known)")
        }
        return value
    }
}
