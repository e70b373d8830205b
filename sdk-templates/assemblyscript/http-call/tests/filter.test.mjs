import assert from "node:assert/strict";
import test from "node:test";

import { Host } from "./host.mjs";

const start = (configuration) => Host.start(process.env.MODULE ?? "build/debug.wasm", configuration);

const request = { ":method": "POST", ":path": "/shop", authorization: "Bearer abc", "x-user": "mallory" };

for (const [answer, status, user] of [
  [{ ":status": "200", "x-user": "alice" }, undefined, "alice"],
  [{ ":status": "200" }, undefined, undefined],
  [{ ":status": "401" }, 403],
  [{ ":status": "500" }, 503],
  [{}, 503],
]) {
  test(`goes by ${JSON.stringify(answer)}`, async () => {
    const host = await start('{"cluster": "users", "path": "/check"}');
    assert.notEqual(host.requestHeaders(request), 0);
    assert.deepEqual(host.calls, [
      {
        cluster: "users",
        timeout: 1000,
        headers: {
          ":method": "GET",
          ":path": "/check",
          ":authority": "users",
          "x-original-path": "/shop",
          authorization: "Bearer abc",
        },
      },
    ]);
    host.answerCall(answer);
    assert.equal(host.response?.status, status);
    assert.equal(host.isResumed, status === undefined);
    if (status === undefined) assert.equal(host.request["x-user"], user);
  });
}

test("refuses everything without a service", async () => {
  const host = await start('{"cluster": "nowhere"}');
  host.requestHeaders(request);
  assert.deepEqual(host.response, { status: 503, body: "cannot be checked now\n" });
});

for (const [configuration, reason] of [
  ['{"path": "/check"}', "cluster: "],
  ['{"cluster": "users", "path": "check"}', "path: "],
  ['{"cluster": "users", "timeoutMilliseconds": 0}', "timeoutMilliseconds: "],
  ['{"cluster": "users", "timeoutMilliseconds": "1s"}', "timeoutMilliseconds: "],
  ['{"cluster": "users", "timeout": 1}', "timeout"],
  ['{"cluster":', "JSON"],
]) {
  test(`refuses ${configuration}`, async () => {
    const host = await start(configuration);
    assert.equal(host.accepted, false);
    assert.match(host.logs.join("\n"), new RegExp(reason));
  });
}
