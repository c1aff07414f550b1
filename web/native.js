// What this package needs of Date, String, JSON and WebSocket, kept when it loads: other scripts of the
// page may change them afterwards, and the vendor's scripts do.

export const { Date, WebSocket } = globalThis;
export const { now, UTC } = Date;
export const { parse, stringify } = JSON;

const { apply } = Reflect;
export const [lowerCase, replace, slice, split, upperCase] = [
  "toLowerCase", "replace", "slice", "split", "toUpperCase",
].map((name) => {
  const method = String.prototype[name];
  return (text, ...rest) => apply(method, text, rest);
});
