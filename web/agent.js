// The programs on the user's machine that answer pages: our agent, which makes tunnels, and E-IMZO.

import { AgentError, refusal } from "./errors.js";
import { parse, stringify, WebSocket } from "./native.js";
import { asksUser, explain, nobody, permission } from "./permission.js";
import { checkSignal, complete, sleep, wait } from "./waiting.js";

const MAX_SOCKETS = 8; // the agent lets a page have 16, and other scripts of the page need some
const HEAD_START = 1000;
const PATIENCE = 5000;
const PATIENCE_WITH_QUESTION = 60_000; // the browser may be asking the user
const WS = ["ws://127.0.0.1:64646", "ws://127.0.0.1:64647"];
const WSS = ["wss://127.0.0.1:64443", "wss://127.0.0.1:64444"];

let free = MAX_SOCKETS;
const queue = new Set();
const loaded = new Map();

/** Do `work` when a socket is free. */
async function inTurn(signal, work) {
  if (free) free -= 1;
  else {
    await wait(signal, (resolve) => {
      queue.add(resolve);
      return () => queue.delete(resolve);
    });
  }
  try {
    return await work();
  } finally {
    const [next] = queue;
    if (next) next();
    else free += 1;
  }
}

/** Make one call on a socket of its own, because E-IMZO answers once and closes. */
const ask = (signal, address, call) => inTurn(signal, () => wait(signal, (resolve, reject) => {
  const socket = new WebSocket(`${address}/service/cryptapi`);
  const lost = () => reject(new AgentError("agent_lost", address));
  socket.onopen = () => socket.send(stringify(call));
  socket.onclose = lost;
  socket.onmessage = ({ data }) => {
    try {
      const answer = parse(data);
      if (answer.success) resolve(answer);
      else reject(refusal(answer));
    } catch {
      lost();
    }
  };
  return () => {
    socket.onopen = socket.onclose = socket.onmessage = null;
    socket.close();
  };
}));

/** A program that answers at an address. */
export class Agent {
  constructor(found, signal) {
    Object.assign(this, found, { signal });
  }

  /** Call a function; the plugin of `version`, `apidoc` and `apikey` is "". */
  call(plugin, name, ...parameters) {
    return ask(this.signal, this.address, { ...plugin && { plugin }, name, arguments: parameters });
  }

  /** Use a key by its keyId. Calls share it, so that the user enters the password once. */
  async withKey(key, use, tries = 2) {
    const parts = [key.disk, key.path, key.name, key.alias];
    const place = stringify([this.address, parts]);
    const loading = loaded.get(place) ?? this.call("pfx", "load_key", ...parts);
    loaded.set(place, loading);
    try {
      return await use((await loading).keyId);
    } catch (error) {
      if (loaded.get(place) === loading) loaded.delete(place);
      checkSignal(this.signal);
      // The agent forgets a key after a time, and the caller that has begun to load it may stop.
      if (tries === 1 || !/^(key_not_found|aborted)$/.test(error.code)) throw error;
    }
    return this.withKey(key, use, tries - 1);
  }
}

/** Who answers at an address. E-IMZO may refuse `apidoc`, and is an answer all the same. */
async function probe(signal, address) {
  const { apidoc = [] } = await ask(signal, address, { name: "apidoc" }).catch((error) => {
    if (/^(agent_lost|aborted)$/.test(error.code)) throw error;
    return {};
  });
  const tunnels = apidoc.some(({ functions }) => functions.some(
    ({ plugin, name }) => `${plugin}.${name}` === "tunnel.create_tunnel"));
  return { address, tunnels };
}

/**
 * Ask some addresses at once; resolves to the first that makes tunnels, or else that answers. A program
 * that is only faster does not come before the address that is before its own.
 */
async function findAmong(addresses, { signal, patience, tunnels = true }) {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal, AbortSignal.timeout(patience)]);
  const answers = addresses.map((address) => probe(until, address));
  const agents = answers.map(async (answer, index) => {
    if (!(await answer).tunnels) throw answer;
    await Promise.race([agents[index - 1], sleep(until, HEAD_START)]).catch(() => {});
    return answer;
  });
  try {
    return await Promise.any(agents).catch(() => Promise.any(tunnels ? [] : answers));
  } catch {
    return undefined; // nobody
  } finally {
    stop.abort();
  }
}

/**
 * Find the agent and install the page's API-KEY. Nothing is remembered of an earlier failure.
 * With `tunnels: false`, E-IMZO is good enough: it signs, too.
 */
export async function findAgent(options) {
  const given = complete({ explain, ...options });
  const { signal, domain, apiKey, addresses, lang } = given;
  checkSignal(signal);
  const state = await permission();
  if (asksUser(state) && given.explain) await given.explain({ signal, lang });
  given.onstate({ state: "finding" });
  given.patience ??= state === "prompt" ? PATIENCE_WITH_QUESTION : PATIENCE;
  const groups = location.protocol === "https:" ? [WSS, WS] : [WS, WSS];
  let found;
  for (const group of addresses ? [addresses] : groups) {
    found ??= await findAmong(group, given);
    checkSignal(signal);
  }
  if (!found) throw await nobody();
  const agent = new Agent(found, signal);
  await agent.call("", "apikey", ...typeof apiKey === "string" ? [domain, apiKey] : apiKey);
  return agent;
}
