// The page: from finding the agent to the end of the tunnel, one step after another.

import { asked, chainOf, findAgent, listKeys, openTunnel } from "./agent.js";
import { certificateCard } from "./certificates.js";
import { Chart } from "./chart.js";
import { Closed, Conversation } from "./conversation.js";
import { drawn, forget, Hop } from "./diagram.js";
import { offerSigners, proposeSigner } from "./document.js";
import { find, make } from "./dom.js";
import { keyCard, mask } from "./keys.js";
import { clear, ending, refuse, step, tell } from "./outcome.js";
import { usePhone } from "./phone.js";
import { offerSignIn, showUser } from "./signin.js";
import { current, megabytes, milliseconds, number, say, speak, text, translate } from "./texts.js";

const RANDOM = 32_000_000;
const DIGESTED = 256 * 1024 * 1024; // a page digests only what it holds in memory
const SHOWN = 300; // characters of one message

let settings = {};
let keys = [];
let conversation = null;
let used = ""; // the address of the last tunnel
const chart = new Chart();

// --- the agent and its keys ---------------------------------------------------------------

async function begin() {
  find("#agent-retry").hidden = true;
  clear("agent");
  step("agent", "active");
  try {
    settings = await (await fetch("settings.json")).json();
    const agent = location.protocol === "https:" ? settings.wss : settings.ws;
    usePhone(settings.phone);
    find("#dst").value = settings.dst;
    const { major, minor } = await findAgent(agent, settings.apiKeys);
    fact("agent-facts", "agent.version", `${major}.${minor}`);
    fact("agent-facts", "agent.address", new URL(agent).host);
    fact("agent-facts", "agent.domain", location.hostname);
    step("agent", "done");
    await showKeys();
  } catch (error) {
    step("agent", "refused");
    refuse("agent", error);
    find("#agent-retry").hidden = false;
  }
}

async function showKeys() {
  step("key", "active");
  const listed = await listKeys();
  ({ keys } = listed);
  find("#keys").replaceChildren(find("#keys legend"), ...keys.map(
    (key, index) => keyCard(key, index, () => {
      find("#create").disabled = conversation !== null;
      step("key", "done");
      if (conversation === null) step("tunnel", "active");
      offerSignIn(key);
      proposeSigner(index);
    })));
  offerSigners(keys);
  const { silentDisks } = listed;
  if (silentDisks.length) tell("key", "key.silent", { disks: silentDisks.join(", ") });
  else if (keys.length === 0) tell("key", "key.none");
  translate();
}

function fact(list, key, value) {
  const found = find(`#${list} [data-fact="${key}"]`);
  if (found) found.replaceChildren(value);
  else {
    find(`#${list}`).append(make("div", {},
      say(make("dt"), key), make("dd", { class: "mono", "data-fact": key }, value)));
  }
}

// --- a tunnel -------------------------------------------------------------------------------

async function createTunnel(event) {
  event.preventDefault();
  const chosen = keys[find("#keys input:checked").value];
  find("#create").disabled = true;
  forget("tunnel");
  for (const name of ["tunnel", "parties", "talk", "file", "again", "close"]) clear(name);
  for (const id of ["tunnel-facts", "certificates", "talk"]) find(`#${id}`).replaceChildren();
  find("#progress").hidden = true;
  for (const name of ["parties", "talk", "file", "end"]) step(name, "waiting");
  step("tunnel", "active");
  try {
    tell("tunnel", "tunnel.making");
    const { socket, made, took } = await openTunnel("tunnel", find("#dst").value, chosen);
    used = made.address;
    fact("tunnel-facts", "tunnel.address", used);
    if (made.tunnel_id) fact("tunnel-facts", "tunnel.id", made.tunnel_id);
    beginConversation(socket, took);
    showParties(chosen, made).catch((error) => {
      step("parties", "refused");
      refuse("parties", error);
    });
  } catch (error) {
    step("tunnel", "refused");
    refuse("tunnel", error);
    find("#create").disabled = conversation !== null;
  }
}

function beginConversation(socket, took) {
  conversation = new Conversation(socket, {
    counted: (up, down) => {
      chart.up.count(up);
      chart.down.count(down);
    },
    closed: ended,
  });
  step("tunnel", "done");
  tell("tunnel", "tunnel.open", { time: () => milliseconds(took) });
  for (const name of ["talk", "file", "end"]) step(name, "active");
  enable(true);
  chart.start();
}

function ended(event) {
  conversation = null;
  enable(false);
  chart.stop();
  find("#again").disabled = false;
  find("#create").disabled = false;
  for (const name of ["talk", "file"]) step(name, "waiting");
  const values = { code: event.code, why: () => text(ending(event.reason)) };
  const closing = new Hop("api", "page", `close ${event.code}`, "sealed").of("tunnel");
  closing.done(event.reason);
  step("tunnel", "active");
  step("end", event.code === 1000 ? "done" : "refused");
  tell("close", event.code === 1000 ? "close.orderly" : "close.other", values);
  if (event.code !== 1000) {
    find("#close-outcome").append(say(make("p", { class: "advice" }), "close.advice"),
      make("p", { class: "hint", lang: "en" }, event.reason));
  }
}

function enable(open) {
  for (const button of document.querySelectorAll(
    "#say button, #file, #random, #again, #close")) button.disabled = !open;
}

