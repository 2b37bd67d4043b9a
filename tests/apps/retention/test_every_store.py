"""No place where pictures of people stay for ever: every model and every prefix of keys is decided about."""

import ast
import re
from pathlib import Path

from django.apps import apps as django_apps

from apps.retention import erasure, registry

ROOT = Path(__file__).resolve().parents[3]
# Fields that end like an object key and are none.
NOT_OBJECTS = {"public_key", "idempotency_key", "token_key", "sealed_key"}
_PREFIX = re.compile(r"([a-z][a-z_-]*/)")


def _ours():
    return [
        model
        for config in django_apps.get_app_configs()
        if config.name.startswith("apps.")
        for model in config.get_models()
        if not model._meta.proxy
    ]


def test_every_model_is_a_store_or_exempt_with_a_reason():
    stores = {label for store in registry.stores() for label in store.model_labels}
    decided = stores | registry.exemptions().keys()
    assert [model._meta.label for model in _ours() if model._meta.label not in decided] == [], (
        "register these with apps.retention.registry: register(RowStore(…)) or exempt(…, reason=…)"
    )
    assert all(len(reason) > 15 for reason in registry.exemptions().values())


def test_nothing_registered_is_stale():
    labels = {model._meta.label for model in _ours()}
    stores = {label for store in registry.stores() for label in store.model_labels}
    assert (stores | registry.exemptions().keys()) - labels == set()


def test_every_store_says_how_it_erases_or_why_it_does_not():
    assert erasure.undecided() == [], (
        "say with apps.retention.erasure what an erasure takes: erases(name, RowEraser(…)) or "
        "erasure_exempt(name, reason=…)"
    )
    assert all(len(reason) > 15 for reason in erasure.exemptions().values())
    names = {store.name for store in registry.stores()}
    assert {store.name for store, _eraser in erasure.erasers()} | erasure.exemptions().keys() == names


def test_no_exempt_model_names_objects_of_the_store():
    """A field with an object key makes a store; whatever hides one behind an exemption is found here."""
    named = {
        f"{model._meta.label}.{field.name}"
        for model in _ours()
        if model._meta.label in registry.exemptions()
        for field in model._meta.get_fields()
        if field.name.endswith(("_key", "object_key")) and field.name not in NOT_OBJECTS
    }
    assert named == set()


def _prefixes_in_code():
    """Beginnings of object keys: `name/` at the front of a text that is formatted with an id."""
    found = {}
    for folder in ("apps", "inference_workers"):
        for path in (ROOT / folder).rglob("*.py"):
            if "migrations" in path.parts or "demo" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.JoinedStr) or len(node.values) < 2:
                    continue
                first = node.values[0]
                match = isinstance(first, ast.Constant) and _PREFIX.fullmatch(str(first.value))
                if match:
                    found.setdefault(match[1], str(path.relative_to(ROOT)))
    return found


# Beginnings that look like a key and are none.
NOT_KEYS = {"application/"}


def test_every_prefix_of_object_keys_belongs_to_a_store():
    known = {prefix for prefix, _store in registry.prefixes()}
    written = _prefixes_in_code()
    assert {"snapshots/", "uploads/", "previews/"} <= written.keys()
    unknown = {prefix: where for prefix, where in written.items() if prefix not in known | NOT_KEYS}
    assert unknown == {}, "objects below these prefixes would never be swept"
