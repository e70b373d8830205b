// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTypes
import Hub
import Hummingbird
import Logging
import OCI

/// Hummingbird has a type of the same name.
typealias MediaType = OCI.MediaType

extension HubError.Code {
    /// The status that goes with the code.
    var status: HTTPResponse.Status {
        switch self {
        case .nameInvalid, .digestInvalid, .uploadInvalid, .bodyCutShort, .sizeInvalid, .manifestInvalid,
            .tagInvalid, .pageInvalid, .searchInvalid, .unsupportedRequest, .policyInvalid, .webhookInvalid:
            .badRequest
        case .nameUnknown, .blobUnknown, .uploadUnknown, .manifestUnknown, .manifestBlobUnknown, .noSuchPath,
            .notAFilter:
            .notFound
        case .unauthorized, .insufficientScope, .badCredentials: .unauthorized
        case .tooManyRequests: .tooManyRequests
        case .accountInvalid, .tokenInvalid, .passwordInvalid: .badRequest
        case .accountUnknown, .tokenUnknown, .sessionUnknown, .webhookUnknown: .notFound
        case .accountExists, .webhookExists: .conflict
        case .denied: .forbidden
        case .inUse, .unsupported: .methodNotAllowed
        case .bodyTimedOut: .requestTimeout
        case .overloaded: .serviceUnavailable
        case .uploadBusy: .conflict
        case .immutable, .quotaExceeded: .forbidden
        case .tooManyUploads, .upstreamLimited: .tooManyRequests
        case .mirrored, .upstreamDenied: .forbidden
        case .upstreamUnknown: .notFound
        case .upstreamUnavailable, .upstreamInvalid: .badGateway
        case .stillReading: .serviceUnavailable
        case .blobTooLarge, .manifestTooLarge: .contentTooLarge
        case .uploadOutOfOrder: .rangeNotSatisfiable
        case .preconditionFailed: .preconditionFailed
        case .storageFull: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        default: .internalServerError
        }
    }
}

/// A method that its target does not take (RFC 9110 §15.5.6).
struct MethodNotAllowed: Error {
    let method: HTTPRequest.Method
    let allowed: [HTTPRequest.Method]
}

/// What a client is told of an error: the same for programs, as JSON, and for people, as a page.
struct ErrorAnswer {
    let status: HTTPResponse.Status
    /// What goes with the status, as in `Allow` and `Retry-After`.
    private(set) var headers = HTTPFields()
    let entry: RegistryErrorBody.Entry

    /// Decides what is told.
    ///
    /// What the hub did not expect is logged under a random id, and the id is all that the client learns.
    init(_ error: any Error, to request: Request, logger: Logger) {
        if let error = error as? MethodNotAllowed {
            status = .methodNotAllowed
            headers[.allow] = error.allowed.map(\.rawValue).joined(separator: ", ")
            entry = RegistryErrorBody.Entry(
                code: HubError.Code.unsupported.word, message: "\(error.method) is not supported here")
        } else if let error = error as? HubError, error.code.status != .internalServerError {
            status = error.code.status
            entry = RegistryErrorBody.Entry(
                code: error.code.word,
                message: [error.message, error.hint].compactMap(\.self).joined(separator: "; "),
                detail: error.detail)
            if status == .tooManyRequests {
                headers[.retryAfter] = error.code == .upstreamLimited ? error.detail ?? "60" : "60"
            }
            if status == .badGateway {
                logger.warning("a mirrored registry fails", metadata: ["error": "\(error)"])
            }
            if status == .serviceUnavailable { headers[.retryAfter] = "1" }
            if error.code == .stillReading { headers[.retryAfter] = "5" }
            if status == HubError.Code.storageFull.status {
                logger.error("storage is full", metadata: ["error": "\(error)"])
            }
        } else {
            let id = RequestTrace.current?.id ?? RequestID()
            logger.error(
                "request failed",
                metadata: ["id": "\(id)", "method": "\(request.method)", "error": "\(error)"])
            status = .internalServerError
            entry = RegistryErrorBody.Entry(
                code: "UNKNOWN", message: "the hub failed; its log says why under id \(id)")
        }
    }

    /// The answer of the registry API (distribution-spec 1.1, "Error Codes").
    var response: Response {
        // What text could not be written as JSON? Then the status alone has to do.
        var response =
            (try? jsonResponse(RegistryErrorBody(errors: [entry]), status: status))
            ?? Response(status: status)
        response.headers.append(contentsOf: headers)
        return response
    }
}

/// Turns an error into the answer of the registry API.
func registryResponse(for error: any Error, to request: Request, logger: Logger) -> Response {
    ErrorAnswer(error, to: request, logger: logger).response
}

/// A JSON answer in our canonical form.
func jsonResponse(
    _ value: some Encodable, status: HTTPResponse.Status = .ok, type: MediaType? = nil
) throws -> Response {
    Response(
        status: status, headers: [.contentType: type?.rawValue ?? "application/json"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: try canonicalJSON(value))))
}

extension HTTPField.Name {
    /// Names that are constant here and valid by their characters.
    static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\"\(name)\" is not a header name") }
        return name
    }

    static let dockerContentDigest = known("Docker-Content-Digest")
    static let dockerUploadID = known("Docker-Upload-UUID")
    static let dockerAPIVersion = known("Docker-Distribution-Api-Version")
    static let retryAfter = known("Retry-After")
    static let ociSubject = known("OCI-Subject")
    static let ociTag = known("OCI-Tag")
    static let ociFiltersApplied = known("OCI-Filters-Applied")
    static let link = known("Link")
    static let xForwardedProto = known("X-Forwarded-Proto")
    static let forwarded = known("Forwarded")
    static let xForwardedFor = known("X-Forwarded-For")
    static let xRequestID = known("X-Request-Id")
    static let referrerPolicy = known("Referrer-Policy")
    static let crossOriginOpenerPolicy = known("Cross-Origin-Opener-Policy")
    static let permissionsPolicy = known("Permissions-Policy")
    static let frameOptions = known("X-Frame-Options")
    static let ociNamespace = known("OCI-Namespace")
    static let warning = known("Warning")
    static let reprDigest = known("Repr-Digest")
    /// The module's SHA-256 as Envoy's `remote.sha256` and Istio's `sha256` want it.
    static let wasmSHA256 = known("X-Wasm-Sha256")
}
