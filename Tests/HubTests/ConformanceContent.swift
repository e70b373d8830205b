// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import Testing

/// Content of one kind as clients push it: what goes up, in which order, and what must come back.
struct ContentSet {
    struct Document {
        let bytes: [UInt8]
        let type: MediaType
        let digest: Digest
        var subject: Digest?
        var artifactType: String?
        var annotations: [String: String] = [:]
    }

    let algorithm: Digest.Algorithm
    private(set) var blobs: [(digest: Digest, bytes: [UInt8])] = []
    /// In the order of their pushes.
    private(set) var documents: [Document] = []
    var tags: [String: Digest] = [:]
    private var seed: UInt64

    init(_ algorithm: Digest.Algorithm, seed: UInt64 = 7) {
        self.algorithm = algorithm
        self.seed = seed
    }

    /// Adds a blob and returns its descriptor as JSON.
    mutating func blob(_ bytes: [UInt8]? = nil, type: String, fields: String = "") -> String {
        seed += 1
        let bytes = bytes ?? sampleBytes(700, seed: seed)
        let digest = Digest(of: bytes, algorithm: algorithm)
        if !blobs.contains(where: { $0.digest == digest }) { blobs.append((digest, bytes)) }
        return Self.descriptor(type, digest, bytes.count, fields)
    }

    static func descriptor(_ type: String, _ digest: Digest, _ size: Int, _ fields: String = "") -> String {
        #"{"mediaType":"\#(type)","digest":"\#(digest)","size":\#(size)\#(fields)}"#
    }

