// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import Files
import HostProfiles
import TestSupport
import Testing
import WasmBinary

/// Holds the profile of Envoy 1.40 against a real one, in both directions.
@Suite(.serialized) struct ProfileProofTests {
    let catalog: HostCatalog
    let profile: HostProfile

    init() throws {
        catalog = try HostCatalog.bundled()
        profile = try catalog.profile(of: "envoy", HostVersion(1, 40))
    }

    static let abis = ["0_1_0", "0_2_0", "0_2_1"]

    func offer(_ abi: String) throws -> HostProfile.Offer {
        try #require(profile.abis[ProxyABIVersion(String(abi.map { $0 == "_" ? "." : $0 }))])
    }

    func short(_ type: FunctionType) -> String {
        let halves = [type.parameters, type.results].map { $0.map { $0 == .i64 ? "I" : "i" }.joined() }
        return halves.joined(separator: ":")
    }

    /// A type that differs in the least way: another number, a parameter too many, or a result too few or too many.
    func wrong(_ signature: String, way: Int) -> String {
        let halves = signature.split(separator: ":", omittingEmptySubsequences: false)
        switch way % 3 {
        case 0: return "\(halves[0])i:\(halves[1])"
        case 1: return "\(halves[0]):\(halves[1].isEmpty ? "i" : "")"
        default:
            let first = halves[0].hasPrefix("i") ? "I" : "i"
            return "\(first)\(halves[0].dropFirst()):\(halves[1])"
        }
    }

