export * from "@gcoredev/proxy-wasm-sdk-as/assembly/proxy";
import {
  BufferTypeValues,
  Context,
  FilterDataStatusValues,
  FilterHeadersStatusValues,
  FilterTrailersStatusValues,
  get_buffer_bytes,
  LogLevelValues,
  registerRootContext,
  RootContext,
  set_buffer_bytes,
  stream_context,
} from "@gcoredev/proxy-wasm-sdk-as/assembly";

import { Config } from "./config";
import { replaced } from "./replace";
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

/**
 * Sees one request and its response.
 *
 * The proxy keeps the body until all of it is there, up to the limit of its buffers.
 */
class Filter extends Context {
  constructor(
    id: u32,
    private plugin: Plugin,
  ) {
    super(id, plugin);
  }

  onResponseHeaders(_count: u32, endOfStream: bool): FilterHeadersStatusValues {
    // The length may change.
    if (!endOfStream) stream_context.headers.response.remove("content-length");
    return FilterHeadersStatusValues.Continue;
  }

  onResponseBody(_size: usize, endOfStream: bool): FilterDataStatusValues {
    if (!endOfStream) return FilterDataStatusValues.StopIterationAndBuffer;
    this.replace();
    return FilterDataStatusValues.Continue;
  }

  /** Comes instead of the end of the body. */
  onResponseTrailers(_count: u32): FilterTrailersStatusValues {
    this.replace();
    return FilterTrailersStatusValues.Continue;
  }

  private replace(): void {
    const config = this.plugin.config;
    const body = Uint8Array.wrap(get_buffer_bytes(BufferTypeValues.HttpResponseBody, 0, u32.MAX_VALUE));
    const find = Uint8Array.wrap(String.UTF8.encode(config.find));
    const result = replaced(body, find, Uint8Array.wrap(String.UTF8.encode(config.replace)));
    if (result != null) {
      set_buffer_bytes(BufferTypeValues.HttpResponseBody, 0, u32.MAX_VALUE, result.buffer);
    }
  }
}

registerRootContext((id: u32) => new Plugin(id), "filter");
