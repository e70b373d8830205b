import { readFile } from "node:fs/promises";

// Numbers of the Proxy-Wasm ABI, version 0.2.1.
const OK = 0;
const NOT_FOUND = 1;
const BAD_ARGUMENT = 2;
const UNIMPLEMENTED = 12;
const RESPONSE_BODY = 1;
const PLUGIN_CONFIGURATION = 7;
const REQUEST_HEADERS = 0;
const RESPONSE_HEADERS = 2;
const CALL_HEADERS = 6;

const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (text) => new TextEncoder().encode(text);

/** A proxy for unit tests, with one stream: as much of the ABI as filters of this kind use. */
export class Host {
  /** Loads a module and gives it its configuration; `accepted` says whether it took it. */
  static async start(file, configuration) {
    const host = new Host();
    host.buffers[PLUGIN_CONFIGURATION] = bytes(configuration);
    const module = await WebAssembly.compile(await readFile(file));
    const imports = {};
    for (const { module: space, name } of WebAssembly.Module.imports(module)) {
      imports[space] ??= {};
      imports[space][name] = space === "env" ? (host[name]?.bind(host) ?? (() => UNIMPLEMENTED)) : host.system(name);
    }
    const instance = await WebAssembly.instantiate(module, imports);
    host.exports = instance.exports;
    (host.exports._initialize ?? host.exports._start)?.();
    host.exports.proxy_on_context_create(1, 0);
    host.exports.proxy_on_vm_start(1, 0);
    host.accepted = host.exports.proxy_on_configure(1, host.buffers[PLUGIN_CONFIGURATION].length) !== 0;
    if (host.accepted) host.exports.proxy_on_context_create(2, 1);
    return host;
  }

  logs = [];
  calls = [];
  buffers = {};
  maps = { [REQUEST_HEADERS]: [], [RESPONSE_HEADERS]: [], [CALL_HEADERS]: [] };
  /** What the filter answered itself. */
  response = null;
  isResumed = false;

  requestHeaders(headers) {
    this.maps[REQUEST_HEADERS] = Object.entries(headers);
    return this.exports.proxy_on_request_headers(2, this.maps[REQUEST_HEADERS].length, 1);
  }

  responseHeaders(headers, isEnd) {
    this.maps[RESPONSE_HEADERS] = Object.entries(headers);
    return this.exports.proxy_on_response_headers(2, this.maps[RESPONSE_HEADERS].length, isEnd ? 1 : 0);
  }

  /** Gives a part of the body; the proxy keeps those before it. */
  responseBody(part, isEnd) {
    const body = bytes(text(this.buffers[RESPONSE_BODY] ?? bytes("")) + part);
    this.buffers[RESPONSE_BODY] = body;
    return this.exports.proxy_on_response_body(2, body.length, isEnd ? 1 : 0);
  }

  /** Answers the last call; no headers stand for no answer. */
  answerCall(headers) {
    this.maps[CALL_HEADERS] = Object.entries(headers);
    this.exports.proxy_on_http_call_response(1, this.calls.length, this.maps[CALL_HEADERS].length, 0, 0);
  }

  get request() {
    return Object.fromEntries(this.maps[REQUEST_HEADERS]);
  }

  get responseFields() {
    return Object.fromEntries(this.maps[RESPONSE_HEADERS]);
  }

  get body() {
    return text(this.buffers[RESPONSE_BODY]);
  }

  // What the module calls.

  proxy_log(_level, place, size) {
    this.logs.push(this.text(place, size));
    return OK;
  }

  proxy_get_buffer_bytes(type, start, size, place, sizePlace) {
    const buffer = this.buffers[type];
    if (!buffer?.length) return NOT_FOUND;
    return this.give(buffer.subarray(start, start + Math.min(size >>> 0, buffer.length)), place, sizePlace);
  }

  proxy_set_buffer_bytes(type, _start, _size, place, size) {
    this.buffers[type] = this.bytes(place, size);
    return OK;
  }

  proxy_get_header_map_value(type, place, size, valuePlace, valueSizePlace) {
    const entry = this.maps[type]?.find(([name]) => name === this.text(place, size));
    return entry ? this.give(bytes(entry[1]), valuePlace, valueSizePlace) : NOT_FOUND;
  }

  proxy_replace_header_map_value(type, place, size, valuePlace, valueSize) {
    this.proxy_remove_header_map_value(type, place, size);
    this.maps[type].push([this.text(place, size), this.text(valuePlace, valueSize)]);
    return OK;
  }

  proxy_remove_header_map_value(type, place, size) {
    const removed = this.text(place, size);
    this.maps[type] = this.maps[type].filter(([name]) => name !== removed);
    return OK;
  }

  proxy_http_call(place, size, headersPlace, headersSize, _b, _bs, _t, _ts, timeout, tokenPlace) {
    const cluster = this.text(place, size);
    if (cluster === "nowhere") return BAD_ARGUMENT;
    this.calls.push({ cluster, timeout, headers: Object.fromEntries(this.pairs(headersPlace, headersSize)) });
    this.view.setUint32(tokenPlace, this.calls.length, true);
    return OK;
  }

  proxy_send_local_response(status, _details, _detailsSize, place, size) {
    this.response = { status, body: this.text(place, size) };
    return OK;
  }

  proxy_continue_stream() {
    this.isResumed = true;
    return OK;
  }

  proxy_set_effective_context() {
    return OK;
  }

  proxy_get_property() {
    return NOT_FOUND;
  }

  system(name) {
    if (name === "proc_exit") return (code) => { throw new Error(`the module ended with ${code}`); };
    return () => 0;
  }

  // The module's memory.

  get view() {
    return new DataView(this.exports.memory.buffer);
  }

  bytes(place, size) {
    return new Uint8Array(this.exports.memory.buffer, place, size).slice();
  }

  text(place, size) {
    return text(this.bytes(place, size));
  }

  give(value, place, sizePlace) {
    const allocate = this.exports.proxy_on_memory_allocate ?? this.exports.malloc;
    const copy = value.length ? allocate(value.length) : 0;
    new Uint8Array(this.exports.memory.buffer, copy, value.length).set(value);
    this.view.setUint32(place, copy, true);
    this.view.setUint32(sizePlace, value.length, true);
    return OK;
  }

  /** Headers as the ABI writes them: a count, the sizes of names and values, then both, each with a NUL. */
  pairs(place) {
    const count = this.view.getUint32(place, true);
    let start = place + 4 + 8 * count;
    const take = (size) => {
      start += size + 1;
      return this.text(start - size - 1, size);
    };
    return Array.from({ length: count }, (_, index) => {
      const sizes = place + 4 + 8 * index;
      return [take(this.view.getUint32(sizes, true)), take(this.view.getUint32(sizes + 4, true))];
    });
  }
}
