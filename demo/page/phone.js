// A signature by phone: the QR code, the way to the application, and the wait until it has signed.

import { Hop } from "./diagram.js";
import { find, make } from "./dom.js";
import { codeOf, deeplinkOf } from "./mobile.js";
import { tell } from "./outcome.js";
import { ask, fromSite, RefusedByService, SiteAway } from "./site.js";
import { clock, label, say } from "./texts.js";

const SECOND = 1000;
const GOOD = 300; // seconds that a code is good, unless the server says it
const SILENCES = 10; // times in a row that the site may not answer: phones change their network
const [SIGNED, WAITING, GONE] = [1, 2, -2]; // what the server says of a documentId
const NOT_NOW = [-429, -503];
const AWAY = 0; // no answer, or not now
let command = ""; // what plays the phone, without the code

/** Offer the phone of this command beside each code. */
export function usePhone(given) {
  command = given ?? "";
}

/**
 * Let a phone sign as a part of the step `name`; resolves to whether it has. `begin` asks the site
 * for the siteId and the documentId and adds the `bytes` to sign. A new code begins again.
 */
export async function signByPhone(name, begin) {
  const place = find(`#${name}-phone`);
  const panel = new Panel(name, place);
  try {
    let end = "again";
    while (end === "again") end = await panel.show(await begin());
    return end === "signed";
  } finally {
    const isLeft = place.contains(document.activeElement);
    place.replaceChildren();
    if (isLeft) find(`#${name}-by-phone`).focus();
  }
}

class Panel {
  #choose; // ends the wait: "stopped", or "again" for a new code
  #isOver = false;

  constructor(name, place) {
    this.name = name;
    this.place = place;
  }

  /** Show the code of what was begun, and wait: for "signed", "stopped" or "again". */
  async show({ siteId, documentId, ttl = GOOD, bytes }) {
    const code = await codeOf(siteId, documentId, bytes);
    const until = Date.now() + ttl * SECOND;
    const timer = make("p", { class: "left", role: "timer" });
    const tick = () => say(timer, "phone.left", { time: clock(Math.max(0, until - Date.now())) });
    tick();
    this.#fill("waiting",
      label(make("img", { class: "qr", src: `mobile/qr/${code}`, width: 245, height: 245 }), "phone.picture"),
      make("div", { class: "way" },
        say(make("p", {}), "phone.hint", { host: location.host }),
        timer,
        make("div", { class: "row" },
          say(make("a", { class: "button main", href: deeplinkOf(code) }), "phone.open"),
          this.#button("phone.stop", "stopped"))),
      ...(command ? [this.#development(code)] : []));
    tell(this.name, "phone.waiting");
    const choice = new Promise((resolve) => { this.#choose = resolve; });
    const ticking = setInterval(tick, SECOND);
    this.#isOver = false;
    let end;
    try {
      end = await Promise.race([choice, this.#poll(documentId, until)]);
    } finally {
      this.#isOver = true;
      clearInterval(ticking);
    }
    if (end === "signed") tell(this.name, "phone.signed");
    if (end !== "expired") return end;
    tell(this.name, "phone.expired");
    this.#fill("expired", make("div", { class: "row" },
      this.#button("phone.again", "again", "main"), this.#button("phone.stop", "stopped")));
    return choice;
  }

  /** Ask about once a second, while the page is seen: is it signed? */
  async #poll(documentId, until) {
    const hop = new Hop("page", "gateway", "POST /frontend/mobile/status").of(this.name);
    let silences = 0;
    while (!this.#isOver) {
      await seen();
      const status = await statusOf(documentId).catch((error) => {
        silences += 1;
        if (error instanceof SiteAway && silences < SILENCES) return AWAY;
        hop.refused(error.code);
        throw error;
      });
      if (status !== AWAY) silences = 0;
      if (status === SIGNED) {
        hop.done();
        return "signed";
      }
      if (status === GONE || Date.now() >= until) {
        hop.refused(String(status));
        return "expired";
      }
      await pause();
    }
    hop.done();
    return "stopped";
  }

  #button(key, choice, look = "") {
    const made = say(make("button", { type: "button", class: look }), key);
    made.addEventListener("click", () => this.#choose(choice));
    return made;
  }

  #development(code) {
    const play = say(make("button", { type: "button" }), "phone.play");
    const failed = make("p", { class: "bad", role: "status", lang: "en" });
    play.addEventListener("click", async () => {
      failed.textContent = "";
      await fromSite(this.name, "POST", "/mobile/phone", code)
        .catch((error) => { failed.textContent = error.message; });
    });
    return make("div", { class: "development" },
      say(make("p", { class: "hint" }), "phone.development"), play,
      label(make("code", { tabindex: "0" }, `${command} \\\n    ${code}`), "phone.command"), failed);
  }

  #fill(state, ...content) {
    const group = make("div", { class: "phone", role: "group", tabindex: "-1", "data-state": state },
      ...content);
    const isHere = this.place.closest(".step").contains(document.activeElement);
    this.place.replaceChildren(label(group, "phone.heading"));
    if (isHere) group.focus();
  }
}

async function statusOf(documentId) {
  const form = new URLSearchParams({ documentId });
  const answer = await ask("POST", "/frontend/mobile/status", form);
  if (NOT_NOW.includes(answer.status)) throw new SiteAway(answer.message);
  if (![SIGNED, WAITING, GONE].includes(answer.status)) throw new RefusedByService(answer);
  return answer.status;
}

const pause = () => new Promise((resolve) => { setTimeout(resolve, SECOND); });

/** Resolves when the page is seen: at once, or when the user comes back from the application. */
function seen() {
  return new Promise((resolve) => {
    if (!document.hidden) resolve();
    else document.addEventListener("visibilitychange", resolve, { once: true });
  });
}
