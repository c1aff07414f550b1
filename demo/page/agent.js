// The agent on the user's machine, as the parts of this page call it.

import { call } from "./capiws.js";
import { drawn, Hop } from "./diagram.js";

let address = "";

/** Call the agent at this address from now on. */
export function useAgent(url) {
  address = url;
}

/** Call a function of the agent. */
export const ask = (plugin, name, parameters) => call(address, plugin, name, parameters);

/** Call a function of the agent and draw it, as a part of `group`. */
export function asked(group, plugin, name, parameters) {
  const hop = new Hop("page", "agent", plugin ? `${plugin}.${name}` : name).of(group);
  return drawn(hop, ask(plugin, name, parameters));
}

/** Load a key of the agent's list; resolves to its keyId. */
export async function loadKey(group, { disk, path, name, alias }) {
  return (await asked(group, "pfx", "load_key", [disk, path, name, alias])).keyId;
}

/** Sign data in BASE64 with a key of the list; resolves to a PKCS#7 that holds the data. */
export async function sign(group, key, data) {
  const keyId = await loadKey(group, key);
  return (await asked(group, "pkcs7", "create_pkcs7", [data, keyId, "no"])).pkcs7_64;
}
