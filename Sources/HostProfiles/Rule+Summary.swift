// SPDX-License-Identifier: Apache-2.0

extension Rule {
    /// What a rule is about, in a sentence without its full stop, for programs that list rules.
    package var summary: String { Self.summaries[self] ?? rawValue }

    /// Every rule, in the order in which they are listed.
    package static let all: [Rule] = list.map(\.rule)

    private static let summaries = Dictionary(
        list.map { ($0.rule, $0.summary) }, uniquingKeysWith: { first, _ in first })

    private static let list: [(rule: Rule, summary: String)] = [
        (notAModule, "The file is no WebAssembly core module"),
        (damagedModule, "The module is damaged or cut short"),
        (noABIVersion, "No export says which ABI version the module is for"),
        (unknownABIVersion, "The host does not take the module's ABI version"),
        (severalABIVersions, "The module is for several ABI versions"),
        (objectFile, "The file was not linked"),
        (missingImport, "The host does not offer a function that the module imports"),
        (importSignature, "The host offers an imported function with another type"),
        (importModule, "The host offers an imported function under another module name"),
        (importKind, "The module imports something that is no function"),
        (stubImport, "The host offers an imported function that does nothing"),
        (callbackSignature, "The host calls a callback with another type"),
        (unknownCallback, "The host never calls an exported callback"),
        (noCallbacks, "The module exports no callback"),
        (noRootCallbacks, "The module never sees its configuration"),
        (noAllocator, "The module exports no allocator"),
        (allocatorSignature, "The module's allocator has another type than the host's"),
        (noMemoryExport, "The module does not export its memory"),
        (startSignature, "A start function has a type that the host cannot call"),
        (noStart, "The module has no start function"),
        (command, "The module is a program that may end by itself"),
        (memory64, "The memory has 64-bit addresses"),
        (memoryTooLarge, "The memory begins with more than the host gives"),
        (memoryUse, "The memory begins large"),
        (sharedMemory, "The memory is meant for threads"),
        (noNames, "The module has no names of functions"),
        (debugInformation, "The module carries debug information"),
        (imageLayout, "The host cannot take the image's layout"),
        (imageIndex, "The image is an index"),
        (imageLayer, "The host cannot take the image's layer"),
        (imageModule, "The image holds no module that the host finds"),
        (imageSize, "The module is larger than the host takes"),
        (imageDigest, "The host cannot check the image's digest"),
        (noImages, "The host fetches no images"),
        (newerHost, "The host is newer than what is known"),
        (hostNote, "The host does something that a filter's author wants to know"),
    ]
}
