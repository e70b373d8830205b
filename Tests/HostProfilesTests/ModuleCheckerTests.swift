// SPDX-License-Identifier: Apache-2.0

import HostProfiles
import TestSupport
import Testing
import WasmBinary

@Suite struct ModuleCheckerTests {
    let catalog: HostCatalog

    init() throws { catalog = try HostCatalog.bundled() }

    func findings(_ sketch: ModuleSketch, on target: String = "envoy:1.40") throws -> [Finding] {
        let rows = try catalog.check(WasmModule(sketch.bytes), for: HostTarget(target))
        return try #require(rows.last).findings
    }

    func finding(
        _ rule: Rule, _ sketch: ModuleSketch, on target: String = "envoy:1.40"
    ) throws -> Finding {
        try #require(findings(sketch, on: target).first { $0.rule == rule })
    }

    static let sound = ModuleSketch(
        imports: [.init("env", "proxy_log", "iii:i")],
        functions: [.init("_initialize", ":"), .init("proxy_on_configure", "ii:i")])

    func imports(_ names: (String, String, String)...) -> ModuleSketch {
        var sketch = Self.sound
        sketch.imports = names.map { .init($0.0, $0.1, $0.2) }
        return sketch
    }

    func functions(_ entries: (String, String)...) -> ModuleSketch {
        var sketch = Self.sound
        sketch.functions += entries.map { .init($0.0, $0.1) }
        return sketch
    }

    @Test func `a sound filter is taken by every host, with notes at most`() throws {
        for family in catalog.families {
            for version in family.versions {
                let findings = try findings(Self.sound, on: "\(family.name):\(version)")
                #expect(findings.allSatisfy { $0.severity == .note }, "\(family.name) \(version)")
            }
        }
    }

