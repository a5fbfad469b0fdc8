"""Records that share a name, or name nobody: which of them, and which may."""

from __future__ import annotations

from mappings.identities import doubled_customers, doubled_subscriptions, nobodys_subscriptions
from tests.mapping.build import customer, subscription


def test_two_of_one_external_id_name_each_other() -> None:
    wrong = doubled_customers([customer("c1", external_id="x"), customer("c2", external_id="x"), customer("c3")])
    assert set(wrong) == {"c1", "c2"}
    assert {str(w.problem) for w in wrong.values()} == {"is that of 2 customers: c1, c2"}


def test_external_ids_are_compared_as_lago_does_letter_by_letter() -> None:
    assert not doubled_customers([customer("c1", external_id="x"), customer("c2", external_id="X")])


def test_what_ended_or_has_not_begun_may_share_the_external_id_of_what_is_active() -> None:
    """That is how Lago goes from one plan to the next."""
    states = ("terminated", "active", "pending", "canceled")
    chain = [subscription(f"s{n}", external_id="x", status=status) for n, status in enumerate(states)]
    assert not doubled_subscriptions(chain)
    assert set(doubled_subscriptions([*chain, subscription("s9", external_id="x")])) == {"s1", "s9"}


def test_only_what_runs_must_be_somebodys() -> None:
    """A customer who was deleted has nothing that runs, and may be named by nothing else."""
    states = ("active", "pending", "terminated", "canceled", "incomplete")
    all_states = [subscription(status, status=status) for status in states]
    assert set(nobodys_subscriptions(all_states, ())) == {"active", "pending", "incomplete"}
    assert not nobodys_subscriptions(all_states, {s.lago_customer_id for s in all_states})
