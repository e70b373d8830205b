// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport

/// How a page is looked at.
struct PageLook: Sendable, CustomStringConvertible {
    let description: String
    /// CSS pixels.
    let width: Int
    let isDark: Bool

    static let all = [
        PageLook(description: "light", width: 1200, isDark: false),
        PageLook(description: "dark", width: 1200, isDark: true),
        PageLook(description: "narrow", width: 360, isDark: false),
    ]
}

extension Chromium {
    /// Shows the page as somebody has it who looks at it like this.
    func look(_ look: PageLook) async throws {
        try await send(
            "Emulation.setDeviceMetricsOverride",
            ["width": look.width, "height": 900, "deviceScaleFactor": 1, "mobile": false])
        try await send(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": look.isDark ? "dark" : "light"]]])
    }

    /// Presses a key that has no character.
    func press(_ key: String, code: Int) async throws {
        for type in ["rawKeyDown", "keyUp"] {
            try await send(
                "Input.dispatchKeyEvent",
                ["type": type, "key": key, "code": key, "windowsVirtualKeyCode": code])
        }
    }

    /// A picture of the whole page, as PNG.
    ///
    /// As wide as it is looked at: where the browser shows a scroll bar, it calls the page narrower, and draws it without.
    func picture(_ look: PageLook) async throws -> Data {
        let metrics = try await send("Page.getLayoutMetrics", [:])
        let size = metrics["cssContentSize"] as? [String: Any] ?? [:]
        let width = max(size["width"] as? Int ?? 0, look.width)
        let answer = try await send(
            "Page.captureScreenshot",
            [
                "format": "png", "captureBeyondViewport": true,
                "clip": [
                    "x": 0, "y": 0, "width": width, "height": size["height"] ?? 900,
                    "scale": 1,
                ],
            ])
        guard let data = (answer["data"] as? String).flatMap({ Data(base64Encoded: $0) }) else {
            throw ProcessFailure(description: "the browser made no picture")
        }
        return data
    }
}
