// Everything that can go wrong, as one class with a stable code.

import { say } from "./language.js";
import { TEXTS } from "./texts.js";

// The text of a code that has none of its own: the first that fits.
const GROUPS = [
  ["cancelled", /^aborted$/],
  ["password", /password|^busy$|^cannot_ask$/],
  ["key", /^key|^file_not|^disk_/],
  ["later", /_lost|_ended|_busy|unreachable|timed?_?out|shutting|load|rate|too_many_[ts]|opened|away/],
  ["closed", /^closed_/],
  ["other", /^/],
];

export class AgentError extends Error {
  /** `code` is a stable word, `message` a sentence for developers. */
  constructor(code, message = code, more) {
    super(message);
    Object.assign(this, { name: "AgentError", code }, more);
  }

  get #group() {
    const group = GROUPS.find(([, codes]) => codes.test(this.code));
    return Object.hasOwn(TEXTS, this.code) ? this.code : group[0];
  }

  /** Whether the same may succeed in a while. */
  get isTemporary() {
    return /no_agent|later/.test(this.#group);
  }

  /** What happened and what to do, for the user: in "uz", "uz-Cyrl", "ru" or "en". */
  text(language) {
    return say(this.#group, language, this);
  }
}

/** The error that a refused call means: our agent sends a code, E-IMZO a number and words. */
export function refusal({ code, status, reason, message = reason }) {
  const cancelled = /отмен|bekor|cancel/i.test(message) && "cancelled";
  const forgotten = status === -1010 && "key_not_found";
  return new AgentError(code || cancelled || forgotten || "refused", message, { status });
}

/** Why a tunnel ended, from the event of its end. */
export function whyEnded({ code: closeCode, reason }) {
  const word = /^10[01]1$/.test(closeCode) && /^(\w+): /.exec(reason)?.[1];
  const own = /^1000|^1005|^[34]/.test(closeCode);
  return new AgentError(word || (own ? "closed" : "connection_lost"), reason, { closeCode });
}
