// Sign-in and signed documents, for the REST service behind the site's own server.

import { findAgent } from "./agent.js";
import { AgentError } from "./errors.js";
import { agreedKey } from "./keys.js";
import { replace } from "./native.js";
import { checkSignal, complete } from "./waiting.js";

/** Text, bytes or a file in BASE64. */
const toBase64 = (content) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(replace(reader.result, /.*?,/, ""));
  reader.onerror = () => reject(new AgentError("file_unreadable"));
  reader.readAsDataURL(new Blob([content]));
});

/** Ask the site's server: with a body by POST. Resolves to its answer, JSON or text. */
async function fromSite({ signal }, path, body) {
  let response;
  let answer;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", body, signal });
    const isJson = /json/.test(response.headers.get("content-type"));
    answer = await (isJson ? response.json() : response.text());
  } catch (error) {
    checkSignal(signal);
    throw new AgentError("site_away", error.message);
  }
  const { status = 1, reason, message } = answer;
  if (response.ok && status === 1) return answer;
  throw new AgentError(reason ?? "site_refused", message ?? `HTTP ${response.status}`, { answer });
}

/**
 * Sign a document; resolves to `pkcs7` in BASE64, with a time stamp if `timestamp` says where one is
 * given, and to the `answer` of the server if `post` says where to send it.
 */
export async function sign(options) {
  const given = complete({ tunnels: false, ...options });
  const { document, detached, timestamp, post, onstate } = given;
  const data = await toBase64(document);
  const agent = await findAgent(given);
  const key = await agreedKey(agent, given);
  onstate({ state: "signing", key });
  const signed = await agent.withKey(key, (keyId) => agent.call(
    "pkcs7", "create_pkcs7", data, keyId, detached ? "yes" : "no"));
  let pkcs7 = signed.pkcs7_64;
  if (timestamp) pkcs7 = (await fromSite(given, timestamp, pkcs7)).pkcs7b64;
  return { pkcs7, answer: post && await fromSite(given, post, pkcs7) };
}

/** Sign in: a challenge of the REST service, signed, and sent to the site's own server. */
export async function signIn({ challenge = "/frontend/challenge", post = "/session", ...others }) {
  const given = complete(others);
  const { challenge: document } = await fromSite(given, challenge);
  return (await sign({ ...given, document, post })).answer;
}
