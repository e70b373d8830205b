// SPDX-License-Identifier: Apache-2.0

/// A module as the host sees it: the plugins it offers, those that are configured, and the open exchanges.
///
/// There is one in a module, and one in each emulated host.
package final class Module {
    /// How to make a plugin.
    private struct Registration {
        let rootID: Bytes
        let make: (PluginConfiguration) throws(ConfigurationError) -> Configured
    }

    /// A plugin made from a configuration, and what it can do.
    private struct Configured {
        let plugin: any Plugin
        let makeFilter: ((HTTPStream) -> any HTTPFilter)?
    }

    private var registrations: [Registration] = []
    private var vmConfiguration: Bytes = ""
    /// Root contexts: a host may hold several, of the same plugin with different configurations too.
    private var roots = ContextTable<Configured>()
    private var filters = ContextTable<any HTTPFilter>()

    package init() {}

    package func register<P: HTTPPlugin>(_ type: P.Type) {
        let registration = Registration(rootID: P.rootID) { (configuration) throws(ConfigurationError) in
            let plugin = try P(configuration: configuration)
            return Configured(plugin: plugin, makeFilter: { plugin.makeFilter(for: $0) })
        }
        registrations.append(registration)
    }

    // MARK: Life of a VM and its plugins

    package func onVMStart(configurationSize: Int) -> Bool {
        do throws(HostError) {
            vmConfiguration = try Host.buffer(.vmConfiguration, size: configurationSize)
            return true
        } catch {
            Log.error(error.message)
            return false
        }
    }

    /// Makes the plugin of a root context; until this succeeds, an earlier configuration of it stays in use.
    package func onConfigure(root: UInt32, configurationSize: Int) -> Bool {
        let configuration: PluginConfiguration
        do throws(HostError) {
            configuration = PluginConfiguration(
                bytes: try Host.buffer(.pluginConfiguration, size: configurationSize),
                vmBytes: vmConfiguration,
                rootID: try Host.property(["plugin_root_id"]) ?? ""
            )
        } catch {
            Log.error(error.message)
            return false
        }
        do throws(ConfigurationError) {
            roots[root] = try registration(for: configuration.rootID).make(configuration)
            return true
        } catch {
            Log.error("configuration refused: \(error.message)")
            return false
        }
    }

    /// The plugin a root id stands for; an empty one stands for the only plugin there is.
    private func registration(for rootID: Bytes) throws(ConfigurationError) -> Registration {
        if let match = registrations.first(where: { $0.rootID == rootID }) {
            return match
        }
        if rootID.isEmpty, registrations.count == 1, let only = registrations.first {
            return only
        }
        var known: Bytes = ""
        for registration in registrations {
            known = known.isEmpty ? "\"\(registration.rootID)\"" : "\(known), \"\(registration.rootID)\""
        }
        if registrations.isEmpty {
            throw ConfigurationError("this module registers no plugin")
        }
        if rootID.isEmpty {
            throw ConfigurationError("no root id given, and this module has several: \(known)")
        }
        throw ConfigurationError("unknown root id \"\(rootID)\"; this module has \(known)")
    }

    // MARK: Life of an exchange

    package func onContextCreate(_ id: UInt32, parent: UInt32) {
        guard parent != 0, let makeFilter = roots[parent]?.makeFilter else { return }
        filters[id] = makeFilter(HTTPStream(id: id))
    }

    package func onRequestHeaders(_ id: UInt32, endOfStream: Bool) -> Action {
        guard let filter = filters[id] else { return .continue }
        let request = HTTPRequest(stream: HTTPStream(id: id), isEndOfStream: endOfStream)
        do throws(HostError) {
            return try filter.onRequestHeaders(request)
        } catch {
            return filter.onError(error, in: request.stream)
        }
    }

    package func onResponseHeaders(_ id: UInt32, endOfStream: Bool) -> Action {
        guard let filter = filters[id] else { return .continue }
        let response = HTTPResponse(stream: HTTPStream(id: id), isEndOfStream: endOfStream)
        do throws(HostError) {
            return try filter.onResponseHeaders(response)
        } catch {
            return filter.onError(error, in: response.stream)
        }
    }

    package func onDone(_ id: UInt32) -> Bool {
        filters[id]?.onDone(HTTPStream(id: id)) ?? true
    }

    package func onLog(_ id: UInt32) {
        guard let filter = filters[id] else { return }
        do throws(HostError) {
            try filter.onLog(HTTPStream(id: id))
        } catch {
            Log.error(error.message)
        }
    }

    package func onDelete(_ id: UInt32) {
        if let filter = filters[id] {
            filters[id] = nil
            filter.onDelete(HTTPStream(id: id))
        } else {
            roots[id] = nil
        }
    }
}