    /// Lets Envoy and the checker judge, and compares.
    func compare(
        _ cases: [(name: String, sketch: ModuleSketch)], except: Set<Rule> = []
    ) async throws -> EnvoyJury.Refusals {
        let refusals = try await EnvoyJury.judge(cases.map { ($0.name, $0.sketch.bytes) })
        for item in cases {
            let findings = ModuleChecker.check(
                try WasmModule(item.sketch.bytes), against: profile, catalog: catalog)
            let errors = findings.filter { $0.severity == .error && !except.contains($0.rule) }
            #expect(
                errors.isEmpty == (refusals[item.name] == nil),
                "\(item.name): the checker says \(errors.map(\.message)), Envoy \(refusals[item.name] ?? "nothing")"
            )
        }
        return refusals
    }

    @Test(.requires(.envoy)) func `every host call of the profile is there with its type`() async throws {
        let envoy = EnvoyBinary(try #require(Tool.envoy.path))
        // The profile is that of this version; another Envoy would prove another one.
        let version = try #require(HostVersion(try await envoy.version()))
        try #require(version.line == HostVersion(1, 40), "the proof needs Envoy 1.40, this is \(version)")
        for abi in Self.abis {
            let imports = try offer(abi).imports.sorted { $0.key < $1.key }.map {
                ModuleSketch.Import($0.key.module, $0.key.name, short($0.value))
            }
            let callbacks = try offer(abi).callbacks.sorted { $0.key < $1.key }.map {
                ModuleSketch.Function($0.key, short($0.value))
            }
            let scratch = try ScratchDirectory("proof")
            let module = scratch.appending("module.wasm")
            try Files.replace(
                module, with: ModuleSketch(abi: abi, imports: imports, functions: callbacks).bytes)
            try await envoy.validate(
                .text(
                    """
                    static_resources: {listeners: [{name: l, address: {socket_address: {address: 127.0.0.1, port_value: 0}},
                     filter_chains: [{filters: [{name: hcm, typed_config: {
                     "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
                     stat_prefix: p, route_config: {}, http_filters: [
                     {name: w, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm,
                     config: {vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: "\(module)"}}}}}},
                     {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
                     ]}}]}]}]}
                    """))
        }
    }

    @Test(.requires(.envoy), arguments: abis)
    func `a host call of another type is refused as such`(abi: String) async throws {
        var cases: [(name: String, sketch: ModuleSketch)] = []
        for (way, entry) in try offer(abi).imports.sorted(by: { $0.key < $1.key }).enumerated() {
            let name = entry.key
            let signature = wrong(short(entry.value), way: way)
            cases.append(
                (
                    name.description,
                    ModuleSketch(abi: abi, imports: [.init(name.module, name.name, signature)])
                ))
        }
        let refusals = try await compare(cases)
        #expect(refusals.count == cases.count)
        for (name, reason) in refusals {
            #expect(reason.contains("import type mismatch: \(name),"), "\(name): \(reason)")
        }
    }

    @Test(.requires(.envoy), arguments: abis)
    func `what the profile has not is missing`(abi: String) async throws {
        let offered = try offer(abi).imports
        // Every host call that any version of any host has, and names that people have met in refusals.
        var names: [ImportName: FunctionType] = [:]
        for family in catalog.families {
            for version in family.versions {
                for offer in try catalog.profile(of: family.name, version).abis.values {
                    names.merge(offer.imports) { old, _ in old }
                }
            }
        }
        for name in [
            ImportName("env", "abort"), ImportName("env", "HaveOffsetConverter"),
            ImportName("env", "fd_write"),
            ImportName("wasi_snapshot_preview1", "proxy_log"), ImportName("gojs", "runtime.wasmExit"),
            ImportName("wasi_snapshot_preview2", "fd_write"), ImportName("env", "proxy_no_such_call"),
            ImportName("wasi:cli/environment@0.2.0", "get-environment"), ImportName("", ""),
            ImportName("env", "proxy_on_log"), ImportName("env", "__cxa_throw"),
            ImportName("wbg", "__wbg_now"),
        ] {
            names[name] = FunctionType([.i32], results: [.i32])
        }
        let cases = names.filter { offered[$0.key] == nil }.sorted { $0.key < $1.key }.enumerated().map {
            (
                name: "m\($0.offset)",
                sketch: ModuleSketch(
                    abi: abi,
                    imports: [.init($0.element.key.module, $0.element.key.name, short($0.element.value))])
            )
        }
        #expect(cases.count > 20)
        let refusals = try await compare(cases)
        for item in cases {
            let wanted = try #require(item.sketch.imports.first)
            #expect(refusals[item.name]?.contains("missing import: \(wanted.module).\(wanted.name)") == true)
        }
    }

    @Test(.requires(.envoy), arguments: abis)
    func `a callback of another type is refused`(abi: String) async throws {
        var cases: [(name: String, sketch: ModuleSketch)] = []
        let offered = try offer(abi).callbacks
        for (way, entry) in offered.sorted(by: { $0.key < $1.key }).enumerated() {
            let signature = wrong(short(entry.value), way: way)
            cases.append((entry.key, ModuleSketch(abi: abi, functions: [.init(entry.key, signature)])))
        }
        // What is no callback may have any type.
        for name in ["proxy_on_foreign_function", "proxy_on_redis_call_response", "proxy_on_nothing"]
        where offered[name] == nil {
            cases.append((name, ModuleSketch(abi: abi, functions: [.init(name, "IIII:I")])))
        }
        let refusals = try await compare(cases)
        #expect(refusals.count == offered.count)
        #expect(refusals.values.allSatisfy { $0.contains("Bad function signature for: ") })
    }

    @Test(.requires(.envoy)) func `markers, allocators, memories and starts are judged alike`() async throws {
        func sketch(_ change: (inout ModuleSketch) -> Void) -> ModuleSketch {
            var sketch = ModuleSketch(functions: [.init("proxy_on_vm_start", "ii:i")])
            change(&sketch)
            return sketch
        }
        let memory = ModuleSketch.name("env") + ModuleSketch.name("memory") + [0x02, 0x00, 0x01]
        let table = ModuleSketch.name("env") + ModuleSketch.name("table") + [0x01, 0x70, 0x00, 0x01]
        let global = ModuleSketch.name("env") + ModuleSketch.name("global") + [0x03, 0x7f, 0x00]
        let cases: [(name: String, sketch: ModuleSketch)] = [
            ("sound", sketch { _ in }),
            ("no-marker", sketch { $0.abi = nil }),
            ("marker-0.2.100", sketch { $0.abi = "0_2_100" }),
            ("marker-0.3.0", sketch { $0.abi = "0_3_0" }),
            ("marker-vNEXT", sketch { $0.abi = "vNEXT" }),
            ("marker-and-unknown-one", sketch { $0.functions.append(.init("proxy_abi_version_0_3_0", ":")) }),
            ("two-markers", sketch { $0.functions.append(.init("proxy_abi_version_0_1_0", ":")) }),
            (
                "marker-of-any-type",
                sketch {
                    $0.abi = nil; $0.functions.append(.init("proxy_abi_version_0_2_0", "i:i"))
                }
            ),
            ("no-allocator", sketch { $0.allocator = nil }),
            ("other-allocator", sketch { $0.allocator = "proxy_on_memory_allocate" }),
            ("allocator-type", sketch { $0.allocatorSignature = "I:i" }),
            (
                "other-allocator-type",
                sketch {
                    $0.allocator = "proxy_on_memory_allocate"; $0.allocatorSignature = "ii:i"
                }
            ),
            (
                "first-allocator-counts",
                sketch { $0.functions.append(.init("proxy_on_memory_allocate", "I:I")) }
            ),
            ("initialize", sketch { $0.functions.append(.init("_initialize", ":")) }),
            ("initialize-type", sketch { $0.functions.append(.init("_initialize", ":i")) }),
            ("start", sketch { $0.functions.append(.init("_start", ":")) }),
            ("start-type", sketch { $0.functions.append(.init("_start", "i:")) }),
            (
                "unused-start-type",
                sketch { $0.functions += [.init("_initialize", ":"), .init("_start", "i:")] }
            ),
            ("main", sketch { $0.functions += [.init("_initialize", ":"), .init("main", "ii:i")] }),
            ("main-type", sketch { $0.functions += [.init("_initialize", ":"), .init("main", ":i")] }),
            ("unused-main-type", sketch { $0.functions.append(.init("main", ":i")) }),
            (
                "main-void",
                sketch { $0.functions += [.init("_initialize", ":"), .init("__main_void", ":i")] }
            ),
            (
                "main-void-type",
                sketch { $0.functions += [.init("_initialize", ":"), .init("__main_void", ":")] }
            ),
            ("no-memory-export", sketch { $0.memory = nil }),
            ("no-memory", sketch { $0.memoryLimits = [] }),
            ("memory-64", sketch { $0.memoryLimits = [4, 1] }),
            ("shared-memory", sketch { $0.memoryLimits = [3, 1, 2] }),
            ("memory-of-1-GiB", sketch { $0.memoryLimits = [0, 0x80, 0x80, 0x01] }),
            ("memory-beyond-1-GiB", sketch { $0.memoryLimits = [0, 0x81, 0x80, 0x01] }),
            (
                "imported-memory",
                sketch {
                    $0.memoryLimits = []; $0.otherImports = [memory]
                }
            ),
            ("imported-table", sketch { $0.otherImports = [table] }),
            ("imported-global", sketch { $0.otherImports = [global] }),
        ]
        // Envoy loads a module without a memory; it is an error nevertheless, as nothing works then.
        let refusals = try await compare(cases, except: [.noMemoryExport])
        #expect(refusals["no-marker"]?.contains("Missing or unknown Proxy-Wasm ABI version") == true)
        #expect(refusals["no-allocator"]?.contains("missing malloc function") == true)
    }

    @Test(.requires(.envoy)) func `only some host calls are allowed while a module starts`() async throws {
        let allowed = try #require(profile.start.allowedCalls)
        let imports = try offer("0_2_1").imports.filter { $0.key.module != "wasi_unstable" }
        var cases: [(name: String, sketch: ModuleSketch)] = []
        for (name, type) in imports.sorted(by: { $0.key < $1.key }) {
            for start in ["_initialize", "_start"] {
                cases.append(
                    (
                        "\(start)/\(name)",
                        ModuleSketch(
                            imports: [.init(name.module, name.name, short(type))],
                            functions: [.init(start, ":", calls: 0)])
                    ))
            }
        }
        let refusals = try await EnvoyJury.judge(cases.map { ($0.name, $0.sketch.bytes) })
        for item in cases {
            let name = try #require(item.sketch.imports.first).name
            #expect(
                (refusals[item.name] == nil) == allowed.contains(name),
                "\(item.name): \(refusals[item.name] ?? "taken")")
        }
    }
}
