// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// `GET /api/v1/openapi.json`: what `/api/v1` takes and gives, for programs and those who write them.
enum OpenAPIDocument {
    private static let bytes = ByteBuffer(bytes: PackageResources.openapi_json)

    static func respond(to request: Request) throws -> Response {
        guard request.method == .get || request.method == .head else {
            throw MethodNotAllowed(method: request.method, allowed: [.get, .head])
        }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-cache"],
            body: ResponseBody(byteBuffer: bytes))
    }
}
