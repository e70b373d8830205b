// SPDX-License-Identifier: Apache-2.0

import FilterImage
import WasmBinary

extension ModuleChecker {
    mutating func checkCallbacks() {
        var called = 0
        for export in module.exports where export.kind == .function && Self.isCallback(export.name) {
            guard let wanted = offer.callbacks[export.name] else {
                addUnknown(export)
                continue
            }
            called += 1
            guard let type = module.functionType(at: export.index), type != wanted else { continue }
            let others = profile.abiVersions.filter {
                $0 != abi && profile.abis[$0]?.callbacks[export.name] == type
            }
            add(
                Finding(
                    .error, .callbackSignature, "export \(export.name)", at: location(export),
                    "the host calls \(export.name) as \(wanted) in ABI version \(abi); the module has \(type)",
                    fix: others.isEmpty
                        ? "give it the type that the host calls"
                        : "that is its type in ABI version \(others.map(\.description).joined(separator: ", "))"
                            + ": let the marker and the SDK agree",
                    sources: profile.sources))
        }
        if called == 0 {
            add(
                Finding(
                    .warning, .noCallbacks, "the callbacks", "the module exports nothing that the host calls",
                    fix:
                        "export the callbacks of the SDK: link with --export-dynamic, or name each with --export",
                    sources: profile.sources))
        } else if module.export("proxy_on_vm_start") == nil, module.export("proxy_on_configure") == nil {
            add(
                Finding(
                    .note, .noRootCallbacks, "the callbacks",
                    "neither proxy_on_vm_start nor proxy_on_configure is exported: the module never sees its configuration"
                ))
        }
    }

    /// Whether the host or an SDK would call it a callback.
    private static func isCallback(_ name: String) -> Bool {
        guard name != "proxy_on_memory_allocate" else { return false }
        return name.hasPrefix("proxy_on_") || name.hasPrefix("envoy_on_")
            || name == "proxy_validate_configuration"
    }

    /// Callbacks that SDKs export from habit and that no host has called for long.
    private static let forgotten: Set<String> = ["proxy_on_grpc_create_initial_metadata"]

    private mutating func addUnknown(_ export: Export) {
        guard !isFull(.unknownCallback) else { return }
        let elsewhere = profile.abiVersions.filter { profile.abis[$0]?.callbacks[export.name] != nil }
        let isForgotten = Self.forgotten.contains(export.name) || export.name == "proxy_on_foreign_function"
        let near = closestName(to: export.name, in: offer.callbacks.keys)
        add(
            Finding(
                isForgotten ? .note : .warning, .unknownCallback, "export \(export.name)",
                at: location(export),
                elsewhere.isEmpty
                    ? "the host never calls \(export.name)"
                    : "the host does not call \(export.name) in ABI version \(abi), only in "
                        + elsewhere.map(\.description).joined(separator: ", "),
                fix: isForgotten ? nil : near.map { "did you mean \"\($0)\"?" }))
    }

    mutating func checkAllocator() {
        guard let name = profile.allocators.first(where: { module.export($0) != nil }),
            let export = module.export(name)
        else {
            add(
                Finding(
                    .error, .noAllocator, "the allocator",
                    "the host gets no memory inside the module: it exports neither "
                        + profile.allocators.joined(separator: " nor "),
                    fix: "export the SDK's allocator, as in 'wasm-ld --export=malloc'",
                    sources: profile.sources))
            return
        }
        checkType(export, FunctionType([.i32], results: [.i32]), .allocatorSignature)
    }

    mutating func checkStart() {
        let start = profile.start
        let reactor = start.reactor.flatMap { module.export($0) }
        let command = start.command.flatMap { module.export($0) }
        guard reactor != nil || command != nil else {
            add(
                Finding(
                    .note, .noStart, "the start",
                    "neither \([start.reactor, start.command].compactMap(\.self).joined(separator: " nor ")) is exported: the host runs no constructors of global values",
                    fix:
                        "link as a reactor if the language needs them: -mexec-model=reactor, and export _initialize"
                ))
            return
        }
        if let reactor {
            checkType(reactor, FunctionType(), .startSignature)
            for name in start.then {
                guard let export = module.export(name) else { continue }
                let parameters: [ValueType] = name == "main" ? [.i32, .i32] : []
                checkType(export, FunctionType(parameters, results: [.i32]), .startSignature)
            }
        } else if let command {
            checkType(command, FunctionType(), .startSignature)
            guard let exit = module.imports.first(where: { $0.name == "proc_exit" }) else { return }
            add(
                Finding(
                    .warning, .command, "export \(command.name)", at: location(command),
                    "the module is a program with \(command.name): if its main ends with \(exit.module).proc_exit, the host gives it up before the first request",
                    fix:
                        "build a reactor: cargo with crate-type cdylib, Go with -buildmode=c-shared, C and C++ with -mexec-model=reactor"
                ))
        }
    }

    private mutating func checkType(_ export: Export, _ wanted: FunctionType, _ rule: Rule) {
        guard let type = module.functionType(at: export.index), type != wanted else { return }
        add(
            Finding(
                .error, rule, "export \(export.name)", at: location(export),
                "the host calls \(export.name) as \(wanted); the module has \(type)",
                fix: "give it that type, or do not export it", sources: profile.sources))
    }
}
