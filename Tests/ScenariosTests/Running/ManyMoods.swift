// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import Files
import Scenarios
import SystemPackage
import TestSupport
import Testing

/// A filter that does, by the number of bytes of its configuration, one of the things that filters should not do.
enum ManyMoods {
    /// What the filter does, and how many bytes make it do so.
    enum Mood: Int, CaseIterable {
        case adds
        case trapsInRequest
        case loopsInRequest
        case forgetsRequest
        case eatsMemory
        case trapsInResponse
        case ticks
        case refuses
        case loopsInConfigure
        case namesCluster
        case closes
        case trapsInLog
        case loopsInTick

        /// A configuration of the right length.
        var configuration: String { String(repeating: "x", count: rawValue) }
    }

    private static let text = """
        (module
          (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
          (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
          (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
          (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
          (memory (export "memory") 2)
          (global $mood (mut i32) (i32.const 0))
          (global $ticks (mut i32) (i32.const 0))
          (data (i32.const 64) "request")
          (data (i32.const 80) "response")
          (data (i32.const 96) "tick")
          (data (i32.const 112) "hello")
          (data (i32.const 120) "world")
          (data (i32.const 128) "cannot call cluster \\"nowhere\\"")
          (func (export "proxy_abi_version_0_2_1"))
          (func (export "malloc") (param i32) (result i32) (i32.const 65536))
          (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
          (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (global.set $mood (local.get 1))
            (if (i32.eq (global.get $mood) (i32.const 6)) (then (drop (call $tick (i32.const 20)))))
            (if (i32.eq (global.get $mood) (i32.const 12)) (then (drop (call $tick (i32.const 20)))))
            (if (i32.eq (global.get $mood) (i32.const 7)) (then
              (drop (call $log (i32.const 4) (i32.const 64) (i32.const 7)))
              (return (i32.const 0))))
            (if (i32.eq (global.get $mood) (i32.const 8)) (then (loop $ever (br $ever))))
            (i32.const 1))
          (func (export "proxy_on_tick") (param i32)
            (if (i32.eq (global.get $mood) (i32.const 12)) (then
              (if (i32.gt_u (global.get $ticks) (i32.const 2)) (then (loop $ever (br $ever))))))
            (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
            (drop (call $log (i32.const 2) (i32.const 96) (i32.const 4))))
          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 2) (i32.const 64) (i32.const 7)))
            (if (i32.eq (global.get $mood) (i32.const 1)) (then (unreachable)))
            (if (i32.eq (global.get $mood) (i32.const 2)) (then (loop $ever (br $ever))))
            (if (i32.eq (global.get $mood) (i32.const 3)) (then (return (i32.const 1))))
            (if (i32.eq (global.get $mood) (i32.const 4)) (then
              (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
              (unreachable)))
            (if (i32.eq (global.get $mood) (i32.const 9)) (then
              (drop (call $log (i32.const 4) (i32.const 128) (i32.const 29)))))
            (if (i32.eq (global.get $mood) (i32.const 10)) (then
              (drop (call $close (i32.const 1)))
              (return (i32.const 1))))
            (i32.const 0))
          (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 2) (i32.const 80) (i32.const 8)))
            (if (i32.eq (global.get $mood) (i32.const 5)) (then (unreachable)))
            (drop (call $add
              (i32.const 2) (i32.const 112) (i32.const 5) (i32.const 120) (i32.const 5)))
            (i32.const 0))
          (func (export "proxy_on_log") (param i32)
            (if (i32.eq (global.get $mood) (i32.const 11)) (then (unreachable))))
          (func (export "proxy_on_queue_ready") (param i32 i32)))
        """

    /// The module.
    static func module() async throws -> [UInt8] {
        let scratch = try ScratchDirectory("wat")
        let source = try scratch.write("filter.wat", text)
        let module = scratch.appending("filter.wasm")
        let outcome = try await run(
            try #require(Tool.wabt.path), [source.string, "-o", module.string])
        #expect(outcome.status == 0, "\(outcome.stderr)")
        return try Files.read(module, limit: 1 << 20)
    }
}

/// A run of scenarios in the real Envoy.
struct Playing {
    var filter: ScenarioFilter
    var options = ScenarioOptions()
    var envoy: EnvoyBinary?

    init(_ module: [UInt8], isNetworkFilter: Bool = false) {
        filter = ScenarioFilter(name: "moods", module: module, isNetworkFilter: isNetworkFilter)
    }

    func run(_ yaml: String) async throws -> ScenarioReport {
        let envoy = try envoy ?? EnvoyBinary(try #require(Tool.envoy.path))
        let file = try ScenarioFile(parsing: yaml, file: "t.yaml")
        return try await ScenarioRun(
            filter: filter, envoy: envoy, transport: CurlTransport(), options: options
        ).run([file])
    }
}

extension ScenarioReport {
    /// What is wrong with a scenario; nil if nothing is.
    func failure(_ scenario: String) throws -> StepFailure? {
        switch try #require(results.first { $0.scenario == scenario }).verdict {
        case .failed(let failure), .broken(let failure): failure
        case .passed, .skipped: nil
        }
    }

    /// What is wrong with all of them, to be shown.
    var failures: [String] {
        results.compactMap { result in
            switch result.verdict {
            case .failed(let failure): "\(result.scenario) failed: \(failure)"
            case .broken(let failure): "\(result.scenario) broke: \(failure)"
            case .passed, .skipped: nil
            }
        }
    }
}
