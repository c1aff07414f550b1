/**
 * The API that an E-IMZO agent gives to web pages, as tunnel-gateway's agent speaks it.
 *
 * One WebSocket for each call, to ws://127.0.0.1:64646/service/cryptapi from an http page and to
 * wss://127.0.0.1:64443/service/cryptapi from an https page: send one `EImzoCall` as JSON, receive
 * one `EImzoReply`, close. docs/for-page-developers.md explains everything.
 */

export type EImzoCall<F extends EImzoFunction = EImzoFunction> = {
  [K in F]: {
    /** Left out for the functions that have none. */
    plugin?: EImzoFunctions[K]["plugin"];
    name: EImzoFunctions[K]["name"];
    /** May be left out when there are none. */
    arguments?: EImzoFunctions[K]["arguments"];
  };
}[F];

export type EImzoReply<F extends EImzoFunction> = EImzoSuccess<F> | EImzoRefusal;

export type EImzoSuccess<F extends EImzoFunction> =
  { success: true; status: 1 } & EImzoFunctions[F]["reply"];

export interface EImzoRefusal {
  success: false;
  /** The number that E-IMZO 6 has for it: 0 for no such function, -9999 for no number of its own. */
  status: number;
  /** A sentence for people. */
  reason: string;
  /** A stable word for programs. The vendor's application does not send it. */
  code?: string;
}

export type EImzoFunction = keyof EImzoFunctions;

interface Signature<P extends string | undefined, N extends string, A extends string[], R> {
  plugin: P;
  name: N;
  arguments: A;
  reply: R;
}

/** Nothing beside `success`. */
type Nothing = Record<never, never>;

export interface EImzoFunctions {
  version: Signature<undefined, "version", [], EImzoVersion>;
  apidoc: Signature<undefined, "apidoc", [], { apidoc: EImzoPluginDescription[] }>;
  /** Domain, key, domain, key and so on. `message` is the page's origin. */
  apikey: Signature<undefined, "apikey", string[], { message: string }>;

  /** `silent_disks` do not answer, as a dead network share; there are none in most lists. */
  "pfx.list_disks": Signature<
    "pfx", "list_disks", [], { disks: string[]; silent_disks: string[] }
  >;
  "pfx.list_certificates": Signature<
    "pfx", "list_certificates", [disk: string], { certificates: EImzoKey[] }
  >;
  "pfx.list_all_certificates": Signature<
    "pfx", "list_all_certificates", [], { certificates: EImzoKey[]; silent_disks: string[] }
  >;
  "pfx.load_key": Signature<
    "pfx", "load_key", [disk: string, path: string, name: string, alias: string],
    { keyId: string; type: string }
  >;
  "pfx.unload_key": Signature<"pfx", "unload_key", [keyId: string], Nothing>;
  "pfx.verify_password": Signature<"pfx", "verify_password", [keyId: string], Nothing>;

  "x509.get_certificate_chain": Signature<
    "x509", "get_certificate_chain", [keyId: string],
    /** DER in BASE64, the owner's first. */
    { certificates: string[] }
  >;
  "x509.get_certificate_info": Signature<
    "x509", "get_certificate_info", [certificate64: string],
    { certificate_info: EImzoCertificateInfo }
  >;

  "pkcs7.create_pkcs7": Signature<
    "pkcs7", "create_pkcs7",
    [data64: string, keyId: string, detached?: "yes" | "no" | ""],
    EImzoSignature
  >;
  "pkcs7.append_pkcs7_attached": Signature<
    "pkcs7", "append_pkcs7_attached", [pkcs7: string, keyId: string], EImzoSignature
  >;
  "pkcs7.append_pkcs7_detached": Signature<
    "pkcs7", "append_pkcs7_detached",
    [data64: string, pkcs7: string, keyId: string],
    EImzoSignature
  >;
  "pkcs7.attach_timestamp_token_pkcs7": Signature<
    "pkcs7", "attach_timestamp_token_pkcs7",
    [pkcs7: string, signerSerialNumber: string, timestampToken64: string],
    { pkcs7_64: string }
  >;
  "pkcs7.get_pkcs7_attached_info": Signature<
    "pkcs7", "get_pkcs7_attached_info",
    [pkcs7: string, truststoreId?: string],
    { pkcs7Info: EImzoPkcs7Info }
  >;
  "pkcs7.get_pkcs7_detached_info": Signature<
    "pkcs7", "get_pkcs7_detached_info",
    [data64: string, pkcs7: string, truststoreId?: string],
    { pkcs7Info: EImzoPkcs7Info }
  >;
  "pkcs7.verify_pkcs7_attached": Signature<
    "pkcs7", "verify_pkcs7_attached",
    [pkcs7: string, truststoreId?: string, requesterId?: string],
    { valid: true; pkcs7Info: EImzoPkcs7Info }
  >;
  "pkcs7.verify_pkcs7_detached": Signature<
    "pkcs7", "verify_pkcs7_detached",
    [data64: string, pkcs7: string, truststoreId?: string, requesterId?: string],
    { valid: true; pkcs7Info: EImzoPkcs7Info }
  >;

  "pkcs10.create_pkcs10_from_key": Signature<
    "pkcs10", "create_pkcs10_from_key",
    [keyId: string, replacementX500Name?: string, policies?: string],
    { pkcs10_64: string }
  >;
  "pkcs10.get_pkcs10_info": Signature<
    "pkcs10", "get_pkcs10_info", [pkcs10: string],
    { pkcs10_64: string; pkcs10_info: EImzoPkcs10Info }
  >;

