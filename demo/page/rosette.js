// A guilloche for a certificate, as on banknotes: drawn from its serial number, so that two
// certificates do not look alike. It is for the eye only and proves nothing.

import { draw } from "./dom.js";

const POINTS = 240;

/** A drawing of 64 by 64 for the text `seed`. */
export function rosette(seed) {
  const [petals, twist, depth, second] = numbers(seed);
  const outer = { petals: 7 + petals % 6, depth: 0.16 + depth % 10 / 60, turn: twist % 7 };
  const inner = { petals: 4 + second % 5, depth: 0.3, turn: second % 5 };
  const drawing = draw("svg", { viewBox: "-32 -32 64 64", class: "rosette", "aria-hidden": "true" });
  for (let ring = 0; ring < 4; ring += 1) {
    drawing.append(curve(29 - ring * 1.2, outer, ring * 0.21));
  }
  for (let ring = 0; ring < 3; ring += 1) {
    drawing.append(curve(15 - ring * 1.6, inner, ring * 0.34));
  }
  return drawing;
}

function curve(radius, { petals, depth, turn }, phase) {
  const steps = [];
  for (let point = 0; point <= POINTS; point += 1) {
    const angle = point / POINTS * 2 * Math.PI;
    const wave = Math.cos(petals * angle + phase + turn) + Math.cos(2 * petals * angle - phase) / 3;
    const distance = radius * (1 - depth + depth * wave / 1.34);
    const place = [Math.cos(angle), Math.sin(angle)].map((part) => (part * distance).toFixed(2));
    steps.push(`${point ? "L" : "M"}${place.join(" ")}`);
  }
  return draw("path", { d: `${steps.join("")}Z` });
}

// FNV-1a, four times with another beginning: any spread of the bits will do here.
function numbers(seed) {
  return [1, 2, 3, 4].map((salt) => {
    let hash = 0x811c9dc5 ^ salt;
    for (const letter of seed) {
      hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0;
    }
    return hash >>> 7;
  });
}
