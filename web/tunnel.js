// A tunnel as a standard WebSocket, opened again if the page wants that.

import { findAgent } from "./agent.js";
import { AgentError, whyEnded } from "./errors.js";
import { agreedKey } from "./keys.js";
import { now, WebSocket } from "./native.js";
import { complete, sleep, wait } from "./waiting.js";

const LOOPBACK = /^(127\.0\.0\.1|localhost):\d+\//;

/** Open a WebSocket; rejects with `not_opened`. */
const open = (signal, address, protocols) => wait(signal, (resolve, reject) => {
  const socket = new WebSocket(address, protocols);
  socket.onopen = () => resolve(socket);
  socket.onclose = () => reject(new AgentError("not_opened", address));
  return () => {
    socket.onopen = socket.onclose = null;
    if (socket.readyState !== WebSocket.OPEN) socket.close();
  };
});

async function connect(options) {
  const { destination, path = "/", protocols = [], signal, onstate } = options;
  const agent = await findAgent(options);
  const key = options.key = await agreedKey(agent, options);
  onstate({ state: "creating", key });
  const made = await agent.withKey(key, (keyId) => agent.call(
    "tunnel", "create_tunnel", destination, keyId));
  const place = made.address + path; // an at sign in either would name another machine
  if (!LOOPBACK.test(place)) throw new AgentError("bad_answer", place);
  onstate({ state: "connecting", made });
  const socket = await open(signal, `ws://${place}`, protocols);
  socket.addEventListener("close", (event) => onstate({
    state: "closed", socket, error: whyEnded(event) }));
  onstate({ state: "open", socket });
  return socket;
}

/** Wait until a WebSocket has closed; resolves to why. */
const ended = (signal, socket) => wait(signal, (resolve) => {
  const tell = (event) => resolve(whyEnded(event));
  socket.addEventListener("close", tell);
  return () => socket.removeEventListener("close", tell);
});

/** Open the tunnel again each time it ends, later and later if that does not help. */
async function keepOpen(first, options) {
  const { signal, onstate, reconnect: { least = 1000, most = 60_000 } } = options;
  let socket = first;
  let tries = 0;
  try {
    for (;;) {
      const since = now();
      let error = await ended(signal, socket);
      if (now() - since >= most) tries = 0;
      for (socket = null; !socket;) {
        if (!error.isTemporary) throw error;
        const delay = Math.min(most, least * 2 ** tries) * (0.5 + Math.random() / 2);
        tries += 1;
        onstate({ state: "waiting", delay, error });
        await sleep(signal, delay);
        socket = await connect(options).catch((fault) => { error = fault; });
      }
    }
  } catch (error) {
    onstate({ state: "ended", error });
  }
}

/** Open a tunnel to a destination; resolves to a WebSocket that is open. */
export async function openTunnel(options) {
  const given = complete(options);
  const socket = await connect(given);
  if (given.reconnect) keepOpen(socket, given);
  return socket;
}
