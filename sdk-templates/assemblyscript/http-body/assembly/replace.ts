/**
 * A body with a text replaced wherever it stands; null if it does not.
 *
 * Works on bytes: a body need not be text.
 */
export function replaced(body: Uint8Array, find: Uint8Array, replacement: Uint8Array): Uint8Array | null {
  let count = 0;
  for (let place = indexOf(body, find, 0); place >= 0; place = indexOf(body, find, place + find.length)) count++;
  if (count == 0) return null;
  const result = new Uint8Array(body.length + count * (replacement.length - find.length));
  let read = 0;
  let written = 0;
  for (let place = indexOf(body, find, 0); place >= 0; place = indexOf(body, find, read)) {
    result.set(body.subarray(read, place), written);
    written += place - read;
    result.set(replacement, written);
    written += replacement.length;
    read = place + find.length;
  }
  result.set(body.subarray(read), written);
  return result;
}

function indexOf(body: Uint8Array, find: Uint8Array, start: i32): i32 {
  for (let place = start; place <= body.length - find.length; place++) {
    let matching = 0;
    while (matching < find.length && body[place + matching] == find[matching]) matching++;
    if (matching == find.length) return place;
  }
  return -1;
}
