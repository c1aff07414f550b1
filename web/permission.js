// The browser's question before a page may reach programs on the machine.

import { dialog, make } from "./dialog.js";
import { AgentError } from "./errors.js";
import { say } from "./language.js";

const NAMES = ["loopback-network", "local-network-access"]; // the second is the older one
const LOCAL = /^(localhost|127\.[\d.]+|\[::1\])$|\.localhost$/;

/** "prompt", "granted" or "denied"; "unknown" if the browser does not tell. */
export async function permission() {
  if (LOCAL.test(location.hostname)) return "granted"; // browsers do not ask about such pages
  for (const name of NAMES) {
    try {
      return (await navigator.permissions.query({ name })).state;
    } catch {
      // This browser does not know the name.
    }
  }
  return "unknown";
}

/** Tell the user of the question before it comes. */
export async function explain({ signal, lang }) {
  const text = say("permission", lang);
  await dialog(signal, lang, text, make("p", {}, text));
}

/** Why nobody answered, as far as the browser tells. */
export async function nobody() {
  if (!isSecureContext) return new AgentError("https_required");
  // A question that the user has left without an answer is still a "prompt".
  const isDenied = /denied|prompt/.test(await permission());
  return new AgentError(isDenied ? "not_allowed" : "no_agent");
}
