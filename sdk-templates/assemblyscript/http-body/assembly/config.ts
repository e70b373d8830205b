import { JsonReader } from "./json";

/** What the filter is told; config.schema.json describes it for its users. */
export class Config {
  /** The text to find in the bodies of responses. */
  find: string = "";
  /** What to put in its place. */
  replace: string = "";
  /** What is wrong with it; empty if nothing is. */
  error: string = "";

  constructor(text: string) {
    const reader = new JsonReader(text);
    this.find = reader.text("find", "");
    this.replace = reader.text("replace", "");
    reader.finish();
    if (this.find == "") reader.refuse("find", "there must be a text to find");
    this.error = reader.error;
  }
}
