import assert from "node:assert/strict";
import test from "node:test";

import { Host } from "./host.mjs";

const start = (configuration) => Host.start(process.env.MODULE ?? "build/debug.wasm", configuration);

test("sets the usual header", async () => {
  for (const configuration of ["", "{}"]) {
    const host = await start(configuration);
    host.responseHeaders({ ":status": "404" }, true);
    assert.deepEqual(host.responseFields, { ":status": "404", hello: "world" });
  }
});

test("replaces the header of the server", async () => {
  const host = await start('{"header": "x-filtered", "value": "\\u00e9"}');
  host.responseHeaders({ ":status": "200", "x-filtered": "no" }, true);
  assert.deepEqual(host.responseFields, { ":status": "200", "x-filtered": "é" });
});

for (const [configuration, reason] of [
  ['{"header": "two words"}', "header: "],
  ['{"value": "one\\r\\nset-cookie: two"}', "value: "],
  ['{"value": 7}', "value: "],
  ['{"heeder": "x-filtered"}', "heeder"],
  ['{"header":', "JSON"],
  ["{} {}", "JSON"],
]) {
  test(`refuses ${configuration}`, async () => {
    const host = await start(configuration);
    assert.equal(host.accepted, false);
    assert.match(host.logs.join("\n"), new RegExp(reason));
  });
}
