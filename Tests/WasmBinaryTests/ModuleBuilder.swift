// SPDX-License-Identifier: Apache-2.0

/// Writes small modules section by section; lengths are worked out, so that a test breaks only what it means to.
struct ModuleBuilder {
    private(set) var bytes: [UInt8] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

    mutating func section(_ id: UInt8, _ content: [UInt8]) {
        bytes += [id] + leb(content.count) + content
    }

    mutating func section(_ id: UInt8, entries: [[UInt8]]) {
        section(id, leb(entries.count) + entries.flatMap { $0 })
    }

    mutating func custom(_ title: String, _ content: [UInt8]) {
        section(0, name(title) + content)
    }

    /// The shape of a filter: a host call, a memory, the ABI marker, an allocator and a callback.
    static func filter(abi: String = "proxy_abi_version_0_2_1") -> [UInt8] {
        var module = ModuleBuilder()
        module.section(
            1, entries: [[0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f], [0x60, 0, 0], [0x60, 1, 0x7f, 1, 0x7f]])
        module.section(2, entries: [name("env") + name("proxy_log") + [0, 0]])
        module.section(3, entries: [[1], [2], [0]])
        module.section(5, entries: [[1, 2, 4]])
        module.section(
            7,
            entries: [
                name("memory") + [2, 0], name(abi) + [0, 1], name("malloc") + [0, 2],
                name("proxy_on_request_headers") + [0, 3],
            ])
        module.section(8, [1])
        module.section(10, entries: [[2, 0, 0x0b], [4, 0, 0x41, 0, 0x0b], [4, 0, 0x41, 0, 0x0b]])
        module.custom("name", [0] + leb(7) + name("filter"))
        module.custom("producers", [0])
        return module.bytes
    }
}

func leb(_ value: Int) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    repeat {
        let low = UInt8(rest & 0x7f)
        rest >>= 7
        bytes.append(rest == 0 ? low : low | 0x80)
    } while rest != 0
    return bytes
}

func name(_ text: String) -> [UInt8] { leb(text.utf8.count) + Array(text.utf8) }
