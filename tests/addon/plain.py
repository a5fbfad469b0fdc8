"""The addon's packages that need no Odoo, loaded as an embedder loads them: each as a package of its own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ADDON = Path(__file__).parents[2] / "addons" / "fusion_billing"


def load(folder: str) -> ModuleType:
    """``rating`` as ``fusion_rating``."""
    name = f"fusion_{folder}"
    if name not in sys.modules:
        path = ADDON / folder
        spec = importlib.util.spec_from_file_location(
            name, path / "__init__.py", submodule_search_locations=[str(path)]
        )
        assert spec and spec.loader
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def module(folder: str, name: str) -> ModuleType:
    load(folder)
    return importlib.import_module(f"fusion_{folder}.{name}")


def together(name: str) -> ModuleType:
    """``api.coupons`` where ``api`` and ``rating`` see each other, as in the addon, whose own package needs Odoo."""
    if "fusion_plain" not in sys.modules:
        package = sys.modules["fusion_plain"] = ModuleType("fusion_plain")
        package.__path__ = [str(ADDON)]
    return importlib.import_module(f"fusion_plain.{name}")


rating = load("rating")
advance = module("rating", "advance")
aggregate = module("rating", "aggregate")
base_fee = module("rating", "base_fee")
charge_fees = module("rating", "charge_fees")
charge_models = module("rating", "charge_models")
coupon_uses = module("rating", "coupon_uses")
coupons = module("rating", "coupons")
events = module("rating", "events")
exact = module("rating", "exact")
gather = module("rating", "gather")
inputs = module("rating", "inputs")
invoice = module("rating", "invoice")
rows = module("rating", "rows")
unused = module("rating", "unused")
lines = module("rating", "lines")
moments = module("rating", "moments")
periods = module("rating", "periods")
intake = together("api.intake")
routes = together("api.routes")
delivery = together("api.delivery")
signature = together("api.signature")
event_checks = module("rating", "event_checks")
