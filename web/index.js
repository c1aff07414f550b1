// Tunnels and signatures for a web page.

export { findAgent } from "./agent.js";
export { defineKeyChoice } from "./choice.js";
export { AgentError, whyEnded } from "./errors.js";
export { listKeys } from "./keys.js";
export { permission } from "./permission.js";
export { sign, signIn } from "./signing.js";
export { openTunnel } from "./tunnel.js";
