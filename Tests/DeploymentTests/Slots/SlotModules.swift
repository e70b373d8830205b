// SPDX-License-Identifier: Apache-2.0

import Files
import SystemPackage
import TestSupport
import Testing

/// Modules in WebAssembly's text format, for what `TinyFilter` does not do.
enum SlotModules {
    private static let base = """
        (memory (export "memory") 1)
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) i32.const 1024)
        """

    private static let addsHeader = """
        (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
        """

    private static let greets = """
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
          (drop (call $add (i32.const 2) (i32.const 64) (i32.const 5) (i32.const 69) (i32.const 5)))
          i32.const 0)
        """

    /// Sets a gauge when it is configured, and greets the world.
    static func marking(_ gauge: String) -> String {
        """
        (module (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
          (import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))
          \(addsHeader) \(base)
          (data (i32.const 64) "helloworld") (data (i32.const 128) "\(gauge)")
          (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $define (i32.const 1) (i32.const 128) (i32.const \(gauge.utf8.count)) (i32.const 32)))
            (drop (call $record (i32.load (i32.const 32)) (i64.const 1)))
            i32.const 1)
          \(greets))
        """
    }

    /// Traps with a request for the host "trap", and greets the world in answer to all others.
    static let trapping = """
        (module (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
          \(addsHeader) \(base)
          (data (i32.const 64) "helloworld") (data (i32.const 128) ":authority")
          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $get (i32.const 0) (i32.const 128) (i32.const 10) (i32.const 32) (i32.const 36)))
            (if (i32.eq (i32.load (i32.const 36)) (i32.const 4)) (then unreachable))
            i32.const 0)
          \(greets))
        """

    /// A network filter that puts a word before what a client sends.
    static func prefixing(_ word: String) -> String {
        """
        (module (import "env" "proxy_set_buffer_bytes" (func $set (param i32 i32 i32 i32 i32) (result i32)))
          \(base) (data (i32.const 64) "\(word)")
          (func (export "proxy_on_downstream_data") (param i32 i32 i32) (result i32)
            (drop (call $set
              (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const \(word.utf8.count))))
            i32.const 0))
        """
    }

    /// A module of so many bytes or some more, nearly all of it code that has to be compiled.
    static func large(_ size: Int) -> String {
        // Each function is about 2,000 bytes of code that depends on its number.
        let functions = (0..<size / 2000).map { number in
            let step =
                "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const \(100_000 + number))) (i32.const 7)))"
            return "(func (param i32) (result i32) " + String(repeating: step, count: 165) + " local.get 0)"
        }
        return "(module \(addsHeader) \(base) (data (i32.const 64) \"helloworld\") \(greets) "
            + functions.joined(separator: "\n") + ")"
    }

    static func compile(_ text: String, _ stage: SlotStage, _ name: String = "module") async throws -> [UInt8]
    {
        let source = try stage.scratch.write("\(name).wat", text)
        let file = stage.scratch.appending("\(name).wasm")
        let outcome = try await TestSupport.run(
            try #require(Tool.wabt.path), [source.string, "-o", file.string])
        try #require(outcome.status == 0, "\(outcome)")
        return try Files.read(file)
    }
}
