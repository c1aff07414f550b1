// The digest GOST R 34.11-94 with the S-box of CryptoPro (RFC 5831, RFC 4357 section 11.2).
//
// This file needs no other file. Copy it into your site together with mobile.js.
//
// All numbers of 256 bits are eight words of 32 bits, and the lowest word is the first.

const SBOX = [
  [10, 4, 5, 6, 8, 1, 3, 7, 13, 12, 14, 0, 9, 2, 11, 15],
  [5, 15, 4, 0, 2, 13, 11, 9, 1, 7, 6, 3, 12, 14, 10, 8],
  [7, 15, 12, 14, 9, 4, 1, 0, 3, 11, 5, 2, 6, 10, 8, 13],
  [4, 10, 7, 12, 0, 15, 2, 8, 14, 1, 6, 5, 13, 11, 9, 3],
  [7, 6, 4, 11, 9, 12, 2, 10, 1, 8, 0, 14, 15, 13, 3, 5],
  [7, 6, 2, 4, 13, 9, 15, 0, 10, 1, 5, 11, 8, 14, 12, 3],
  [13, 14, 4, 1, 7, 0, 5, 10, 3, 12, 8, 15, 6, 2, 9, 11],
  [1, 3, 10, 9, 5, 11, 4, 15, 8, 6, 7, 14, 13, 0, 2, 12],
];
const C3 = [
  0xff00ff00, 0xff00ff00, 0x00ff00ff, 0x00ff00ff, 0x00ffff00, 0xff0000ff, 0x000000ff, 0xff00ffff,
];
const BLOCK = 32;
const SLICE = 128 * 1024; // bytes between two pauses, some ten milliseconds of work

// Two nibbles of the S-box and the rotation by 11 bits, for each byte of a word.
const [T0, T1, T2, T3] = [0, 1, 2, 3].map((place) => Int32Array.from({ length: 256 }, (_, byte) => {
  const word = (SBOX[2 * place + 1][byte >> 4] << 4 | SBOX[2 * place][byte & 15]) << 8 * place;
  return word << 11 | word >>> 21;
}));

const replaced = (x) => T0[x & 255] ^ T1[x >>> 8 & 255] ^ T2[x >>> 16 & 255] ^ T3[x >>> 24];

// Working memory of one step. Nothing else runs while a step runs, so all digests share it.
const u = new Int32Array(8);
const v = new Int32Array(8);
const key = new Int32Array(8);
const mixed = new Uint16Array(16 + 61);
const state = new Int32Array(8);

export class Gost94 {
  #hash = new Int32Array(8);
  #sum = new Uint32Array(8);
  #block = new Int32Array(8);
  #bytes = new Uint8Array(BLOCK); // the beginning of a block that is not complete
  #kept = 0;
  #length = 0;

  /** Add a Uint8Array of any length. */
  update(bytes) {
    this.#length += bytes.length;
    let start = 0;
    if (this.#kept) {
      start = Math.min(BLOCK - this.#kept, bytes.length);
      this.#bytes.set(bytes.subarray(0, start), this.#kept);
      this.#kept += start;
      if (this.#kept < BLOCK) return this;
      this.#add(this.#bytes, 0);
    }
    for (; start + BLOCK <= bytes.length; start += BLOCK) this.#add(bytes, start);
    this.#bytes.set(bytes.subarray(start));
    this.#kept = bytes.length - start;
    return this;
  }

  /** Return the 32 bytes. The digest cannot be used after that. */
  digest() {
    if (this.#kept) this.#add(this.#bytes.fill(0, this.#kept), 0);
    this.#block.fill(0);
    this.#block[0] = this.#length * 8;
    this.#block[1] = this.#length / 2 ** 29;
    step(this.#hash, this.#block);
    step(this.#hash, this.#sum);
    return Uint8Array.from({ length: 32 }, (_, at) => this.#hash[at >> 2] >>> 8 * (at & 3));
  }

  #add(bytes, start) {
    const [block, sum] = [this.#block, this.#sum];
    let carry = 0;
    for (let word = 0, at = start; word < 8; word += 1, at += 4) {
      block[word] = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
      const total = sum[word] + (block[word] >>> 0) + carry;
      sum[word] = total;
      carry = total > 0xffffffff ? 1 : 0;
    }
    step(this.#hash, block);
  }
}

/** Return the digest of a Uint8Array, in 32 bytes. It pauses now and then: the page stays alive. */
export async function gost94(bytes) {
  const made = new Gost94();
  for (let start = 0; start < bytes.length; start += SLICE) {
    if (start) await new Promise((resolve) => setTimeout(resolve));
    made.update(bytes.subarray(start, start + SLICE));
  }
  return made.digest();
}

/** The step function: change `hash` by one `block`. */
function step(hash, block) {
  u.set(hash);
  v.set(block);
  for (let number = 0; number < 4; number += 1) {
    if (number) {
      shift(u);
      if (number === 2) for (let word = 0; word < 8; word += 1) u[word] ^= C3[word];
      shift(v);
      shift(v);
    }
    makeKey();
    encrypt(hash[2 * number], hash[2 * number + 1], 2 * number);
  }
  mix(state, 12);
  for (let word = 0; word < 8; word += 1) state[word] ^= block[word];
  mix(state, 1);
  for (let word = 0; word < 8; word += 1) state[word] ^= hash[word];
  mix(state, 61);
  hash.set(state);
}

/** The transformation A, in the place of `y`. */
function shift(y) {
  const low = y[0] ^ y[2];
  const high = y[1] ^ y[3];
  for (let word = 0; word < 6; word += 1) y[word] = y[word + 2];
  y[6] = low;
  y[7] = high;
}

/** The transformation P: fill `key` with the bytes of u XOR v in another order. */
function makeKey() {
  for (let half = 0; half < 2; half += 1) {
    const a = u[half] ^ v[half];
    const b = u[half + 2] ^ v[half + 2];
    const c = u[half + 4] ^ v[half + 4];
    const d = u[half + 6] ^ v[half + 6];
    for (let byte = 0; byte < 4; byte += 1) {
      const right = 8 * byte;
      key[4 * half + byte] = a >>> right & 255 | (b >>> right & 255) << 8
        | (c >>> right & 255) << 16 | (d >>> right & 255) << 24;
    }
  }
}

/** GOST 28147-89: encrypt the words `low` and `high` with `key` into `state` from `at` on. */
function encrypt(low, high, at) {
  for (let round = 0; round < 24; round += 2) {
    high ^= replaced(low + key[round & 7]);
    low ^= replaced(high + key[round + 1 & 7]);
  }
  for (let round = 7; round > 0; round -= 2) {
    high ^= replaced(low + key[round]);
    low ^= replaced(high + key[round - 1]);
  }
  state[at] = high;
  state[at + 1] = low;
}

/** The transformation psi, `times` times: a shift register of sixteen half words. */
function mix(words, times) {
  for (let word = 0; word < 8; word += 1) {
    mixed[2 * word] = words[word];
    mixed[2 * word + 1] = words[word] >>> 16;
  }
  for (let at = 0; at < times; at += 1) {
    mixed[at + 16] = mixed[at] ^ mixed[at + 1] ^ mixed[at + 2] ^ mixed[at + 3]
      ^ mixed[at + 12] ^ mixed[at + 15];
  }
  for (let word = 0; word < 8; word += 1) {
    words[word] = mixed[times + 2 * word] | mixed[times + 2 * word + 1] << 16;
  }
}
