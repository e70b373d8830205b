import { proxy_log } from "@gcoredev/proxy-wasm-sdk-as/assembly/imports";
import { LogLevelValues } from "@gcoredev/proxy-wasm-sdk-as/assembly";

/** Writes to the proxy's log; the SDK's own "log" writes to the standard output, where levels are lost. */
export function report(level: LogLevelValues, message: string): void {
  const bytes = String.UTF8.encode(message);
  proxy_log(level as u32, changetype<usize>(bytes), bytes.byteLength);
}
