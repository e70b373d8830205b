// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import DevLoop
import Diagnostics
import EnvoyControl

extension FilterLogLevel: ExpressibleByArgument {}

/// What an Envoy is like in which a filter is tried.
struct RunOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server behind the filter, http:// or https://; its certificate is not looked at (default: Envoy answers itself).",
            valueName: "url"))
    var upstream: String?

    @Option(
        help: ArgumentHelp(
            "The filter's configuration, or @ and a file with it; checked against its schema (default: its example).",
            valueName: "json|@file"))
    var config: String?

    @Option(help: ArgumentHelp("Where to listen; port 0 is any free one.", valueName: "host:port"))
    var listen = "127.0.0.1:10000"

    @Option(
        help: ArgumentHelp(
            "Which of the Envoys that 'wasme envoy list' shows, as in 1.40 (default: WASME_ENVOY, that in PATH, or the newest).",
            valueName: "version"))
    var envoy: String?

    @Option(
        help: ArgumentHelp(
            "How much the filter logs: trace, debug, info, warning, error, critical or off.",
            valueName: "level"))
    var logLevel = FilterLogLevel.info

    init() {}

    /// What to run a filter of a kind in.
    func settings(_ kind: EnvoyPlugin.Kind) throws -> FrontSettings {
        var settings = FrontSettings(kind: kind)
        let address = try HostPort(listen)
        settings.listen =
            address.host == "localhost" ? HostPort(host: "127.0.0.1", port: address.port) : address
        settings.upstream = try upstream.map { try Upstream($0) }
        settings.logLevel = logLevel
        return settings
    }
}

extension FilterVersion {
    /// A filter with the configuration that the command line gives it.
    init(_ filter: RunnableFilter, config: String?, in context: CommandContext) throws {
        self.init(
            name: filter.name, kind: filter.kind, rootID: filter.rootID, module: filter.module,
            configuration: try filter.configuration(config, in: context))
    }
}

extension EnvoyReason {
    /// Why Envoy does not take a filter.
    func error(_ filter: FilterVersion) -> CommandError {
        CommandError(
            .failed, "envoy does not take \"\(filter.name)\": \(reasons.first ?? "it has not said why")",
            hint: hint ?? "'wasme check --run' says more")
    }
}