  "tsaclient.get_timestamp_token_request_for_signature": Signature<
    "tsaclient", "get_timestamp_token_request_for_signature",
    [signatureHex: string],
    { timestamp_request_64: string }
  >;
  /** The same without its plugin, as many page scripts call it. */
  get_timestamp_token_request_for_signature: Signature<
    undefined, "get_timestamp_token_request_for_signature",
    [signatureHex: string],
    { timestamp_request_64: string }
  >;

  "idcard.list_readers": Signature<"idcard", "list_readers", [], { readers: string[] }>;
  "idcard.clear_saved_pin_codes": Signature<"idcard", "clear_saved_pin_codes", [], Nothing>;
  "baikey.list_tokens": Signature<"baikey", "list_tokens", [], { tokens: string[] }>;
  "baikey.clear_saved_pin_codes": Signature<"baikey", "clear_saved_pin_codes", [], Nothing>;
  "ckc.list_ckc": Signature<"ckc", "list_ckc", [], { devices: string[] }>;
  "ckc.clear_saved_pin_codes": Signature<"ckc", "clear_saved_pin_codes", [], Nothing>;

  "app.get_jvm_version": Signature<"app", "get_jvm_version", [], { message: string }>;
  "app.change_ui_lang": Signature<
    "app", "change_ui_lang", [lang: "uz" | "ru"], { message: string }
  >;

  /** `address` is 127.0.0.1:PORT, good for one WebSocket, from this page, within a minute. */
  "tunnel.create_tunnel": Signature<
    "tunnel", "create_tunnel", [dstId: string, keyId: string], EImzoTunnel
  >;
}

export interface EImzoSignature {
  pkcs7_64: string;
  signer_serial_number: string;
  signature_hex: string;
}

export interface EImzoPkcs7Info {
  signers: EImzoSigner[];
  /** Left out of a detached message. */
  documentBase64?: string;
}

export interface EImzoSigner {
  signerId: { issuer?: string; subjectSerialNumber: string };
  /** YYYY-MM-DD HH:MM:SS, the time of Tashkent, as the signer claims. */
  signingTime?: string;
  signature: string;
  digest: string;
  /** The signer's own first; nobody has proven them without `certificateVerified`. */
  certificate: EImzoCertificateInfo[];
  /** The signature is right, and of this document. */
  verified: boolean;
  /** These two only if the agent has a truststore; revocation is never asked. */
  certificateVerified?: boolean;
  certificateValidAtSigningTime?: boolean;
  timeStampInfo?: {
    time?: string;
    serialNumber?: string;
    tsaPolicy?: string;
    messageImprintDigest?: string;
    certificate: EImzoCertificateInfo[];
    digestVerified: boolean;
    verified: boolean;
    certificateVerified: boolean;
    certificateValidAtSigningTime: boolean;
    exception?: string;
  };
  /** What is wrong, in English. */
  exception?: string;
}

export interface EImzoPkcs10Info {
  subjectName: string;
  subjectInfo: Record<string, string>;
  publicKey: { keyAlgName: string; publicKey: string };
  signature: { signAlgName: string; signature: string };
  policyIdentifiers: string[];
  /** The key in the request has signed it. */
  verified: boolean;
}

export interface EImzoTunnel {
  address: string;
  /** The same address in two parts, the host as `localhost`. */
  host: string;
  port: number;
  /** 32 hexadecimal digits; this and the next are tunnel-gateway's own. */
  tunnel_id?: string;
  /** The gateway's chain as the agent verified it: DER in BASE64, its own first, the root last. */
  domain_certificates?: string[];
}

/** `edition` is `tunnel-gateway`; the vendor's application of version 6 has other words there. */
export interface EImzoVersion {
  major: string;
  minor: string;
  patch: string;
  edition: string;
}

/** A program that makes tunnels has a function `create_tunnel` of the plugin `tunnel`. */
export interface EImzoPluginDescription {
  /** Empty for `version`, `apidoc` and `apikey`. */
  name: string;
  description: string;
  functions: EImzoFunctionDescription[];
}

export interface EImzoFunctionDescription {
  plugin: string;
  name: string;
  description: string;
  arguments: { name: string; optional: boolean; description: string }[];
}

/** A key as the agent lists it. `load_key` wants the four back as they are. */
export interface EImzoKey {
  disk: string;
  path: string;
  name: string;
  /**
   * In lower case: `cn=…,name=…,surname=…,uid=…,1.2.860.3.16.1.2=PINFL,serialnumber=…,
   * validfrom=YYYY.MM.DD HH:MM:SS,validto=YYYY.MM.DD HH:MM:SS`, the times in Tashkent's.
   */
  alias: string;
}

export interface EImzoCertificateInfo {
  /** Attributes by their names (CN, Name, SURNAME, O, UID …) or identifiers. */
  subjectInfo: Record<string, string>;
  issuerInfo: Record<string, string>;
  serialNumber: string;
  subjectName: string;
  issuerName: string;
  /** YYYY-MM-DD HH:MM:SS, the time of Tashkent. */
  validFrom: string;
  validTo: string;
  publicKey: { keyAlgName: string; publicKey: string };
  signature: { signAlgName: string; signature: string };
}
