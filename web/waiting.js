// Waiting for something that a signal can end.

import { AgentError } from "./errors.js";

const aborted = ({ reason }) => new AgentError("aborted", "aborted", { cause: reason });

/** The options of a call, with those that every call needs. */
export const complete = ({
  signal = new AbortController().signal, domain = location.hostname, onstate = () => {}, ...others
}) => ({ signal, domain, onstate, ...others });

export function checkSignal(signal) {
  if (signal.aborted) throw aborted(signal);
}

/** A promise that the signal can end; `begin(resolve, reject)` returns the function that cleans up. */
export const wait = (signal, begin) => new Promise((resolve, reject) => {
  checkSignal(signal);
  const abort = () => end(reject, aborted(signal));
  const clean = begin((value) => end(resolve, value), (error) => end(reject, error));
  const end = (settle, value) => {
    signal.removeEventListener("abort", abort);
    clean();
    settle(value);
  };
  signal.addEventListener("abort", abort);
});

export const sleep = (signal, milliseconds) => wait(signal, (resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  return () => clearTimeout(timer);
});
