// A small dialog in the page.

import { AgentError } from "./errors.js";
import { say, spoken } from "./language.js";
import { wait } from "./waiting.js";

/** Make an element with these properties and children. */
export function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/**
 * Show a dialog until the user goes on; if they do not, the code is `cancelled`.
 * With `isChoice`, the user must change something in the content first.
 */
export const dialog = (signal, lang, ariaLabel, content, isChoice) => (
  wait(signal, (resolve, reject) => {
    const button = (text, value) => make("button", { onclick: () => shown.close(value) }, text);
    const yes = button("OK", "yes");
    const no = button(say("cancel", lang), "");
    const style = "color-scheme: light dark";
    const onclose = () => (shown.returnValue ? resolve() : reject(new AgentError("cancelled")));
    const shown = make(
      "dialog", { lang: spoken(lang), ariaLabel, style, onclose }, content, yes, " ", no);
    yes.disabled = isChoice;
    content.onchange = () => {
      yes.disabled = false;
    };
    document.body.append(shown);
    shown.showModal();
    return () => shown.remove();
  }));
