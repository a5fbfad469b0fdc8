"""Customers: partners, contacts, terms, accounts in services, and who cannot be moved."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mappings.payment_terms import net, term_of
from mappings.records import Address, AppliedTax, BillingConfiguration, BillingEntity, Fee, FeeItem, MetadataItem
from mappings.target import Desired, Find, Phase, Ref
from migrate.shipped_tables import shipped
from tests.mapping.build import (
    BTW,
    at,
    ctx,
    customer,
    invoice,
    mapped,
    of,
    one,
    reasons,
    skips,
    snapshot,
    subscription,
)


def partner(**more: object) -> Desired:
    return one(mapped(snapshot(customers=(customer(**more),), subscriptions=())), "res.partner")


HOSTILE = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x","y")',
    "\u202eكشف\u202c",
    "zero\u200bwidth",
    "株式会社さくらマップ",
    "x" * 5000,
    "'; DROP TABLE res_partner; --",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_data(name: str) -> None:
    assert partner(name=name).values["name"] == name


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "Name", "legal_name": "Legal"}, "Name"),
        ({"name": None, "legal_name": "Legal B.V."}, "Legal B.V."),
        ({"name": "  ", "firstname": "Ada", "lastname": "Lovelace"}, "Ada Lovelace"),
        ({"name": None, "firstname": None, "lastname": "Lovelace"}, "Lovelace"),
        ({"name": None}, "klant-c1"),
    ],
)
def test_there_is_always_a_name(given: dict[str, str], expected: str) -> None:
    assert partner(**given).values["name"] == expected


@pytest.mark.parametrize(
    ("given", "company"),
    [
        ({"customer_type": "company"}, True),
        ({"customer_type": "individual", "legal_name": "X"}, False),
        ({}, True),
        ({"name": None, "firstname": "Ada"}, False),
        ({"name": None, "firstname": "Ada", "tax_identification_number": "NL1"}, True),
        ({"name": None}, True),
    ],
)
def test_company_or_person(given: dict[str, str], company: bool) -> None:
    assert partner(**given).values["is_company"] is company


def test_a_partner_has_all_that_lago_knows() -> None:
    values = partner(
        tax_identification_number="NL123",
        legal_number="KVK 9",
        email="a@x.nl,b@x.nl",
        phone="+31",
        url="https://x.nl",
        address_line1="Kade 1",
        address_line2="2 hoog",
        city="Hoorn",
        zipcode="1621",
        metadata=(MetadataItem(key="a<b", value="c&d"), MetadataItem(key="leeg")),
        billing_configuration=BillingConfiguration(document_locale="nl"),
    ).values
    assert values == {
        "name": "Rederij Zuiderzee",
        "ref": "klant-c1",
        "is_company": True,
        "active": True,
        "vat": "NL123",
        "company_registry": "KVK 9",
        "email": "a@x.nl,b@x.nl",
        "phone": "+31",
        "website": "https://x.nl",
        "tz": "Europe/Amsterdam",
        "comment": "<p>a&lt;b: c&amp;d</p><p>leeg: </p>",
        "customer_rank": 1,
        "property_payment_term_id": Ref("lago.payment_term_14"),
        "street": "Kade 1",
        "street2": "2 hoog",
        "city": "Hoorn",
        "zip": "1621",
        "country_id": Ref("base.nl"),
        "state_id": None,
        "specific_property_product_pricelist": Ref("lago.pricelist_EUR"),
        "lang": "nl_NL",
    }


def test_britain_is_called_uk_in_odoo() -> None:
    assert partner(country="GB").values["country_id"] == Ref("base.uk")
    assert partner(country=None).values["country_id"] is None


def test_without_currency_there_is_no_price_list() -> None:
    assert "specific_property_product_pricelist" not in partner(currency=None).values


def test_a_currency_that_must_stay_inactive_is_not_referred_to() -> None:
    from mappings.context import Options

    snap = snapshot(customers=(customer(currency="KWD"),), subscriptions=())
    items = mapped(snap, options=Options(activate_currencies=False))
    assert "specific_property_product_pricelist" not in one(items, "res.partner").values
    assert ("currency KWD", "currency_inactive") in skips(items)


@pytest.mark.parametrize(
    ("state", "code"),
    [("ON", "ON"), ("on", "ON"), (" Québec ", "QC"), ("quebec", "QC"), ("Île-du-Prince-Édouard", "PE")],
)
def test_canadian_provinces_by_code_or_name(state: str, code: str) -> None:
    found = partner(country="CA", state=state).values["state_id"]
    assert isinstance(found, Find)
    assert found.model == "res.country.state"
    assert found.domain == (("country_id.code", "=", "CA"), ("code", "=", code))
    assert code in found.hint


@pytest.mark.parametrize("state", [None, "", "Ontari", "NY"])
def test_a_canadian_without_province_stays_behind_with_all_that_is_theirs(state: str | None) -> None:
    who = customer(country="ca", state=state)
    items = mapped(snapshot(customers=(who,), invoices=(invoice(customer=who),)))
    assert set(skips(items)) == {
        ("customer klant-c1", "customer_without_province"),
        ("subscription abo-1 (s1)", "customer_without_province"),
        ("invoice BOOT-i1 (i1)", "customer_without_province"),
    }
    assert not [i for i in items if isinstance(i, Desired) and i.customer]


def test_states_of_other_countries() -> None:
    linked = partner(country="US", state="ny").values["state_id"]
    assert isinstance(linked, Find) and ("code", "=", "NY") in linked.domain
    items = mapped(snapshot(customers=(customer(state="Noord-Holland"),), subscriptions=()))
    assert skips(items) == [("customer klant-c1", "state_not_linked")]
    assert one(items, "res.partner").values["state_id"] is None
    assert reasons(mapped(snapshot(customers=(customer(country="US", state="New York"),), subscriptions=()))) == {
        "state_not_linked"
    }


def test_a_state_that_looks_canadian_elsewhere_is_not_looked_up_as_such() -> None:
    found = partner(country="US", state="Ontario").values["state_id"]
    assert found is None


@pytest.mark.parametrize(
    ("locale", "country", "installed", "expected"),
    [
        ("fr", "CA", {"en_US", "fr_CA", "fr_FR"}, "fr_CA"),
        ("fr", "BE", {"fr_BE", "fr_CA"}, "fr_BE"),
        ("fr", None, {"fr_FR", "fr_CA"}, "fr_CA"),
        ("pt-BR", "PT", {"pt_BR", "pt_PT"}, "pt_BR"),
        ("de", "NL", {"de_CH", "de_DE"}, "de_CH"),
        ("sv", "SE", {"en_US"}, None),
    ],
)
def test_languages_only_if_installed(
    locale: str, country: str | None, installed: set[str], expected: str | None
) -> None:
    who = customer(country=country, state="ON", billing_configuration=BillingConfiguration(document_locale=locale))
    items = mapped(snapshot(customers=(who,), subscriptions=()), tables=shipped(), languages=frozenset(installed))
    assert one(items, "res.partner").values.get("lang") == expected
    assert ("language_not_installed" in reasons(items)) is (expected is None)


def test_a_deleted_customer_is_an_archived_partner() -> None:
    items = mapped(snapshot(customers=(customer(deleted=True, customer_type="company", firstname="Ada"),)))
    assert [p.values["active"] for p in of(items, "res.partner")] == [False, False]
    assert str(of(items, "res.partner")[0].source) == "customer klant-c1 (deleted, c1)"


def test_a_deleted_customer_pays_the_taxes_of_the_newest_invoice() -> None:
    from decimal import Decimal

    taxes = tuple(
        AppliedTax(tax_code=c, tax_rate=Decimal(r), amount_cents=1) for c, r in (("btw21", 21), ("toerist", 8))
    )
    older = invoice("i0", applied_taxes=taxes[:1], issuing_date=at("2026-01-01 00:00").date())
    snap = snapshot(customers=(customer(deleted=True),), invoices=(invoice(applied_taxes=taxes), older))
    line = one(mapped(snap), "sale.order").children["order_line"][0]
    assert line.values["tax_ids"] == (Ref("account.7_btw_toerist"),)


def test_contacts() -> None:
    who = customer(
        customer_type="company",
        firstname="Ada",
        lastname="L",
        email="ada@x.nl",
        city="Hoorn",
        shipping_address=Address(address_line1="Loods 3", city="Enkhuizen", country="NL"),
    )
    main, contact, delivery = of(mapped(snapshot(customers=(who,))), "res.partner")
    assert contact.values == {
        "parent_id": Ref(main.xid),
        "active": True,
        "type": "invoice",
        "name": "Ada L",
        "email": "ada@x.nl",
    }
    assert delivery.values["type"] == "delivery"
    assert (delivery.values["street"], delivery.values["city"]) == ("Loods 3", "Enkhuizen")
    order = one(mapped(snapshot(customers=(who,))), "sale.order")
    assert order.values["partner_invoice_id"] == Ref(contact.xid)
    assert order.values["partner_shipping_id"] == Ref(delivery.xid)


@pytest.mark.parametrize(
    "more",
    [
        {"shipping_address": Address()},
        {"shipping_address": Address(city="Hoorn", country="NL"), "city": "Hoorn"},
        {"customer_type": "individual", "firstname": "Ada"},
        {"customer_type": "company", "name": None, "firstname": "Ada"},
    ],
)
def test_no_contact_that_says_nothing_new(more: dict[str, object]) -> None:
    assert len(of(mapped(snapshot(customers=(customer(**more),))), "res.partner")) == 1


def test_terms_one_for_each_number_of_days() -> None:
    two = (customer("c1", net_payment_term=0), customer("c2", net_payment_term=60), customer("c3"))
    terms = of(mapped(snapshot(customers=two)), "account.payment.term")
    assert [t.xid for t in terms] == ["lago.payment_term_0", "lago.payment_term_14", "lago.payment_term_60"]
    line = terms[2].children["line_ids"][0]
    assert line.values == {"value": "percent", "value_amount": 100, "delay_type": "days_after", "nb_days": 60}


def test_terms_of_odoo_itself_if_the_table_names_them() -> None:
    from mappings.tables import parse

    tables = parse('[payment_terms]\n14 = "account.term_2weeks"\n', "t.toml", shipped())
    items = mapped(snapshot(subscriptions=()), tables=tables)
    assert of(items, "account.payment.term") == []
    assert one(items, "res.partner").values["property_payment_term_id"] == Ref("account.term_2weeks")


def test_terms_come_from_customer_entity_or_organization() -> None:
    snap = snapshot()
    bare = replace(snap, billing_entities=(), organization=replace(snap.organization, net_payment_term=21))
    assert term_of(ctx(), customer(net_payment_term=3)) == net(3)
    assert term_of(ctx(), customer()) == net(14)
    assert term_of(ctx(bare), customer()) == net(21)
    assert term_of(ctx(replace(bare, organization=snap.organization)), customer()) is None


def test_an_account_in_each_service_of_the_customer() -> None:
    snap = snapshot(
        subscriptions=(subscription(), subscription("s2", external_id="abo-2", plan_code="horse")),
        customers=(customer(timezone="Asia/Tokyo", applicable_timezone="Asia/Tokyo"), customer("c2", currency=None)),
    )
    items = mapped(snap)
    links = of(items, "fusion.billing.account.link")
    assert [(str(k.values["partner_id"].xid), k.values["service_id"].xid) for k in links] == [
        ("lago.customer_c1", "lago.service_boot"),
        ("lago.customer_c1", "lago.service_boten_zo_b_v"),
        ("lago.customer_c2", "lago.service_boten_zo_b_v"),
    ]
    assert links[0].values["timezone"] == "Asia/Tokyo"
    assert links[0].values["external_id"] == "klant-c1"
    assert links[2].values["currency_id"] is None
    assert [s.values["name"] for s in of(items, "fusion.billing.service")] == ["Bootverhuur", "Boten & Zo B.V."]


def test_one_off_customers_belong_to_the_service_of_what_they_bought() -> None:
    from decimal import Decimal

    fee = Fee(
        lago_id="f",
        item=FeeItem(type="add_on", code="boot_schoonmaak"),
        amount_cents=1,
        amount_currency="EUR",
        units=Decimal(1),
        taxes_amount_cents=0,
        taxes_rate=Decimal(0),
        created_at=at("2026-01-01 00:00"),
    )
    snap = snapshot(
        subscriptions=(), invoices=(invoice(invoice_type="one_off", fees=(fee,)), invoice("i2", customer=None))
    )
    link = one(mapped(snap), "fusion.billing.account.link")
    assert link.values["service_id"] == Ref("lago.service_boot")


@pytest.mark.parametrize(
    ("own", "entity", "expected"),
    [("inherit", True, True), ("inherit", False, False), ("skip", True, False), ("finalize", False, True)],
)
def test_zero_invoices_and_grace_fall_back_to_the_entity(own: str, entity: bool, expected: bool) -> None:
    snap = snapshot(customers=(customer(finalize_zero_amount_invoice=own),))
    snap = replace(
        snap,
        billing_entities=(
            replace(snap.billing_entities[0], finalize_zero_amount_invoice=entity, invoice_grace_period=4),
        ),
    )
    values = one(mapped(snap), "fusion.billing.account.link").values
    assert (values["finalize_zero"], values["grace_days"]) == (expected, 4)
    graced = replace(snap, customers=(customer(billing_configuration=BillingConfiguration(invoice_grace_period=0)),))
    assert one(mapped(graced), "fusion.billing.account.link").values["grace_days"] == 0


def test_what_the_api_shows_and_odoo_has_no_field_for() -> None:
    given = customer(
        firstname="Ada",
        legal_name="Zuiderzee B.V.",
        billing_configuration=BillingConfiguration(payment_provider="stripe", provider_customer_id="cus_1"),
        metadata=(MetadataItem(key="crm", value="7"),),
        taxes=(BTW,),
    )
    values = one(mapped(snapshot(customers=(given,))), "fusion.billing.account.link").values
    details = json.loads(str(values["details"]))
    assert (details["firstname"], details["legal_name"], details["tax_codes"]) == ("Ada", "Zuiderzee B.V.", ["btw21"])
    assert details["billing_configuration"] == {"payment_provider": "stripe", "provider_customer_id": "cus_1"}
    assert details["metadata"] == [{"key": "crm", "value": "7"}]
    assert (values["tax_ids"], values["active"]) == ((Ref("account.7_btw_21"),), True)


def test_without_entities_defaults_are_lagos() -> None:
    values = one(mapped(snapshot(billing_entities=())), "fusion.billing.account.link").values
    assert (values["finalize_zero"], values["grace_days"]) == (True, 0)


def test_customers_of_another_legal_entity_stay_behind() -> None:
    main = snapshot().billing_entities[0]
    other = replace(main, lago_id="b2", code="be", is_default=False)
    snap = snapshot(
        billing_entities=(other, main),
        customers=(customer(billing_entity_code="nl"), customer("c2", billing_entity_code="be"), customer("c3")),
    )
    assert skips(mapped(snap)) == [("customer klant-c2", "other_billing_entity")]
    belgian = replace(shipped(), entity="be")
    assert ("customer klant-c1", "other_billing_entity") in skips(mapped(snap, tables=belgian))


def test_an_entity_named_in_the_table_that_lago_lacks_is_no_reason_to_move_everyone() -> None:
    snap = snapshot(customers=(customer(billing_entity_code="nl"),))
    items = mapped(snap, tables=replace(shipped(), entity="zz"))
    assert ("customer klant-c1", "other_billing_entity") in skips(items)


def test_links_to_providers_are_named() -> None:
    items = mapped(snapshot(customers=(customer(integration_customers=({"type": "anrok"},)),)))
    assert skips(items) == [("customer klant-c1", "integration_customer")]


def test_without_the_addon_there_are_only_partners() -> None:
    items = mapped(snapshot(subscriptions=()), addon=False)
    assert {i.model for i in items if isinstance(i, Desired) and i.phase is Phase.CUSTOMERS} == {"res.partner"}
    assert of(items, "fusion.billing.service") == []


def test_entity_without_default_flag_is_the_only_one() -> None:
    entity = BillingEntity(lago_id="b", code="solo", name="Solo", default_currency="EUR", net_payment_term=9)
    assert ctx(snapshot(billing_entities=(entity,))).entity == entity


def test_an_organization_without_letters_still_has_a_service() -> None:
    snap = snapshot()
    snap = replace(snap, organization=replace(snap.organization, name="  "), subscriptions=())
    assert one(mapped(snap), "fusion.billing.account.link").values["service_id"] == Ref("lago.service_lago")
    kanji = replace(snap, organization=replace(snap.organization, name="株式会社"))
    assert one(mapped(kanji), "fusion.billing.account.link").values["service_id"] == Ref("lago.service_lago")


def test_a_customer_whose_subscriptions_know_it_by_another_id_is_named() -> None:
    """Whatever spaces came in: usage and the apps' calls find it by that id."""
    snap = snapshot(customers=(customer(external_id="c1\n"),), subscriptions=(subscription(external_customer_id="c1"),))
    assert "external_id_contradicts" in reasons(mapped(snap))
    same = snapshot(customers=(customer(external_id="c1"),), subscriptions=(subscription(external_customer_id="c1"),))
    assert "external_id_contradicts" not in reasons(mapped(same))
