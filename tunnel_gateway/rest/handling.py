"""One call from its request to its answer: who calls, which method, what body, what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import http_exceptions, web
from multidict import MultiDict, MultiDictProxy, MultiMapping

from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger, shows_debug
from tunnel_gateway.rest.answers import PIECE, Answer, refused, success
from tunnel_gateway.rest.bodies import Base64Body, Body, RawBody
from tunnel_gateway.rest.call import Call, Caller, Wanted
from tunnel_gateway.rest.callers import Callers
from tunnel_gateway.rest.forms import FormBody, texts_of_query
from tunnel_gateway.rest.languages import DEFAULT, language_of
from tunnel_gateway.rest.receiving import BodyMemory, Share, receive
from tunnel_gateway.rest.responses import send_large, small_response
from tunnel_gateway.rest.rest_metrics import RestMetrics
from tunnel_gateway.rest.routing import OTHER, Route, Routes, WrongVerbError
from tunnel_gateway.rest.statuses import HTTP_OK, OF_SERVICE, Fields, Reason, Refusal
from tunnel_gateway.user_language import Language

log = get_logger(__name__)

# A body of this size that no method wants is read to its end, so that the connection can go on.
_UNWANTED: Final = 64 * 1024
# Thousands of such calls a second are not worth a line, or have a line that says more (records.py).
_QUIET: Final = frozenset(
    {
        "/ping",
        "/info",
        "/frontend/challenge",
        "/frontend/mobile/auth",
        "/frontend/mobile/sign",
        "/frontend/mobile/status",
        "/frontend/mobile/upload",
        "/backend/mobile/authenticate/{documentId}",
        "/backend/mobile/verify",
        "/backend/auth",
        "/backend/pkcs7/verify/attached",
        "/backend/pkcs7/verify/detached",
        "/backend/pkcs7/verify/digest",
        "/backend/pkcs7/verify/many",
    }
)

_NO_QUERY: Final[MultiMapping[str]] = MultiDictProxy(MultiDict())
_NO_BODY: Final = Wanted()
_NOBODY: Final = Caller("unknown")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of a call, with what the log says of it."""

    answer: Answer
    detail: str = ""
    verbs: tuple[str, ...] = ()


@dataclass(slots=True)
class _Course:
    """How far one call has come, for the log and the metrics."""

    began: float
    label: str = OTHER
    caller: Caller = _NOBODY
    language: Language = DEFAULT
    size: int = 0


