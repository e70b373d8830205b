// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import NIOCore
import OCI

/// One request of the hot path on its way.
struct HotExchange {
    let request: HotRequest
    let id: RequestID
    /// Who sent it; nil if nobody will ask.
    let address: String?
    /// Whom it is answered to.
    var principal = ""
    private let uri: String
    private let start: NIODeadline

    /// `start` is when the head was here.
    init(_ request: HotRequest, uri: String, start: NIODeadline, address: String?) {
        self.request = request
        self.uri = uri
        self.start = start
        self.address = address
        id = RequestID(accepting: request.requestID)
    }

    /// Notes that it has ended.
    func end(_ status: Int, sent: Int64, _ observer: RequestObserver) {
        let (route, repository) = request.target.route
        observer.end(
            RequestOutcome(
                route: route, method: request.conditions.isHead ? .head : .get, status: status,
                nanoseconds: UInt64(max(0, (NIODeadline.now() - start).nanoseconds)), sent: sent),
            RequestDetails(
                id: id, path: uri.prefix { $0 != "?" }, repository: repository?.path, principal: principal,
                address: address))
    }
}

/// What is sent for a request.
struct HotAnswer {
    /// All bytes up to the body, or with it if it is short.
    let head: ByteBuffer
    /// Bytes that may be many and are shared.
    var body: ByteBuffer?
    let status: Int
    /// Bytes of the body.
    let sent: Int64
}
