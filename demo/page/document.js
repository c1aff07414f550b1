// A document: signed by the agent or a phone, stamped and joined by the REST service, verified by the
// backend.

import { sign } from "./agent.js";
import { fromBase64, placeOf, toBase64 } from "./bytes.js";
import { forget } from "./diagram.js";
import { find, make } from "./dom.js";
import { inCapitals } from "./keys.js";
import { alone, clear, refuse, step, tell } from "./outcome.js";
import { signByPhone } from "./phone.js";
import { signersTable } from "./signers.js";
import { fromSite } from "./site.js";
import { kilobytes, say, text } from "./texts.js";

const GROUP = "document";
const MAX_SIZE = 1024 * 1024; // the server takes two messages of such a document at once
let keys = [];
let file = null;
let content = null; // the bytes of the document, from the first signing on
let message = ""; // the PKCS#7 of all its signers, in BASE64
let shown = null; // what was verified last: the message, or its changed copy

/** Let the user sign with these keys. */
export function offerSigners(listed) {
  keys = listed;
  find("#signer").replaceChildren(...keys.flatMap(({ owner, organisation, usable }, index) => {
    const name = [owner, organisation].filter(Boolean).map(inCapitals).join(", ");
    return usable ? [make("option", { value: index }, name)] : [];
  }));
  if (!message) step("document", "active");
  show();
}

/** Propose the key that the user has chosen, while nobody has signed. */
export function proposeSigner(index) {
  if (!message) find("#signer").value = index;
}

/** Sign with a key of the agent, and stamp; resolves to the PKCS#7. */
async function signByAgent() {
  const signer = keys[find("#signer").value];
  tell("document", "agent.password");
  const signed = await sign(GROUP, signer, content);
  tell("document", "document.stamping");
  const { pkcs7b64 } = await fromSite(GROUP, "POST", "/frontend/timestamp/pkcs7", signed);
  proposeNext();
  return pkcs7b64;
}

/** Let a phone sign. The service stamps. Resolves to the PKCS#7, or to nothing if the user stops. */
async function signWithCard() {
  const begin = async () => ({ ...await fromSite(GROUP, "POST", "/mobile/sign"), bytes: content });
  if (!await signByPhone("document", begin)) return "";
  return (await fromSite(GROUP, "POST", "/mobile/document", toBase64(content))).pkcs7Attached;
}

/** Sign in one of the two ways, join with the earlier signatures, and verify. */
async function addSignature(signing) {
  try {
    content ??= await chosen();
    show();
    const signed = await signing();
    if (signed) {
      message = message
        ? (await fromSite(GROUP, "POST", "/frontend/pkcs7/join", `${message}|${signed}`)).pkcs7b64
        : signed;
      await verify({ pkcs7: message });
    } else {
      if (!message) content = null;
      clear("document");
    }
  } catch (error) {
    if (!message) content = null;
    step("document", "refused");
    refuse("document", error);
  }
  show();
}

const chosen = async () => new Uint8Array(file
  ? await file.arrayBuffer()
  : new TextEncoder().encode(find("#document").value));

async function signByPhoneIfWritten() {
  if (!find("#sign-document").reportValidity()) return;
  step("document", "active");
  await addSignature(signWithCard);
}

function proposeNext() {
  const { options, selectedIndex } = find("#signer");
  find("#signer").selectedIndex = (selectedIndex + 1) % options.length;
}

/** Let the backend verify a message, and show its verdict with the signers. */
async function verify(what) {
  shown = what;
  tell("document", "document.verifying");
  let info = null;
  try {
    ({ pkcs7Info: info } = await fromSite(GROUP, "POST", "/document", what.pkcs7));
    step("document", "done");
    tell("document", "document.valid", { count: info.signers.length });
  } catch (error) {
    info = error.answer?.pkcs7Info;
    step("document", "refused");
    refuse("document", error);
  }
  if (what.change) {
    find("#document-outcome").prepend(say(make("p", { class: "told" }), "document.changed", what.change));
  }
  find("#signers").replaceChildren(...(info ? [signersTable(info.signers)] : []));
  show();
}

/** Verify a copy of the message with one bit changed: in the middle of the document. */
function verifyChanged() {
  const bytes = fromBase64(message);
  const place = Math.max(placeOf(content, bytes), 0) + Math.floor(content.length / 2);
  const before = bytes[place];
  bytes[place] ^= 1;
  const change = { number: place + 1, before: hex(before), after: hex(bytes[place]) };
  return verify({ pkcs7: toBase64(bytes), change });
}

const hex = (byte) => byte.toString(16).padStart(2, "0");

function beginAnew() {
  forget(GROUP);
  clear("document");
  [file, content, message, shown] = [null, null, "", null];
  find("#signers").replaceChildren();
  step("document", "active");
  show();
  find("#document").focus();
}

/** Show what can be done now. */
function show() {
  const isSigned = message !== "";
  find("#sign").disabled = keys.length === 0;
  say(find("#sign"), isSigned ? "document.add" : "document.sign");
  find("#document").readOnly = content !== null;
  find("#document").disabled = file !== null;
  find("#document-file").disabled = content !== null;
  find("#document-after").hidden = !isSigned;
  find("#document-name").textContent = file ? `${file.name}, ${kilobytes(file.size)}` : "";
}

function choose({ target }) {
  const [one] = target.files;
  target.value = "";
  if (!one) return;
  clear("document");
  if (one.size > MAX_SIZE) tell("document", "document.too_large", { size: () => kilobytes(MAX_SIZE) });
  else if (one.size === 0) tell("document", "document.empty");
  else file = one;
  show();
}

find("#document").value = text("document.sample");
for (const [id, event, doing] of [
  ["document-file", "change", choose],
  ["sign-document", "submit", () => addSignature(signByAgent)],
  ["document-by-phone", "click", signByPhoneIfWritten],
  ["verify", "click", () => verify({ pkcs7: message })],
  ["change", "click", verifyChanged],
  ["anew", "click", beginAnew],
]) {
  find(`#${id}`).addEventListener(event, (happened) => {
    happened.preventDefault();
    alone("document", () => doing(happened));
  });
}
// The service says what is wrong in one language: ask again in the new one.
document.addEventListener("spoken", () => {
  if (shown && find("#step-document").dataset.state === "refused") {
    alone("document", () => verify(shown));
  }
});
