// SPDX-License-Identifier: Apache-2.0

import CCurl
private import OCIRegistry

/// Sets options on a libcurl easy handle; an option that this libcurl refuses is an error, never ignored.
struct EasyHandle {
    let raw: UnsafeMutableRawPointer

    func set(_ option: CURLoption, _ value: Int) throws {
        try check(wasme_curl_set_long(raw, option, value))
    }

    func set(_ option: CURLoption, offset: Int64) throws {
        try check(wasme_curl_set_offset(raw, option, curl_off_t(offset)))
    }

    func set(_ option: CURLoption, _ value: String) throws {
        try check(wasme_curl_set_string(raw, option, value))
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) throws {
        try check(wasme_curl_set_pointer(raw, option, pointer))
    }

    func set(_ option: CURLoption, bytes: [UInt8]) throws {
        var bytes = bytes
        try check(bytes.withUnsafeMutableBytes { wasme_curl_set_blob(raw, option, $0.baseAddress, $0.count) })
    }

    /// A time of the transfer in microseconds; 0 if it did not come to that.
    func time(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return wasme_curl_get_offset(raw, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    func check(_ result: CURLcode) throws {
        guard result == CURLE_OK else {
            throw HTTPTransportError(
                .other, "libcurl refuses a setting: \(String(cString: curl_easy_strerror(result)))")
        }
    }
}
