/** Kinds of values; members of a configuration are texts and whole numbers. */
const enum Kind {
  Text,
  Integer,
  Other,
}

class Member {
  isKnown: bool = false;

  constructor(
    public name: string,
    public kind: Kind,
    public text: string,
    public integer: i64,
  ) {}
}

/**
 * Reads a configuration: a JSON object of texts and whole numbers. No text at all is an empty object.
 *
 * The first error is kept; one about a member begins with its name, as in "value: expected a text".
 */
export class JsonReader {
  /** What is wrong; empty if nothing is. */
  error: string = "";
  private members: Member[] = [];
  private place: i32 = 0;

  constructor(private source: string) {
    if (source.length > 0) this.readObject();
    this.skipSpace();
    if (this.error == "" && this.place < source.length) this.fail("something follows the object");
  }

  /** A member that is a text. */
  text(name: string, missing: string): string {
    const member = this.member(name);
    if (member == null) return missing;
    if (member.kind != Kind.Text) this.refuse(name, "expected a text");
    return member.text;
  }

  /** A member that is a whole number. */
  integer(name: string, missing: i64, least: i64, most: i64): i64 {
    const member = this.member(name);
    if (member == null) return missing;
    if (member.kind != Kind.Integer) {
      this.refuse(name, "expected a whole number");
    } else if (member.integer < least || member.integer > most) {
      this.refuse(name, "expected a number from " + least.toString() + " to " + most.toString());
    }
    return member.integer;
  }

  /** Notes what is wrong with a member. */
  refuse(name: string, reason: string): void {
    if (this.error == "") this.error = name + ": " + reason;
  }

  /** To be called at the end: members that nobody asked for are errors. */
  finish(): void {
    for (let i = 0; i < this.members.length; i++) {
      if (!this.members[i].isKnown) this.refuse(this.members[i].name, "there is no such member");
    }
  }

  private member(name: string): Member | null {
    for (let i = 0; i < this.members.length; i++) {
      if (this.members[i].name == name) {
        this.members[i].isKnown = true;
        return this.members[i];
      }
    }
    return null;
  }

  private fail(reason: string): void {
    if (this.error == "") this.error = "this is no JSON: " + reason + " at character " + this.place.toString();
  }

  private readObject(): void {
    this.skipSpace();
    if (this.next() != "{") {
      this.error = "expected an object";
      return;
    }
    this.skipSpace();
    if (this.peek() == "}") {
      this.place++;
      return;
    }
    while (this.error == "") {
      this.skipSpace();
      if (this.next() != '"') {
        this.fail("expected the name of a member");
        return;
      }
      const name = this.readText();
      this.skipSpace();
      if (this.error == "" && this.next() != ":") {
        this.fail('expected ":"');
        return;
      }
      this.skipSpace();
      this.readValue(name);
      this.skipSpace();
      if (this.error != "") return;
      const after = this.next();
      if (after == "}") return;
      if (after != ",") {
        this.fail('expected "," or "}"');
        return;
      }
    }
  }

  private readValue(name: string): void {
    for (let i = 0; i < this.members.length; i++) {
      if (this.members[i].name == name) {
        this.refuse(name, "it is there twice");
        return;
      }
    }
    const first = this.peek();
    if (first == '"') {
      this.place++;
      const text = this.readText();
      this.members.push(new Member(name, Kind.Text, text, 0));
      return;
    }
    if (first == "{" || first == "[") {
      this.refuse(name, "expected a text or a number");
      return;
    }
    const start = this.place;
    while (this.place < this.source.length && !",}] \t\r\n".includes(this.peek())) this.place++;
    const word = this.source.substring(start, this.place);
    if (isInteger(word)) {
      this.members.push(new Member(name, Kind.Integer, "", I64.parseInt(word)));
    } else if (word == "true" || word == "false" || word == "null" || isNumber(word)) {
      this.members.push(new Member(name, Kind.Other, "", 0));
    } else {
      this.fail("expected a value");
    }
  }

  /** The rest of a text, behind its first quote. */
  private readText(): string {
    let text = "";
    while (this.place < this.source.length) {
      const character = this.next();
      if (character == '"') return text;
      if (character.charCodeAt(0) < 0x20) break;
      if (character != "\\") {
        text += character;
        continue;
      }
      const escape = this.next();
      const index = '"\\/bfnrt'.indexOf(escape);
      if (escape != "" && index >= 0) {
        text += '"\\/\b\f\n\r\t'.charAt(index);
      } else if (escape == "u") {
        const digits = this.source.substr(this.place, 4);
        if (digits.length != 4 || !isHexadecimal(digits)) break;
        this.place += 4;
        text += String.fromCharCode(I32.parseInt(digits, 16));
      } else {
        break;
      }
    }
    this.fail("a text does not end as it should");
    return text;
  }

  private skipSpace(): void {
    while (this.place < this.source.length && " \t\r\n".includes(this.peek())) this.place++;
  }

  private peek(): string {
    return this.source.charAt(this.place);
  }

  private next(): string {
    return this.source.charAt(this.place++);
  }
}

function consistsOf(text: string, characters: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (!characters.includes(text.charAt(i))) return false;
  }
  return text.length > 0;
}

function isHexadecimal(text: string): bool {
  return consistsOf(text, "0123456789abcdefABCDEF");
}

/** Whether it is a whole number that 64 bits can hold. */
function isInteger(text: string): bool {
  const digits = text.startsWith("-") ? text.substring(1) : text;
  return consistsOf(digits, "0123456789") && digits.length <= 18 && (digits.length == 1 || !digits.startsWith("0"));
}

/** Whether it could be another number; nobody asks for one. */
function isNumber(text: string): bool {
  return consistsOf(text, "0123456789+-.eE") && "-0123456789".includes(text.charAt(0));
}
