// SPDX-License-Identifier: Apache-2.0

import CCurl
import HTTPTypes
import OCI
import OCIRegistry
import SystemPackage

extension Transfer {
    /// Tells libcurl all there is to say about the exchange.
    func configure(_ easy: EasyHandle) throws {
        try easy.set(CURLOPT_URL, url)
        try easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try easy.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        try easy.set(CURLOPT_PATH_AS_IS, 1)
        try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Signals would hit any thread of the process.
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        try easy.set(CURLOPT_BUFFERSIZE, 128 << 10)
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, 128 << 10)
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(options.connectTimeout * 1000)))
        try easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
        try easy.set(CURLOPT_LOW_SPEED_TIME, max(1, Int(options.stallTimeout.rounded(.up))))
        try setTrust(easy)
        try setProxy(easy)
        try easy.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        try setMethod(easy)
        try setHeaders(easy)
        try setCallbacks(easy)
    }

    private func setTrust(_ easy: EasyHandle) throws {
        if options.insecure {
            try easy.set(CURLOPT_SSL_VERIFYPEER, 0)
            try easy.set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        let trust = options.trust
        if let folder = trust.systemFolder { try easy.set(CURLOPT_CAPATH, folder.string) }
        if !trust.authorities.isEmpty {
            try easy.set(CURLOPT_CAINFO_BLOB, bytes: trust.authorities)
            try easy.set(CURLOPT_PROXY_CAINFO_BLOB, bytes: trust.authorities)
        } else if let file = trust.systemFile {
            try easy.set(CURLOPT_CAINFO, file.string)
            try easy.set(CURLOPT_PROXY_CAINFO, file.string)
        }
        guard let certificate = trust.certificate else { return }
        try easy.set(CURLOPT_SSLCERT, certificate.string)
        try easy.set(CURLOPT_SSLKEY, (trust.key ?? certificate).string)
        // A key that is encrypted is an error: OpenSSL would ask for its password on the terminal.
        try easy.set(CURLOPT_KEYPASSWD, "")
    }

    private func setProxy(_ easy: EasyHandle) throws {
        // Said in any case: what is not said, libcurl takes from the process's environment.
        try easy.set(CURLOPT_NOPROXY, "")
        try easy.set(CURLOPT_PROXY, proxy?.description ?? "")
        if let username = proxy?.username {
            try easy.set(CURLOPT_PROXYUSERNAME, username)
            try easy.set(CURLOPT_PROXYPASSWORD, proxy?.password ?? "")
        }
    }

    private func setMethod(_ easy: EasyHandle) throws {
        if request.method == .head {
            try easy.set(CURLOPT_NOBODY, 1)
        } else {
            if let body {
                try easy.set(CURLOPT_UPLOAD, 1)
                try easy.set(CURLOPT_INFILESIZE_LARGE, offset: body.length)
                source = try body.open()
            }
            try easy.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }

    private func setHeaders(_ easy: EasyHandle) throws {
        for field in request.headerFields where !Self.ownHeaders.contains(field.name) {
            // libcurl's spelling of a header that is there and empty ends in a semicolon.
            append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // Asking first costs a round trip, or a second where nobody answers: worth it for large bodies only.
        if (body?.length ?? 0) < Self.expectThreshold { append("Expect:") }
        try easy.check(wasme_curl_set_headers(easy.raw, headers))
    }

    private func append(_ line: String) {
        // A nil answer means that there was no memory; the list before it stays valid.
        if let longer = curl_slist_append(headers, line) { headers = longer }
    }

    /// Headers that follow from the body and are libcurl's to write.
    private static let ownHeaders: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .expect]
    private static let expectThreshold: Int64 = 1 << 20

    private func setCallbacks(_ easy: EasyHandle) throws {
        let me = Unmanaged.passUnretained(self).toOpaque()
        try easy.set(CURLOPT_WRITEDATA, pointer: me)
        try easy.set(CURLOPT_HEADERDATA, pointer: me)
        try easy.set(CURLOPT_READDATA, pointer: me)
        try easy.set(CURLOPT_SEEKDATA, pointer: me)
        try easy.set(CURLOPT_PREREQDATA, pointer: me)
        try easy.check(
            wasme_curl_set_consumer(easy.raw, CURLOPT_HEADERFUNCTION) { line, size, count, transfer in
                Transfer.from(transfer)?.accept(
                    header: UnsafeRawBufferPointer(start: line, count: size * count))
                    ?? 0
            })
        try easy.check(
            wasme_curl_set_consumer(easy.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, transfer in
                Transfer.from(transfer)?.accept(
                    body: UnsafeRawBufferPointer(start: bytes, count: size * count))
                    ?? 0
            })
        try easy.check(
            wasme_curl_set_read(easy.raw) { buffer, size, count, transfer in
                let buffer = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
                return Transfer.from(transfer)?.fill(buffer) ?? Int(CURL_READFUNC_ABORT)
            })
        try easy.check(
            wasme_curl_set_before_request(easy.raw) { transfer, _, _, _, _ in
                Transfer.from(transfer)?.maySend() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            })
        if options.refusesLinkLocal {
            try easy.set(CURLOPT_OPENSOCKETDATA, pointer: me)
            try easy.check(
                wasme_curl_set_opening(easy.raw) { transfer, _, address in
                    guard let transfer = Transfer.from(transfer), let address else { return CURL_SOCKET_BAD }
                    return transfer.open(address)
                })
        }
        // Called to rewind the body, right before a repetition that the callback above decides on.
        try easy.check(
            wasme_curl_set_seek(easy.raw) { transfer, _, _ in
                Transfer.from(transfer)?.maySend() == true ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
            })
    }
}
