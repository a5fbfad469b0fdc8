"""Remedies done by machine, just as the report says them, and what is left afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from mappings.target import OURS, Desired, Phase
from migrate.errors import Blocked, OdooError
from migrate.odoo.protocol import Odoo
from migrate.shipped_tables import shipped
from reports.data import Evidence, Finding
from tests.faults import Company, Fault
from tests.odoo.matrix.judge import Verdict, look
from tests.odoo.matrix.world import Planted
from tests.reconciling import planted

WHERE = re.compile(r"(?P<model>[a-z]+(\.[a-z]+)+) (?P<record>.*?)( \((?P<id>\d+)\))?$")
NOTHING_TO_MEND = frozenset(
    {"price_passed", "waive_rounding", "accept_rule", "bill_by_date"}
)  # they say that there is none
FOR_A_PERSON = frozenset({"extra_order"})  # what stood before one of ours is, once that is mended, only an extra
Done = str  # empty, or why no machine can do it


def remedied(copy: Planted, fault: Fault, verdict: Verdict) -> str:
    """Do by machine what the report says, and look again: ``yes``, ``no``, ``none``, or why no machine can."""
    told = [r for f in verdict.new for r in (f.remedy, *_besides(f)) if r]
    remedies = {str((r.name, dict(r.values))): r for r in told}
    if not remedies:
        return ""
    if {remedy.name for remedy in remedies.values()} <= NOTHING_TO_MEND:
        return "none (nothing to mend)"
    for remedy in remedies.values():
        if remedy.name in NOTHING_TO_MEND:
            continue
        try:
            undone = BY_MACHINE[remedy.name](copy, remedy) if remedy.name in BY_MACHINE else remedy.name
        except (OdooError, Blocked, AssertionError, ValueError, KeyError) as error:
            return f"no: {remedy.name} ends with {type(error).__name__} {str(error)[:80]}".replace("|", "/")
        if undone:
            return f"by hand ({undone})"
    left = Verdict(kind=verdict.kind, flavour=verdict.flavour, clean=verdict.clean, said=look(copy, fault))
    remaining = {f.cause for f in left.new} | left.reasons
    if remaining and remaining <= verdict.reasons | FOR_A_PERSON:  # a refusal says in words what a person does about it
        return f"by hand ({', '.join(sorted(remaining))})"
    return "yes" if not remaining else f"no: {', '.join(sorted(remaining))} remain"


def _besides(finding: Finding) -> Iterator[Evidence]:
    """What is told to be set as well, beside the remedy."""
    for told in finding.evidence:
        if told.name == "covered":
            yield Evidence(name="mend_field", values={name: told.values[name] for name in ("where", "what", "lago")})


# --- usage -----------------------------------------------------------------------------------------------------------


def _load(copy: Planted, remedy: Evidence) -> Done:
    copy.apply()
    return ""


def _load_usage(copy: Planted, remedy: Evidence) -> Done:
    copy.apply(Phase.USAGE)
    return ""


def _carry_balance(copy: Planted, remedy: Evidence) -> Done:
    copy.apply(Phase.BALANCES)
    return ""


def _remove_usage(copy: Planted, remedy: Evidence) -> Done:
    """What Lago does not have."""
    known = {row["transaction_id"] for row in _of_lago(copy, _subscription(remedy))}
    _unlink_usage(copy.company, (row for row in _held(copy, remedy) if row["transaction_id"] not in known))
    return ""


def _reload_usage(copy: Planted, remedy: Evidence) -> Done:
    """What is not as ``apply`` would write it is deleted, and loaded again."""
    wanted = {str(d.values["transaction_id"]): d.values for d in _wanted(copy) if d.model == "fusion.billing.usage"}
    names = str(remedy.values["what"]).split(", ")
    held = (row for row in _held(copy, remedy) if row["transaction_id"] in wanted)
    _unlink_usage(
        copy.company,
        (row for row in held if any(not _alike(row[name], wanted[row["transaction_id"]].get(name)) for name in names)),
    )
    return _load_usage(copy, remedy)


def _alike(held: Any, wanted: Any) -> bool:
    as_text = wanted.strftime("%Y-%m-%d %H:%M:%S") if hasattr(wanted, "strftime") else wanted
    return (held or None) == (as_text or None)


def _return_usage(copy: Planted, remedy: Evidence) -> Done:
    """What Lago has of the subscription that is named, and Odoo of the other one."""
    owner = str(remedy.values["lago"])
    names = {row["transaction_id"] for row in _of_lago(copy, owner)}
    ids = [row["id"] for row in _held(copy, remedy) if row["transaction_id"] in names]
    copy.company.write("fusion.billing.usage", [["id", "in", ids]], external_subscription_id=owner)
    return ""


def _subscription(remedy: Evidence) -> str:
    return str(remedy.values["where"]).partition(" of ")[2]


def _held(copy: Planted, remedy: Evidence) -> list[dict[str, Any]]:
    domain = [["external_subscription_id", "=", _subscription(remedy)]]
    return copy.company.rows("fusion.billing.usage", domain)


def _of_lago(copy: Planted, subscription: str) -> list[dict[str, Any]]:
    query = "select transaction_id from events where external_subscription_id = $1"
    table = copy.company.events.db.sql(query, params=[subscription]).to_arrow_table()
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _unlink_usage(company: Company, rows: Iterable[Mapping[str, Any]]) -> None:
    company.odoo.call("fusion.billing.usage", "unlink", [row["id"] for row in rows])


# --- fields ----------------------------------------------------------------------------------------------------------


def _set_field(copy: Planted, remedy: Evidence) -> Done:
    """The named field gets the named value; of a part of one, all that ``preview`` shows; what is gone is applied."""
    told = WHERE.match(str(remedy.values["where"]))
    name, _, inside = str(remedy.values["what"]).partition(": ")
    if told is None:
        return str(remedy.values["where"])
    if name.startswith("charge "):
        return _load(copy, remedy)
    odoo, model = copy.company.odoo, told["model"]
    ids = _records(copy, told)
    names = name.split(", ")
    known = odoo.call(model, "fields_get", allfields=names, attributes=["type"])
    lago = str(remedy.values["lago"])
    if not ids or (len(names) == 1 and name not in known):
        return f"{remedy.values['where']}, {name}"
    if inside and name == "properties":
        values = {name: _inside(odoo, ids, inside, lago)}
    elif inside or known[names[0]]["type"] == "text":
        values = {name: _wanted_value(copy, model, ids[0], name)}
    else:
        parts = [lago] if len(names) == 1 else lago.split(", ")
        values = {n: _typed(copy, part, n, known[n]["type"]) for n, part in zip(names, parts, strict=True)}
    odoo.call(model, "write", ids, vals=values)
    return ""


def _set_unique(copy: Planted, remedy: Evidence) -> Done:
    """Who has the value now gets a third one first; its own comes by the remedy of its own difference."""
    told = WHERE.match(str(remedy.values["where"]))
    if told is None:
        return str(remedy.values["where"])
    name, lago = str(remedy.values["what"]), str(remedy.values["lago"])
    own = _records(copy, told)
    odoo, other = copy.company.odoo, [[name, "=", lago], ["id", "not in", own]]
    for holder in odoo.call(told["model"], "search", domain=other, context={"active_test": False}):
        odoo.call(told["model"], "write", [holder], vals={name: f"{lago} moved {holder}"})
    return _set_field(copy, remedy)


def _records(copy: Planted, told: re.Match[str]) -> list[int]:
    if told["id"]:
        return [int(told["id"])]
    if told["record"].startswith(f"{OURS}."):
        return [_number(copy, told["record"])]
    key = {"sale.order": "name", "decimal.precision": "name"}.get(told["model"], "code")
    found: list[int] = []
    for record in told["record"].split(f", {told['model']} "):
        found += copy.company.odoo.call(
            told["model"], "search", domain=[[key, "=", record]], context={"active_test": False}
        )
    return found


def _wanted(copy: Planted) -> list[Desired]:
    mapped = planted.mapping(copy.of.base, copy.company.odoo, copy.of.base.snapshot, shipped())
    return [item for item in mapped if isinstance(item, Desired)]


def _wanted_value(copy: Planted, model: str, number: int, name: str) -> Any:
    """What ``preview`` shows for the record's field."""
    domain = [["model", "=", model], ["res_id", "=", number], ["module", "=", "lago"]]
    (row,) = copy.company.rows("ir.model.data", domain, "name")
    (wanted,) = [item for item in _wanted(copy) if item.xid == f"lago.{row['name']}"]
    return wanted.values.get(name) or False


