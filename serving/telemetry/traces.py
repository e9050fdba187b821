"""Traces: each request as a span of OpenTelemetry, sent to a collector by OTLP over HTTP where settings name one."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from features.errors import SettingsError
from serving.access.ring import Call
from serving.telemetry.routes import Routes

TIMEOUT_SECONDS: Final = 10
"""How long the collector may take; nobody who asks the service waits for it."""


class Traces:
    """The spans of one process. Raises SettingsError where the address is none."""

    def __init__(self, endpoint: str, routes: Routes):
        if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname:
            raise SettingsError("serve.traces is no address of a collector; one looks like http://host:4318/v1/traces")
        self._routes = routes
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "ebb"}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=TIMEOUT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("serving")

    def tell(self, call: Call, scope: Mapping[str, Any]) -> None:
        """One request, as a part of the caller's trace where it names one (W3C Trace Context)."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        route = self._routes.of(call.path)
        began = int(call.at.timestamp() * 1e9)
        span = self._tracer.start_span(
            f"{call.method} {route}",
            context=TraceContextTextMapPropagator().extract(headers),
            kind=SpanKind.SERVER,
            start_time=began,
            attributes={
                "http.request.method": call.method,
                "http.route": route,
                "http.response.status_code": call.status,
                "ebb.accounts": call.accounts,
                "ebb.key": call.key or "",
                "ebb.model_version": call.model_version or "",
            },
        )
        if call.status >= 500 or call.status == 0:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=began + int(call.milliseconds * 1e6))

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.shutdown()
