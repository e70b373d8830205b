import assert from "node:assert/strict";
import test from "node:test";

import { Host } from "./host.mjs";

const start = (configuration) => Host.start(process.env.MODULE ?? "build/debug.wasm", configuration);

for (const [configuration, parts, expected] of [
  ['{"find": "cat", "replace": "horse"}', ["cat, catalogue"], "horse, horsealogue"],
  ['{"find": "needle", "replace": "pin"}', ["hay nee", "dle"], "hay pin"],
  ['{"find": "--"}', ["a--b----"], "ab"],
  ['{"find": "a", "replace": "aa"}', ["banana"], "baanaanaa"],
  ['{"find": "cat", "replace": "horse"}', ["a dog"], "a dog"],
]) {
  test(`makes ${expected} of ${parts}`, async () => {
    const host = await start(configuration);
    host.responseHeaders({ ":status": "200", "content-length": "99" }, false);
    assert.deepEqual(host.responseFields, { ":status": "200" });
    parts.forEach((part, index) => {
      const isEnd = index === parts.length - 1;
      assert.equal(host.responseBody(part, isEnd) === 0, isEnd);
    });
    assert.equal(host.body, expected);
  });
}

for (const [configuration, reason] of [
  ["{}", "find: "],
  ['{"find": "", "replace": "x"}', "find: "],
  ['{"find": 7}', "find: "],
  ['{"find": "cat", "replaces": "horse"}', "replaces"],
  ['{"find":', "JSON"],
]) {
  test(`refuses ${configuration}`, async () => {
    const host = await start(configuration);
    assert.equal(host.accepted, false);
    assert.match(host.logs.join("\n"), new RegExp(reason));
  });
}