def _units(copy: Planted, remedy: Evidence) -> Done:
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    units = str(remedy.values["lago"]).strip('"')
    vals = {"units": units, "unit_changes": False}
    copy.company.odoo.call(told["model"], "write", _records(copy, told), vals=vals)
    return ""


def _typed(copy: Planted, text: str, name: str, kind: str) -> Any:
    """The value that the remedy quotes; a record by its external id, or by the code that it has in Lago."""
    if text.startswith(f"{OURS}."):
        return _number(copy, text)
    if text in ("none", "not there", "null"):
        return False
    if kind == "many2one":
        model, key = NAMED_BY[name]
        return copy.company.odoo.call(model, "search", domain=[[key, "=", text]])[0]
    return TYPED.get(kind, str)(text.strip('"'))


NAMED_BY = {
    "product_id": ("product.product", "default_code"),
    "metric_id": ("fusion.billing.metric", "code"),
    "plan_id": ("product.template", "default_code"),
    "order_id": ("sale.order", "name"),
}
TYPED: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text.casefold() in ("true", "yes", "1"),
    "integer": int,
    "float": float,
}


def _inside(odoo: Odoo, ids: list[int], places: str, told: str) -> str:
    """A charge's properties with the values that the remedy names, at the places that it names."""
    (row,) = odoo.call("fusion.billing.charge", "read", ids, fields=["properties"])
    properties = json.loads(row["properties"])
    paths = places.split(", ")
    values = json.loads(told) if len(paths) > 1 else [told]
    for path, value in zip(paths, values, strict=True):
        *before, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        inner = properties
        for step in before:
            inner = inner[step]
        inner[last] = _json(value) if isinstance(value, str) else value
    return json.dumps(properties)


