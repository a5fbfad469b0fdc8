"""Why a position differs: names of causes, and evidence for them. Braces hold values of the evidence."""

from __future__ import annotations

from collections.abc import Mapping

# name -> (English, French)
CAUSES: Mapping[str, tuple[str, str]] = {
    # causes
    "cause.mapping_gap": ("Not migrated", "Non migré"),
    "cause.duplicate_line": ("Line billed twice", "Ligne facturée en double"),
    "cause.late_events": ("Events that arrived late", "Événements arrivés en retard"),
    "cause.missing_usage": ("Usage missing", "Utilisation manquante"),
    "cause.extra_usage": ("Usage in excess", "Utilisation en trop"),
    "cause.price": ("Another price", "Autre prix"),
    "cause.previous_order": ("Order that this one replaces", "Commande que celle-ci remplace"),
    "cause.plan_change_date": ("Date of a plan change", "Date d’un changement de forfait"),
    "cause.subscription_state": ("State of the subscription", "État de l’abonnement"),
    "cause.currency_rounding": ("Currency rounded to a coarser step", "Devise arrondie à un pas plus grossier"),
    "cause.base_product_swapped": ("Another plan’s product", "Produit d’un autre forfait"),
    "cause.tax_included": ("Tax included in the price", "Taxe incluse dans le prix"),
    "cause.price_then": ("Price of then", "Prix d’alors"),
    "cause.usage_billed_twice": ("Usage billed twice", "Utilisation facturée deux fois"),
    "cause.period_billed_twice": ("Period billed twice", "Période facturée deux fois"),
    "cause.usage_never_billed": ("Usage never billed", "Utilisation jamais facturée"),
    "cause.usage_came_late": ("Usage that came after its invoice", "Utilisation arrivée après sa facture"),
    "cause.period_never_billed": ("Period never billed", "Période jamais facturée"),
    "cause.missing_line": ("Line missing", "Ligne manquante"),
    "cause.order_line_added": ("Line added to the order", "Ligne ajoutée à la commande"),
    "cause.discount": ("Discount on the order", "Remise sur la commande"),
    "cause.extra_line": ("Line in excess", "Ligne en trop"),
    "cause.extra_balance": ("Open balance that only Odoo has", "Solde ouvert que seul Odoo a"),
    "cause.lacking_balance": ("Open balance too low in Odoo", "Solde ouvert trop bas dans Odoo"),
    "cause.extra_open_usage": ("Usage that only Odoo has, not billed yet", "Utilisation que seul Odoo a, non facturée"),
    "cause.extra_order": ("Order that only Odoo has", "Commande que seul Odoo a"),
    "cause.extra_invoice": ("Invoice that only Odoo has", "Facture que seul Odoo a"),
    "cause.progressive_credit": ("Usage billed before by a threshold", "Utilisation facturée avant, par un seuil"),
    "cause.coupon_missing": ("Coupon not applied", "Coupon non appliqué"),
    "cause.tax_missing": ("Tax not charged", "Taxe non facturée"),
    "cause.tax_wrong": ("Other taxes charged", "Autres taxes facturées"),
    "cause.tax_rounding": ("Tax rounded elsewhere", "Taxe arrondie à un autre niveau"),
    "cause.settlement_missing": (
        "Credit note or prepaid credits not applied",
        "Note de crédit ou crédits prépayés non appliqués",
    ),
    "cause.currency": ("Another currency", "Autre devise"),
    "cause.duplicate_events": ("Events counted twice", "Événements comptés deux fois"),
    "cause.aggregation": ("Definition of a metric", "Définition d’une mesure"),
    "cause.filter": ("Filters or groups of a charge", "Filtres ou groupes d’un tarif"),
    "cause.time_zone": ("Time zone", "Fuseau horaire"),
    "cause.period_boundary": ("Boundaries of the period", "Limites de la période"),
    "cause.proration": ("Proration policy", "Règle de prorata"),
    "cause.trial": ("Trial", "Période d’essai"),
    "cause.tier_edge": ("Edge of a tier", "Borne d’un palier"),
    "cause.free_units": ("Free units", "Unités gratuites"),
    "cause.minimum": ("Minimum", "Minimum"),
    "cause.quantity_precision": ("Digits of quantities", "Décimales des quantités"),
    "cause.price_precision": ("Digits of prices", "Décimales des prix"),
    "cause.line_rounding": ("Rounding of a line", "Arrondi d’une ligne"),
    "cause.edited_amount": ("Line changed by hand", "Ligne modifiée à la main"),
    "cause.edited_header": ("Sums changed by hand", "Totaux modifiés à la main"),
    "cause.charge_terms": ("When a charge is billed", "Moment de facturation d’un tarif"),
    "cause.old_rule": ("Former rule of Lago", "Ancienne règle de Lago"),
    "cause.coupon_expired": ("Dates of a coupon", "Dates d’un coupon"),
    "cause.coupon_limit": ("Terms of a coupon", "Conditions d’un coupon"),
    "cause.coupon_extra": ("Coupon in excess", "Coupon en trop"),
    "cause.early_discount": ("Early discount lowers the taxes", "L’escompte réduit les taxes"),
    "cause.fiscal_position": ("Fiscal position", "Position fiscale"),
    "cause.balance_wrong": ("Another open balance", "Autre solde ouvert"),
    "cause.balance_missing": ("Open balance not carried over", "Solde ouvert non repris"),
    "cause.tolerated": ("Within the tolerance", "Dans la tolérance"),
    "cause.unexplained": ("Unexplained", "Inexpliqué"),
    "cause.off_plan": ("Lago bills otherwise than its own plan", "Lago facture autrement que son propre forfait"),
    "cause.rerate_differs": ("Both agree, the re-rate does not", "Les deux concordent, le recalcul non"),
    # evidence
    "evidence.rerate_differs": (
        "Both sides bill {both_cents}, the re-rate from raw usage gives {rerate_cents}: either both share a fault, or "
        "the re-rate’s rule is off.",
        "Les deux côtés facturent {both_cents}, le recalcul à partir de l’utilisation brute donne {rerate_cents} : "
        "soit les deux ont la même erreur, soit la règle du recalcul est fausse.",
    ),
    "evidence.order_only_in_odoo": (
        "{what} runs in Odoo ({plan}, next invoice: {next}), and Lago has no subscription of it.",
        "{what} est en cours dans Odoo ({plan}, prochaine facture : {next}), et Lago n’en a aucun abonnement.",
    ),
    "evidence.order_unnamed": (
        "{what} runs in Odoo ({plan}, next invoice: {next}) for a subscription that Lago has: its external id is gone.",
        "{what} est en cours dans Odoo ({plan}, prochaine facture : {next}) pour un abonnement que Lago a : son "
        "identifiant externe a disparu.",
    ),
    "evidence.order_not_invoiced": (
        "{what} of {day} is confirmed in Odoo and not invoiced in full, and Lago has none of it.",
        "{what} du {day} est confirmée dans Odoo et pas encore toute facturée, et Lago ne l’a pas.",
    ),
    "evidence.invoice_only_in_odoo": (
        "{what} of {day} ({state}) is in Odoo, and not in Lago.",
        "{what} du {day} ({state}) est dans Odoo, et pas dans Lago.",
    ),
    "evidence.invoice_of_both": (
        "{what} of {day} ({state}) bills in Odoo what Lago billed on the same day.",
        "{what} du {day} ({state}) facture dans Odoo ce que Lago a facturé le même jour.",
    ),
    "evidence.balance_only_in_odoo": (
        "{what} of {day} is open in Odoo ({state}) beyond what is still open of it in Lago: it was paid, credited, "
        "used or voided there since, or raised in Odoo.",
        "{what} du {day} est ouvert dans Odoo ({state}) au-delà de ce qui l’est encore dans Lago : payé, crédité, "
        "utilisé ou annulé là depuis, ou augmenté dans Odoo.",
    ),
    "evidence.usage_only_in_odoo": (
        "{what}: {events} events of {code} since {since} ({units} units), not billed yet, are in Odoo alone.",
        "{what} : {events} événements de {code} depuis le {since} ({units} unités), pas encore facturés, sont dans "
        "Odoo seulement.",
    ),
    "evidence.balance_too_low": (
        "{what} of {day} is open in Odoo ({state}) with less than in Lago, where {left} are open.",
        "{what} du {day} est ouvert dans Odoo ({state}) pour moins que dans Lago, où {left} restent ouverts.",
    ),
    "evidence.open_no_more": (
        "{cents} are open in Odoo, and nothing in Lago any more: it was paid, credited or voided there since.",
        "{cents} restent ouverts dans Odoo, et plus rien dans Lago : payé, crédité ou annulé là depuis.",
    ),
    "evidence.unmapped": ("The migration left it out: {reason}", "La migration l’a laissé de côté : {reason}"),
    "evidence.unforeseen": ("It could not be explained: {why}", "Elle n’a pas pu être expliquée : {why}"),
    "evidence.billed_times": (
        "The line of {cents} is billed {times} times.",
        "La ligne de {cents} est facturée {times} fois.",
    ),
    "evidence.late": (
        "{events} arrived after Lago finalised the invoice; counted too, the amount is {cents}.",
        "Après la finalisation par Lago, il est arrivé {events}; le tout compté, le montant est de {cents}.",
    ),
    "evidence.units": (
        "{theirs} ({their_events}) instead of {ours} ({our_events}): at the right price, exactly this amount.",
        "{theirs} ({their_events}) au lieu de {ours} ({our_events}) : au bon prix, exactement ce montant.",
    ),
    "evidence.price_of": (
        "At the price of {price} the same usage gives exactly {cents}.",
        "Au prix de {price}, la même utilisation donne exactement {cents}.",
    ),
    "evidence.dates_of": (
        "For {dates} days of the period the fee is exactly {cents}.",
        "Pour {dates} jours de la période, le montant est exactement de {cents}.",
    ),
    "evidence.not_billed": (
        "Nothing of subscription {subscription} is billed.",
        "Rien de l’abonnement {subscription} n’est facturé.",
    ),
    "evidence.still_billed": (
        "Subscription {subscription} is billed here only.",
        "L’abonnement {subscription} n’est facturé qu’ici.",
    ),
    "evidence.no_line": (
        "A line of {cents} is not billed.",
        "Une ligne de {cents} n’est pas facturée.",
    ),
    "evidence.only_line": (
        "A line of {cents} is billed here only.",
        "Une ligne de {cents} n’est facturée qu’ici.",
    ),
    "evidence.coupon": (
        "Without coupon {coupon} ({cents}) the header is exactly this.",
        "Sans le coupon {coupon} ({cents}), l’en-tête est exactement celui-ci.",
    ),
    "evidence.billed_before": (
        "Lago takes off {cents} that it billed before, when a threshold was passed.",
        "Lago déduit {cents} facturés avant, au passage d’un seuil.",
    ),
    "evidence.no_tax": (
        "Without tax {tax} the header is exactly this.",
        "Sans la taxe {tax}, l’en-tête est exactement celui-ci.",
    ),
    "evidence.other_tax": ("With {tax} the header is exactly this.", "Avec {tax}, l’en-tête est exactement celui-ci."),
    "evidence.tax_per_line": (
        "Rounding the tax on each line gives exactly this sum.",
        "En arrondissant la taxe ligne par ligne, on obtient exactement cette somme.",
    ),
    "evidence.tax_per_tax": (
        "Rounding each tax on its own and adding them up gives exactly this; Lago rounds the sum of all taxes once.",
        "En arrondissant chaque taxe séparément puis en les additionnant, on obtient exactement cette somme; "
        "Lago arrondit une seule fois la somme des taxes.",
    ),
    "evidence.not_settled": (
        "{cents} of {part} are not taken off.",
        "{cents} de {part} ne sont pas déduits.",
    ),
    "evidence.amounts_only": (
        "Only the amounts say so: no record or setting was seen to differ. A candidate, not a proof.",
        "Seuls les montants le disent, aucun enregistrement ni réglage. C’est une piste, pas une preuve.",
    ),
    "evidence.currency_step": (
        "Odoo rounds every amount in {currency} to multiples of {step}.",
        "Odoo arrondit chaque montant en {currency} à des multiples de {step}.",
    ),
    "evidence.amounts_open": (
        "The amounts do not come out by this alone.",
        "Les montants n’en découlent pas à eux seuls.",
    ),
    "evidence.only_there": (
        "Odoo has {where}, of which Lago knows nothing.",
        "Odoo a {where}, que Lago ne connaît pas.",
    ),
    "evidence.tax_in_price": (
        "In Odoo the tax {tax} is set to be included in the price.",
        "Dans Odoo, la taxe {tax} est réglée comme incluse dans le prix.",
    ),
    "evidence.ended": (
        "{where}, {what}: Odoo has {odoo}, Lago {lago}. What has ended bills nothing.",
        "{where}, {what} : Odoo a {odoo}, Lago {lago}. Ce qui est terminé ne facture rien.",
    ),
    "evidence.covered": (
        "{where}, {what}: Odoo has {odoo}, Lago {lago}. It moves nothing while the order has ended: set it as well.",
        "{where}, {what} : Odoo a {odoo}, Lago {lago}. Sans effet tant que la commande est finie : à corriger aussi.",
    ),
    "evidence.held": (
        "{where}, {what}: Odoo has {odoo}, Lago {lago}. Re-rated with Odoo’s value, it comes out to the cent.",
        "{where}, {what} : Odoo a {odoo}, Lago {lago}. Recalculé avec la valeur d’Odoo, le résultat est exact au cent.",
    ),
    "evidence.near_tie": (
        "Near tie: the same amount would also come from {causes}. Nothing but the amount speaks for either.",
        "Presque à égalité : {causes} donnerait le même montant. Rien d’autre que le montant ne les distingue.",
    ),
    "evidence.records_agree": (
        "The amount fits, but Odoo’s records are those of Lago in this: not proven.",
        "Le montant correspond, mais les données d’Odoo sont ici celles de Lago : non prouvé.",
    ),
    "evidence.early_term": (
        "The payment term {term} of {where} computes taxes as if its early discount of {percent} % were taken.",
        "La condition de paiement {term} de {where} calcule les taxes comme si son escompte de {percent} % était pris.",
    ),
    "evidence.own_line": (
        "{where} was made by the migration, and is of no charge any more: Odoo bills it by itself, {cents}.",
        "{where} a été créée par la migration et n’est plus d’aucun tarif : Odoo la facture seule, {cents}.",
    ),
    "evidence.order_line": (
        "A line of the order in Odoo that Lago knows nothing of: {line}, {cents}.",
        "Une ligne de la commande Odoo que Lago ne connaît pas : {line}, {cents}.",
    ),
    "evidence.discount": (
        "Odoo rated it {rated} and takes {percent} % off: a discount stands on the order’s line.",
        "Odoo l’a calculé à {rated} et en retire {percent} % : une remise figure sur la ligne de la commande.",
    ),
    "evidence.other_currency": ("It bills {amount} instead.", "Il facture {amount} à la place."),
    "evidence.idle": (
        "The order of subscription {subscription} is {state} in Odoo, which does not invoice it.",
        "La commande de l’abonnement {subscription} est {state} dans Odoo, qui ne la facture pas.",
    ),
    "evidence.cut_units": (
        "With {theirs} instead of {ours}, it is exactly this amount.",
        "Avec {theirs} au lieu de {ours}, c’est exactement ce montant.",
    ),
    "evidence.cut_price": (
        "Odoo rated it right ({rated} in the smallest unit) and its line can only hold {cents}.",
        "Odoo l’a bien calculé ({rated} dans la plus petite unité) et sa ligne ne peut contenir que {cents}.",
    ),
    "evidence.rounded": (
        "The exact amount is {exact} in the smallest unit; rounded another way it is {cents}.",
        "Le montant exact est de {exact} dans la plus petite unité; arrondi autrement, il est de {cents}.",
    ),
    "evidence.boundaries": (
        "Lago’s stored boundaries are not those of its calendar: {boundaries}.",
        "Les limites enregistrées par Lago ne sont pas celles de son calendrier : {boundaries}.",
    ),
    "evidence.repeated": (
        "{events} of Lago’s store repeat another one; counted once, it comes out to the cent.",
        "Dans les données de Lago, {events} en répètent un autre; comptés une fois, le résultat est exact au cent.",
    ),
    "evidence.old_rule": (
        "By the rule that later Lago versions changed ({rule}) it is exactly this.",
        "Selon la règle que des versions ultérieures de Lago ont changée ({rule}), c’est exactement cela.",
    ),
    "evidence.off_plan": (
        "Lago bills {cents}; its own plan and usage give {plan_cents}, and Odoo bills just that.",
        "Lago facture {cents}; son propre forfait et l’utilisation donnent {plan_cents}, et c’est ce qu’Odoo facture.",
    ),
    "evidence.off_own_price": (
        "Lago bills {cents} and states the plan’s price of {price_cents} with the same fee: {plan_cents} follow from "
        "it, and Odoo bills just that.",
        "Lago facture {cents} et indique avec ces mêmes frais un prix du forfait de {price_cents} : il en découle "
        "{plan_cents}, et c’est ce qu’Odoo facture.",
    ),
    "evidence.contradiction": (
        "Lago bills {cents} and states {exact} in the smallest unit as the exact amount of the same line.",
        "Lago facture {cents} et indique {exact} dans la plus petite unité comme montant exact de la même ligne.",
    ),
    "evidence.header_edited": (
        "Lago’s sums exceed what its own lines, coupons and taxes give by {cents}.",
        "Les totaux de Lago dépassent de {cents} ce que donnent ses propres lignes, coupons et taxes.",
    ),
    "evidence.coupon_credits": (
        "Lago’s invoice credits coupon {coupon} {times} times, {taken_cents} in all; by its terms, and by what the "
        "customer holds of it, it gives {given_cents}.",
        "La facture de Lago crédite {times} fois le bon {coupon}, {taken_cents} en tout; selon ses conditions, et ce "
        "que le client en détient, il donne {given_cents}.",
    ),
    "evidence.header_coupons": (
        "Lago’s header takes off {cents} more of coupons than its own lines and coupons give.",
        "L’en-tête de Lago déduit {cents} de plus en bons que ne donnent ses propres lignes et bons.",
    ),
    "evidence.line_taxes": (
        "Odoo’s lines bear {odoo}, Lago’s {lago}.",
        "Les lignes d’Odoo portent {odoo}, celles de Lago {lago}.",
    ),
    "evidence.other_open": (
        "Lago is still owed {lago_cents} of this invoice; {odoo_cents} are open in Odoo.",
        "Il reste dû {lago_cents} de cette facture dans Lago; {odoo_cents} sont ouverts dans Odoo.",
    ),
    "evidence.not_open": (
        "Lago is still owed {cents} of this invoice; nothing of it is open in Odoo.",
        "Il reste dû {cents} de cette facture dans Lago; rien n’en est ouvert dans Odoo.",
    ),
    # words among the values of evidence (``reports.data.Told``)
    "told.none": ("none", "aucun"),
    "told.{0}, none": ("{0}, none", "{0}, aucun"),
    "told.held": ("held", "présent"),
    "told.not there": ("not there", "absent"),
    "told.in excess": ("in excess", "en trop"),
    "told.charge {0}": ("charge {0}", "tarif {0}"),
    "told.{0} and properties": ("{0} and properties", "{0} et properties"),
    "told.subscription {0}": ("subscription {0}", "abonnement {0}"),
    "told.period of subscription": ("period of the base fee", "période du montant de base"),
    "told.period of charges": ("period of charges", "période des tarifs"),
    "told.period of fixed_charges": ("period of fixed charges", "période des tarifs fixes"),
    "told.fusion.billing.usage of {0}": ("fusion.billing.usage of {0}", "fusion.billing.usage de {0}"),
    "told.fusion.billing.usage of no subscription": (
        "fusion.billing.usage of no subscription",
        "fusion.billing.usage sans abonnement",
    ),
    "told.credit_notes": ("credit notes", "notes de crédit"),
    "told.prepaid": ("prepaid credits", "crédits prépayés"),
    "told.prepaid, credit_notes": ("prepaid credits and credit notes", "crédits prépayés et notes de crédit"),
    "told.payments": ("payments", "paiements"),
    "told.none: {0} ({1})": ("no subscription: {0} ({1})", "aucun abonnement : {0} ({1})"),
}
