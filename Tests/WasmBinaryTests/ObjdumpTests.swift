// SPDX-License-Identifier: Apache-2.0

import Files
import SystemPackage
import TestSupport
import Testing
import WasmBinary

/// Holds what is read against what `wasm-objdump` of wabt prints for the same module, line by line.
@Suite struct ObjdumpTests {
    /// What `wasm-objdump` prints.
    private func objdump(_ options: [String], _ bytes: [UInt8]) async throws -> String {
        let program = try Corpus.tool(.wabt).removingLastComponent().appending("wasm-objdump")
        let scratch = try ScratchDirectory("objdump")
        let file = scratch.appending("module.wasm")
        try Files.replace(file, with: bytes)
        let outcome = try await run(program, options + [file.string])
        guard outcome.status == 0, outcome.stderr.isEmpty else {
            throw ProcessFailure(
                description: "status \(outcome.status): \(outcome.stderr)\(outcome.stdout.suffix(400))")
        }
        return outcome.stdout
    }

    /// The lines that `ObjdumpText` writes too, without the names of the name section.
    private func comparable(_ output: String) -> [String] {
        output.split(separator: "\n").map(String.init).filter { line in
            line.contains(" start=0x")
                || line.hasPrefix(" - ") && !line.contains(#/^ - (name:|module <|(mem|table)_)/#)
        }
    }

    private func normal(_ line: String) -> String? {
        // The names of the name section, and the sizes of bodies, are not rendered.
        let named = #/ - (func|global|table|memory|elemseg|dataseg|tag|type)\[\d+\] <[^>]*>/#
        if line.wholeMatch(of: named) != nil || line.contains(#/^ - func\[\d+\] size=/#) { return nil }
        var line = line.replacing(#/ <[^>]*>/#, with: "")
        // Other constants than integers are printed in ways of their own.
        let isInteger = line.contains(" - init i32=") || line.contains(" - init i64=")
        if line.contains(" - global["), !isInteger || line.contains(" v128 ") {
            line = line.replacing(#/ - init .*/#, with: "")
        }
        return line.replacing(#/flags=(\d)/#) { match in
            let modes = ["active", "passive", "active", "declarative"]
            return modes[(Int(match.1) ?? 0) & 3]
        }
    }

    private func check(_ bytes: [UInt8]) async throws {
        let module = try WasmModule(bytes)
        let expected = comparable(try await objdump(["-h", "-x"], bytes)).compactMap(normal)
        let found = ObjdumpText(module).lines
        #expect(expected.count > 0 || module.sections.isEmpty)
        for line in expected where !found.contains(line) { Issue.record("wabt only: \(line)") }
        for line in found where !expected.contains(line) { Issue.record("ours only: \(line)") }
        #expect(found.count == expected.count)
    }

    @Test(.requires(.wabt), arguments: WATSource.all)
    func `modules that wabt wrote are read as wabt reads them`(source: String) async throws {
        try await check(try await Corpus.translate(source))
    }

    @Test(.requires(.wabt), .requires(.clang))
    func `modules that clang and wasm-ld wrote are read as wabt reads them`() async throws {
        let modules = try await Corpus.compiled()
        for bytes in modules { try await check(bytes) }
        let read = try modules.map { try WasmModule($0) }
        #expect(read.map(\.isObjectFile) == [true, false, false, false])
        #expect(read.map(\.isDynamicLibrary) == [false, false, false, true])
        #expect(read.allSatisfy { $0.notes.isEmpty })
        #expect(read[1].names.functions.map(\.name) == ["host", "run", "indirect"])
        #expect(read[1].producers.contains { $0.field == "processed-by" && $0.name.contains("clang") })
        #expect(read[1].targetFeatures.contains { $0.policy == .used && $0.name == "sign-ext" })
        #expect(read[1].signature(ofExport: "run")?.description == "i32 f64 -> i32")
        // What the compiler was allowed to use covers what it used.
        for module in read {
            let allowed = Set(module.targetFeatures.map(\.name))
            for feature in try module.features().features { #expect(allowed.contains(feature.rawValue)) }
        }
    }

    @Test(.requires(.wabt))
    func `the names of the name section are those that wabt prints`() async throws {
        let bytes = try await Corpus.translate(WATSource.declarations)
        let output = try await objdump(["-x", "-j", "name"], bytes)
        let module = try WasmModule(bytes)
        #expect(module.moduleName == "hello")
        let kinds: [(NameSection.Kind, String)] = [
            (.function, "func"), (.global, "global"), (.table, "table"), (.element, "elemseg"),
            (.data, "dataseg"), (.tag, "tag"),
        ]
        var count = 0
        for (kind, title) in kinds {
            for (index, name) in module.names.names(of: kind) {
                count += 1
                #expect(output.contains(" - \(title)[\(index)] <\(name)>"))
            }
        }
        #expect(count >= 8)
    }

    @Test(.requires(.wabt))
    func `every instruction that wabt knows has the same length here`() async throws {
        let rows = InstructionTable.rows.filter(\.isKnownToWabt)
        let module = InstructionTable.module(rows.map(\.bytes), hasMemories: true)
        _ = try WasmModule(module).features()
        let output = try await objdump(["-d"], module)
        // A function that ends where it should prints its instruction and the end.
        #expect(output.split(separator: "\n").count { $0.contains(" func[") } == rows.count)
    }
}

/// A module in the words of `wasm-objdump -h -x`.
struct ObjdumpText {
    private let module: WasmModule
    private(set) var lines: [String] = []

    init(_ module: WasmModule) {
        self.module = module
        for section in module.sections { lines.append(header(section)) }
        details()
    }

    private func header(_ section: Section) -> String {
        let title: String =
            switch section.id {
            case .element: "Elem"
            case .dataCount: "DataCount"
            default: section.id.description.prefix(1).uppercased() + section.id.description.dropFirst()
            }
        let range =
            "start=\(Self.hex(section.content.lowerBound)) end=\(Self.hex(section.content.upperBound)) "
            + "(size=\(Self.hex(section.size)))"
        let padded = String(repeating: " ", count: max(0, 9 - title.count)) + title
        return "\(padded) \(range) \(amount(section))"
    }

    private func amount(_ section: Section) -> String {
        switch section.id {
        case .custom:
            let name = module.customSections.first { $0.offset == section.offset }?.name ?? "?"
            return "\"\(name)\""
        case .start: return "start: \(module.start.map(String.init) ?? "?")"
        case .type: return "count: \(module.types.count)"
        case .import: return "count: \(module.imports.count)"
        case .function, .code: return "count: \(module.functions.count)"
        case .table: return "count: \(module.definedTables.count)"
        case .memory: return "count: \(module.definedMemories.count)"
        case .tag: return "count: \(module.definedTags.count)"
        case .global: return "count: \(module.definedGlobals.count)"
        case .export: return "count: \(module.exports.count)"
        case .element: return "count: \(module.elements.count)"
        case .dataCount: return "count: \(module.dataCount.map(String.init) ?? "?")"
        case .data: return "count: \(module.dataSegments.count)"
        }
    }

    private mutating func details() {
        for (index, type) in module.types.enumerated() {
            guard case .function(let function) = type else { continue }
            let results = function.results.map(\.description).joined(separator: ", ")
            let text =
                function.results.isEmpty ? "nil" : function.results.count > 1 ? "(\(results))" : results
            let parameters = function.parameters.map(\.description).joined(separator: ", ")
            lines.append(" - type[\(index)] (\(parameters)) -> \(text)")
        }
        var next: [ExternalKind: Int] = [:]
        func place(_ kind: ExternalKind) -> String {
            defer { next[kind, default: 0] += 1 }
            return " - \(title(kind))[\(next[kind, default: 0])]"
        }
        for item in module.imports {
            let origin = " <- \(item.module).\(item.name)"
            switch item.item {
            case .function(let type): lines.append(place(.function) + " sig=\(type)" + origin)
            case .table(let table): lines.append(place(.table) + text(table) + origin)
            case .memory(let limits): lines.append(place(.memory) + " pages:" + text(limits) + origin)
            case .global(let global): lines.append(place(.global) + text(global) + origin)
            case .tag(let type): lines.append(place(.tag) + " sig=\(type)" + origin)
            }
        }
        for type in module.functions { lines.append(place(.function) + " sig=\(type)") }
        for table in module.definedTables { lines.append(place(.table) + text(table)) }
        for limits in module.definedMemories { lines.append(place(.memory) + " pages:" + text(limits)) }
        for type in module.definedTags { lines.append(place(.tag) + " sig=\(type)") }
        for global in module.definedGlobals { lines.append(place(.global) + text(global)) }
        for export in module.exports {
            lines.append(" - \(title(export.kind))[\(export.index)] -> \"\(export.name)\"")
        }
        if let start = module.start { lines.append(" - start function: \(start)") }
        if let count = module.dataCount { lines.append(" - data count: \(count)") }
        segments()
    }

    private mutating func segments() {
        for (index, segment) in module.elements.enumerated() {
            let (mode, table, start) =
                switch segment.mode {
                case .active(let table, let offset): ("active", table, " -" + text(offset))
                case .passive: ("passive", UInt32(0), "")
                case .declarative: ("declarative", UInt32(0), "")
                }
            lines.append(" - segment[\(index)] \(mode) table=\(table) count=\(segment.count)\(start)")
        }
        for (index, segment) in module.dataSegments.enumerated() {
            switch segment.mode {
            case .active(let memory, let offset):
                lines.append(
                    " - segment[\(index)] memory=\(memory) size=\(segment.content.count) -\(text(offset))")
            case .passive:
                lines.append(" - segment[\(index)] passive size=\(segment.content.count)")
            }
        }
    }

    private func title(_ kind: ExternalKind) -> String {
        kind == .function ? "func" : kind.description
    }

    private func text(_ table: Table) -> String { " type=\(table.type)\(text(table.limits))" }

    private func text(_ limits: Limits) -> String {
        " initial=\(limits.minimum)" + (limits.maximum.map { " max=\($0)" } ?? "")
            + (limits.isShared ? " shared" : "") + (limits.is64Bit ? " i64" : "")
    }

    private func text(_ global: Global) -> String {
        let initial: String =
            switch global.initial?.value {
            case .i32(let value)?: " - init i32=\(value)"
            case .i64(let value)?: " - init i64=\(value)"
            default: ""
            }
        return " \(global.type) mutable=\(global.isMutable ? 1 : 0)\(initial)"
    }

    private func text(_ expression: ConstantExpression) -> String {
        switch expression.value {
        case .i32(let value): " init i32=\(value)"
        case .i64(let value): " init i64=\(value)"
        case .global(let index): " init global=\(index)"
        default: " init ?"
        }
    }

    private static func hex(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
