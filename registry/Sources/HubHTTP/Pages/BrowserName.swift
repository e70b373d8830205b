// SPDX-License-Identifier: Apache-2.0

/// What people call the browser of a session, as in "Firefox on Linux"; what is not known stays as it says it is.
///
/// A browser names others in its `User-Agent` for old sites' sake: the order tells them apart.
func browserName(_ agent: String) -> String {
    let browsers = [
        ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"), ("Chromium/", "Chromium"), ("Safari/", "Safari"),
    ]
    let systems = [
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
        ("CrOS", "ChromeOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
    ]
    guard agent.hasPrefix("Mozilla/"), let browser = browsers.first(where: { agent.contains($0.0) })?.1 else {
        return agent
    }
    guard let system = systems.first(where: { agent.contains($0.0) })?.1 else { return browser }
    return "\(browser) on \(system)"
}
