// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm

extension EmulatedExchange {
    /// What follows from the exchange, or was set by the module.
    func property(_ path: [Bytes]) -> Bytes? {
        guard let first = path.first else { return nil }
        switch first {
        case "request": return requestProperty(Array(path.dropFirst()))
        case "response": return responseProperty(Array(path.dropFirst()))
        default:
            // Envoy looks for the first part alone, and a value has no parts.
            return path.count == 1 ? state[first] : nil
        }
    }

    private func requestProperty(_ path: [Bytes]) -> Bytes? {
        let headers = readable(.requestHeaders)
        guard let name = path.first else { return nil }
        if name == "headers" { return path.count == 2 ? headers?[path[1]] : nil }
        guard path.count == 1 else { return nil }
        switch name {
        case "path": return headers?[":path"]
        case "url_path": return headers?[":path"].map { $0.split(at: UInt8(ascii: "?"))?.before ?? $0 }
        case "query": return headers?[":path"].map { $0.split(at: UInt8(ascii: "?"))?.after ?? "" }
        case "method": return headers?[":method"]
        case "host": return headers?[":authority"]
        case "scheme": return headers?[":scheme"]
        case "referer": return headers?["referer"]
        case "useragent": return headers?["user-agent"]
        case "id": return headers?["x-request-id"]
        case "protocol": return "HTTP/1.1"
        case "size": return integer(headers?["content-length"]?.integer(as: Int64.self) ?? Int64(requestSize))
        default: return nil
        }
    }

    private func responseProperty(_ path: [Bytes]) -> Bytes? {
        guard let name = path.first else { return nil }
        switch name {
        case "headers" where path.count == 2: return readable(.responseHeaders)?[path[1]]
        case "trailers" where path.count == 2: return readable(.responseTrailers)?[path[1]]
        case "code" where path.count == 1: return response.status.map { integer(Int64($0)) }
        case "size" where path.count == 1: return integer(Int64(response.body.count))
        case "code_details" where path.count == 1: return responseDetails
        default: return nil
        }
    }

    private func integer(_ value: Int64) -> Bytes {
        withUnsafeBytes(of: value.littleEndian) { Bytes(Array($0)) }
    }
}
