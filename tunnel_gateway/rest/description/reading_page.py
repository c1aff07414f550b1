"""The description as a page of HTML: no script, and nothing from another host."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final

from tunnel_gateway.rest.description.answer_schemas import Schema

STYLE: Final = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem;
       color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; margin-top: 2.5rem; }
h3 { font-size: 1.05rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd;
         vertical-align: top; }
code { font-size: .9em; overflow-wrap: anywhere; } a { color: #0b57a4; }
li a { text-decoration: none; } li a code { text-decoration: underline; }
.verb { display: inline-block; min-width: 3.2rem; font-weight: 700; color: #17693a; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #16181b; } th, td { border-color: #3a3d42; }
  a { color: #8ab8ff; } .verb { color: #6fd08c; }
}
"""
POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none';"
    f" style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)

_CODE: Final = re.compile("`([^`]+)`")
# Where a parameter stands; a header is the same for all methods.
_SHOWN: Final = {"query": "Query", "path": "Path"}
_SCHEMAS: Final = "#/components/schemas/"


def reading_page(document: Mapping[str, Any]) -> str:
    """Return the page for a description of `document.describe`."""
    title = escape(document["info"]["title"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(_body(document))
        + "\n</body></html>\n"
    )


def _body(document: Mapping[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
    yield '<p><a href="openapi.json">openapi.json</a></p>'
    yield from _prose(info["description"])
    operations = [
        (path, verb.upper(), operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    ]
    yield "<h2>Methods</h2>"
    for tag in document["tags"]:
        yield f"<h3>{escape(tag['name'])}</h3><p>{_inline(tag['description'])}</p><ul>"
        for path, verb, operation in operations:
            if tag["name"] in operation["tags"]:
                anchor = escape(operation["operationId"])
                yield (
                    f'<li><a href="#{anchor}">{_call(verb, path)}</a>'
                    f" {_inline(operation['summary'])}</li>"
                )
        yield "</ul>"
    for path, verb, operation in operations:
        yield from _operation(path, verb, operation)
    yield "<h2>Schemas</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        yield from _prose(schema.get("description", ""))
        yield from _fields(schema)


def _operation(path: str, verb: str, operation: Schema) -> Iterator[str]:
    yield f'<h2 id="{escape(operation["operationId"])}">{_call(verb, path)}</h2>'
    yield from _prose(f"{operation['summary']}.")
    yield from _prose(operation.get("description", ""))
    for parameter in operation["parameters"]:
        if parameter["in"] in _SHOWN:
            yield f"<p>{_SHOWN[parameter['in']]}: <code>{escape(parameter['name'])}</code>."
            yield f" {_inline(parameter['description'])}.</p>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_inline(body.get('description', 'JSON'))}.</p>"
        yield from _fields(next(iter(body["content"].values()))["schema"])
    yield from _responses(operation["responses"])


def _responses(responses: Schema) -> Iterator[str]:
    schemas = {
        code: next(iter(response["content"].values()))["schema"]
        for code, response in responses.items()
    }
    right = schemas.pop("200")
    for outcome in right.get("oneOf", (right,)):
        yield f"<h3>{_inline(outcome['description'])}, HTTP 200</h3>"
        yield from _fields(outcome)
        yield f"<p>{_reasons(outcome)}</p>"
    yield '<h3>Other answers</h3><div class="wide"><table>'
    yield "<tr><th>HTTP</th><th>meaning</th><th>reason</th></tr>"
    for code, schema in schemas.items():
        about = _inline(responses[code]["description"])
        yield f"<tr><td>{escape(code)}</td><td>{about}</td><td>{_reasons(schema)}</td></tr>"
    yield "</table></div>"


def _reasons(outcome: Schema) -> str:
    words = outcome.get("properties", {}).get("reason", {}).get("enum", ())
    return ", ".join(f'<a href="#Reason"><code>{escape(word)}</code></a>' for word in words)


def _fields(schema: Schema) -> Iterator[str]:
    if "properties" not in schema:
        return
    yield '<div class="wide"><table><tr><th>field</th><th>type</th><th></th></tr>'
    yield from _rows(schema, "")
    yield "</table></div>"


def _rows(schema: Schema, prefix: str) -> Iterator[str]:
    for name, field in schema["properties"].items():
        always = name in schema.get("required", ())
        inner = field.get("items", field)
        about = field.get("description") or inner.get("description", "")
        yield (
            f"<tr><td><code>{escape(prefix + name)}</code></td><td>{_kind(field)}"
            f"{'' if always else ', optional'}</td><td>{_inline(about)}</td></tr>"
        )
        if "properties" in inner:
            yield from _rows(inner, f"{prefix}{name}{'[]' if inner is not field else ''}.")


def _kind(field: Schema) -> str:
    if (target := field.get("$ref")) is not None:
        name = escape(target.removeprefix(_SCHEMAS))
        return f'<a href="#{name}">{name}</a>'
    if "items" in field:
        return f"list of {_kind(field['items'])}"
    if "const" in field:
        return escape(str(field["const"]))
    encoding = field.get("contentEncoding") or field.get("format")
    return escape(encoding or field["type"])


def _call(verb: str, path: str) -> str:
    return f'<span class="verb">{escape(verb)}</span> <code>{escape(path)}</code>'


def _prose(markdown: str) -> Iterator[str]:
    """Yield the HTML of paragraphs and lists."""
    for block in filter(None, markdown.split("\n\n")):
        if block.startswith("* "):
            items = block.removeprefix("* ").split("\n* ")
            yield f"<ul>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</ul>"
        else:
            yield f"<p>{_inline(block)}</p>"


def _inline(markdown: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(markdown))
