// The signers of a document as a table, as the REST service has verified them.

import { make } from "./dom.js";
import { inCapitals, mask, PINFL } from "./keys.js";
import { moment, say } from "./texts.js";

const COLUMNS = ["signer.name", "signer.signed", "signer.stamp", "signer.certificate"];

/** A table of `pkcs7Info.signers`. */
export function signersTable(signers) {
  const heads = COLUMNS.map((key) => say(make("th", { scope: "col" }), key));
  return make("table", { class: "signers" },
    say(make("caption", { class: "unseen" }), "signer.caption"),
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...signers.map(signerRow)));
}

function signerRow(signer) {
  const certificate = signer.certificate[0];
  const subject = certificate?.subjectInfo ?? {};
  const [isGood, key, values] = standing(signer);
  const cells = [
    [
      make("strong", {}, inCapitals(subject.CN)),
      subject.O ? make("span", {}, inCapitals(subject.O)) : say(make("span"), "key.person"),
      ...(subject[PINFL] ? [make("span", { class: "mono" }, mask(subject[PINFL]))] : []),
    ],
    [signer.signingTimeUtc ? at(signer.signingTimeUtc) : say(make("span"), "signer.none")],
    signer.timeStampInfo ? stamp(signer.timeStampInfo) : [say(make("span"), "signer.none")],
    [
      make("span", { class: "mono" }, signer.signerId.subjectSerialNumber),
      say(make("span", { class: isGood ? "good" : "bad" }), key, values),
    ],
  ];
  return make("tr", { "data-good": isGood }, ...cells.map((content, column) =>
    make("td", {}, say(make("span", { class: "label" }), COLUMNS[column]), ...content)));
}

const time = (text) => ({ time: () => moment(new Date(text)) });
const at = (text) => say(make("span", { class: "time" }), "signer.time", time(text));

function stamp(info) {
  const authority = info.certificate[0]?.subjectInfo.CN ?? info.tsa ?? "";
  return [
    at(info.timeUtc),
    make("span", {}, authority),
    ...(info.verified ? [] : [say(make("span", { class: "bad" }), "signer.stamp_wrong")]),
  ];
}

/** Whether a signature is good, and the text that says it or what is wrong. */
function standing(signer) {
  const revoked = signer.revokedStatusInfo;
  if (!signer.exception) {
    return revoked // later than the time stamp
      ? [true, "signer.revoked_later", time(revoked.revocationTimeUtc)]
      : [true, "signer.good", time(signer.statusUpdatedAtUtc)];
  }
  if (!signer.verified) return [false, "signer.not_verified"];
  if (revoked) return [false, "signer.revoked", time(revoked.revocationTimeUtc)];
  return [false, signer.certificateVerified ? "signer.not_valid" : "signer.untrusted"];
}
