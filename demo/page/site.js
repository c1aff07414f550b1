// The server of this site: what it passes on to the REST service, and its own backend.

import { drawn, Hop } from "./diagram.js";
import { current } from "./texts.js";

// The backend's calls to the REST service. The page does not see them.
const BEHIND = {
  "POST /session": "/backend/auth",
  "POST /document": "/backend/pkcs7/verify/attached",
  "POST /mobile/auth": "/frontend/mobile/auth",
  "POST /mobile/session": "/backend/mobile/authenticate",
  "POST /mobile/sign": "/frontend/mobile/sign",
  "POST /mobile/document": "/backend/mobile/verify",
  "POST /mobile/phone": "/frontend/mobile/upload",
};

const OWN = ["not_begun", "phone_failed"]; // reasons of this site's server

export class RefusedByService extends Error {
  /** The REST service said no; `answer` is all that it said, in the page's language. */
  constructor(answer) {
    super(answer.message);
    this.code = answer.reason;
    this.answer = answer;
    this.language = current();
  }
}

export class RefusedBySite extends Error {
  /** This site's own server said no. The page has the texts for `code`. */
  constructor({ reason, message }) {
    super(message);
    this.code = reason;
  }
}

export class SiteAway extends Error {
  /** The site's server does not answer, or its REST service does not answer it. */
  constructor(reason) {
    super(reason);
    this.code = "site_away";
  }
}

/** Ask the server and draw it as a part of `group`; `body` is what the path takes. */
export async function fromSite(group, verb, path, body) {
  const column = path.startsWith("/frontend/") ? "gateway" : "api";
  const hop = new Hop("page", column, `${verb} ${path}`).of(group);
  const behind = BEHIND[`${verb} ${path}`];
  const unseen = behind && new Hop("api", "gateway", behind, "told").of(group);
  try {
    const answer = await drawn(hop, fetched(verb, path, body));
    unseen?.done();
    return answer;
  } catch (error) {
    unseen?.refused();
    throw error;
  }
}

async function fetched(verb, path, body) {
  const answer = await ask(verb, path, body);
  if (OWN.includes(answer.reason)) throw new RefusedBySite(answer);
  if (answer.status !== 1) throw new RefusedByService(answer);
  return answer;
}

/** Ask the server; resolves to its answer, whatever it says. */
export async function ask(verb, path, body) {
  let answer;
  try {
    const headers = { "Accept-Language": current() };
    const response = await fetch(path, { method: verb, body, headers });
    if (!response.headers.get("Content-Type")?.startsWith("application/json")) {
      throw new Error(`HTTP ${response.status}`);
    }
    answer = await response.json();
  } catch (error) {
    throw new SiteAway(error.message);
  }
  if (answer.reason === "service_away") throw new SiteAway(answer.message);
  return answer;
}
