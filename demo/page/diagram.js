// The conversation as a diagram: who talks to whom, when it began, how long it took.
//
// A line is dashed until it is answered. Dotted lines are what the page cannot see: between the agent
// and the gateway, and between the site's backend and the REST service.

import { find, make } from "./dom.js";
import { milliseconds, say } from "./texts.js";

const COLUMNS = ["page", "agent", "gateway", "api"];

export class Hop {
  /** One exchange, waiting for its answer. */
  constructor(from, to, name, kind = "seen") {
    this.started = performance.now();
    this.name = make("code", {}, name);
    this.time = make("span", { class: "took" });
    this.note = make("span", { class: "note" });
    const way = make("span", { class: "unseen" },
      say(make("span"), `wire.${from}`), " – ", say(make("span"), `wire.${to}`), ": ");
    this.row = make("li", {
      class: `hop ${kind}`,
      "data-from": COLUMNS.indexOf(from) + 1,
      "data-to": COLUMNS.indexOf(to) + 1,
      "data-state": "pending",
    }, way, make("span", { class: "words" }, this.name, this.note, this.time),
    make("span", { class: "line" }));
    const list = find("#hops");
    list.append(this.row);
    list.scrollTop = list.scrollHeight;
  }

  /** It is a part of a group: "tunnel", for instance. */
  of(group) {
    this.row.dataset.of = group;
    return this;
  }

  /** It was answered; returns the milliseconds it took. */
  done(note = "") {
    return this.#end("done", note);
  }

  /** It was refused. */
  refused(note = "") {
    return this.#end("refused", note);
  }

  /** Write beside it, in the page's language. */
  say(key, values) {
    say(this.note, key, values);
  }

  #end(state, note) {
    const took = performance.now() - this.started;
    this.row.dataset.state = state;
    if (note) this.note.textContent = note;
    // How long the unseen part took is not for the page to say.
    if (!this.row.classList.contains("told")) {
      say(this.time, "wire.took", { time: () => milliseconds(took) });
    }
    return took;
  }
}

/** Draw what a promise does; passes its result or failure on. */
export async function drawn(hop, doing) {
  try {
    const result = await doing;
    hop.done();
    return result;
  } catch (error) {
    hop.refused(error.code);
    throw error;
  }
}

/** Remove the hops of a group: it begins anew. */
export function forget(group) {
  for (const row of document.querySelectorAll(`#hops [data-of="${group}"]`)) row.remove();
}
