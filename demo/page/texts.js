// The page's words in three languages. An element that was given its text by `say` (or has
// data-text, data-label or data-placeholder) changes with the language.

import en from "./texts/en.js";
import ru from "./texts/ru.js";
import uz from "./texts/uz.js";

const LANGUAGES = { uz, ru, en };
// Chromium does not know the numbers of Uzbek and would write them as English; they are as Russian.
const NUMBERS = { uz: "ru-RU", ru: "ru-RU", en: "en-GB" };
const REMEMBERED = "language";
const facts = new WeakMap();
let language = first();

function first() {
  const wanted = [localStorage.getItem(REMEMBERED), ...navigator.languages];
  for (const name of wanted) {
    const short = name?.slice(0, 2).toLowerCase();
    if (short in LANGUAGES) return short;
  }
  return "uz";
}

/** The text `key` with `{name}` replaced by `values.name`; undefined when there is none. */
export function text(key, values = {}) {
  const found = LANGUAGES[language][key];
  return found?.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "function" ? value() : String(value);
  });
}

/** Give an element the text `key`, now and after every change of the language. */
export function say(node, key, values = {}) {
  node.dataset.text = key;
  facts.set(node, values);
  node.textContent = text(key, values) ?? "";
  return node;
}

/** Name an element, or describe a picture, for those who do not see it. */
export function label(node, key) {
  node.dataset.label = key;
  node.setAttribute(node.tagName === "IMG" ? "alt" : "aria-label", text(key));
  return node;
}

export const number = (value, digits = 0) => new Intl.NumberFormat(NUMBERS[language], {
  minimumFractionDigits: digits,
  maximumFractionDigits: digits,
}).format(value);

export const milliseconds = (value) =>
  value < 1000
    ? `${number(value, value < 10 ? 1 : 0)} ${text("unit.ms")}`
    : `${number(value / 1000, 1)} ${text("unit.s")}`;

/** Milliseconds as minutes and seconds. */
export function clock(value) {
  const seconds = Math.ceil(value / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export const megabytes = (bytes) => `${number(bytes / 1e6, 1)} ${text("unit.mb")}`;

export const kilobytes = (bytes) => `${number(Math.ceil(bytes / 1024))} ${text("unit.kib")}`;

/** A day in Tashkent as it is written in the language. */
export function day(date) {
  const [year, month, first] = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Tashkent" })
    .format(date).split("-");
  return language === "en" ? `${year}-${month}-${first}` : `${first}.${month}.${year}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Tashkent", timeStyle: "medium" });

/** A moment in Tashkent, to the second. */
export const moment = (date) => `${day(date)} ${CLOCK.format(date)}`;

/** Speak `chosen` from now on, and remember it; the document hears it as the event "spoken". */
export function speak(chosen) {
  language = chosen;
  localStorage.setItem(REMEMBERED, chosen);
  translate();
  document.dispatchEvent(new Event("spoken"));
}

/** Give every element its text in the present language. */
export function translate() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = text(node.dataset.text, facts.get(node)) ?? "";
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    label(node, node.dataset.label);
  }
  for (const node of document.querySelectorAll("[data-placeholder]")) {
    node.placeholder = text(node.dataset.placeholder);
  }
}

export const current = () => language;