def _json(text: str) -> Any:
    """Prices are texts, edges of tiers are numbers or nothing."""
    if text in ("none", "null"):
        return None
    return int(text) if text.isdecimal() else text.strip('"')


# --- what people put on an order, and settings -----------------------------------------------------------------------


def _end_discount(copy: Planted, remedy: Evidence) -> Done:
    return _on_line(copy, remedy, discount=0.0)


def _end_order_line(copy: Planted, remedy: Evidence) -> Done:
    return _on_line(copy, remedy, product_uom_qty=0.0)


def _on_line(copy: Planted, remedy: Evidence, **values: float) -> Done:
    """The one line that is named, and no other; a person finds it by its id, or not at all."""
    told = WHERE.match(str(remedy.values["where"]))
    if told is None or told["model"] != "sale.order.line" or not told["id"]:
        return str(remedy.values["where"])
    copy.company.write("sale.order.line", [["id", "=", int(told["id"])]], **values)
    return ""


def _remove_charge(copy: Planted, remedy: Evidence) -> Done:
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    copy.company.odoo.call(told["model"], "unlink", _records(copy, told))
    return ""


def _round(copy: Planted, remedy: Evidence) -> Done:
    copy.company.write("res.currency", [["name", "=", str(remedy.values["currency"])]], rounding=0.01)
    return ""


