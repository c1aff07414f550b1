// The two parties of a tunnel as cards.

import { make } from "./dom.js";
import { inCapitals, mask, parseTime, PINFL } from "./keys.js";
import { rosette } from "./rosette.js";
import { day, say } from "./texts.js";

/** A card of a certificate, as `x509.get_certificate_info` tells of it. */
export function certificateCard(role, { subjectInfo, issuerInfo, serialNumber, validTo }) {
  const until = parseTime(validTo);
  const rows = [
    ["parties.organisation", subjectInfo.O],
    ["key.pinfl", subjectInfo[PINFL] && make("span", { class: "mono" }, mask(subjectInfo[PINFL]))],
    ["parties.serial", make("span", { class: "mono" }, serialNumber)],
    ["parties.until", until && say(make("span"), "parties.date", { date: () => day(until) })],
    ["parties.issuer", issuerInfo.CN],
  ];
  return make("article", { class: "certificate", "data-role": role },
    rosette(serialNumber),
    say(make("p", { class: "role" }), `parties.${role}`),
    make("h3", {}, role === "user" ? inCapitals(subjectInfo.CN) : subjectInfo.CN ?? ""),
    make("dl", { class: "facts" }, ...rows.filter(([, value]) => value).map(([key, value]) =>
      make("div", {}, say(make("dt"), key), make("dd", {}, value)))));
}
