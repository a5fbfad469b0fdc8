"""Which bucket of a charge an event falls into: Lago's charge filters (facts/lago-billing §5.8). Pure.

In arrears an event can be in several buckets (and is then billed in each); in advance it goes to exactly one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mappings.phrases import Told
from mappings.records import BillableMetric, Charge
from reconcile.rating.rules import LATEST, Rules, unknown_before
from reconcile.rating.usage_keys import group_keys

ALL = "__ALL_FILTER_VALUES__"
DEFAULT = -1  # position of the default bucket: events that match no filter

Values = Mapping[str, str | None]  # filter key -> the event's property as text, None if missing or null
_Accepted = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Filter:
    """``accepted``: key -> texts that match; ``open_keys``: keys given as "all declared values"."""

    accepted: _Accepted
    open_keys: frozenset[str]

    def matches(self, values: Values) -> bool:
        return all(values.get(key) in texts for key, texts in self.accepted.items())

    def meets(self, other: _Filter) -> bool:
        """Whether one event could match both."""
        return all(texts & other.accepted.get(key, texts) for key, texts in self.accepted.items())


@dataclass(frozen=True, slots=True)
class _FilterBucket:
    """One filter and what it leaves to the finer ones. ``shadowed``: an older identical filter takes everything."""

    own: _Filter
    ignored: tuple[_Accepted, ...]
    shadowed: bool

    def holds(self, values: Values) -> bool:
        if self.shadowed or not self.own.matches(values):
            return False
        return not any(all(values.get(key) in texts for key, texts in child.items()) for child in self.ignored)


@dataclass(frozen=True, slots=True)
class Buckets:
    """All buckets of one charge. Positions are those of ``charge.filters``; ``DEFAULT`` is the rest."""

    keys: tuple[str, ...]
    filters: tuple[_Filter, ...]
    buckets: tuple[_FilterBucket, ...]

    def positions(self) -> tuple[int, ...]:
        """Every bucket, in the order Lago bills them."""
        return (*range(len(self.filters)), DEFAULT)

    def arrears(self, values: Values) -> tuple[int, ...]:
        """Buckets that count the event on the periodic invoice; ``()`` when a shadowed filter swallows it."""
        if not any(each.matches(values) for each in self.filters):
            return (DEFAULT,)
        return tuple(position for position, bucket in enumerate(self.buckets) if bucket.holds(values))

    def advance(self, values: Values) -> int:
        """The one bucket of a pay-in-advance event: the matching filter with most keys, the first on a tie."""
        matching = [position for position, each in enumerate(self.filters) if each.matches(values)]
        return max(matching, key=lambda position: (len(self.filters[position].accepted), -position), default=DEFAULT)


def check_filters(charge: Charge, buckets: Buckets, rules: Rules, filled: Collection[int]) -> None:
    """``filled``: positions of the buckets that hold events. Raises RerateRefused for what an older Lago did otherwise.

    Before v1.35.0 filters left events to each other, and the default bucket made its groups, by other rules. That
    matters only where two filters can match the same event, and where the default bucket has groups and events.
    """
    if rules.filter_ignored_fix or not charge.filters or not filled:
        return
    if any(first.meets(second) for first, second in combinations(buckets.filters, 2)):
        raise unknown_before("filter_ignored_fix", Told.RULE_BEFORE.of(charge.lago_id, Told.FILTERS_OVERLAP.of()))
    if DEFAULT in filled and group_keys(charge.properties):
        raise unknown_before("filter_ignored_fix", Told.RULE_BEFORE.of(charge.lago_id, Told.GROUPS_AND_FILTERS.of()))


def buckets_of(charge: Charge, metric: BillableMetric, rules: Rules = LATEST) -> Buckets:
    """The buckets of ``charge``; the sentinel "all" means the values declared on the metric's filter."""
    declared = {declaration.key: frozenset(declaration.values) for declaration in metric.filters}
    filters = tuple(_filter(charge_filter.values, declared) for charge_filter in charge.filters)
    keys = tuple(sorted({key for each in filters for key in each.accepted}))
    buckets = tuple(_bucket(position, filters, rules) for position in range(len(filters)))
    return Buckets(keys, filters, buckets)


def _filter(values: Mapping[str, Sequence[str]], declared: _Accepted) -> _Filter:
    open_keys = frozenset(key for key, texts in values.items() if ALL in texts)
    accepted = {
        key: declared.get(key, frozenset()) if key in open_keys else frozenset(texts) for key, texts in values.items()
    }
    return _Filter(accepted, open_keys)


def _bucket(position: int, filters: tuple[_Filter, ...], rules: Rules) -> _FilterBucket:
    parent = filters[position]
    ignored: list[_Accepted] = []
    shadowed = False
    for other, child in enumerate(filters):
        if other == position or not _is_child(parent, child):
            continue
        if child.accepted == parent.accepted:
            shadowed = shadowed or other < position
            continue
        left_out = _left_to(parent, child, rules)
        if left_out:
            ignored.append(left_out)
    return _FilterBucket(parent, tuple(ignored), shadowed)


def _is_child(own: _Filter, other: _Filter) -> bool:
    """A filter that could take some of our events: it has all our keys, with a common value in each."""
    return all(texts & other.accepted.get(key, frozenset()) for key, texts in own.accepted.items())


def _left_to(parent: _Filter, child: _Filter, rules: Rules) -> _Accepted | None:
    if child.accepted.keys() != parent.accepted.keys():
        return child.accepted
    if rules.strict_subset_filters and all(child.accepted[key] <= parent.accepted[key] for key in parent.accepted):
        return child.accepted
    outside = {
        key: child.accepted[key] if key in parent.open_keys else child.accepted[key] - parent.accepted[key]
        for key in parent.accepted
    }
    return outside if all(outside.values()) else None
