"""The meanings of the fields of a model: the texts below the fields in the source, including those of base classes."""

import ast
import inspect
from functools import lru_cache
from importlib import import_module
from typing import Any, get_args

from pydantic import BaseModel


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field that has one, on one line. The text of a subclass replaces that of its base."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _texts(base.__module__).get(base.__name__, {})
    return {name: text for name, text in found.items() if name in model.model_fields}


def parts_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """`model` and every model inside it, by class name. `ValueError` if two of them share a name."""
    found: dict[str, type[BaseModel]] = {}
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if found.setdefault(part.__name__, part) is not part:
            raise ValueError(f"two models are called {part.__name__}")
        for field in part.model_fields.values():
            waiting += [inner for inner in _leaves(field.annotation) if issubclass(inner, BaseModel)]
    return found


def plain(text: str) -> str:
    """A docstring on one line."""
    return " ".join(text.split())


def _leaves(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [leaf for argument in get_args(annotation) for leaf in _leaves(argument)]


@lru_cache
def _texts(module: str) -> dict[str, dict[str, str]]:
    """The texts by class name and field name, read from the source of the module. The models do not contain the texts
    when they run."""
    source = inspect.getsource(import_module(module))
    return {node.name: _texts_of(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}


def _texts_of(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = plain(below.value.value)
    return found
