// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm

extension EmulatedExchange: Flow.Target {
    func callHeaders(_ flow: Flow, _ end: Bool) -> Flow.Answer {
        let count = flow.headers?.fields.count ?? 0
        return host.call(in: self) { module in
            flow === requestFlow
                ? module.onRequestHeaders(id, count, end) : module.onResponseHeaders(id, count, end)
        }
    }

    func callBody(_ flow: Flow, _ size: Int, _ end: Bool) -> Flow.Answer {
        host.call(in: self) { module in
            flow === requestFlow ? module.onRequestBody(id, size, end) : module.onResponseBody(id, size, end)
        }
    }

    func callTrailers(_ flow: Flow) -> Flow.Answer {
        let count = flow.trailers?.fields.count ?? 0
        return host.call(in: self) { module in
            flow === requestFlow ? module.onRequestTrailers(id, count) : module.onResponseTrailers(id, count)
        }
    }

    func pass(_ flow: Flow, headers: Headers, _ end: Bool) {
        if flow === requestFlow {
            request.receive(headers, end)
        } else {
            response.receive(headers, end)
        }
        passed(flow)
    }

    func pass(_ flow: Flow, body: [UInt8], _ end: Bool) {
        if flow === requestFlow {
            request.receive(body, end)
        } else {
            response.receive(body, end)
        }
        passed(flow)
    }

    func pass(_ flow: Flow, trailers: Headers) {
        if flow === requestFlow {
            request.receive(trailers: trailers)
        } else {
            response.receive(trailers: trailers)
        }
        passed(flow)
    }

    private func passed(_ flow: Flow) {
        if flow === requestFlow {
            if request.isComplete { host.serverHasRequest(self) }
        } else if response.isComplete {
            finish()
        }
    }

    /// As Envoy does when a filter has it keep more than it may.
    func isTooLarge(_ flow: Flow) {
        if flow === requestFlow {
            sendLocalResponse(
                LocalResponse(
                    status: 413, headers: [":status": "413"], body: "Payload Too Large",
                    details: "request_payload_too_large", grpcStatus: nil))
        } else {
            sendLocalResponse(
                LocalResponse(
                    status: 500, headers: [":status": "500"], body: "Internal Server Error",
                    details: "response_payload_too_large", grpcStatus: nil))
        }
    }

    // MARK: Ends

    /// Answers the request from here, by whatever way the state of the response leaves.
    func sendLocalResponse(_ local: LocalResponse) {
        guard !hasEnded, !response.isComplete else { return }
        requestFlow.isAborted = true
        if !request.isComplete { request.isReset = request.headers != nil }
        responseDetails = local.details
        guard response.headers == nil else {
            // The client has headers already: there is no way to take them back.
            return reset()
        }
        let (headers, body, trailersOnly) = written(local)
        let end = body.isEmpty || trailersOnly
        if responseFlow.headers == nil {
            responseFlow.receive(headers: headers, end: end)
            if !end, !hasEnded { responseFlow.receive(body: Array(body), end: true) }
        } else {
            // The server has answered, and the filter has seen it: this goes out past the filter.
            responseFlow.isAborted = true
            responseFlow.replaceHeaders(headers)
            response.receive(headers, end)
            if !end { response.receive(Array(body), true) }
            finish()
        }
    }

    /// What a response looks like that Envoy makes itself.
    private func written(_ local: LocalResponse) -> (Headers, Bytes, Bool) {
        if requestFlow.headers?["content-type"]?.hasPrefix("application/grpc") == true {
            var headers = local.headers
            headers.set(":status", to: "200")
            headers.set("content-type", to: "application/grpc")
            let status = local.grpcStatus?.rawValue ?? grpcStatus(for: local.status)
            headers.set("grpc-status", to: Bytes(status))
            if !local.body.isEmpty { headers.set("grpc-message", to: local.body) }
            return (headers, "", true)
        }
        var headers = local.headers
        if local.body.isEmpty {
            headers.remove("content-length")
            headers.remove("content-type")
        } else {
            headers.set("content-length", to: Bytes(local.body.count))
            if headers["content-type"] == nil { headers.set("content-type", to: "text/plain") }
        }
        return (headers, local.body, requestFlow.headers?[":method"] == "HEAD")
    }

