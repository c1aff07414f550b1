// The agent on the user's machine, as the parts of this page use it: by the library in web/.

import * as library from "./web/index.js";
import { drawn, Hop } from "./diagram.js";
import { current } from "./texts.js";

let where = {};
let agent = null;

const options = () => ({ ...where, lang: current() });
const hop = (group, name) => new Hop("page", "agent", name).of(group);

/** Find the agent at this address and install the page's API-KEYs; resolves to its version. */
export async function findAgent(address, apiKey) {
  where = { addresses: [address], apiKey };
  agent = await drawn(hop("agent", "apidoc, apikey"), library.findAgent(options()));
  return asked("agent", "", "version");
}

/** Call a function of the agent and draw it, as a part of `group`. */
export function asked(group, plugin, name, parameters = []) {
  const call = agent.call(plugin, name, ...parameters);
  return drawn(hop(group, plugin ? `${plugin}.${name}` : name), call);
}

/** The user's keys and the disks that do not answer. */
export const listKeys = () => drawn(
  hop("agent", "pfx.list_all_certificates"), library.listKeys(options()));

/** Sign text or bytes with a key of the list; resolves to a PKCS#7 that holds them. */
export async function sign(group, key, document) {
  const signing = library.sign({ ...options(), key, document });
  return (await drawn(hop(group, "pkcs7.create_pkcs7"), signing)).pkcs7;
}

/** The certificates of a key of the list, as `x509.get_certificate_info` tells of the first. */
export const chainOf = (group, key) => agent.withKey(
  key, (keyId) => asked(group, "x509", "get_certificate_chain", [keyId]));

/**
 * Open a tunnel and draw how; resolves to its WebSocket, to what `tunnel.create_tunnel` answered, and
 * to the hop of the WebSocket itself.
 */
export async function openTunnel(group, destination, key) {
  let hops = [];
  let made = null;
  const next = (...begun) => {
    hops.forEach((one, place) => one.done(place ? "" : made?.address));
    hops = begun;
  };
  const onstate = (now) => {
    if (now.state === "finding") next(hop(group, "apidoc, apikey"));
    if (now.state === "creating") {
      next(hop(group, "tunnel.create_tunnel"), new Hop("agent", "gateway", "", "told").of(group));
      hops[1].say("wire.handshake");
    }
    if (now.state === "connecting") {
      ({ made } = now);
      next(new Hop("page", "api", `ws://${made.address}/`, "sealed").of(group));
    }
  };
  try {
    const socket = await library.openTunnel({ ...options(), destination, key, onstate });
    return { socket, made, took: hops[0].done() };
  } catch (error) {
    for (const one of hops) one.refused(error.code);
    throw error;
  }
}
