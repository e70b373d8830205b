// SPDX-License-Identifier: Apache-2.0

import WasmBinary

extension ModuleChecker {
    /// Bytes of a page of memory (core spec 3.0, 4.2.9 "Memory Instances").
    private static let page: UInt64 = 64 << 10
    /// Above this, what a worker needs is worth a word.
    private static let muchMemory: UInt64 = 16 << 20

    mutating func checkMemory() {
        // An imported memory is the host's own and need not be exported.
        let isImported = module.imports.contains {
            $0.kind == .memory && profile.importKinds.contains(.memory)
        }
        if !isImported, module.export(profile.memoryExport, kind: .memory) == nil {
            add(
                Finding(
                    .error, .noMemoryExport, "the memory",
                    "the module exports no memory \"\(profile.memoryExport)\": it may load, and then every host call with a text or a buffer fails",
                    fix: "link with --export-memory, or export the memory under that name",
                    sources: profile.sources))
        }
        for memory in module.memories {
            if memory.is64Bit {
                add(
                    Finding(
                        .warning, .memory64, "the memory",
                        "the memory has 64-bit addresses; hosts pass 32-bit ones, and engines older than that of Envoy 1.40 refuse it",
                        fix: "build for wasm32", sources: profile.sources))
                continue
            }
            if memory.isShared {
                add(
                    Finding(
                        .warning, .sharedMemory, "the memory",
                        "the memory is meant to be shared between threads; a filter has one thread",
                        fix: "build without threads: without -pthread and not for wasm32-wasip1-threads"))
            }
            let (bytes, isBeyond) = memory.minimum.multipliedReportingOverflow(by: Self.page)
            if let limit = profile.maximumMemory, isBeyond || bytes > limit {
                add(
                    Finding(
                        .error, .memoryTooLarge, "the memory",
                        "the memory begins with \(Self.size(bytes)); the host gives at most \(Self.size(limit))",
                        fix: "lower the initial memory, as in 'wasm-ld --initial-memory='",
                        sources: profile.sources))
            } else if bytes >= Self.muchMemory {
                let instances = profile.extraInstances == 0 ? "" : " and \(profile.extraInstances) more"
                add(
                    Finding(
                        .note, .memoryUse, "the memory",
                        "the memory begins with \(Self.size(bytes)), once for each worker thread\(instances)",
                        fix: "lower the initial memory if it is not used"))
            }
        }
    }

    mutating func checkCustomSections() {
        if !module.customSections.contains(where: { $0.name == "name" }) {
            add(
                Finding(
                    .note, .noNames, "the section \"name\"",
                    "the module has no names of functions: backtraces of traps show numbers only",
                    fix: "keep the names: link without --strip-all (-s)"))
        }
        let debug = module.customSections.filter { $0.name.hasPrefix(".debug_") }
        let bytes = debug.reduce(0) { $0 + $1.content.count }
        if bytes > 0 {
            add(
                Finding(
                    .note, .debugInformation, "the sections \".debug_…\"",
                    "\(Self.size(UInt64(bytes))) of \(Self.size(UInt64(module.size))) are debug information, which no host reads",
                    fix: "strip it: link with --strip-debug, or run 'wasm-tools strip'"))
        }
    }

    /// A number of bytes for people.
    static func size(_ bytes: UInt64) -> String {
        switch bytes {
        case (1 << 30)...: "\(oneDecimal(bytes, 1 << 30)) GiB"
        case (1 << 20)...: "\(oneDecimal(bytes, 1 << 20)) MiB"
        case (1 << 10)...: "\(oneDecimal(bytes, 1 << 10)) KiB"
        default: "\(bytes) bytes"
        }
    }

    private static func oneDecimal(_ bytes: UInt64, _ unit: UInt64) -> String {
        let tenths = bytes / (unit / 10)
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
