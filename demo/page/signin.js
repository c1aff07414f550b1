// Sign-in: a challenge of the server, signed by the agent or by a phone, and the server's word for
// who it was.

import { sign } from "./agent.js";
import { card } from "./certificates.js";
import { forget } from "./diagram.js";
import { find, make } from "./dom.js";
import { inCapitals, mask } from "./keys.js";
import { alone, clear, refuse, step, tell } from "./outcome.js";
import { signByPhone } from "./phone.js";
import { fromSite } from "./site.js";
import { day, say } from "./texts.js";

const GROUP = "signin";
let key = null;

/** Let the user sign in with this key. */
export function offerSignIn(chosen) {
  key = chosen;
  find("#signin").disabled = false;
  if (find("#step-signin").dataset.state === "waiting") step("signin", "active");
}

async function signIn() {
  begin();
  tell("signin", "agent.password");
  try {
    const { challenge } = await fromSite(GROUP, "GET", "/frontend/challenge");
    const pkcs7 = await sign(GROUP, key, challenge);
    show((await fromSite(GROUP, "POST", "/session", pkcs7)).user);
  } catch (error) {
    step("signin", "refused");
    refuse("signin", error);
  }
}

async function signInByPhone() {
  begin();
  step("signin", "active");
  try {
    if (await signByPhone("signin", beginByPhone)) {
      show((await fromSite(GROUP, "POST", "/mobile/session")).user);
    } else clear("signin");
  } catch (error) {
    step("signin", "refused");
    refuse("signin", error);
  }
}

/** The backend begins, so that only this browser can finish. */
async function beginByPhone() {
  const begun = await fromSite(GROUP, "POST", "/mobile/auth");
  return { ...begun, bytes: new TextEncoder().encode(begun.challange) };
}

async function signOut() {
  begin();
  try {
    show((await fromSite(GROUP, "DELETE", "/session")).user);
    tell("signin", "signin.ended");
    find("#signin").focus(); // the button that had it is gone
  } catch (error) {
    refuse("signin", error);
  }
}

function begin() {
  forget(GROUP);
  clear("signin");
}

function show(user) {
  clear("signin");
  find("#signout").hidden = user === null;
  find("#session").replaceChildren(...(user ? [userCard(user)] : []));
  if (user) step("signin", "done");
  else step("signin", key ? "active" : "waiting");
}

function userCard(user) {
  const number = (text) => text && make("span", { class: "mono" }, text);
  const time = (key, text) => say(make("span"), key, { date: () => day(new Date(text)) });
  return card("signin.role", user.serialNumber, inCapitals(user.name), [
    ["parties.organisation", user.organisation],
    ["key.pinfl", number(user.pinfl && mask(user.pinfl))],
    ["signin.inn", number(user.inn)],
    ["parties.serial", number(user.serialNumber)],
    ["signin.from", time("signin.date", user.validFromUtc)],
    ["parties.until", time("parties.date", user.validToUtc)],
  ]);
}

/** Show who is signed in since an earlier visit. */
export async function showUser() {
  try {
    show((await fromSite(GROUP, "GET", "/session")).user);
  } catch (error) {
    refuse("signin", error);
  }
}

find("#signin").addEventListener("click", () => alone("signin", signIn));
find("#signin-by-phone").addEventListener("click", () => alone("signin", signInByPhone));
find("#signout").addEventListener("click", () => alone("signin", signOut));
