"""What the bus records in one test, with SDK providers of the test's own: none is set for the whole process."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import metrics as metrics_api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler

from libs.events.observing import metrics, tracing
from tests.events.bus import until


class Spans:
    """The finished spans."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of this name."""
        return [span for span in self.all() if span.name == name]

    def all(self) -> list[ReadableSpan]:
        """Every one."""
        return list(self._exporter.get_finished_spans())

    def parented(self, name: str) -> list[ReadableSpan]:
        """Those of this name that have a parent."""
        return [span for span in self.named(name) if span.parent is not None]


@contextmanager
def recorded_spans(monkeypatch: pytest.MonkeyPatch, sampler: Sampler | None = None) -> Iterator[Spans]:
    """The bus's spans, as with an SDK that has this sampler; by default it records what isn't said to be unsampled."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler or ParentBased(ALWAYS_ON))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("enlace.events"))
    yield Spans(exporter)
    provider.shutdown()


Point = tuple[dict[str, Any], Any]
"""Attributes and the data point."""


class Metrics:
    """What the bus's instruments say."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def read(self) -> dict[str, list[Point]]:
        """The data points of every instrument that has any, by its name."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {
            metric.name: [(dict(point.attributes or {}), point) for point in metric.data.data_points]
            for scope in scopes
            for metric in scope.metrics
        }


class Seen:
    """Sums and latest values over several readings: what wasn't set since the last one isn't told again."""

    def __init__(self, recorded: Metrics) -> None:
        self._recorded = recorded
        self.values: dict[str, dict[tuple[tuple[str, Any], ...], float]] = {}
        self.highest: dict[str, float] = {}

    def look(self) -> None:
        """Read once more."""
        for name, points in self._recorded.read().items():
            for attributes, point in points:
                value = point.value if hasattr(point, "value") else point.count
                self.values.setdefault(name, {})[tuple(sorted(attributes.items()))] = value
                self.highest[name] = max(self.highest.get(name, 0.0), value)

    def of(self, name: str, /, **wanted: object) -> float:
        """The sum over the points whose attributes end in these names with these values."""
        self.look()
        found = self.values.get(name, {})
        return sum(value for key, value in found.items() if wanted.items() <= _short(key).items())

    async def until_it_is(self, name: str, value: float, /, **wanted: object) -> None:
        """Wait until it has been told and the sum is this."""

        async def so() -> bool:
            return self.of(name, **wanted) == value and name in self.values

        await until(so)


def _short(key: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {"_".join(name.split(".")[-2:]): value for name, value in key}


@contextmanager
def recorded_metrics(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metrics]:
    """The bus's instruments made again, on a provider of this test's own, in the place of those of the process."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    with monkeypatch.context() as patch:
        patch.setattr(metrics_api, "get_meter", provider.get_meter)
        fresh = _executed_again(metrics)
    for name, value in vars(fresh).items():
        if not name.startswith("__"):
            monkeypatch.setattr(metrics, name, value)
    yield Metrics(reader)
    provider.shutdown()


def _executed_again(module: ModuleType) -> ModuleType:
    spec = importlib.util.spec_from_file_location("libs_events_metrics_again", str(module.__file__))
    assert spec is not None
    assert spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    return again
