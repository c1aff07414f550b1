// Bytes as BASE64, and a document's place inside a message.

const PIECE = 32768; // a function takes only so many arguments

export function toBase64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += PIECE) {
    text += String.fromCharCode(...bytes.subarray(start, start + PIECE));
  }
  return btoa(text);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Where a document begins inside a message that holds it in DER, or -1. */
export function placeOf(content, message) {
  const wanted = new Uint8Array([...header(content.length), ...content]);
  for (let start = 0; start + wanted.length <= message.length; start += 1) {
    if (wanted.every((byte, index) => message[start + index] === byte)) {
      return start + wanted.length - content.length;
    }
  }
  return -1;
}

// The tag and the length of an OCTET STRING (X.690, 8.1.3).
function header(length) {
  if (length < 128) return [0x04, length];
  const digits = [];
  for (let left = length; left; left >>>= 8) digits.unshift(left & 255);
  return [0x04, 128 + digits.length, ...digits];
}
