// The browser's question before a page may reach programs on the machine.

import { dialog, make } from "./dialog.js";
import { AgentError } from "./errors.js";
import { say } from "./language.js";

const LOCAL = /^(localhost|127\.[\d.]+|\[::1\])$|\.localhost$/;

/** "prompt", "granted" or "denied"; "unknown" if the browser does not tell. */
export async function permission() {
  if (LOCAL.test(location.hostname)) return "granted"; // browsers do not ask about such pages
  try {
    return (await navigator.permissions.query({ name: "loopback-network" })).state;
  } catch {
    return "unknown";
  }
}

/**
 * Whether the browser asks in this state. Firefox says "prompt" to all, and asks only those who have
 * chosen its strict protection.
 */
export const asksUser = (state) => state === "prompt" && !/Firefox/.test(navigator.userAgent);

/** Tell the user of the question before it comes. */
export async function explain({ signal, lang }) {
  const text = say("permission", lang);
  await dialog(signal, lang, text, make("p", {}, text));
}

/** Why nobody answered, as far as the browser tells. */
export async function nobody() {
  if (!isSecureContext) return new AgentError("https_required");
  const state = await permission();
  // A question that the user has left without an answer is still a "prompt".
  return new AgentError(state === "denied" || asksUser(state) ? "not_allowed" : "no_agent");
}
