// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Deployment
import Diagnostics

/// Which chains of a bootstrap a filter goes into.
struct BootstrapChoiceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Only the chains of this listener; may be repeated.", valueName: "name"))
    var listener: [String] = []

    @Option(
        help: ArgumentHelp(
            "Only the HTTP connection managers with this stat_prefix; may be repeated.",
            valueName: "prefix"))
    var statPrefix: [String] = []

    @Option(
        help: ArgumentHelp(
            "The filter before which to stand (default: the router).", valueName: "filter"))
    var before: String?

    func choice(routes: [String] = []) -> BootstrapInsertion.Choice {
        var choice = BootstrapInsertion.Choice()
        choice.listeners = listener
        choice.statPrefixes = statPrefix
        choice.before = before
        choice.routes = routes
        return choice
    }

    var isEmpty: Bool { listener.isEmpty && statPrefix.isEmpty && before == nil }
}

/// How `wasme deploy envoy --prepare` puts a slot into a bootstrap.
struct PrepareOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Put the places of a slot into this bootstrap, or file of listeners, in place with a backup.",
            valueName: "bootstrap"))
    var prepare: String?

    @Option(help: ArgumentHelp("How many filters can stand in the slot (default: 4).", valueName: "number"))
    var places: Int?

    @Option(help: ArgumentHelp("The slot's name in Envoy (default: wasme).", valueName: "name"))
    var slotName: String?

    @Option(
        help: ArgumentHelp(
            "The slot's folder as Envoy sees it, which may run in a container.", valueName: "path"))
    var slotAs: String?

    @Flag(help: "The slot is for filters of connections, before the last one of each filter chain.")
    var network = false

    @Option(
        help: ArgumentHelp(
            "Only requests of this route pass the slot, by its name or by what it matches; may be repeated.",
            valueName: "route"))
    var route: [String] = []

    /// The first option that has no meaning without `--prepare`.
    var strayOption: String? {
        guard prepare == nil else { return nil }
        if places != nil { return "--places" }
        if slotName != nil { return "--slot-name" }
        if slotAs != nil { return "--slot-as" }
        if network { return "--network" }
        return route.isEmpty ? nil : "--route"
    }
}