def _round_globally(copy: Planted, remedy: Evidence) -> Done:
    copy.company.write("res.company", [["id", "=", 1]], tax_calculation_rounding_method="round_globally")
    return ""


def _exclude_tax(copy: Planted, remedy: Evidence) -> Done:
    ids = [int(number) for number in re.findall(r"\((\d+)\)", str(remedy.values["tax"]))]
    vals = {"price_include_override": "tax_excluded"}
    copy.company.odoo.call("account.tax", "write", ids, vals=vals)
    return ""


def _run_again(copy: Planted, remedy: Evidence) -> Done:
    """The order in the state that Lago's subscription has: running, as all of them are here."""
    domain = [["fusion_lago_id", "=", str(remedy.values["subscription"])]]
    known = copy.company.odoo.call("sale.order", "fields_get", allfields=["subscription_state"], attributes=["type"])
    copy.company.write("sale.order", domain, state="sale", **({"subscription_state": "3_progress"} if known else {}))
    if copy.company.odoo.call("ir.model", "search_count", domain=[["model", "=", "sale.subscription"]]):
        (stage, *_) = copy.company.rows("sale.subscription.stage", [["type", "=", "in_progress"]], "id")
        own = [["sale_order_id", "=", row["id"]] for row in copy.company.rows("sale.order", domain, "id")]
        copy.company.write("sale.subscription", own, stage_id=stage["id"], in_progress=True, is_paused=False)
    return ""


def _remove_twin(copy: Planted, remedy: Evidence) -> Done:
    """Of two charges of one Lago record the one that no external id of ours names."""
    rows = copy.company.rows("fusion.billing.charge", [["fusion_lago_id", "=", str(remedy.values["item"])]], "id")
    domain = [["model", "=", "fusion.billing.charge"], ["module", "=", "lago"]]
    known = {row["res_id"] for row in copy.company.rows("ir.model.data", domain, "res_id")}
    copy.company.odoo.call("fusion.billing.charge", "unlink", [r["id"] for r in rows if r["id"] not in known])
    return ""


def _line_taxes(copy: Planted, remedy: Evidence) -> Done:
    """The taxes of what is named, as ``preview`` shows them: of a charge its own, of an order those of its lines."""
    where = str(remedy.values["where"])
    orders = [part.removeprefix("sale.order ") for part in where.split(", ") if part.startswith("sale.order ")]
    if orders:
        lines = copy.company.rows("sale.order.line", [["order_id.name", "in", orders]], "id")
        _set_taxes(copy, {row["id"] for row in lines})
    charges = re.findall(r"fusion\.billing\.charge \S+ \((\d+)\)", where)
    for number in charges:
        refs: Any = _wanted_value(copy, "fusion.billing.charge", int(number), "tax_ids") or ()
        taxes = [_number(copy, str(ref.xid)) for ref in refs]
        copy.company.write("fusion.billing.charge", [["id", "=", int(number)]], tax_ids=[[6, 0, taxes]])
    return "" if orders or charges else where


def _set_taxes(copy: Planted, numbers: Collection[int]) -> None:
    """Of these lines, as ``preview`` shows them."""
    for number, line in _mapped_lines(copy):
        if number in numbers and "tax_ids" in line.values:
            refs: Any = line.values["tax_ids"]
            taxes = [_number(copy, str(ref.xid)) for ref in refs]
            copy.company.odoo.call("sale.order.line", "write", [number], vals={"tax_ids": [[6, 0, taxes]]})


def _mapped_lines(copy: Planted) -> Iterator[tuple[int, Desired]]:
    """Odoo's ids of the orders' lines, and each as ``preview`` shows it."""
    rows = copy.company.rows("ir.model.data", [["module", "=", "lago"], ["model", "=", "sale.order.line"]])
    names = {f"lago.{row['name']}": row["res_id"] for row in rows}
    wanted = (line for order in _wanted(copy) for lines in order.children.values() for line in lines)
    yield from ((names[line.xid], line) for line in wanted if line.xid in names)