    private func grpcStatus(for status: UInt32) -> UInt32 {
        switch status {
        case 400: GRPCStatus.internal.rawValue
        case 401: GRPCStatus.unauthenticated.rawValue
        case 403: GRPCStatus.permissionDenied.rawValue
        case 404: GRPCStatus.unimplemented.rawValue
        case 429, 502, 503, 504: GRPCStatus.unavailable.rawValue
        default: GRPCStatus.unknown.rawValue
        }
    }

    /// Breaks the exchange off: neither side gets more.
    func reset() {
        guard !hasEnded else { return }
        if !response.isComplete { response.isReset = true }
        if !request.isComplete { request.isReset = request.headers != nil }
        finish()
    }

    /// The end of an exchange: it is logged, and the filter goes, whatever `onDone` returns.
    func finish() {
        guard !hasEnded else { return }
        hasEnded = true
        requestFlow.isAborted = true
        responseFlow.isAborted = true
        isLogging = true
        host.callAndWait(in: self) { $0.onLog(id) }
        isLogging = false
        _ = host.callAndWait(in: self) { $0.onDone(id) }
        host.callAndWait(in: self) { $0.onDelete(id) }
        host.forget(self)
    }
}

extension EmulatedExchange: HostContext {
    func readable(_ map: HeaderMap.Kind) -> Headers? {
        switch map {
        case .requestHeaders: isLogging || requestFlow.reachesHeaders ? requestFlow.headers : nil
        case .requestTrailers: !isLogging && requestFlow.reachesTrailers ? requestFlow.trailers : nil
        case .responseHeaders: isLogging || responseFlow.reachesHeaders ? responseFlow.headers : nil
        case .responseTrailers: isLogging || responseFlow.reachesTrailers ? responseFlow.trailers : nil
        default: nil
        }
    }

    func change(_ map: HeaderMap.Kind, _ change: (inout Headers) -> Void) -> Bool {
        switch map {
        case .requestHeaders where requestFlow.reachesHeaders: requestFlow.changeHeaders(change)
        case .responseHeaders where responseFlow.reachesHeaders: responseFlow.changeHeaders(change)
        case .requestTrailers:
            requestFlow.makeTrailersIfBodyEnds()
            guard requestFlow.reachesTrailers else { return false }
            requestFlow.changeTrailers(change)
        case .responseTrailers:
            responseFlow.makeTrailersIfBodyEnds()
            guard responseFlow.reachesTrailers else { return false }
            responseFlow.changeTrailers(change)
        default: return false
        }
        return true
    }

    func buffer(_ kind: BufferKind) -> [UInt8]? {
        switch kind {
        case .requestBody: requestFlow.reachableBody ?? []
        case .responseBody: responseFlow.reachableBody ?? []
        default: []
        }
    }

    func changeBuffer(_ kind: BufferKind, from start: Int, count: Int, to bytes: [UInt8]) -> Status {
        let flow: Flow
        switch kind {
        case .requestBody: flow = requestFlow
        case .responseBody: flow = responseFlow
        default: return .badArgument
        }
        return flow.changeBody(from: start, count: count, to: bytes) ? .ok : .badArgument
    }

    func setProperty(_ path: Bytes, to value: Bytes) -> Status {
        state[path] = value
        return .ok
    }

    func resume(_ stream: UInt32) -> Status {
        switch stream {
        case 0: host.afterCall { [self] in requestFlow.resume() }
        case 1: host.afterCall { [self] in responseFlow.resume() }
        case 2: return .ok
        default: return .unimplemented
        }
        requestFlow.forget()
        return .ok
    }

    func close(_ stream: UInt32) -> Status {
        if stream < 2 {
            host.afterCall { [self] in
                if responseDetails == nil { responseDetails = "wasm_close_stream" }
                reset()
            }
        }
        return .ok
    }

    func respond(_ response: LocalResponse) {
        host.afterCall { [self] in
            guard !hasEnded else { return }
            localResponse = response
            sendLocalResponse(response)
        }
    }
}
