// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm

/// One direction of an exchange on its way through the filter, as Envoy's filter manager moves it.
///
/// Headers, body and trailers arrive by `receive…`; what the filter lets pass goes to `target`.
final class Flow {
    /// What is asked of the exchange that a flow belongs to.
    protocol Target: AnyObject {
        /// Calls the filter; the result is the number in the ABI, and whether the stream goes on at all.
        func callHeaders(_ flow: Flow, _ end: Bool) -> Flow.Answer
        func callBody(_ flow: Flow, _ size: Int, _ end: Bool) -> Flow.Answer
        func callTrailers(_ flow: Flow) -> Flow.Answer
        func pass(_ flow: Flow, headers: Headers, _ end: Bool)
        func pass(_ flow: Flow, body: [UInt8], _ end: Bool)
        func pass(_ flow: Flow, trailers: Headers)
        /// What was to be kept is more than the proxy keeps.
        func isTooLarge(_ flow: Flow)
    }

    /// What a callback has returned.
    struct Answer {
        let action: UInt32
        /// The filter has answered the request itself, so that what it returned does not count.
        let isStopped: Bool
    }

    private enum State {
        case open
        /// Stopped, but what follows is still shown to the filter.
        case stopped
        /// Stopped, and all that follows waits unseen.
        case stoppedAll
    }

    /// Which part of the body the filter can reach.
    private enum BodyPlace {
        case none
        /// What has just arrived.
        case arrived
        /// What was kept and then taken away from the filter: a pointer to an empty buffer, in Envoy.
        case gone
        case kept
    }

    unowned let target: any Target
    let limit: Int
    let allowsBodyBehindPausedHeaders: Bool

    private(set) var headers: Headers?
    private(set) var trailers: Headers?
    private var state = State.open
    private var hasPassedHeaders = false
    private var hasPassedEnd = false
    private var restartsAtFilter = false
    private var kept: [UInt8]?
    private var arrived: [UInt8] = []
    /// Whether what is kept slows the sender down, instead of being too large at some point.
    private var isStreaming = false
    private var hasEnded = false
    private var bodyEnds = false
    /// Whether the last answer for a part of the body was to keep it.
    private var isKeeping = false
    private var place = BodyPlace.none
    /// Nothing may pass any more.
    var isAborted = false

    /// Which maps the filter can reach.
    var reachesHeaders = false
    var reachesTrailers = false

    init(target: any Target, limit: Int, allowsBodyBehindPausedHeaders: Bool) {
        self.target = target
        self.limit = limit
        self.allowsBodyBehindPausedHeaders = allowsBodyBehindPausedHeaders
    }

    /// Whether something waits for the filter to resume the flow.
    var isPaused: Bool { state != .open && !isAborted && !hasPassedEnd }

    /// Whether the sender would be made to wait.
    var holdsBack: Bool { isStreaming && (kept?.count ?? 0) > limit }

    /// How many bytes of the body wait.
    var keptCount: Int { kept?.count ?? 0 }

    // MARK: What arrives

    func receive(headers: Headers, end: Bool) {
        guard !isAborted else { return }
        self.headers = headers
        hasEnded = end
        reachesHeaders = true
        let answer = target.callHeaders(self, end)
        let isPause = answer.isStopped || answer.action != 0
        if !isPause { reachesHeaders = false }
        guard !isAborted else { return }
        if !isPause {
            passHeaders(end)
        } else if allowsBodyBehindPausedHeaders, !answer.isStopped {
            state = .stopped
        } else {
            state = .stoppedAll
        }
    }

    func receive(body: [UInt8], end: Bool) {
        guard !isAborted else { return }
        hasEnded = end
        if state == .stoppedAll {
            isStreaming = true
            keep(body)
        } else {
            arrived = body
            callBody(end, fromKept: false)
        }
    }

    func receive(trailers: Headers) {
        guard !isAborted else { return }
        hasEnded = true
        self.trailers = trailers
        if state != .stoppedAll { callTrailers() }
    }

    // MARK: The filter

