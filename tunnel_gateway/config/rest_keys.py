"""The keys of the REST service: the vendor's and ours, in one table of the same form as keys.py.

The vendor's keys have no prefix of their own, so each first word of a key here is a prefix. An
unknown key with such a prefix is a fault. `REPLACED` has the vendor's keys that mean nothing here.
"""

from __future__ import annotations

from typing import Final

from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.values import (
    FILE,
    FOLDER,
    HOST,
    IP,
    NETWORKS,
    PORT,
    REDIS,
    SECRET,
    SITE_ID,
    URL,
    YES_NO,
    seconds,
    whole,
    words,
)

_OF_THE_GUIDE: Final = "The guide's example has it."
_UNSAFE: Final = "No default is safe."
_PRIVATE: Final = "127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, fe80::/10"
_REDIS_ONLY: Final = "Only for `cache.type=redis`."
_MOBILE_ONLY: Final = "Only with `mobile.siteId`."
_MOBILE_REDIS_ONLY: Final = "Only with `mobile.storage.redis.host`."
_NO_VPN: Final = (
    "not needed: the status of certificates comes from the addresses in them, or from"
    " `status.ocsp.url` and `status.crl.url`, and time stamps come from `tsp.url`"
)

# fmt: off
REST_KEYS: Final[tuple[Key, ...]] = (
    Key("listen.port", "listen.port", PORT, "",
        "The TCP port of the REST service. The key turns the service on.",
        "A gateway of tunnels alone has no REST service.",
        unset="no REST service", restart=True, vendor=True),
    Key("listen.ip", "listen.ip", IP, "0.0.0.0",  # noqa: S104 - the guide's own example
        "The address to listen on. `0.0.0.0` is every IPv4 address of the machine, `::` every IPv6"
        " address.",
        _OF_THE_GUIDE, restart=True, vendor=True),
    Key("listen.reuseport", "listen.reuseport", YES_NO, "no",
        "Whether several daemons share the address and the port. They then need `cache.type=redis`,"
        " or a challenge of one is unknown to the others.",
        "A second daemon by mistake must be told that the port is taken.", restart=True),
    Key("listen.limit", "connections", whole(16, 65_536), "4096",
        "How many connections may be open. The next one gets HTTP 503. One address, or /64"
        " network of IPv6, that is not in `backend.from` or `frontend.proxies` may have an eighth"
        " of them.",
        "nginx and the application need far fewer, and each takes one descriptor and 20 KiB."),
    Key("tsp.jks.file.path", "trust.file", FILE, "",
        "The truststore with the trust anchors for users and for time stamps: a JKS, PKCS#12 or PEM"
        " file. The service sees the format from the content.",
        _UNSAFE, unset="this or `tsp.truststore.file` must be given", vendor=True),
    Key("tsp.jks.file.password", "trust.password", SECRET, "",
        "The password of that truststore, or a [credential](operations.md#passwords). Without it"
        " the service reads a JKS file too, as the vendor's server does, and warns: nobody then"
        " notices a change of the file.",
        _UNSAFE, vendor=True),
    Key("tsp.truststore.file", "trust.more", FILE, "",
        "More trust anchors, in a PEM file.",
        "Most files name the vendor's truststore."),
    Key("tsp.url", "stamps.url", URL, "",
        "The time stamping authority (RFC 3161) that the service asks for time stamps.",
        "No request leaves the service before an operator wants it.",
        unset="no time stamps"),
    Key("tsp.timeout", "stamps.timeout", seconds(0.1, 60), "10",
        "The time that the authority gets to answer. The service asks twice. A call waits as long"
        " for its turn, if its address asks for more than 4 time stamps at once.",
        "Users wait for it."),
    Key("tsp.required", "stamps.required", YES_NO, "no",
        "Whether a signature without a time stamp is refused, with the status -21.",
        "The guide allows signatures without one."),
    Key("status.ocsp.url", "status.ocsp_url", URL, "",
        "The OCSP responder that is asked about every certificate.",
        "Certificates name their own.", unset="the address in each certificate"),
    Key("status.crl.url", "status.crl_url", URL, "",
        "The revocation list that is fetched for users' certificates.",
        "Certificates name their own.", unset="the address in each certificate"),
    Key("status.crl.dir", "status.crl_dir", FOLDER, "",
        "The folder with revocation lists that somebody else keeps up to date.",
        "Most services fetch the lists themselves."),
    Key("status.cache.dir", "status.cache_dir", FOLDER, "",
        "The folder that keeps fetched lists and answers for the next start.",
        "The service's user must be able to write there."),
    Key("status.timeout", "status.timeout", seconds(0.1, 60), "3",
        "The time that a call waits for a status that is not known yet.",
        "A user waits for it; after that the status is unknown, -1."),
    Key("status.recheck", "status.recheck", seconds(1, 86_400), "60",
        "The age at which a list or an answer is asked for again, if it does not end sooner.",
        "The centre's own answers live for 60 s."),
    Key("backend.from", "backend_from", NETWORKS, _PRIVATE,
        "The addresses from which the application may call `/backend`. Only the address at the"
        " other end of the connection counts. Any other caller gets HTTP 403.",
        "The application is in the same network; strangers on the internet are not."),
    Key("frontend.proxies", "frontend.proxies", NETWORKS, "127.0.0.0/8, ::1",
        "The proxies in front of the service. They are believed when they tell the user's address"
        " in X-Forwarded-For or X-Real-IP, for the rates, the log and the audit file.",
        "Believing a header lets its sender choose an address."),
    Key("frontend.rate", "frontend.rate", whole(0, 1_000_000, " a second"), "20",
        "How many calls a user's address may make in the long run. The next one gets HTTP 429."
        " The application and `/backend` have no rate. 0: any number.",
        "A person makes far fewer."),
    Key("frontend.burst", "frontend.burst", whole(1, 1_000_000), "200",
        "How many calls a user's address may make at once before the rate holds.",
        "All users of an office sign in at nine o'clock."),
    Key("body.limit", "body.limit", whole(1, 1024, " MiB"), "64",
        "How large a document may be. The Base64 of it may be as long as it needs: 86 MiB for"
        " 64 MiB. A larger one gets HTTP 413. A document inside its message may have 64 MiB at"
        " most.",
        "It bounds the memory and the time of one call."),
    Key("body.memory", "body.memory", whole(12, 1_000_000, " MiB"), "1024",
        "How much memory all bodies that are not answered yet may take together. A call takes three"
        " times its document. The next one gets HTTP 503. Users may take half of it, so the"
        " application always has the rest.",
        "Five of the largest documents at once."),
    Key("challenge.ttl", "challenges.ttl", seconds(1, 86_400), "",
        "How long a challenge is valid, with any `cache.type`.",
        "The vendor has its own key.", unset="as `cache.local.key.ttl.seconds`"),
    Key("cache.local.key.ttl.seconds", "challenges.vendor_ttl", seconds(1, 86_400), "120",
        "How long a challenge is valid.",
        "The guide's example says 120.", vendor=True),
    Key("challenge.limit", "challenges.limit", whole(1, 10_000_000), "100000",
        "How many used challenges are remembered until they end; in Redis, how many one server"
        " gives within the life of one. The next call gets HTTP 503.",
        "Some 10 MB of memory, and 800 sign-ins a second."),
    Key("cache.type", "challenges.cache", words("local", "redis"), "local",
        "Where challenges are kept: in this process, or in the Redis that several servers share.",
        "One server needs no Redis.", restart=True, vendor=True),
    Key("cache.redis.host", "redis.host", HOST, "127.0.0.1",
        f"The address of that Redis, 6.2 or newer. {_REDIS_ONLY}",
        _OF_THE_GUIDE, restart=True, vendor=True),
    Key("cache.redis.port", "redis.port", PORT, "6379",
        f"Its port. {_REDIS_ONLY}", _OF_THE_GUIDE, restart=True, vendor=True),
    Key("cache.redis.password", "redis.password", SECRET, "",
        f"Its password, or a [credential](operations.md#passwords). {_REDIS_ONLY}",
        _UNSAFE, restart=True, vendor=True),
    Key("cache.redis.db", "redis.db", whole(0, 9999), "0",
        f"The number of the database in it. {_REDIS_ONLY}",
        _OF_THE_GUIDE, restart=True, vendor=True),
    Key("cache.redis.connect.timeout.ms", "redis.connect_ms", whole(1, 60_000, " ms"), "2000",
        f"The time to connect to it. {_REDIS_ONLY}", _OF_THE_GUIDE, restart=True, vendor=True),
    Key("cache.redis.so.timeout.ms", "redis.answer_ms", whole(1, 60_000, " ms"), "2000",
        f"The time in which it must answer. {_REDIS_ONLY}",
        _OF_THE_GUIDE, restart=True, vendor=True),
    Key("cache.redis.url", "redis.url", REDIS, "",
        "The same Redis as one address: with TLS, or by a Unix socket. It replaces the host, the"
        " port and the database.",
        "The vendor's keys say it for most.", restart=True),
    Key("auth.service.valid.minutes.window", "auth_minutes", whole(1, 1440, " min"), "10",
        "How far the signing time of a sign-in may be from the clock of the server, in both"
        " directions. Beyond it the status is -5. A phone's signature of a document that is not"
        " made within it is not kept.",
        "Clocks of users are a few minutes off, and the challenge itself is new.", vendor=True),
    Key("mobile.siteId", "mobile.site_id", SITE_ID, "",
        "The number of the site in the vendor's system for phones. The key turns the methods for"
        " phones on.",
        "Each site has its own number.", unset="no methods for phones", restart=True, vendor=True),
    Key("mobile.ttl", "mobile.ttl", seconds(10, 3600), "300",
        f"How long a document waits for the signature of a phone, and then for the backend."
        f" {_MOBILE_ONLY}",
        "A user takes the phone, scans the code, finds the card and types its PIN."),
    Key("mobile.limit", "mobile.limit", whole(1, 1_000_000), "100000",
        f"How many such documents may be open; in Redis, how many one server begins within the life"
        f" of one. The next call gets HTTP 503. One address, or /64 network of IPv6, may begin an"
        f" eighth of them within that life. {_MOBILE_ONLY}",
        "Some 50 MB of memory, and 300 signatures a second."),
    Key("mobile.upload.from", "mobile.upload_from", NETWORKS, "",
        f"The addresses from which the vendor's system posts signatures. If it is set, nobody else"
        f" may post one (HTTP 403), and these posts have no `frontend.rate`. {_MOBILE_ONLY}",
        "The vendor does not publish its addresses: the log line `mobile_upload` has them.",
        unset="any address, with `frontend.rate` for each"),
    Key("mobile.storage.redis.host", "mobile_redis.host", HOST, "",
        f"The address of the Redis, 6.2 or newer, in which several servers share these documents."
        f" {_MOBILE_ONLY}",
        "One server needs no Redis.", unset="documents are kept in this process", restart=True,
        vendor=True),
    Key("mobile.storage.redis.port", "mobile_redis.port", PORT, "6379",
        f"Its port. {_MOBILE_REDIS_ONLY}", _OF_THE_GUIDE, restart=True, vendor=True),
    Key("mobile.storage.redis.password", "mobile_redis.password", SECRET, "",
        f"Its password, or a [credential](operations.md#passwords). {_MOBILE_REDIS_ONLY}",
        _UNSAFE, restart=True, vendor=True),
    Key("mobile.storage.redis.db", "mobile_redis.db", whole(0, 9999), "0",
        f"The number of the database in it. {_MOBILE_REDIS_ONLY}",
        _OF_THE_GUIDE, restart=True, vendor=True),
    Key("mobile.storage.redis.url", "mobile_redis.url", REDIS, "",
        "The same Redis as one address: with TLS, or by a Unix socket. It replaces the host, the"
        " port and the database.",
        "The vendor's keys say it for most.", restart=True),
    Key("metrics.server.enabled", "metrics.enabled", YES_NO, "no",
        "Whether Prometheus can ask at an address of its own, as with the vendor's server."
        " `tunnel.admin.listen` answers it too.",
        "An open address must be wanted.", restart=True, vendor=True),
    Key("metrics.server.listen.ip", "metrics.ip", IP, "127.0.0.1",
        "The address for Prometheus.",
        "The metrics are for nobody else.", restart=True, vendor=True),
    Key("metrics.server.listen.port", "metrics.port", PORT, "8081",
        "The port for Prometheus.",
        "The vendor's default.", restart=True, vendor=True),
)

# The vendor's keys without a meaning here, each or all that begin with it, and the remedy.
REPLACED: Final[tuple[tuple[str, str], ...]] = (
    ("vpn.", _NO_VPN),
    ("cache.local.clear.interval.seconds", "not needed: nothing has to be cleared"),
    ("scheduler.", "not needed: there is a fixed number of threads"),
)
# fmt: on

REST_KEY_OF: Final = {key.name: key for key in REST_KEYS}
# The first words of the keys of this service. `tunnel.` is not among them.
PREFIXES: Final = tuple(sorted({f"{key.name.partition('.')[0]}." for key in REST_KEYS}))


def replacement(name: str) -> str | None:
    """Return what takes the place of a key of the vendor that has no meaning here, or None."""
    for start, remedy in REPLACED:
        if name == start or (start.endswith(".") and name.startswith(start)):
            return remedy
    return None


def replaced_as_markdown() -> str:
    """Return the table of the keys without a meaning, as it stands in a document."""
    lines = ["| key of the vendor | here |", "|---|---|"]
    for start, remedy in REPLACED:
        lines.append(f"| `{start}{'*' if start.endswith('.') else ''}` | {remedy} |")
    return "\n".join(lines) + "\n"