async function showParties(key, made) {
  step("parties", "active");
  const { certificates: chain } = await chainOf("tunnel", key);
  const shown = [["user", chain[0]]];
  if (made.domain_certificates) shown.unshift(["domain", made.domain_certificates[0]]);
  for (const [role, certificate] of shown) {
    const info = await asked("tunnel", "x509", "get_certificate_info", [certificate]);
    find("#certificates").append(certificateCard(role, info.certificate_info));
  }
  if (!made.domain_certificates) tell("parties", "parties.unshown", { host: location.hostname });
  step("parties", "done");
}

// --- talking --------------------------------------------------------------------------------

async function sendMessage(event) {
  event.preventDefault();
  const message = find("#message").value;
  if (!message) return;
  find("#message").value = "";
  line("mine", make("span", {}, shorten(message)));
  const started = performance.now();
  await ask(async () => {
    const answer = await conversation.ask(message);
    line("theirs", make("span", {}, shorten(answer)), since(started));
  });
}

async function whoami() {
  line("mine", make("span", {}, "whoami"));
  const hop = new Hop("page", "api", "whoami", "sealed").of("tunnel");
  const started = performance.now();
  await ask(async () => {
    const seen = JSON.parse(await drawn(hop, conversation.ask("whoami")));
    line("theirs", make("dl", { class: "identity" }, ...Object.entries(seen).map(
      ([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, hidden(value))))),
    since(started));
  });
}

const hidden = (value) => value.replace(/\b\d{14}\b/g, mask); // personal numbers
const shorten = (message) => (message.length > SHOWN ? `${message.slice(0, SHOWN)}…` : message);

function since(started) {
  const took = performance.now() - started;
  return say(make("small"), "wire.took", { time: () => milliseconds(took) });
}

function line(whose, ...content) {
  const list = find("#talk");
  const said = make("div", { class: whose },
    say(make("span", { class: "who" }), `talk.${whose}`), ...content);
  list.append(said);
  list.scrollTop = said.offsetTop - list.offsetTop; // a long answer from its beginning
}

/** Do something that needs the tunnel; that it closed is told elsewhere. */
async function ask(doing) {
  try {
    await doing();
  } catch (error) {
    if (error.code !== "closed") throw error;
  }
}

async function sendFile(blob, name) {
  find("#file").disabled = find("#random").disabled = true;
  find("#progress").hidden = false;
  clear("file");
  const bar = find("#bar");
  const hop = new Hop("page", "api", megabytes(blob.size), "sealed").of("tunnel");
  const show = (arrived) => {
    bar.value = blob.size ? arrived / blob.size : 1;
    say(find("#progress-text"), "file.progress", {
      name, arrived: () => megabytes(arrived), size: () => megabytes(blob.size) });
  };
  show(0);
  await ask(async () => {
    const started = performance.now();
    const digest = await drawn(hop, conversation.upload(blob, show)).catch(unreadable);
    const seconds = (performance.now() - started) / 1000;
    tell("file", await same(blob, digest), {
      digest, size: () => megabytes(blob.size),
      rate: () => `${number(blob.size / 1e6 / seconds, 1)} ${text("unit.mbs")}` });
  });
  if (conversation) find("#file").disabled = find("#random").disabled = false;
}

// The API still waits for the rest of a file that cannot be read any more: the tunnel must go.
function unreadable(error) {
  if (error.code !== "closed") {
    refuse("file", { code: "file_unreadable", message: error.message });
    conversation.close();
  }
  throw new Closed();
}

// A page that came over plain http may not digest by itself.
async function same(blob, digest) {
  if (!crypto.subtle || blob.size > DIGESTED) return "file.arrived";
  const own = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  const hex = Array.from(own, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex === digest ? "file.same" : "file.differs";
}

function randomBytes() {
  const bytes = new Uint8Array(RANDOM);
  for (let start = 0; start < RANDOM; start += 65536) {
    crypto.getRandomValues(bytes.subarray(start, start + 65536));
  }
  return new Blob([bytes]);
}

// --- the end --------------------------------------------------------------------------------

function tryAgain() {
  find("#again").disabled = true;
  const hop = new Hop("page", "agent", `ws://${used}/`).of("tunnel");
  const again = new WebSocket(`ws://${used}/`);
  again.onopen = () => {
    hop.done();
    again.close();
    tell("again", "end.accepted");
  };
  again.onclose = () => {
    find("#again").disabled = false;
    if (hop.row.dataset.state === "done") return;
    const took = hop.refused();
    tell("again", "end.refused", { address: used, time: () => milliseconds(took) });
  };
}

for (const radio of document.querySelectorAll("#languages input")) {
  radio.checked = radio.value === current();
  radio.addEventListener("change", () => speak(radio.value));
}
find("#agent-retry").addEventListener("click", begin);
find("#make").addEventListener("submit", createTunnel);
find("#say").addEventListener("submit", sendMessage);
find("#whoami").addEventListener("click", whoami);
find("#file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) sendFile(file, file.name);
  target.value = "";
});
find("#random").addEventListener("click", () => sendFile(randomBytes(), text("file.random")));
find("#again").addEventListener("click", tryAgain);
find("#close").addEventListener("click", () => conversation.close());
translate();
showUser();
begin();