    private func callBody(_ end: Bool, fromKept: Bool) {
        if isKeeping, !fromKept {
            keep(arrived)
            arrived = []
            guard !isAborted else { return }
        }
        place = isKeeping || fromKept ? .kept : .arrived
        bodyEnds = end
        let hadTrailers = trailers != nil
        let answer = target.callBody(self, reachableBody?.count ?? 0, end)
        let action = answer.isStopped ? BodyAction.discard : BodyAction(rawValue: answer.action) ?? .discard
        isKeeping = action == .pause
        switch action {
        case .continue: place = .none
        case .pause: place = .kept
        case .pauseWithBackPressure, .discard: place = .gone
        }
        guard !isAborted else { return }
        if action == .continue {
            guard state == .open else {
                if !fromKept { keep(arrived) }
                arrived = []
                return resume()
            }
            let addedTrailers = end && !hadTrailers && trailers != nil
            passBody(fromKept ? takeKept() : takeArrived(), end && !addedTrailers)
            if addedTrailers, let trailers { pass(trailers) }
            return
        }
        state = .stopped
        if action == .discard {
            arrived = []
            // So that the end passes when the flow is resumed.
            if hasEnded, trailers == nil, kept == nil { kept = [] }
        } else if !fromKept {
            isStreaming = action == .pauseWithBackPressure
            keep(takeArrived())
        }
    }

    private func callTrailers() {
        reachesTrailers = true
        let answer = target.callTrailers(self)
        let isPause = answer.isStopped || answer.action != 0
        if !isPause { reachesTrailers = false }
        guard !isAborted else { return }
        if isPause {
            if state == .open { state = .stopped }
        } else if state == .open {
            if let trailers { pass(trailers) }
        } else {
            resume()
        }
    }

    // MARK: What passes

    /// Lets go on what was stopped.
    func resume() {
        guard !isAborted, state != .open else { return }
        restartsAtFilter = state == .stoppedAll
        state = .open
        if !hasPassedHeaders { passHeaders(hasEnded && kept == nil && trailers == nil) }
        let hadTrailers = trailers != nil
        if kept != nil, !isAborted {
            let end = hasEnded && !hadTrailers
            if restartsAtFilter {
                callBody(end, fromKept: true)
            } else {
                passBody(takeKept(), end)
            }
        }
        if hadTrailers, let trailers, !isAborted {
            if restartsAtFilter {
                callTrailers()
            } else {
                pass(trailers)
            }
        }
        restartsAtFilter = false
    }

    private func passHeaders(_ end: Bool) {
        guard !hasPassedHeaders, let headers else { return }
        hasPassedHeaders = true
        hasPassedEnd = end
        target.pass(self, headers: headers, end)
    }

    private func passBody(_ bytes: [UInt8], _ end: Bool) {
        hasPassedEnd = end
        target.pass(self, body: bytes, end)
    }

    private func pass(_ trailers: Headers) {
        guard !isAborted, !hasPassedEnd else { return }
        hasPassedEnd = true
        target.pass(self, trailers: trailers)
    }

    private func keep(_ bytes: [UInt8]) {
        kept = (kept ?? []) + bytes
        if (kept?.count ?? 0) > limit, !isStreaming { target.isTooLarge(self) }
    }

    private func takeKept() -> [UInt8] {
        defer { kept = [] }
        return kept ?? []
    }

    private func takeArrived() -> [UInt8] {
        defer { arrived = [] }
        return arrived
    }

    // MARK: What the filter asks for

    /// The part of the body within reach; empty where Envoy has a buffer that nothing is in.
    var reachableBody: [UInt8]? {
        switch place {
        case .none, .gone: nil
        case .arrived: arrived
        case .kept: kept
        }
    }

    /// Changes the part of the body within reach: at its start, at its end, or all of it; false if that cannot be.
    func changeBody(from start: Int, count: Int, to bytes: [UInt8]) -> Bool {
        guard var body = reachableBody else { return false }
        if start == 0 {
            body.replaceSubrange(0..<min(count, body.count), with: bytes)
        } else if start >= body.count {
            body += bytes
        } else {
            return false
        }
        if place == .kept { kept = body } else { arrived = body }
        return true
    }

    /// Makes trailers if the filter asks for them where the body ends without.
    func makeTrailersIfBodyEnds() {
        guard trailers == nil, place != .none, bodyEnds else { return }
        trailers = Headers()
        reachesTrailers = true
    }

    func changeHeaders(_ change: (inout Headers) -> Void) {
        guard var headers else { return }
        change(&headers)
        self.headers = headers
    }

    func changeTrailers(_ change: (inout Headers) -> Void) {
        guard var trailers else { return }
        change(&trailers)
        self.trailers = trailers
    }

    /// Takes the request's parts out of reach, as resuming either direction does in Envoy.
    func forget() {
        reachesHeaders = false
        reachesTrailers = false
        place = isKeeping ? .kept : .none
    }

    /// Another response takes the place of this one.
    func replaceHeaders(_ headers: Headers) {
        self.headers = headers
        trailers = nil
    }
}