class Handler:
    """Answers calls. A document may have ``body_limit`` bytes.

    ``memory_full`` tells whether the process may take no more work, and ``stopping`` whether
    connections must end after their answer.
    """

    def __init__(
        self,
        *,
        routes: Routes,
        callers: Callers,
        memory: BodyMemory,
        metrics: RestMetrics,
        body_limit: int,
        memory_full: Callable[[], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self.routes = routes
        self.body_limit = body_limit
        self.memory = memory
        self.in_progress = 0
        self.quiet = asyncio.Event()  # while no call is in progress
        self.quiet.set()
        self._callers = callers
        self._metrics = metrics
        self._memory_full = memory_full
        self._stopping = stopping
        self._few_lines = FewLines()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        course = _Course(time.perf_counter())
        self.in_progress += 1
        self.quiet.clear()
        try:
            return await self._answer(request, course)
        finally:
            self.in_progress -= 1
            if not self.in_progress:
                self.quiet.set()

    async def _answer(self, request: web.BaseRequest, course: _Course) -> web.StreamResponse:
        try:
            route = self._meet(request, course)
        except Refusal as refusal:
            return await self._send(request, course, _refused(refusal, course))
        with self.memory.share(stranger=not course.caller.own) as share:
            outcome = await self._outcome(request, route, course, share)
            return await self._send(request, course, outcome)

    async def _outcome(
        self, request: web.BaseRequest, route: Route, course: _Course, share: Share
    ) -> _Outcome:
        try:
            return _Outcome(success(await self._call(request, route, course, share)))
        except Refusal as refusal:
            return _refused(refusal, course)
        except ConnectionError:
            raise  # nobody is there to be answered
        except Exception as error:  # a mistake of this program ends one call only
            log.exception("call_failed", path=course.label, detail=str(error))
            return _refused(Refusal(Reason.INTERNAL_ERROR), course)

    def _meet(self, request: web.BaseRequest, course: _Course) -> Route:
        """Find out who calls what, and whether there is memory for it. Raises Refusal."""
        headers = request.headers
        # As it is written: a proxy that keeps /backend/ from users may not see it in /%62ackend/.
        path = request.rel_url.raw_path
        course.label = self.routes.label(path)
        course.language = language_of(headers.get("Accept-Language", ""))
        course.caller = self._callers.identify(_peer(request), path, headers)
        self._callers.admit(course.caller, path)
        route = self.routes.find(path, request.method)
        if self._memory_full():
            self._metrics.memory_full.inc()
            raise Refusal(Reason.OVERLOADED, f"the memory is full, see {Limit.MEMORY}")
        return route

    async def _call(
        self, request: web.BaseRequest, route: Route, course: _Course, share: Share
    ) -> Fields:
        method = route.method
        wanted = method.wanted
        parts: tuple[bytes, ...] = ()
        raw = b""
        texts: Mapping[str, str] = {}
        came: tuple[str, ...] = ()
        query = request.query if "?" in request.raw_path else _NO_QUERY
        if wanted.form:
            parts = (b"",) * len(wanted.parts)
            texts = texts_of_query(wanted.texts, query)
        if request.method == "POST" and wanted != _NO_BODY:
            body = self._body(wanted)
            parts = await self._receive(request, body, course, share)
            if isinstance(body, FormBody):
                texts, came = {**texts, **body.texts}, tuple(body.came)
            elif not wanted.parts:
                (raw,), parts = parts, ()
        texts = {**texts, **route.texts}
        call = Call(method.path, course.caller, parts, raw, query, course.language, texts, came)
        return await method.answer(call)

    def _body(self, wanted: Wanted) -> Body:
        limit = min(wanted.raw or self.body_limit, self.body_limit)
        if wanted.form:
            return FormBody(wanted.texts, wanted.parts, limit if wanted.parts else 0)
        return Base64Body(wanted.parts, self.body_limit) if wanted.parts else RawBody(limit)

    async def _receive(
        self, request: web.BaseRequest, body: Body, course: _Course, share: Share
    ) -> tuple[bytes, ...]:
        body.expect(request.content_length or 0)
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise Refusal(Reason.BAD_BODY, "the body is compressed; send it as it is")
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        parts = await receive(request, body, share)
        course.size = sum(map(len, parts))
        self._callers.charge(course.caller, course.size)
        return parts

    # --- answers ---------------------------------------------------------------------------

    def answer_unreadable(
        self, request: web.BaseRequest, error: BaseException | None
    ) -> web.StreamResponse:
        """Answer a request that is not HTTP, or a fault outside of a call."""
        if isinstance(error, ConnectionError):  # nobody is there to be answered
            return small_response(refused(Refusal(Reason.UNREADABLE_REQUEST), DEFAULT), close=True)
        course = _Course(time.perf_counter())
        course.caller = Caller(_peer(request))
        message = getattr(error, "message", "")
        if not isinstance(error, http_exceptions.HttpProcessingError):
            log.error("call_failed", path=OTHER, detail=str(error), exc_info=error)
            refusal = Refusal(Reason.INTERNAL_ERROR)
        elif isinstance(error, http_exceptions.LineTooLong) or "Too many headers" in message:
            refusal = Refusal(Reason.HEAD_TOO_LARGE)
        else:
            # The library's text may quote the request, so it is not passed on.
            detail = "it has no Host header" if "'Host'" in message else "it is not correct HTTP"
            refusal = Refusal(Reason.UNREADABLE_REQUEST, detail)
        outcome = _refused(refusal, course)
        self._note(outcome.answer, course, outcome.detail)
        return small_response(outcome.answer, close=True)

    async def _send(
        self, request: web.BaseRequest, course: _Course, outcome: _Outcome
    ) -> web.StreamResponse:
        answer = outcome.answer
        unread = not request.content.is_eof() and (request.content_length or PIECE) > _UNWANTED
        close = unread or self._stopping()
        if answer.length > PIECE:
            response = await send_large(request, answer, close=close)
        else:
            response = small_response(answer, close=close)
            if outcome.verbs:
                response.headers["Allow"] = ", ".join(outcome.verbs)
        self._note(answer, course, outcome.detail)
        return response

    def _note(self, answer: Answer, course: _Course, detail: str) -> None:
        """Count the call and log it."""
        seconds = time.perf_counter() - course.began
        self._metrics.answered(course.label, answer.status, seconds, course.size, answer.length)
        failed = answer.code != HTTP_OK or answer.reason in OF_SERVICE
        quiet = not failed and course.label in _QUIET
        if quiet and not shows_debug():
            return
        caller = course.caller
        facts = {
            "path": course.label,
            "status": answer.status,
            "client": caller.user or caller.source,
            "host": caller.host,
            "seconds": round(seconds, 6),
            "bytes": course.size,
            **({"reason": answer.reason} if answer.reason else {}),
            **({"detail": detail} if detail else {}),
        }
        if failed:
            if (more := self._few_lines.admit()) is not None:
                log.warning("call_refused", **facts, **more)
        elif quiet:
            log.debug("call_answered", **facts)
        else:
            log.info("call_answered", **facts)


def _refused(refusal: Refusal, course: _Course) -> _Outcome:
    verbs = refusal.verbs if isinstance(refusal, WrongVerbError) else ()
    return _Outcome(refused(refusal, course.language, course.label), refusal.for_log, verbs)


def _peer(request: web.BaseRequest) -> str:
    """Return the address at the other end, as http_server.py keeps it for each connection."""
    return getattr(request.protocol, "source", "unknown")
