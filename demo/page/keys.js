// Keys as the agent lists them, and cards to choose one from.

import { make } from "./dom.js";
import { rosette } from "./rosette.js";
import { day, number, say } from "./texts.js";

export const PINFL = "1.2.860.3.16.1.2";
const DAY = 86_400_000;
const SOON = 30;
const TASHKENT = 5 * 3_600_000;

/** What an alias says: its parts by their names in lower case. */
export function parseAlias(alias) {
  return Object.fromEntries(alias.split(",").map((part) => {
    const at = part.indexOf("=");
    // A comma in a value is written as U+201A, which looks like one.
    return [part.slice(0, at).toLowerCase(), part.slice(at + 1).replaceAll("\u201a", ",")];
  }));
}

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

/** Whether the certificate of an alias has ended, or has not begun. */
export function isOver(facts) {
  const [from, until] = [parseTime(facts.validfrom), parseTime(facts.validto)];
  const now = Date.now();
  return (until !== null && until <= now) || (from !== null && from > now);
}

/** A card with a radio button for one key of the list. */
export function keyCard(certificate, index, onChoose) {
  const facts = parseAlias(certificate.alias);
  const until = parseTime(facts.validto);
  const days = until ? Math.floor((until - Date.now()) / DAY) : 0;
  const over = isOver(facts);
  const radio = make("input", { type: "radio", name: "key", value: index });
  radio.disabled = over;
  radio.addEventListener("change", onChoose);
  const lines = make("span", { class: "lines" },
    make("strong", {}, inCapitals(facts.cn)),
    facts.o ? make("span", {}, inCapitals(facts.o)) : say(make("span"), "key.person"));
  if (facts[PINFL]) {
    lines.append(make("span", { class: "pinfl" },
      say(make("span"), "key.pinfl"), " ", make("span", { class: "mono" }, mask(facts[PINFL]))));
  }
  if (until) {
    lines.append(say(make("span", { class: days < SOON ? "until soon" : "until" }),
      over ? "key.invalid" : "key.until", { date: () => day(until), days: () => number(days) }));
  }
  return make("label", { class: "key-card" }, radio, rosette(facts.serialnumber ?? ""), lines);
}
