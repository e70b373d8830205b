// SPDX-License-Identifier: Apache-2.0

import Files
import SystemPackage
import TestSupport
import WasmBinary

/// Sound modules: written here byte by byte, translated by wabt, and compiled and linked by clang.
enum Corpus {
    /// All that can be made on this machine.
    static func all() async throws -> [[UInt8]] {
        var modules = [
            ModuleBuilder.filter(), TinyFilter().bytes, everySection, newTypes,
            InstructionTable.module(InstructionTable.rows.map(\.bytes), hasMemories: true),
        ]
        if Tool.wabt.path != nil {
            for source in WATSource.all { modules.append(try await translate(source)) }
        }
        if Tool.clang.path != nil { modules.append(contentsOf: try await compiled()) }
        return modules
    }

    /// Every section of the core specification, each with an entry.
    static let everySection: [UInt8] = {
        var module = ModuleBuilder()
        module.custom("first", [1, 2, 3])
        module.section(1, entries: [[0x60, 0, 0], [0x60, 1, 0x7f, 1, 0x7e]])
        module.section(
            2, entries: [name("env") + name("f") + [0, 1], name("env") + name("g") + [3, 0x7f, 0]])
        module.section(3, entries: [[0]])
        module.section(4, entries: [[0x70, 1, 1, 9], [0x40, 0, 0x6f, 0, 2, 0xd0, 0x6f, 0x0b]])
        module.section(5, entries: [[1, 1, 2], [4, 1]])
        module.section(13, entries: [[0, 0]])
        module.section(
            6,
            entries: [
                [0x7f, 1, 0x41, 0x7f, 0x0b], [0x7e, 0, 0x42, 0x80, 0x01, 0x0b],
                [0x7d, 0, 0x43, 1, 2, 3, 4, 0x0b], [0x7c, 0, 0x44, 1, 2, 3, 4, 5, 6, 7, 8, 0x0b],
                [0x7f, 0, 0x23, 0, 0x0b], [0x70, 0, 0xd2, 1, 0x0b], [0x6f, 0, 0xd0, 0x6f, 0x0b],
                [0x7b, 0, 0xfd, 0x0c] + (0..<16).map { UInt8($0) } + [0x0b],
                [0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b],
            ])
        module.section(7, entries: [name("f") + [0, 1], name("m") + [2, 0], name("e") + [4, 0]])
        module.section(8, [1])
        module.section(
            9,
            entries: [
                [0, 0x41, 0, 0x0b, 1, 1], [1, 0, 2, 0, 1], [2, 1, 0x41, 0, 0x0b, 0, 1, 1], [3, 0, 1, 1],
                [4, 0x41, 0, 0x0b, 1, 0xd2, 1, 0x0b], [5, 0x6f, 1, 0xd0, 0x6f, 0x0b],
                [6, 1, 0x41, 0, 0x0b, 0x6f, 0], [7, 0x70, 0],
            ])
        module.section(12, [3])
        module.section(10, entries: [[4, 1, 1, 0x7f, 0x0b]])
        module.section(
            11, entries: [[0, 0x41, 8, 0x0b, 2, 0x68, 0x69], [1, 1, 0x21], [2, 1, 0x42, 0, 0x0b, 0]])
        module.custom("name", [0, 2, 1, 0x6d, 1, 4, 1, 1, 1, 0x66])
        return module.bytes
    }()

    /// Types of the garbage-collection proposal, which wabt cannot write.
    static let newTypes: [UInt8] = {
        var module = ModuleBuilder()
        module.section(
            1,
            entries: [
                [0x4e, 2, 0x50, 0, 0x5f, 2, 0x78, 1, 0x63, 0, 0, 0x4f, 1, 0, 0x5e, 0x77, 1],
                [0x60, 1, 0x63, 0x6f, 1, 0x6f],
            ])
        module.section(6, entries: [[0x64, 0, 0, 0xfb, 1, 0, 0x0b]])
        return module.bytes
    }()

    // MARK: - Made by tools

    static func translate(_ source: String) async throws -> [UInt8] {
        let wat2wasm = try tool(.wabt)
        let scratch = try ScratchDirectory("wat")
        let output = scratch.appending("module.wasm")
        let input = try scratch.write("module.wat", source)
        let outcome = try await run(
            wat2wasm, ["--enable-all", "--no-check", "--debug-names", input.string, "-o", output.string])
        guard outcome.status == 0 else { throw ProcessFailure(description: outcome.stderr) }
        return try Files.read(output)
    }

    /// An object file, what the linker makes of it, and a library for a dynamic linker.
    static func compiled() async throws -> [[UInt8]] {
        let clang = try tool(.clang)
        let scratch = try ScratchDirectory("clang")
        let source = try scratch.write("module.c", cSource)
        let common = ["--target=wasm32", "-nostdlib", "-g"]
        var modules: [[UInt8]] = []
        for (index, options) in [
            ["-c"], ["-Wl,--no-entry"],
            ["-matomics", "-mbulk-memory", "-msimd128", "-mtail-call", "-Wl,--no-entry"],
            ["-fPIC", "-Wl,--experimental-pic,-shared"],
        ].enumerated() {
            let output = scratch.appending("\(index).wasm")
            // Linked by a call of its own, without -O: with it, clang would have any wasm-opt that is there change all.
            let object = scratch.appending("\(index).o").string
            let isObject = options == ["-c"]
            let compiler = options.filter { !$0.hasPrefix("-Wl,") && $0 != "-c" }
            for arguments in [
                common + compiler + ["-O1", "-c", source.string, "-o", isObject ? output.string : object],
                isObject ? [] : common + options + [object, "-o", output.string],
            ] where !arguments.isEmpty {
                let outcome = try await run(clang, arguments)
                guard outcome.status == 0 else { throw ProcessFailure(description: outcome.stderr) }
            }
            modules.append(try Files.read(output))
        }
        return modules
    }

    static func tool(_ tool: Tool) throws -> FilePath {
        guard let path = tool.path else { throw ProcessFailure(description: "no \(tool.name)") }
        return path
    }

    private static let cSource = """
        __attribute__((import_module("env"), import_name("host"))) extern int host(int, const char *);
        static int counter = 3;
        static char buffer[100];
        __attribute__((export_name("run"))) int run(int a, double d) {
          counter += a;
          buffer[(unsigned)a % 100] = (signed char)d;
          return host((int)d, "hello") + counter;
        }
        typedef int (*function)(int, double);
        function table[] = {run};
        __attribute__((export_name("indirect"))) int indirect(int i) { return table[i](1, 2); }
        """
}
