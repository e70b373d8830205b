// SPDX-License-Identifier: Apache-2.0

/// How a registry is spoken to.
package struct RegistryOptions: Sendable {
    /// Whether to speak plain HTTP; nil leaves it to the host's name: loopback yes, all others no.
    package var plainHTTP: Bool?
    /// Accept any server certificate.
    package var insecure: Bool
    /// Whose certificates are trusted, and who we are.
    package var trust = TrustSettings()
    /// Through which proxies requests go.
    package var proxies = ProxySettings()
    /// Seconds until a connection must stand.
    package var connectTimeout: Double = 10
    /// Seconds without a single byte after which an exchange has failed.
    package var stallTimeout: Double = 60
    /// Send credentials only to a token service on the registry's own host or in its domain, unless `tokenService` names
    /// it: a service has nobody who looks where they go.
    package var bindsTokenService = false
    /// The host of a token service that credentials may go to besides.
    package var tokenService: String?
    /// Never connect to link-local addresses.
    package var refusesLinkLocal = false
    /// The `User-Agent` of every request.
    package var userAgent = "wasme"
    /// What is done about passing trouble.
    package var retry = RetryPolicy()
    /// The time that retries and tokens go by.
    package var clock = RegistryClock.system
    /// Whether a token service is asked for an identity token to keep, as a login does.
    package var wantsIdentityToken = false
    /// Bytes of one chunk when a registry does not take a blob in one piece.
    package var chunkSize: Int64 = 8 << 20
    /// Tags read at most; a registry without end is an error.
    package var tagLimit = 1_000_000

    package init(plainHTTP: Bool? = nil, insecure: Bool = false) {
        self.plainHTTP = plainHTTP
        self.insecure = insecure
    }

    var transport: HTTPTransportOptions {
        var options = HTTPTransportOptions()
        options.insecure = insecure
        options.trust = trust
        options.proxies = proxies
        options.connectTimeout = connectTimeout
        options.stallTimeout = stallTimeout
        options.refusesLinkLocal = refusesLinkLocal
        return options
    }
}

/// How often and how long after passing trouble a request is sent again.
package struct RetryPolicy: Sendable, Hashable {
    /// Attempts in all, the first included.
    package var attempts = 5
    /// The wait after the first attempt; it doubles each time.
    package var firstDelay = Duration.milliseconds(250)
    /// No wait of our own is longer.
    package var longestDelay = Duration.seconds(15)
    /// No attempt begins later than this after the first one.
    package var longestTotal = Duration.seconds(300)
    /// A server that asks for a longer wait is not waited for.
    package var longestRetryAfter = Duration.seconds(60)

    package init() {}

    /// The wait before the next attempt; nil if there is to be none.
    ///
    /// A server's own wish goes before the doubling. Attempts count from 1; `elapsed` is the time since the first one. The jitter, from 0 to 1, spreads clients that failed together over half of the wait.
    func delay(
        after error: RegistryError, attempt: Int, elapsed: Duration = .zero, jitter: Double
    ) -> Duration? {
        guard error.isTemporary, attempt < attempts else { return nil }
        let full = min(firstDelay * (1 << min(attempt - 1, 16)), longestDelay)
        let delay = error.retryAfter ?? full * (0.5 + 0.5 * min(max(jitter, 0), 1))
        guard delay <= max(longestRetryAfter, longestDelay), elapsed + delay <= longestTotal else {
            return nil
        }
        return delay
    }
}

/// Time and chance, so that a test of retries and expiry need not wait.
package struct RegistryClock: Sendable {
    /// Time since some moment that stays the same.
    package let now: @Sendable () -> Duration
    /// Waits; throws `CancellationError` when the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void
    /// A number from 0 to 1.
    package let jitter: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
        jitter: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.jitter = jitter
    }

    /// The machine's.
    package static let system: RegistryClock = {
        let start = ContinuousClock.now
        return RegistryClock(
            now: { start.duration(to: .now) }, sleep: { try await Task.sleep(for: $0) },
            jitter: { Double.random(in: 0...1) })
    }()
}
