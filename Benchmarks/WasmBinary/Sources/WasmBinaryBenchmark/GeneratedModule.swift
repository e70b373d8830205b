// SPDX-License-Identifier: Apache-2.0

/// A sound module of about 25 MB in the shape of a large filter: most of it code, then data, then names.
enum GeneratedModule {
    static let functions = 40_000
    static let bodySize = 460
    static let dataSegments = 2000
    static let dataSize = 2048

    static var bytes: [UInt8] {
        var module: [UInt8] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
        func section(_ id: UInt8, _ content: [UInt8]) { module += [id] + leb(content.count) + content }
        func vector(_ count: Int, _ entry: (Int) -> [UInt8]) -> [UInt8] {
            leb(count) + (0..<count).flatMap(entry)
        }
        let valueTypes: [UInt8] = [0x7f, 0x7e, 0x7d, 0x7c]
        section(
            1,
            vector(600) { index in
                let parameters = (0..<(index % 9)).map { valueTypes[(index + $0) % 4] }
                return [0x60] + leb(parameters.count) + parameters + (index % 2 == 0 ? [0] : [1, 0x7f])
            })
        section(2, vector(80) { name("env") + name("proxy_host_call_\($0)") + [0] + leb($0) })
        section(3, vector(functions) { leb($0 % 600) })
        section(4, vector(1) { _ in [0x70, 0] + leb(9000) })
        section(5, vector(1) { _ in [0] + leb(200) })
        section(6, vector(40) { [0x7f, 1, 0x41] + leb($0) + [0x0b] })
        section(7, vector(200) { name("proxy_on_export_\($0)") + [0] + leb(80 + $0) })
        section(9, vector(1) { _ in [0, 0x41, 1, 0x0b] + vector(8000) { leb(80 + $0) } })
        // unreachable; then constants and drops.
        let filler: [UInt8] = (0..<((bodySize - 4) / 3)).flatMap { [0x41, UInt8($0 % 64), 0x1a] }
        let body = [1, 2, 0x7f, 0x00] + filler + [0x0b]
        section(10, vector(functions) { _ in leb(body.count) + body })
        section(
            11,
            vector(dataSegments) { index in
                [0, 0x41] + signed(index * dataSize) + [0x0b] + leb(dataSize)
                    + (0..<dataSize).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
            })
        let names = vector(80 + functions) {
            leb($0) + name("envoy::extensions::filter::Context<\($0)>::on_request_headers(unsigned int)")
        }
        section(0, name("name") + [1] + leb(names.count) + names)
        return module
    }

    private static func leb(_ value: Int) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest != 0
        return bytes
    }

    /// A number that is not negative, signed: the bit below the last byte's mark must be clear.
    private static func signed(_ value: Int) -> [UInt8] {
        var bytes = leb(value)
        if let last = bytes.last, last & 0x40 != 0 {
            bytes[bytes.count - 1] |= 0x80
            bytes.append(0)
        }
        return bytes
    }

    private static func name(_ text: String) -> [UInt8] { leb(text.utf8.count) + Array(text.utf8) }
}
