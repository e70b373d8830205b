import { JsonReader } from "./json";

/** What the filter is told; config.schema.json describes it for its users. */
export class Config {
  /** The name of the response header to set. */
  header: string = "";
  value: string = "";
  /** What is wrong with it; empty if nothing is. */
  error: string = "";

  constructor(text: string) {
    const reader = new JsonReader(text);
    this.header = reader.text("header", "hello");
    this.value = reader.text("value", "world");
    reader.finish();
    if (!isHeaderName(this.header)) reader.refuse("header", "it is not the name of a header");
    if (endsHeader(this.value)) reader.refuse("value", "it has a character that ends a header");
    this.error = reader.error;
  }
}

/** Whether a text is a token of RFC 9110, section 5.6.2. */
function isHeaderName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isDigit = code >= 0x30 && code <= 0x39;
    const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
    if (!isDigit && !isLetter && !"!#$%&'*+-.^_`|~".includes(text.charAt(i))) return false;
  }
  return text.length > 0;
}

function endsHeader(text: string): bool {
  return text.includes("\0") || text.includes("\r") || text.includes("\n");
}