def _product(copy: Planted, remedy: Evidence) -> Done:
    """The product first, as a person sets it; then what Odoo computed anew with it, as ``preview`` shows it."""
    undone = _set_field(copy, remedy)
    if undone:
        return undone
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    for number, line in _mapped_lines(copy):
        if number == int(told["id"]):
            values = {"name": line.values["name"], "price_unit": float(str(line.values["price_unit"]))}
            copy.company.odoo.call("sale.order.line", "write", [number], vals=values)
    _set_taxes(copy, {int(told["id"])})
    return ""


def _line_order(copy: Planted, remedy: Evidence) -> Done:
    """The order first, as a person sets it; then what Odoo computed anew with it, of this line and no other."""
    undone = _set_field(copy, remedy)
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    for number, line in _mapped_lines(copy):
        if number == int(told["id"]):
            refs: Any = line.values["tax_ids"]
            values = {"name": line.values["name"], "price_unit": float(str(line.values["price_unit"]))}
            taxes = [[6, 0, [_number(copy, str(ref.xid)) for ref in refs]]]
            copy.company.odoo.call("sale.order.line", "write", [number], vals={**values, "tax_ids": taxes})
    return undone


def _own_line(copy: Planted, remedy: Evidence) -> Done:
    """The product of its charge first, then what Odoo computed anew with it, as ``preview`` shows it."""
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    for number, line in _mapped_lines(copy):
        if number == int(told["id"]):
            product: Any = line.values["product_id"]
            copy.company.write("sale.order.line", [["id", "=", number]], product_id=_number(copy, product.xid))
            values = {"name": line.values["name"], "price_unit": float(str(line.values["price_unit"]))}
            copy.company.write("sale.order.line", [["id", "=", number]], **values)
    return ""


def _group(copy: Planted, remedy: Evidence) -> Done:
    """The group is made of the taxes that are named, each found as a person finds it: by its name and its rate."""
    named = [part.rpartition(" %")[0].rpartition(" ") for part in str(remedy.values["tax"]).split(" + ")]
    parts = [_tax_called(copy, set(code.split("_")), float(rate)) for code, _, rate in named]
    if not all(parts):
        return str(remedy.values["tax"])
    for number in re.findall(r"\((\d+)\)", str(remedy.values["where"])):
        copy.company.write("account.tax", [["id", "=", int(number)]], children_tax_ids=[[6, 0, parts]])
    return ""


def _tax_called(copy: Planted, words: set[str], rate: float) -> int:
    """The tax on sales of this rate that the chart of accounts names by these words, and by the fewest others."""
    company = copy.company
    ids = {
        row["id"] for row in company.rows("account.tax", [["amount_type", "=", "percent"], ["amount", "=", rate]], "id")
    }
    rows = company.rows("ir.model.data", [["model", "=", "account.tax"], ["module", "=", "account"]])
    names = {row["res_id"]: set(row["name"].split("_")) for row in rows if row["res_id"] in ids}
    fitting = [number for number, name in names.items() if words | {"sale"} <= name]
    return min(fitting, key=lambda number: len(names[number]), default=0)


