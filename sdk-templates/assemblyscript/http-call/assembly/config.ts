import { JsonReader } from "./json";

/** What the filter is told; config.schema.json describes it for its users. */
export class Config {
  /** The cluster of the service to ask. */
  cluster: string = "";
  /** The path to ask. */
  path: string = "";
  /** How long to wait for an answer. */
  timeoutMilliseconds: u32 = 0;
  /** What is wrong with it; empty if nothing is. */
  error: string = "";

  constructor(text: string) {
    const reader = new JsonReader(text);
    this.cluster = reader.text("cluster", "");
    this.path = reader.text("path", "/");
    this.timeoutMilliseconds = reader.integer("timeoutMilliseconds", 1000, 1, 60000) as u32;
    reader.finish();
    if (this.cluster == "") reader.refuse("cluster", "there must be a service to ask");
    if (!isPath(this.path)) reader.refuse("path", "it is not a path");
    this.error = reader.error;
  }
}

function isPath(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) <= 0x20 || text.charCodeAt(i) > 0x7e) return false;
  }
  return text.startsWith("/");
}

/** What becomes of a request. */
export enum Verdict {
  Pass,
  Deny,
  /** The service said nothing that helps. */
  Unknown,
}

/** Goes by the status of the service's answer; empty if there was none. */
export function judge(status: string): Verdict {
  if (status == "200") return Verdict.Pass;
  return status.length == 3 && status.startsWith("4") ? Verdict.Deny : Verdict.Unknown;
}