    /// Adds an image over new blobs and returns its descriptor as JSON.
    @discardableResult
    mutating func image(
        layers: [String]? = nil, layerType: String = "application/vnd.oci.image.layer.v1.tar+gzip",
        config: String? = nil, artifactType: String? = nil, subject: String? = nil,
        annotations: [String: String] = [:], fields: String = "", tag: String? = nil
    ) throws -> String {
        seed += 1
        let config =
            config
            ?? blob(
                Array(#"{"architecture":"wasm","os":"linux","n":\#(seed)}"#.utf8),
                type: MediaType.imageConfig.rawValue)
        let layers = layers ?? [blob(type: layerType), blob(type: layerType)]
        return try add(
            .imageManifest, #""config":\#(config),"layers":[\#(layers.joined(separator: ","))]"#,
            artifactType ?? Self.member("mediaType", of: config), declares: artifactType != nil, subject,
            annotations, fields, tag)
    }

    /// Adds an index over descriptors and returns its own as JSON.
    @discardableResult
    mutating func index(
        _ manifests: [String], artifactType: String? = nil, subject: String? = nil,
        annotations: [String: String] = [:], fields: String = "", tag: String? = nil
    ) throws -> String {
        try add(
            .imageIndex, #""manifests":[\#(manifests.joined(separator: ","))]"#, artifactType,
            declares: artifactType != nil, subject, annotations, fields, tag)
    }

    private mutating func add(
        _ type: MediaType, _ content: String, _ artifactType: String?, declares: Bool, _ subject: String?,
        _ annotations: [String: String], _ fields: String, _ tag: String?
    ) throws -> String {
        var text = #"{ "schemaVersion": 2, "mediaType": "\#(type.rawValue)", \#(content)"#
        if declares, let artifactType { text += #","artifactType":"\#(artifactType)""# }
        if let subject { text += #","subject":\#(subject)"# }
        if !annotations.isEmpty {
            text += ",\"annotations\":" + String(decoding: try canonicalJSON(annotations), as: UTF8.self)
        }
        let bytes = Array((text + fields + "}\n").utf8)
        let digest = Digest(of: bytes, algorithm: algorithm)
        documents.append(
            Document(
                bytes: bytes, type: type, digest: digest,
                subject: subject.map { Self.member("digest", of: $0) }.flatMap { Digest($0) },
                artifactType: artifactType, annotations: annotations))
        if let tag { tags[tag] = digest }
        return Self.descriptor(type.rawValue, digest, bytes.count)
    }

    private static func member(_ name: String, of json: String) -> String {
        let object = (try? JSONSerialization.jsonObject(with: Data(json.utf8))) as? [String: Any]
        return object?[name] as? String ?? ""
    }
}

/// The kinds of content that a registry must take and give back unchanged.
struct ContentKind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let build: @Sendable (inout ContentSet) throws -> Void

    init(_ name: String, _ build: @escaping @Sendable (inout ContentSet) throws -> Void) {
        testDescription = name
        self.build = build
    }

    private static let example = "application/vnd.example.thing.v1"
    private static let empty = "application/vnd.oci.empty.v1+json"
    private static let emptyBytes = Array("{}".utf8)

    static let all: [ContentKind] = [
        ContentKind("image") { try $0.image(tag: "image") },
        ContentKind("image with layers that are not compressed") {
            try $0.image(layerType: "application/vnd.oci.image.layer.v1.tar", tag: "plain")
        },
        ContentKind("image with a manifest of almost four megabytes") {
            let value = String(repeating: "A", count: 10_000)
            let pairs = (0..<390).map { ("annotation-\($0)", value) }
            try $0.image(annotations: Dictionary(uniqueKeysWithValues: pairs), tag: "large")
        },
        ContentKind("index") { set in
            try set.index(try (0..<2).map { _ in try set.image() }, tag: "index")
        },
        ContentKind("index of indexes") { set in
            let inner = try (0..<2).map { _ in try set.index(try (0..<2).map { _ in try set.image() }) }
            try set.index(inner, tag: "nested")
        },
        ContentKind("index of nothing") { try $0.index([], tag: "empty") },
        ContentKind("artifact") {
            try $0.image(
                layers: [$0.blob(type: example)], config: $0.blob(emptyBytes, type: empty),
                artifactType: example, tag: "artifact")
        },
        ContentKind("artifact without layers of its own") {
            let nothing = $0.blob(emptyBytes, type: empty)
            try $0.image(layers: [nothing], config: nothing, artifactType: example, tag: "bare")
        },
        ContentKind("index of artifacts") { set in
            let config = set.blob(emptyBytes, type: empty)
            let children = try (0..<2).map { _ in
                try set.image(layers: [set.blob(type: example)], config: config, artifactType: example)
            }
            try set.index(children, artifactType: example, tag: "artifacts")
        },
        ContentKind("image and what refers to it") {
            let image = try $0.image(tag: "image")
            let config = $0.blob(emptyBytes, type: empty)
            try $0.image(subject: image)
            for type in [example, "application/vnd.example.other.v1+json"] {
                try $0.image(
                    layers: [$0.blob(type: example)], config: config, artifactType: type, subject: image,
                    annotations: ["org.example.type": type, "quote": "\"\\\u{e9}"],
                    tag: "of-\(type.count)")
            }
        },
        ContentKind("index that refers to an index") { set in
            let subject = try set.index([try set.image()], tag: "index")
            try set.index([], artifactType: example, subject: subject, annotations: ["a": "b"], tag: "typed")
            try set.index([try set.image()], subject: subject)
        },
        ContentKind("artifact that refers to nothing here") {
            let absent = ContentSet.descriptor(
                MediaType.imageManifest.rawValue, Digest(of: [9], algorithm: $0.algorithm), 123)
            try $0.image(artifactType: example, subject: absent, tag: "early")
        },
        ContentKind("descriptors that carry their data") {
            let config = $0.blob(
                emptyBytes, type: MediaType.imageConfig.rawValue, fields: #","data":"e30=""#)
            try $0.image(config: config, tag: "data")
        },
        ContentKind("layers that are fetched from elsewhere") {
            let type = "application/vnd.oci.image.layer.nondistributable.v1.tar"
            let far = [type, type + "+gzip"].enumerated().map { number, type in
                ContentSet.descriptor(
                    type, Digest(of: [UInt8(number)]), 12345,
                    #","urls":["https://store.example.com/\#(number)"]"#)
            }
            try $0.image(
                layers: far + [$0.blob(type: MediaType.imageLayerTarGzip.rawValue)], tag: "elsewhere")
        },
        ContentKind("fields that nobody knows") { set in
            let config = set.blob(
                Array(#"{"org.example.x":"y"}"#.utf8), type: MediaType.imageConfig.rawValue)
            let image = try set.image(config: config, fields: #","org.example.a":{"b":[1,null,true]}"#)
            try set.index([image], fields: #","org.example.c":"d""#, tag: "custom")
        },
        ContentKind("image without layers") { try $0.image(layers: [], tag: "none") },
        ContentKind("image with an empty layer") {
            try $0.image(layers: [$0.blob([], type: MediaType.imageLayerTarGzip.rawValue)], tag: "hollow")
        },
    ]
}
