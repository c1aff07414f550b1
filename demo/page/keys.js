// Keys as the agent lists them, and cards to choose one from.

import { make } from "./dom.js";
import { rosette } from "./rosette.js";
import { day, number, say } from "./texts.js";

const PINFL = "1.2.860.3.16.1.2";
const DAY = 86_400_000;
const SOON = 30;

/** What an alias says: its parts by their names in lower case. */
export function parseAlias(alias) {
  // A comma parts two fields only where a name and "=" follow: organisations have commas.
  const parts = alias.split(/,(?=[\w.]+=)/);
  return Object.fromEntries(parts.map((part) => {
    const at = part.indexOf("=");
    return [part.slice(0, at).toLowerCase(), part.slice(at + 1)];
  }));
}

/** `2028.11.23 23:59:59` as a Date. */
export function parseTime(text) {
  const found = /^(\d{4})\.(\d{2})\.(\d{2}) (\d{2}):(\d{2}):(\d{2})$/.exec(text ?? "");
  if (!found) return null;
  const [year, month, ...rest] = found.slice(1).map(Number);
  return new Date(year, month - 1, ...rest);
}

/** A personal number with all but its last four digits hidden. */
export const mask = (pinfl) => "•".repeat(Math.max(0, pinfl.length - 4)) + pinfl.slice(-4);

export const inCapitals = (name) => (name ?? "").toLocaleUpperCase("uz");

/** A card with a radio button for one key of the list. */
export function keyCard(certificate, index, onChoose) {
  const facts = parseAlias(certificate.alias);
  const until = parseTime(facts.validto);
  const from = parseTime(facts.validfrom);
  const days = until ? Math.floor((until - Date.now()) / DAY) : 0;
  const valid = until !== null && until > Date.now() && (from === null || from <= Date.now());
  const radio = make("input", { type: "radio", name: "key", value: index });
  radio.disabled = !valid;
  radio.addEventListener("change", onChoose);
  const lines = make("span", { class: "lines" },
    make("strong", {}, inCapitals(facts.cn)),
    facts.o ? make("span", {}, facts.o) : say(make("span"), "key.person"),
    make("span", { class: "mono" }, say(make("span"), "key.pinfl"), ` ${mask(facts[PINFL] ?? "")}`),
    say(make("span", { class: days < SOON ? "until soon" : "until" }),
      valid ? "key.until" : "key.invalid",
      { date: () => (until ? day(until) : "?"), days: () => number(days) }),
  );
  return make("label", { class: "key-card" }, radio, rosette(facts.serialnumber ?? ""), lines);
}
