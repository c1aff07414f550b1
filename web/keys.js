// The keys that a program lists, and the one to use.

import { choose } from "./choice.js";
import { findAgent } from "./agent.js";
import { AgentError } from "./errors.js";
import { Date, now, replace, slice, split, UTC } from "./native.js";

const PINFL = "1.2.860.3.16.1.2";
const INN = "1.2.860.3.16.1.1";

/** `2028.11.23 23:59:59` of Tashkent in milliseconds; NaN if it is not so. */
function instant(text) {
  const [year, month, day, hours, minutes, seconds] = split(text, /[. :-]/);
  return UTC(year, month - 1, day, hours - 5, minutes, seconds);
}

/** What the alias of a key says. Its commas are cut marks: those of a value are U+201A. */
export function readKey(listed) {
  const facts = Object.fromEntries(split(listed.alias, ",").map((part) => {
    const [title, ...value] = split(part, "=");
    return [title, replace(value.join("="), /‚/g, ",")];
  }));
  const { validfrom = "?", validto = "?" } = facts;
  const [from, until] = [instant(validfrom), instant(validto)];
  return {
    ...listed,
    owner: facts.cn,
    organisation: facts.o,
    pinfl: facts[PINFL],
    inn: facts[INN] ?? facts.uid,
    serialNumber: facts.serialnumber,
    validFrom: new Date(from),
    validTo: new Date(until),
    dates: `${slice(validfrom, 0, 10)} – ${slice(validto, 0, 10)}`,
    usable: !(from > now()) && !(until <= now()),
  };
}

/** List the keys, each once: macOS shows a disk under two names. */
export async function keysOf(agent) {
  const answer = await agent.call("pfx", "list_all_certificates");
  const known = new Map(answer.certificates.map((one) => [one.alias, readKey(one)]));
  return { keys: [...known.values()], silentDisks: answer.silent_disks ?? [] };
}

/** Find who answers, and list the user's keys. */
export const listKeys = async (options) => keysOf(await findAgent({ tunnels: false, ...options }));

/** The key to use: the given one, the only usable one, or the one that the user chooses. */
export async function agreedKey(agent, { key, lang, signal, onstate }) {
  if (key?.alias) return key;
  const listed = await keysOf(agent);
  if (key) return key(listed);
  const usable = listed.keys.filter((one) => one.usable);
  if (usable.length === 1) return usable[0];
  if (!usable.length) throw new AgentError("no_keys");
  onstate({ state: "choosing" });
  return choose(signal, lang, listed);
}
