// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// The clock of the proxy.
public enum HostClock {
    /// Nanoseconds since 1970-01-01 00:00:00 UTC.
    public static var now: UInt64 {
        get throws(HostError) {
            var time: UInt64 = 0
            try Host.check(proxy_get_current_time_nanoseconds(&time), "read the time")
            return time
        }
    }
}
