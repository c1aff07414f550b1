// Keys as the agent lists them, and cards to choose one from.

import { make } from "./dom.js";
import { rosette } from "./rosette.js";
import { day, number, say } from "./texts.js";

export const PINFL = "1.2.860.3.16.1.2";
const DAY = 86_400_000;
const SOON = 30;
const TASHKENT = 5 * 3_600_000;

/** `2028.11.23 23:59:59`, the agent's way to write Tashkent's time, as a Date; or null. */
export function parseTime(text) {
  const found = /^(\d{4})[.-](\d\d)[.-](\d\d) (\d\d):(\d\d):(\d\d)$/.exec(text ?? "");
  if (!found) return null;
  const [year, month, ...rest] = found.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, ...rest) - TASHKENT);
}

/** A personal number with all but its last four digits hidden. */
export const mask = (pinfl) => "•".repeat(Math.max(0, pinfl.length - 4)) + pinfl.slice(-4);

export const inCapitals = (name) => (name ?? "").toLocaleUpperCase("uz");

/** A card with a radio button for one key of the list. */
export function keyCard(key, index, onChoose) {
  const { owner, organisation, pinfl, serialNumber, validTo, usable } = key;
  const days = Math.floor((validTo - Date.now()) / DAY);
  const radio = make("input", { type: "radio", name: "key", value: index });
  radio.disabled = !usable;
  radio.addEventListener("change", onChoose);
  const lines = make("span", { class: "lines" },
    make("strong", {}, inCapitals(owner)),
    organisation ? make("span", {}, inCapitals(organisation)) : say(make("span"), "key.person"));
  if (pinfl) {
    lines.append(make("span", { class: "pinfl" },
      say(make("span"), "key.pinfl"), " ", make("span", { class: "mono" }, mask(pinfl))));
  }
  if (!Number.isNaN(days)) {
    lines.append(say(make("span", { class: days < SOON ? "until soon" : "until" }),
      usable ? "key.until" : "key.invalid", { date: () => day(validTo), days: () => number(days) }));
  }
  return make("label", { class: "key-card" }, radio, rosette(serialNumber ?? ""), lines);
}
