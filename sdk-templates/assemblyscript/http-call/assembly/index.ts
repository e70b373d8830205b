export * from "@gcoredev/proxy-wasm-sdk-as/assembly/proxy";
import {
  BaseContext,
  Context,
  continue_request,
  FilterHeadersStatusValues,
  HeaderPair,
  LogLevelValues,
  makeHeaderPair,
  registerRootContext,
  RootContext,
  send_http_response,
  stream_context,
  WasmResultValues,
} from "@gcoredev/proxy-wasm-sdk-as/assembly";

import { Config, judge, Verdict } from "./config";
import { report } from "./report";

/** Lives as long as the configuration. */
class Plugin extends RootContext {
  config: Config = new Config("");

  onConfigure(size: u32): bool {
    if (!super.onConfigure(size)) return false;
    this.config = new Config(this.getConfiguration());
    if (this.config.error != "") {
      report(LogLevelValues.error, "the configuration is refused: " + this.config.error);
      return false;
    }
    return true;
  }

  createContext(id: u32): Context {
    return new Filter(id, this);
  }
}

/** Sees one request, which waits for the service's answer. */
class Filter extends Context {
  constructor(
    id: u32,
    private plugin: Plugin,
  ) {
    super(id, plugin);
  }

  onRequestHeaders(_count: u32, _endOfStream: bool): FilterHeadersStatusValues {
    const request = stream_context.headers.request;
    // Only the service says whose a request is.
    request.remove("x-user");
    const config = this.plugin.config;
    const headers: HeaderPair[] = [
      makeHeaderPair(":method", "GET"),
      makeHeaderPair(":path", config.path),
      makeHeaderPair(":authority", config.cluster),
      makeHeaderPair("x-original-path", request.get(":path")),
    ];
    const authorization = request.get("authorization");
    if (authorization != "") headers.push(makeHeaderPair("authorization", authorization));
    const result = this.plugin.httpCall(
      config.cluster,
      headers,
      new ArrayBuffer(0),
      [],
      config.timeoutMilliseconds,
      this,
      onAnswer,
    );
    if (result != WasmResultValues.Ok) {
      report(LogLevelValues.warn, "the service " + config.cluster + " cannot be called");
      answer(Verdict.Unknown);
    }
    return FilterHeadersStatusValues.StopIteration;
  }
}

/** Gets the service's answer; without headers there was none. */
function onAnswer(_context: BaseContext, count: u32, _size: usize, _trailers: u32): void {
  const headers = stream_context.headers.http_callback;
  const verdict = judge(count == 0 ? "" : headers.get(":status"));
  if (verdict != Verdict.Pass) {
    answer(verdict);
    return;
  }
  const user = headers.get("x-user");
  if (user != "") stream_context.headers.request.replace("x-user", user);
  continue_request();
}

/** Answers a request that does not pass. */
function answer(verdict: Verdict): void {
  const isDenied = verdict == Verdict.Deny;
  const body = String.UTF8.encode(isDenied ? "denied\n" : "cannot be checked now\n");
  send_http_response(isDenied ? 403 : 503, "", body, [makeHeaderPair("content-type", "text/plain")]);
}

registerRootContext((id: u32) => new Plugin(id), "filter");
