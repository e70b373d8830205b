$ curl -i http://127.0.0.1:8080/
HTTP/1.1 403 Forbidden
content-length: 19
content-type: text/plain
x-gate: checked
server: envoy

no token, no entry
$ curl -i -H 'x-token: s3cret' http://127.0.0.1:8080/
HTTP/1.1 200 OK
content-length: 70
content-type: text/plain
x-gate: checked
server: envoy

wasme: no upstream is configured; this answer comes from Envoy itself
