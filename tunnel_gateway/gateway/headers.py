"""Which headers of a page's request reach the application: the one table of those that do not.

Applications and frameworks believe certain headers, because the proxy before them sets them. Here
that proxy is the gateway, and it sets X-EIMZO-*, X-Forwarded-For, Host, Connection and Upgrade. So
nothing of the kind passes from outside, whoever it is that some framework would believe: browsers
send none of these headers, and pages cannot make them.

A name with other characters than letters, digits and hyphens does not pass either: CGI and WSGI
servers fold ``X_EIMZO_CN`` and ``X.EIMZO.CN`` into the name of the real header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from types import MappingProxyType
from typing import Final

# What such a header tells the application, and the names, in lower case; * is any text.
REMOVED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "who the user is": (
            *("x-eimzo-*", "remote-*", "x-remote-*", "auth-*", "x-auth-request-*"),
            *("x-auth-user*", "x-authenticated-*", "x-authentik-*", "x-webauth-*", "webauth-*"),
            *("x-user", "x-user-email", "x-user-id", "x-user-name", "x-userinfo", "x-username"),
            *("x-consumer-*", "x-credential-*", "x-anonymous-consumer", "x-goog-*", "x-amzn-*"),
            *("x-ms-client-*", "x-pomerium-*", "x-vouch-*", "tailscale-*", "oidc-*", "x-oidc-*"),
            *("shib-*", "mellon-*", "sm-*", "iv-*"),
        ),
        "which certificate he showed": (
            *("x-ssl*", "ssl-*", "x-tls-*", "tls-*", "x-mtls-*", "x-client-*", "x-clientcert*"),
            *("client-cert*", "x-cert-*", "x-arr-*"),
        ),
        "where he comes from": (
            *("forwarded*", "x-forwarded*", "*-forwarded-for", "*client-ip", "*clientip"),
            *("*real-ip", "*connecting-ip*", "*remote-addr", "*remote-ip", "*originating-ip"),
            *("*proxyuser-ip", "x-cluster-*", "x-envoy-*", "x-appengine-*", "x-azure-*", "cf-*"),
            *("cloudfront-*", "fastly-*", "x-custom-ip-*", "via"),
        ),
        "what was asked for, and how": (
            *("x-original-*", "x-rewrite-*", "x-host", "x-http-host*", "x-http-method*"),
            *("x-method-override", "x-scheme", "x-url-scheme", "x-proto*", "*script-name"),
            *("front-end-https", "x-https", "https", "x-accel-*", "x-sendfile*", "x-middleware-*"),
        ),
        "the connection to the gateway, which ends here": (
            *("keep-alive", "proxy", "proxy-*", "wl-proxy-*", "content-length"),
            *("transfer-encoding", "te", "trailer", "expect", "http2-settings", "max-forwards"),
        ),
    }
)

_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_REMOVED: Final = re.compile(
    "|".join(translate(pattern) for patterns in REMOVED.values() for pattern in patterns)
)


def passes(name: str) -> bool:
    """Tell whether a header of this name goes on to the application as it came."""
    return _NAME.fullmatch(name) is not None and _REMOVED.match(name.lower()) is None


def as_markdown() -> str:
    """Return the table as it stands in docs/configuration.md."""
    return "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    yield "| what it would tell | headers that do not pass |"
    yield "|---|---|"
    for what, patterns in REMOVED.items():
        yield f"| {what} | {', '.join(f'`{one}`' for one in patterns)} |"
