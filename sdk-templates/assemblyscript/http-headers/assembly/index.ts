export * from "@gcoredev/proxy-wasm-sdk-as/assembly/proxy";
import {
  Context,
  FilterHeadersStatusValues,
  LogLevelValues,
  registerRootContext,
  RootContext,
  stream_context,
} from "@gcoredev/proxy-wasm-sdk-as/assembly";

import { Config } from "./config";
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

/** Sees one request and its response. */
class Filter extends Context {
  constructor(
    id: u32,
    private plugin: Plugin,
  ) {
    super(id, plugin);
  }

  onResponseHeaders(_count: u32, _endOfStream: bool): FilterHeadersStatusValues {
    const config = this.plugin.config;
    stream_context.headers.response.replace(config.header, config.value);
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((id: u32) => new Plugin(id), "filter");
