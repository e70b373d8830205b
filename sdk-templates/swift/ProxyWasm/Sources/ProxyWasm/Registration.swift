// SPDX-License-Identifier: Apache-2.0

/// The module that the host has loaded; hosts call into it from one thread only.
nonisolated(unsafe) let module = Module()

/// Offers a plugin to the host; main.swift has one such line for each plugin of the module.
public func register<P: HTTPPlugin>(_ plugin: P.Type) {
    module.register(plugin)
}