    @Test func `missing imports of one reason are one finding, with the version that has them`() throws {
        let sketch = imports(
            ("wasi_snapshot_preview1", "fd_fdstat_set_flags", "ii:i"),
            ("wasi_snapshot_preview1", "sched_yield", ":i"), ("env", "proxy_log", "iii:i"))
        let missing = try finding(.missingImport, sketch, on: "envoy:1.32")
        #expect(missing.severity == .error)
        #expect(
            missing.subject
                == "imports wasi_snapshot_preview1.fd_fdstat_set_flags, wasi_snapshot_preview1.sched_yield")
        #expect(missing.message.hasSuffix("are not offered: Envoy has it since 1.33"))
        #expect(missing.fix?.contains("newer host") == true)
        #expect(missing.location?.section == "import")
        #expect(!missing.sources.isEmpty)
        let istio = try finding(.missingImport, sketch, on: "istio:1.24")
        #expect(istio.message.hasSuffix("Envoy has it since 1.33, and with it Istio since 1.25"))
        #expect(try findings(sketch, on: "istio:1.25").allSatisfy { $0.severity == .note })
    }

    @Test func `a range of versions becomes rows that agree`() throws {
        let module = try WasmModule(imports(("wasi_snapshot_preview1", "sched_yield", ":i")).bytes)
        let rows = try catalog.check(module, for: HostTarget("istio>=1.20"))
        #expect(rows.map(\.versions) == ["1.20 to 1.24", "1.25 to 1.32"])
        #expect(rows.map(\.isTaken) == [false, true])
        #expect(rows.map(\.title) == ["Istio", "Istio"])
    }

    @Test func `a newer host warns and is held against the newest profile`() throws {
        let newer = try finding(.newerHost, Self.sound, on: "envoy:1.99")
        #expect(newer.severity == .warning)
        #expect(newer.message.hasPrefix("Envoy 1.99 is newer than what is known"))
    }

    @Test func `markers`() throws {
        var sketch = Self.sound
        sketch.abi = nil
        #expect(try finding(.noABIVersion, sketch).message.contains("the host takes 0.1.0, 0.2.0, 0.2.1"))
        sketch.abi = "0_2_100"
        let higress = try finding(.unknownABIVersion, sketch)
        #expect(higress.message.hasSuffix("only Higress takes it"))
        #expect(higress.fix?.contains("instead of that of Higress") == true)
        #expect(try findings(sketch, on: "higress:2.2").allSatisfy { $0.severity == .note })
        sketch.abi = "0_3_0"
        #expect(try finding(.unknownABIVersion, sketch).message.hasSuffix("no known host takes it"))
        let several = functions(("proxy_abi_version_0_1_0", ":"))
        #expect(try finding(.severalABIVersions, several).severity == .warning)
    }

    @Test func `an import of the wrong type says both types`() throws {
        let wrong = try finding(.importSignature, imports(("env", "proxy_log", "i:i")))
        #expect(
            wrong.message
                == "the module wants env.proxy_log to be i32 -> i32; the host offers i32 i32 i32 -> i32")
    }

    @Test func `an import of the wrong module names the right one`() throws {
        let wrong = try finding(.importModule, imports(("env", "fd_write", "iiii:i")))
        #expect(
            wrong.message.contains("wasi_unstable.fd_write") || wrong.message.contains("preview1.fd_write"))
        #expect(wrong.fix?.contains("import module") == true)
    }

    @Test func `a call of another ABI version is told from one that is nowhere`() throws {
        let clear = try finding(.missingImport, imports(("env", "proxy_clear_route_cache", ":i")))
        #expect(clear.message.contains("it belongs to ABI version 0.1.0"))
        let redis = try finding(.missingImport, imports(("env", "proxy_redis_call", "iiiii:i")))
        #expect(redis.message.contains("only Higress has it"))
        let typo = try finding(.missingImport, imports(("env", "proxy_get_propety", "iiii:i")))
        #expect(typo.fix == "did you mean \"proxy_get_property\"?")
        let symbol = try finding(.missingImport, imports(("env", "my_helper_function_xyz", ":i")))
        #expect(symbol.fix?.contains("undefined symbol") == true)
    }

    /// Imports that toolchains leave behind, with a part of what to do.
    static let leftovers: [(String, String, String)] = [
        ("env", "HaveOffsetConverter", "STANDALONE_WASM"),
        ("env", "emscripten_resize_heap", "STANDALONE_WASM"),
        ("env", "abort", "abort=abort_proc_exit"), ("env", "seed", "abort_proc_exit"),
        ("env", "__cxa_throw", "-fno-exceptions"), ("env", "invoke_vii", "-fno-exceptions"),
        ("gojs", "runtime.wasmExit", "GOOS=wasip1"), ("go", "debug", "GOOS=wasip1"),
        ("env", "syscall/js.valueGet", "-target=wasip1"),
        ("__wbindgen_placeholder__", "__wbindgen_throw", "cargo tree"),
        ("wasi:cli/environment@0.2.0", "get-environment", "wasm32-wasip1"),
        ("wasi", "thread-spawn", "threads"),
        ("env", "setjmp", "setjmp"),
    ]

    @Test(arguments: leftovers)
    func `what a toolchain left is named with what to do`(module: String, name: String, fix: String) throws {
        let found = try finding(.missingImport, imports((module, name, ":i")))
        #expect(found.message.contains("it is left from "))
        #expect(found.fix?.contains(fix) == true)
    }

    @Test func `a global is not offered`() throws {
        var sketch = Self.sound
        sketch.otherImports = [
            ModuleSketch.name("env") + ModuleSketch.name("__memory_base") + [0x03, 0x7f, 0x00]
        ]
        let global = try finding(.importKind, sketch)
        #expect(global.message.contains("wants a global env.__memory_base"))
        #expect(global.fix?.contains("-shared") == true)
    }

    @Test func `callbacks`() throws {
        let wrong = try finding(.callbackSignature, functions(("proxy_on_request_headers", "ii:i")))
        #expect(wrong.fix?.contains("its type in ABI version 0.1.0") == true)
        let typo = try finding(.unknownCallback, functions(("proxy_on_http_request_headers", "iii:i")))
        #expect(typo.severity == .warning)
        #expect(typo.fix == "did you mean \"proxy_on_request_headers\"?")
        let habit = try finding(
            .unknownCallback, functions(("proxy_on_grpc_create_initial_metadata", "iii:")))
        #expect(habit.severity == .note)
        var none = Self.sound
        none.functions = [.init("_initialize", ":")]
        #expect(try finding(.noCallbacks, none).severity == .warning)
        none.functions.append(.init("proxy_on_log", "i:"))
        #expect(try finding(.noRootCallbacks, none).severity == .note)
    }

    @Test func `allocators and starts`() throws {
        var sketch = Self.sound
        sketch.allocator = nil
        #expect(
            try finding(.noAllocator, sketch).message.contains("neither malloc nor proxy_on_memory_allocate"))
        sketch.allocator = "malloc"
        sketch.allocatorSignature = "ii:i"
        #expect(try finding(.allocatorSignature, sketch).message.contains("calls malloc as i32 -> i32"))
        sketch = Self.sound
        sketch.functions = [.init("proxy_on_configure", "ii:i")]
        #expect(try finding(.noStart, sketch).severity == .note)
        sketch.functions.append(.init("_start", ":"))
        sketch.imports.append(.init("wasi_snapshot_preview1", "proc_exit", "i:"))
        #expect(try finding(.command, sketch).fix?.contains("-buildmode=c-shared") == true)
    }

    @Test func `memories`() throws {
        var sketch = Self.sound
        sketch.memory = nil
        #expect(try finding(.noMemoryExport, sketch).severity == .error)
        sketch = Self.sound
        sketch.memoryLimits = [0, 0x81, 0x80, 0x01]
        #expect(try finding(.memoryTooLarge, sketch).message.hasSuffix("the host gives at most 1 GiB"))
        #expect(try findings(sketch, on: "envoy:1.20").contains { $0.rule == .memoryUse })
        sketch.memoryLimits = [0, 0x80, 0x04]
        let use = try finding(.memoryUse, sketch)
        #expect(use.message == "the memory begins with 32 MiB, once for each worker thread and 2 more")
        sketch.memoryLimits = [3, 1, 2]
        #expect(try finding(.sharedMemory, sketch).severity == .warning)
        sketch.memoryLimits = [4, 1]
        #expect(try finding(.memory64, sketch).severity == .warning)
    }

    @Test func `custom sections`() throws {
        var sketch = Self.sound
        #expect(try finding(.noNames, sketch).severity == .note)
        sketch.custom = [
            ("name", []), (".debug_info", [UInt8](repeating: 0, count: 3000)), (".debug_line", [0]),
        ]
        #expect(try findings(sketch).allSatisfy { $0.rule != .noNames })
        #expect(try finding(.debugInformation, sketch).message.hasPrefix("2.9 KiB of 3"))
        sketch.custom.append(("linking", [2]))
        #expect(try finding(.objectFile, sketch).severity == .error)
    }

    @Test func `what a host does is a note where it matters`() throws {
        let bodies = functions(("proxy_on_request_headers", "iii:i"), ("proxy_on_request_body", "iii:i"))
        #expect(try finding(.hostNote, bodies).message.contains("allow_on_headers_stop_iteration"))
        #expect(try !finding(.hostNote, bodies, on: "istio:1.26").message.contains("allow_on_headers"))
        #expect(try findings(Self.sound).allSatisfy { $0.rule != .hostNote })
    }

    @Test func `hosts without gRPC say so`() throws {
        let sketch = imports(("env", "proxy_grpc_call", "iiiiiiiiiiii:i"))
        let stub = try finding(.stubImport, sketch, on: "ngx-wasm-module")
        #expect(stub.severity == .warning)
        #expect(stub.message == "env.proxy_grpc_call is there, but does nothing in ngx_wasm_module")
    }

    @Test func `the worst comes first`() throws {
        var sketch = imports(("env", "abort", ":"))
        sketch.functions.append(.init("proxy_on_nothing_at_all", ":"))
        let severities = try findings(sketch).map(\.severity)
        #expect(severities == severities.sorted(by: >))
        #expect(Set(severities) == [.error, .warning, .note])
    }
}
