// The four ways to write to a user. Uzbek in Cyrillic is made from Uzbek in Latin.

import { lowerCase, replace, upperCase } from "./native.js";
import { TEXTS } from "./texts.js";

const LATIN = [..."abdefghijklmnopqrstuvxyz’", "o‘", "g‘", "sh", "ch", "ya", "ye", "yo", "yu"];
const CYRILLIC = "абдефгҳижклмнопқрстувхйзъўғшчяеёю";
// Names and {places} stay as they are.
const PARTS = /https|\{\w+\}|[og]‘|[sc]h|yo(?!‘)|y[aeu]|[a-z’]/gi;

const inCyrillic = (text) => replace(text, PARTS, (part) => {
  const small = lowerCase(part);
  const letter = CYRILLIC[LATIN.indexOf(small)] ?? part;
  return part === small ? letter : upperCase(letter);
});

/** The language to speak: the one asked for, or that of the page. */
export function spoken(asked) {
  const tag = asked || document.documentElement.lang || navigator.language;
  if (/^uz-cyrl/i.test(tag)) return "uz-Cyrl";
  return lowerCase(/^(ru|en)\b/i.exec(tag)?.[0] ?? "uz");
}

/** A text of the package; `values` fill its {places}. */
export function say(name, asked, values) {
  const language = spoken(asked);
  const [uz, ru, en] = TEXTS[name];
  const text = { uz, ru, en }[language] ?? inCyrillic(uz);
  return replace(text, /\{(\w+)\}/g, (_, place) => values[place]);
}
