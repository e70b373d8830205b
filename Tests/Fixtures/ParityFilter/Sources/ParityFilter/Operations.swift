// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm

extension ParityFilter {
    /// Does one thing; what it returns is logged.
    func perform(_ words: Words) throws(HostError) -> Bytes? {
        var words = words
        let verb = words.next()
        switch verb {
        case "": return nil
        case "pause": action = .pause
        case "hold": action = .pauseWithBackPressure
        case "discard": action = .discard
        case "resume-request": try stream.resumeRequest()
        case "resume-response": try stream.resumeResponse()
        case "reset": try stream.reset()
        case "hold-end": holdsEnd = true
        case "finish": try stream.done()
        case "fail": throw HostError("fail", .internalFailure)
        case "respond": try respond(words)
        case "call": try call(words)
        case "tick":
            plugin.waiting.append(self)
            try plugin.context.setTickPeriod(milliseconds: 100)
        default:
            if let result = try headerOperation(verb, words) { return result }
            if let result = try bodyOperation(verb, words) { return result }
            return try sharedOperation(verb, words)
        }
        return nil
    }

    private func respond(_ words: Words) throws(HostError) {
        var words = words
        let status = words.next().integer(as: UInt32.self) ?? 200
        let body = words.next()
        let header = words.next()
        let fields = header.isEmpty ? [] : [HeaderField(header, words.next())]
        try stream.respond(status: status, headers: fields, body: body, details: "by script")
    }

    private func call(_ words: Words) throws(HostError) {
        var words = words
        let cluster = words.next()
        var headers = [HeaderField(":method", "GET"), HeaderField(":authority", "call")]
        let path = words.next()
        if path != "-" { headers.append(HeaderField(":path", path)) }
        let timeout = words.next().integer(as: UInt32.self) ?? 5000
        try stream.httpCall(to: cluster, headers: headers, timeoutMilliseconds: timeout) {
            [self] (result) throws(HostError) in
            switch result {
            case .success(let response):
                answer = response
                _ = run("answer", "\(try response.status ?? 0) \(try response.body)")
                answer = nil
            case .failure: _ = run("failure", "")
            }
        }
    }

    private func map(_ name: Bytes) -> HeaderMap {
        switch name {
        case "request": stream.requestHeaders
        case "request-trailers": stream.requestTrailers
        case "response": stream.responseHeaders
        case "response-trailers": stream.responseTrailers
        default: answer?.headers ?? stream.requestHeaders
        }
    }

    private func headerOperation(_ verb: Bytes, _ words: Words) throws(HostError) -> Bytes? {
        var words = words
        let headers = map(words.next())
        let name = words.next()
        switch verb {
        case "get": return try headers.get(name) ?? "nil"
        case "set": try headers.set(name, to: words.next())
        case "add": try headers.add(name, words.next())
        case "remove": try headers.remove(name)
        case "size": return try headers.byteCount > 0 ? "some" : "none"
        case "list":
            var list: Bytes = ""
            try headers.forEach { name, value in
                if name.hasPrefix("x-t") || name.hasPrefix(":status") { list = "\(list) \(name)=\(value)" }
            }
            return list
        case "replace-all": try headers.replaceAll(with: [HeaderField(name, words.next())])
        default: return nil
        }
        return "ok"
    }

    private func bodyOperation(_ verb: Bytes, _ words: Words) throws(HostError) -> Bytes? {
        var words = words
        guard let body else { return nil }
        let argument = words.next()
        switch verb {
        case "body": return try body.bytes(from: 0, count: 100)
        case "part": return try body.bytes(from: argument.integer() ?? 0, count: words.next().integer() ?? 0)
        case "replace": try body.replace(with: argument)
        case "prepend": try body.prepend(argument)
        case "append": try body.append(argument)
        case "drop": try body.removeFirst(argument.integer() ?? 0)
        default: return nil
        }
        return "ok"
    }

    private func sharedOperation(_ verb: Bytes, _ words: Words) throws(HostError) -> Bytes? {
        var words = words
        let name = words.next()
        let value = words.next()
        switch verb {
        case "share": try SharedData.set(name, to: value)
        case "shared":
            entry = try SharedData.get(name)
            return entry?.value ?? "nil"
        case "swap": return "\(try SharedData.set(name, to: value, ifUnchangedSince: entry))"
        case "listen": plugin.listener = self
        case "enqueue": try plugin.queue.enqueue(name)
        case "dequeue": return try plugin.queue.dequeue() ?? "nil"
        case "find": return try SharedQueue.find(name, vmID: value) == nil ? "nil" : "found"
        case "count": try Counter(name).increment(by: value.integer(as: UInt64.self) ?? 1)
        case "gauge": try Gauge(name).record(value.integer(as: UInt64.self) ?? 0)
        case "gauge-add": try Gauge(name).add(value.integer(as: Int64.self) ?? 0)
        case "counter": return "\(try Counter(name).value)"
        case "histogram": try Histogram(name).record(value.integer(as: UInt64.self) ?? 0)
        case "property": return try property(name, value, words.next()) ?? "nil"
        case "set-property": try stream.setProperty(name, to: value)
        case "foreign": return try stream.callForeignFunction(name, value)
        default: return "unknown"
        }
        return "ok"
    }

    private func property(_ first: Bytes, _ second: Bytes, _ third: Bytes) throws(HostError) -> Bytes? {
        if second.isEmpty { return try stream.property(first) }
        if third.isEmpty { return try stream.property(first, second) }
        return try stream.property(first, second, third)
    }
}
