// Certificates as cards: the parties of a tunnel, and the signed-in user.

import { make } from "./dom.js";
import { inCapitals, mask, parseTime, PINFL } from "./keys.js";
import { rosette } from "./rosette.js";
import { day, say } from "./texts.js";

/** A card with the rosette of `serial`; rows without a value are left out. */
export function card(role, serial, heading, rows) {
  return make("article", { class: "certificate", "data-role": role.split(".")[1] },
    rosette(serial),
    say(make("p", { class: "role" }), role),
    make("h3", {}, heading),
    make("dl", { class: "facts" }, ...rows.filter(([, value]) => value).map(([key, value]) =>
      make("div", {}, say(make("dt"), key), make("dd", {}, value)))));
}

/** A card of a certificate, as `x509.get_certificate_info` tells of it. */
export function certificateCard(role, { subjectInfo, issuerInfo, serialNumber, validTo }) {
  const until = parseTime(validTo);
  const name = role === "user" ? inCapitals(subjectInfo.CN) : subjectInfo.CN ?? "";
  return card(`parties.${role}`, serialNumber, name, [
    ["parties.organisation", subjectInfo.O],
    ["key.pinfl", subjectInfo[PINFL] && make("span", { class: "mono" }, mask(subjectInfo[PINFL]))],
    ["parties.serial", make("span", { class: "mono" }, serialNumber)],
    ["parties.until", until && say(make("span"), "parties.date", { date: () => day(until) })],
    ["parties.issuer", issuerInfo.CN],
  ]);
}
