"""The keys of ``config.properties``: the one table of names, defaults, meanings and reasons.

The reader (tunnel.py), docs/configuration.md, config/config.properties and the reload are derived
from it or held to it by tests. The keys of a destination are in destinations.py.
"""

from __future__ import annotations

from typing import Final

from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.values import (
    ALLOWANCES,
    DOMAIN,
    FILE,
    FOLDER,
    IP,
    NETWORKS,
    PORT,
    REDIS,
    SECRET,
    STP_MODES,
    YES_NO,
    seconds,
    whole,
    words,
)

_ANY: Final = "0: any number."
_OF_THE_VENDOR: Final = "The vendor's default."
_UNSAFE: Final = "No default is safe."

# fmt: off
KEYS: Final[tuple[Key, ...]] = (
    Key("tunnel.enabled", "enabled", YES_NO, "",
        "Whether the gateway serves at all.",
        "The vendor's file always has it.",
        unset="must be given", vendor=True),
    Key("tunnel.listen.ip", "listen.ip", IP, "0.0.0.0",  # noqa: S104 - the vendor's own default
        "The address to listen on. `0.0.0.0` is every IPv4 address of the machine, `::` every IPv6"
        " address.",
        _OF_THE_VENDOR, restart=True, vendor=True),
    Key("tunnel.listen.port", "listen.port", PORT, "8843",
        "The TCP port to listen on. Tell the users' agents this port for the domain.",
        _OF_THE_VENDOR, restart=True, vendor=True),
    Key("tunnel.listen.reuseport", "listen.reuseport", YES_NO, "no",
        "Whether several daemons share the address and the port, see [Several"
        " daemons on one port](operations.md#several-daemons-on-one-port).",
        "A second daemon by mistake must be told that the port is taken.", restart=True),
    Key("tunnel.proxy.from", "proxy_from", NETWORKS, "",
        "The balancers. Each connection from their addresses must begin with a PROXY protocol"
        " header, and the gateway refuses such a header from any other address; see [Behind a"
        " balancer](operations.md#behind-a-balancer).",
        "Believing such a header lets a client choose its source address."),
    Key("tunnel.servers.dir", "servers_dir", FOLDER, "tunnel/servers",
        "The folder with the key and the certificates of every domain, see [Files and"
        " permissions](operations.md#files-and-permissions).",
        _OF_THE_VENDOR, vendor=True),
    Key("tunnel.servers.password", "servers_password", SECRET, "",
        "The password of encrypted domain keys. A `.password` file beside a key replaces it for"
        " that domain, and a [credential](operations.md#passwords) for all domains.",
        "Keys that are not encrypted need no password."),
    Key("tunnel.truststore.file", "truststore_file", FILE, "tunnel/truststore.jks",
        "The trust anchors for the users' certificates: a PEM, PKCS#12 or JKS file. The gateway"
        " sees the format from the content.",
        _OF_THE_VENDOR, vendor=True),
    Key("tunnel.truststore.password", "truststore_password", SECRET, "",
        "The password of the truststore, or a [credential](operations.md#passwords). A PEM file"
        " has no password.",
        _UNSAFE, vendor=True),
    Key("tunnel.intermediates.dir", "intermediates_dir", FOLDER, "",
        "The folder with the certificates of centres that complete the chains of users, as PEM or"
        " DER files. A client of STP shows no chain at all. A path through"
        " them must still lead to the truststore.",
        "The agent shows the whole chain that the user's key file has."),
    Key("tunnel.http.pages", "http_pages", YES_NO, "no",
        "Whether pages of a domain may come by plain http. Anybody between the user and the server"
        " can pose as such a page. Pages of localhost are always allowed.",
        "A man in the middle of a plain page would get a tunnel."),
    Key("tunnel.stp", "stp.enabled", YES_NO, "no",
        "Whether E-IMZO itself may be a client, by [its own protocol STP](stp.md). The truststore"
        " must have the centres that issue to the users, because STP carries no chain.",
        "STP has no forward secrecy and no MAC, and shows the user's certificate to listeners."),
    Key("tunnel.stp.modes", "stp.modes", STP_MODES, "cfb, gofb, gcfb",
        "The cipher modes that a client of STP may use. E-IMZO draws one of `cfb`, `ofb`, `sic`,"
        " `gofb` and `gcfb` for each tunnel. See [What STP does not"
        " promise](stp.md#11-what-stp-does-not-promise).",
        "A listener who recorded a tunnel in OFB or SIC could pass for its user. A new try draws"
        " again."),
    Key("tunnel.stp.domain", "stp.domain", DOMAIN, "",
        "The domain of the clients of STP where several domains have a key on the user's curve."
        " These clients do not say by which domain they come.",
        "With one domain there is nothing to choose.",
        unset="the only one that fits"),
    Key("tunnel.handshake.timeout", "handshake_timeout", seconds(0.1, 300), "10",
        "The time for a whole handshake.",
        "Enough for two round trips, and for a card that needs seconds to sign."),
    Key("tunnel.handshake.limit", "limits.handshakes", whole(1, 65536), "256",
        "How many handshakes may be in progress at once. The next one gets `overloaded`.",
        "It bounds the memory and the time for signatures that strangers can cost."),
    Key("tunnel.limit", "limits.tunnels", whole(1, 1_000_000), "10000",
        "How many tunnels may be open at once, handshakes included. The next one gets"
        " `overloaded`.",
        "Each takes two file descriptors and 7 KiB, and the systemd unit allows 65,536"
        " descriptors."),
    Key("tunnel.source.rate", "sources.rate", whole(0, 1_000_000, " a second"), "20",
        "How many handshakes one source address may begin in the long run. The next one gets"
        f" `rate_limited`. See [Limits](#limits). {_ANY}",
        "Twenty handshakes cost less than a tenth of a core, and a person makes far fewer."),
    Key("tunnel.source.burst", "sources.burst", whole(1, 1_000_000), "200",
        "How many handshakes a source address may begin at once before the rate holds.",
        "After a restart, all users of an office come back at once."),
    Key("tunnel.source.handshakes", "sources.handshakes", whole(0, 65536), "64",
        "How many handshakes of a source address may be in progress at once. The next one gets"
        f" `rate_limited`. {_ANY}",
        "A part of `tunnel.handshake.limit`, so that one slow address does not use it up."),
    Key("tunnel.source.limit", "sources.tunnels", whole(0, 1_000_000), "1000",
        "How many tunnels a source address may have open. The next one gets `too_many_tunnels`."
        f" {_ANY}",
        "A part of `tunnel.limit`, so that one address does not use it up."),
    Key("tunnel.source.networks", "sources.networks", ALLOWANCES, "127.0.0.0/8 free, ::1 free",
        "Networks with other limits: each address of such a network counts as so many sources, or"
        " is free of the limits for sources.",
        "Balancers on this machine are free. Institutions behind one address need an entry of"
        " their own."),
    Key("tunnel.certificate.limit", "limits.certificate", whole(0, 1_000_000), "64",
        "How many tunnels one certificate may have open. The next one gets `too_many_tunnels`."
        f" {_ANY}",
        "The pages of one person need fewer."),
    Key("tunnel.lifetime", "relay.lifetime", seconds(0, 31_536_000), "86400",
        "The gateway ends an open tunnel after this time, however busy it is. 0: never.",
        "An expired certificate or a changed rule then counts for every user within a day."),
    Key("tunnel.bandwidth", "relay.bandwidth", whole(0, 999_999_999, " bytes a second"), "0",
        "How much one tunnel may carry in each direction, with a burst of one second. 0: as much as"
        " the network carries.",
        "The kernel shares the network fairly."),
    Key("tunnel.workers", "workers", whole(1, 1024), "",
        "How many threads carry the bytes of open tunnels, see [Cores and"
        " threads](operations.md#cores-and-threads).",
        "Each thread uses one core when all tunnels together are busy, and nothing when they"
        " rest.", unset="as many as the daemon may use cores", restart=True),
    Key("tunnel.idle.timeout", "relay.idle_timeout", seconds(1, 604_800), "3600",
        "The gateway closes a tunnel after this time without a byte in either direction.",
        "A page that was left open over lunch still works."),
    Key("tunnel.upgrade.timeout", "upgrade_timeout", seconds(0.1, 3600), "90",
        "The time from the handshake to the browser's whole WebSocket request, and again for the"
        " application's answer to it.",
        "The one-shot address lives for 60 s."),
    Key("tunnel.connect.timeout", "connect_timeout", seconds(0.1, 300), "5",
        "The time to connect to a destination.",
        "Destinations are in the same network."),
    Key("tunnel.halfclose.timeout", "relay.half_close_timeout", seconds(0.1, 3600), "60",
        "The time that one direction may stay open after the other has ended.",
        "A download can finish, and a forgotten tunnel ends soon."),
    Key("tunnel.revocation", "revocation.mode", words("off", "soft", "hard"), "off",
        "Whether the gateway checks if users' certificates are revoked, see"
        " [Revocation](#revocation).",
        "No request leaves the gateway before an operator wants it."),
    Key("tunnel.revocation.timeout", "revocation.timeout", seconds(0.1, 60), "3",
        "The time that a new tunnel waits for a status that is not known yet. An OCSP responder"
        " gets the same time to answer.",
        "Shorter than the handshake time-out of the agents."),
    Key("tunnel.revocation.recheck", "revocation.recheck", seconds(1, 86_400), "600",
        "The time between two looks for newer lists and answers, for open tunnels too.",
        "Lists come hours apart; an answer about one user should count within minutes."),
    Key("tunnel.revocation.cache.dir", "revocation.cache_dir", FOLDER, "",
        "The folder that keeps fetched lists and answers for the next start. The gateway's user"
        " must be able to write there.",
        "Without revocation no folder is needed."),
    Key("tunnel.crl.dir", "revocation.crl_dir", FOLDER, "",
        "The folder with revocation lists that somebody else keeps up to date.",
        "Most gateways fetch the lists themselves."),
    Key("tunnel.fleet.redis", "fleet.redis", REDIS, "",
        "The Redis in which many gateways count together, see [Many"
        " machines](operations.md#many-machines).",
        "One gateway counts alone.", restart=True),
    Key("tunnel.fleet.password", "fleet.password", SECRET, "",
        "The password of that Redis, if it has one.",
        _UNSAFE, restart=True),
)
# fmt: on

KEY_OF: Final = {key.name: key for key in KEYS}
