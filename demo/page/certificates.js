// The two parties of a tunnel as cards.

import { make } from "./dom.js";
import { inCapitals, mask, parseAlias, parseTime } from "./keys.js";
import { rosette } from "./rosette.js";
import { day, say } from "./texts.js";

const PINFL = "1.2.860.3.16.1.2";

/** A card of a certificate, as `x509.get_certificate_info` tells of it. */
export function certificateCard(role, info) {
  const subject = parseAlias(info.subjectName ?? "");
  const rows = [
    ["parties.serial", make("span", { class: "mono" }, info.serialNumber ?? "")],
    ["parties.until", date(info.validTo)],
    ["parties.issuer", make("span", {}, parseAlias(info.issuerName ?? "").cn ?? info.issuerName ?? "")],
  ];
  const pinfl = subject[PINFL];
  if (pinfl) rows.unshift(["key.pinfl", make("span", { class: "mono" }, mask(pinfl))]);
  if (subject.o) rows.unshift(["parties.organisation", make("span", {}, subject.o)]);
  return make("article", { class: "certificate", "data-role": role },
    rosette(info.serialNumber ?? ""),
    make("div", { class: "lines" },
      say(make("p", { class: "role" }), `parties.${role}`),
      make("h3", {}, role === "user" ? inCapitals(subject.cn) : subject.cn ?? ""),
      make("dl", { class: "facts" }, ...rows.map(([key, value]) => make("div", {},
        say(make("dt"), key), make("dd", {}, value)))),
    ));
}

function date(text) {
  const found = parseTime(text);
  return found ? say(make("span"), "parties.date", { date: () => day(found) })
    : make("span", {}, text ?? "");
}
