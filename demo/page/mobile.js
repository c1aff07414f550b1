// The code that a telephone with an ID card reads as a QR code or gets by a deeplink.
//
// Copy this file and gost94.js into your site. They need nothing else.

import { gost94 } from "./gost94.js";

const POLYNOMIAL = 0xedb88320;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) byte = byte >>> 1 ^ (byte & 1 ? POLYNOMIAL : 0);
  return byte;
});

/** Return the CRC-32 (IEEE 802.3) of a Uint8Array as a number. */
export function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = crc >>> 8 ^ CRC_TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

/**
 * Return the code, 84 hexadecimal digits: siteId, documentId, the digest of `bytes`, CRC-32.
 *
 * `siteId` (4 digits) and `documentId` (8 digits) are from the server's answer. `bytes`, a
 * Uint8Array, is what the user signs: of a sign-in the letters of the challenge, which are not
 * decoded; of a document the file itself, and not its BASE64.
 */
export async function codeOf(siteId, documentId, bytes) {
  if (!/^[0-9a-f]{4}$/i.test(siteId)) throw new TypeError("siteId has 4 hexadecimal digits");
  if (!/^[0-9a-f]{8}$/i.test(documentId)) throw new TypeError("documentId has 8 hexadecimal digits");
  if (!(bytes instanceof Uint8Array)) throw new TypeError("what is signed is a Uint8Array");
  const first = siteId + documentId + toHex(await gost94(bytes));
  const crc = crc32(Uint8Array.from(first.match(/../g), (byte) => parseInt(byte, 16)));
  return first + crc.toString(16).padStart(8, "0");
}

/** Return the address that opens the application on the telephone itself. */
export const deeplinkOf = (code) => `eimzo://sign?qc=${code}`;

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
