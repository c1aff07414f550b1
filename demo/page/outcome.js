// What came of a step: a line in the page's language, and for a refusal its reason and what to do.

import { make } from "./dom.js";
import { say, text } from "./texts.js";

/** Set a step's state: waiting, active, done or refused. */
export function step(name, state) {
  document.querySelector(`#step-${name}`).dataset.state = state;
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

/** Say what was refused, why, and what the user can do. */
export function refuse(name, error) {
  const code = error.code || "unknown";
  const advice = text(`do.${code}`) ? `do.${code}` : "do.unknown";
  place(name).replaceChildren(make("div", { class: "refusal" },
    make("p", {}, say(make("strong"), "refused"), " ", make("code", {}, code)),
    ...(error.message ? [make("p", {}, error.message)] : []),
    say(make("p", { class: "advice" }), advice, { host: location.hostname }),
  ));
}
