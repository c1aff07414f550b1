// What came of a step: a line in the page's language, and for a refusal its reason and what to do.

import { make } from "./dom.js";
import { say, text } from "./texts.js";

/** Set a step's state: waiting, active, done or refused. */
export function step(name, state) {
  document.querySelector(`#step-${name}`).dataset.state = state;
}

/**
 * Do something of a step, unless it is doing something already. Its buttons are not disabled
 * meanwhile: a disabled button loses the focus, and the keyboard its place.
 */
export async function alone(name, doing) {
  const { dataset } = document.querySelector(`#step-${name}`);
  if ("busy" in dataset) return;
  dataset.busy = "";
  try {
    await doing();
  } finally {
    delete dataset.busy;
  }
}

/** Where a step says what came of it. */
const place = (name) => document.querySelector(`#${name}-outcome, #step-${name} .outcome`);

export function clear(name) {
  place(name).replaceChildren();
}

/** Say what is happening or how it went. */
export function tell(name, key, values) {
  place(name).replaceChildren(say(make("p", { class: "told" }), key, values));
}

const BY_THE_GATEWAY = "the gateway refused: ";

/** The key of the text `kind` ("why", "do") for a code; some differ when the gateway refused. */
function keyed(kind, code, reason = "") {
  const keys = [`${kind}.${code}`, `${kind}.unknown`];
  if (reason.startsWith(BY_THE_GATEWAY)) keys.unshift(`${kind}.${code}.gateway`);
  return keys.find((key) => text(key));
}

/** Say what was refused, why, and what the user can do. */
export function refuse(name, error) {
  place(name).replaceChildren(error.answer ? byService(error) : byAgent(error));
}

/** The REST service gives its reason in the page's language. */
function byService({ answer, language }) {
  return make("div", { class: "refusal" },
    make("p", {}, say(make("strong"), "refused"), " ",
      make("code", {}, `${answer.status} ${answer.reason}`)),
    make("p", { lang: language }, answer.message));
}

/** For a code of the agent, the page has the texts; the agent's own words stand below them. */
function byAgent(error) {
  const code = error.code || "unknown";
  const values = { host: location.hostname };
  const reason = error.message ?? "";
  return make("div", { class: "refusal" },
    make("p", {}, say(make("strong"), "refused"), " ", make("code", {}, code)),
    say(make("p"), keyed("why", code, reason), values),
    say(make("p", { class: "advice" }), keyed("do", code, reason), values),
    ...(reason && reason !== code ? [make("p", { class: "hint", lang: "en" }, reason)] : []),
  );
}

/** The key of the text that says why a tunnel ended; `reason` is "word: sentence", or empty. */
export function ending(reason) {
  const key = `why.${reason.split(":")[0]}`;
  const keys = reason.includes("the agent") ? [key] : [`${key}.gateway`, key];
  return keys.find((one) => text(one)) ?? "close.silent";
}
