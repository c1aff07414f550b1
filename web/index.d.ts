/** Tunnels and signatures for a web page, by the agent on its user's machine. */

/** A language of the package. Other tags are taken for the nearest of them. */
export type Language = "uz" | "uz-Cyrl" | "ru" | "en" | (string & {});

/** Options of every call. */
export interface AgentOptions {
  /** The API-KEY of the page's host, or the vendor's list: domain, key, domain, key and so on. */
  apiKey: string | readonly string[];
  /** The domain of a single API-KEY; otherwise the page's host. */
  domain?: string;
  /** Ends everything that waits, with the code `aborted`. It does not close an open tunnel. */
  signal?: AbortSignal;
  /** Where to look, for example `ws://127.0.0.1:64646`; otherwise both pairs of ports. */
  addresses?: readonly string[];
  /** How long to wait for an answer of each address, in milliseconds. */
  patience?: number;
  /** With `false`, E-IMZO is good enough, which signs but makes no tunnels. */
  tunnels?: boolean;
  /** The language of dialogs; otherwise that of the page. */
  lang?: Language;
  /**
   * Tells the user of the browser's question, before it comes; the call goes on when the promise is
   * fulfilled. Without it, the package shows a dialog; with `false`, it shows none.
   */
  explain?: ((given: { signal: AbortSignal; lang?: Language }) => Promise<void>) | false;
  /** Is told of each step. */
  onstate?: (state: State) => void;
}

/** A key as it was listed, with what its alias says. The alias proves nothing: only show it. */
export interface Key {
  disk: string;
  path: string;
  name: string;
  alias: string;
  owner?: string;
  organisation?: string;
  pinfl?: string;
  /** Of the organisation, or else of the person. */
  inn?: string;
  serialNumber?: string;
  validFrom: Date;
  validTo: Date;
  /** Both days, to be shown. */
  dates: string;
  /** Whether the key is valid today. */
  usable: boolean;
}

/** A key to use: what `load_key` needs of it. */
export type KeyFile = Pick<Key, "disk" | "path" | "name" | "alias">;

export interface KeyList {
  /** Each key once. */
  keys: Key[];
  /** The disks that do not answer. Their keys are not in the list. */
  silentDisks: string[];
}

export interface KeyOptions extends AgentOptions {
  /**
   * The key, or a function that chooses it. Without both, the only usable key is taken; if there are
   * several, the user chooses in a dialog.
   */
  key?: KeyFile | null | ((listed: KeyList) => KeyFile | Promise<KeyFile>);
}

export type State =
  | { state: "finding" | "choosing" }
  | { state: "creating" | "signing"; key: KeyFile }
  /** `made` is the whole answer to `create_tunnel`. */
  | { state: "connecting"; made: Tunnel }
  | { state: "open"; socket: WebSocket }
  /** `error` says why the tunnel has ended. */
  | { state: "closed"; socket: WebSocket; error: AgentError }
  /** The tunnel is opened again after `delay` milliseconds. */
  | { state: "waiting"; delay: number; error: AgentError }
  /** The tunnel is not opened again. */
  | { state: "ended"; error: AgentError };

/** What the agent tells of a tunnel. */
export interface Tunnel {
  address: string;
  /** As in the logs of both sides. */
  tunnel_id?: string;
  /** The gateway's chain as the agent has verified it, BASE64 of DER. */
  domain_certificates?: string[];
}

export interface TunnelOptions extends KeyOptions {
  /** The `dst_id` of the gateway's configuration. */
  destination: string;
  /** Path and query of the request to the application, from `/` on; otherwise `/`. */
  path?: string;
  protocols?: string | string[];
  /**
   * Opens the tunnel again when it ends. `onstate` gets each new WebSocket. The pauses grow from `least`
   * to `most` milliseconds (1000 and 60000); each is shortened by chance, by up to a half.
   */
  reconnect?: boolean | { least?: number; most?: number };
}

export interface SignOptions extends KeyOptions {
  /** Text (signed as UTF-8), bytes or a file. */
  document: string | BufferSource | Blob;
  /** Whether the signature leaves the document out. */
  detached?: boolean;
  /** The path of the REST service that gives time stamps: `/frontend/timestamp/pkcs7`. */
  timestamp?: string;
  /** The path of the site's own backend that takes the message. */
  post?: string;
}

export interface SignInOptions extends KeyOptions {
  /** The path of the REST service that gives challenges; otherwise `/frontend/challenge`. */
  challenge?: string;
  /** The path of the site's own backend that takes the signed challenge; otherwise `/session`. */
  post?: string;
}

/** Everything that can go wrong. */
export class AgentError extends Error {
  constructor(code: string, message?: string, more?: object);
  /** A stable word: of the agent, of the REST service, or of this package. */
  readonly code: string;
  /** The number of a refusal: -9999 and others. */
  readonly status?: number;
  /** The number of the close frame of a tunnel that has ended. */
  readonly closeCode?: number;
  /** All that the site's server has answered. */
  readonly answer?: unknown;
  /** Whether the same may succeed in a while. */
  readonly isTemporary: boolean;
  /** What happened and what to do, for the user. */
  text(language?: Language): string;
}

/** A program that answers at an address. */
export interface Agent {
  readonly address: string;
  /** Call a function; the plugin of `version`, `apidoc` and `apikey` is "". */
  call(plugin: string, name: string, ...parameters: (string | number)[]): Promise<any>;
  /** Use a key by its keyId. The user enters its password once in half an hour. */
  withKey<T>(key: KeyFile, use: (keyId: string) => Promise<T>): Promise<T>;
}

/** Find the agent and install the API-KEY. */
export function findAgent(options: AgentOptions): Promise<Agent>;

/** Open a tunnel; resolves to a WebSocket that is open. */
export function openTunnel(options: TunnelOptions): Promise<WebSocket>;

/** Sign a document; resolves to a PKCS#7 message in BASE64. */
export function sign(options: SignOptions): Promise<{ pkcs7: string; answer?: any }>;

/** Sign in; resolves to the answer of the site's own backend. */
export function signIn(options: SignInOptions): Promise<any>;

/** List the user's keys. */
export function listKeys(options: AgentOptions): Promise<KeyList>;

/** What the browser says of its permission to reach programs on the machine. */
export function permission(): Promise<"prompt" | "granted" | "denied" | "unknown">;

/** Why a tunnel has ended, from the event of its end. */
export function whyEnded(event: CloseEvent): AgentError;

/** The element that lets the user choose a key. It sends `change`. */
export interface KeyChoice extends HTMLElement {
  /** What `listKeys` has found. */
  set listed(listed: KeyList);
  /** The chosen key. */
  value: Key | null;
}

/** Define the element under a name, otherwise `tunnel-gateway-keys`; returns the name. */
export function defineKeyChoice(name?: string): string;
