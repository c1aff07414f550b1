// The choice of a key: radio buttons, as an element of its own.

import { dialog, make } from "./dialog.js";
import { say, spoken } from "./language.js";
import { slice } from "./native.js";

const STYLE = `
:host { color-scheme: light dark; display: block; background: Canvas; color: CanvasText;
  overflow-wrap: anywhere }
fieldset { border: 0; padding: 0 }
label { display: flex; align-items: center; gap: .5em; padding: .5em; margin: .5em 0; border: solid 1px }
.name { text-transform: uppercase }`;

function lines({ owner, organisation = "", inn, pinfl, dates, usable }, lang) {
  const titled = (title, text) => (text ? `${say(title, lang)} ${text} ` : "");
  return make("span", {},
    make("b", { className: "name" }, owner),
    make("div", { className: "name" }, organisation),
    // Others may see the screen.
    make("div", {}, titled("inn", inn), titled("pinfl", pinfl && `…${slice(pinfl, -4)}`)),
    make("div", {}, usable ? dates : titled("over", dates)));
}

/** Make the element's class, when there is a document. */
function makeClass() {
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  return class extends HTMLElement {
    static observedAttributes = ["lang"];

    #listed;

    constructor() {
      super();
      this.attachShadow({ mode: "open", delegatesFocus: true }).adoptedStyleSheets = [style];
      this.listed = { keys: [], silentDisks: [] };
    }

    /** What listKeys() has found. */
    set listed(listed) {
      this.#listed = listed;
      this.value = null;
      this.attributeChangedCallback();
    }

    /** Show the keys, now in another language. */
    attributeChangedCallback() {
      const { lang } = this;
      const { keys, silentDisks } = this.#listed;
      this.shadowRoot.replaceChildren(make("fieldset", { lang: spoken(lang) },
        make("legend", {}, say("choose", lang)),
        ...keys.map((key) => make("label", {}, this.#radio(key), lines(key, lang))),
        make("p", { role: "status" },
          keys.some((key) => key.usable) ? "" : say("no_keys", lang),
          silentDisks[0] ? ` ${say("silent", lang)} ${silentDisks.join(", ")}` : "")));
    }

    #radio(key) {
      const onchange = () => {
        this.value = key;
        this.dispatchEvent(new Event("change"));
      };
      const checked = key === this.value;
      return make("input", { type: "radio", name: "key", disabled: !key.usable, checked, onchange });
    }
  };
}

/** Define the element, under a name that the page chooses; returns the name. */
export function defineKeyChoice(name = "tunnel-gateway-keys") {
  if (!customElements.get(name)) customElements.define(name, makeClass());
  return name;
}

/** Let the user choose in a dialog. */
export async function choose(signal, lang, listed) {
  const element = make(defineKeyChoice(), { listed, lang: spoken(lang) });
  await dialog(signal, lang, say("choose", lang), element, true);
  return element.value;
}