def _balance(copy: Planted, remedy: Evidence) -> Done:
    """The entry keeps the line that the migration made, and is in the currency that ``preview`` shows."""
    xid = str(remedy.values["where"]).removeprefix("account.move ")
    move, made = _number(copy, xid), _number(copy, f"{xid}_open")
    currency = _wanted_value(copy, "account.move", move, "currency_id")
    if currency:
        number = _number(copy, str(currency.xid))
        copy.company.write("account.move", [["id", "=", move]], currency_id=number)
    lines = copy.company.rows("account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]], "id")
    gone = [[2, row["id"], 0] for row in lines if row["id"] != made]
    copy.company.write("account.move", [["id", "=", move]], invoice_line_ids=gone)
    return ""


def _position(copy: Planted, remedy: Evidence) -> Done:
    """The order's fiscal position as ``preview`` shows it, and the taxes on the lines."""
    for order in str(remedy.values["where"]).removeprefix("sale.order ").split(", "):
        (row,) = copy.company.rows("sale.order", [["name", "=", order]], "id")
        position = _wanted_value(copy, "sale.order", row["id"], "fiscal_position_id")
        number = _number(copy, str(position.xid)) if position else False
        copy.company.write("sale.order", [["id", "=", row["id"]]], fiscal_position_id=number)
    return _line_taxes(copy, remedy)


def _distribute(copy: Planted, remedy: Evidence) -> Done:
    """The lines of a tax's distribution that take off what the others bring are deleted, for invoices and refunds."""
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    domain = [["tax_id", "=", int(told["id"])], ["factor_percent", "<", 0]]
    rows = copy.company.rows("account.tax.repartition.line", domain, "document_type")
    gone = {kind: [[2, row["id"], 0] for row in rows if row["document_type"] == kind] for kind in ("invoice", "refund")}
    vals = {f"{kind}_repartition_line_ids": commands for kind, commands in gone.items()}
    copy.company.odoo.call("account.tax", "write", [int(told["id"])], vals=vals)
    return ""


def _pricelist(copy: Planted, remedy: Evidence) -> Done:
    """The order's price list, set on a quotation as a person has to; its currency comes with it."""
    told = WHERE.match(str(remedy.values["where"]))
    assert told
    odoo, ids = copy.company.odoo, _records(copy, told)
    odoo.call("sale.order", "write", ids, vals={"state": "draft"})
    odoo.call("sale.order", "write", ids, vals={"pricelist_id": _number(copy, str(remedy.values["lago"]))})
    odoo.call("sale.order", "write", ids, vals={"state": "sale"})
    return ""


def _term(copy: Planted, remedy: Evidence) -> Done:
    """The order's payment term as ``preview`` shows it."""
    domain = [["name", "=", str(remedy.values["where"]).removeprefix("sale.order ")]]
    for row in copy.company.rows("sale.order", domain, "id"):
        term = _wanted_value(copy, "sale.order", row["id"], "payment_term_id")
        vals = {"payment_term_id": _number(copy, str(term.xid)) if term else False}
        copy.company.odoo.call("sale.order", "write", [row["id"]], vals=vals)
    return ""


def _number(copy: Planted, xid: str) -> int:
    module, _, name = xid.partition(".")
    return int(copy.company.rows("ir.model.data", [["module", "=", module], ["name", "=", name]])[0]["res_id"])


BY_MACHINE: Mapping[str, Callable[[Planted, Evidence], Done]] = {
    "mend_usage": _load_usage,
    "load_usage": _load_usage,
    "remove_usage": _remove_usage,
    "reload_usage": _reload_usage,
    "return_usage": _return_usage,
    "mend_field": _set_field,
    "mend_unique": _set_unique,
    "mend_units": _units,
    "end_discount": _end_discount,
    "end_order_line": _end_order_line,
    "remove_charge": _remove_charge,
    "check_state": _run_again,
    "remove_duplicate": _remove_twin,
    "mend_tax": _load,
    "mend_line_taxes": _line_taxes,
    "mend_position": _position,
    "mend_product": _product,
    "mend_line_order": _line_order,
    "return_line": _line_order,
    "find_line": _load,
    "restore_charge": _load,
    "restore_line": _load,
    "remove_coupon": _set_field,
    "mend_mapping": _load,
    "carry_balance": _carry_balance,
    "mend_rounding": _round,
    "round_globally": _round_globally,
    "mend_tax_in_price": _exclude_tax,
    "mend_repartition": _distribute,
    "mend_term": _term,
    "mend_pricelist": _pricelist,
    "raise_digits": _set_field,
    "mend_own_line": _own_line,
    "mend_group": _group,
    "mend_balance": _balance,
}
