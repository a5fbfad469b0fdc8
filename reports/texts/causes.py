"""Why a position differs: names of causes, evidence for them, and what to do. Braces hold values of the evidence."""

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
    "cause.plan_change_date": ("Date of a plan change", "Date d’un changement de forfait"),
    "cause.subscription_state": ("State of the subscription", "État de l’abonnement"),
    "cause.currency_rounding": ("Currency rounded to a coarser step", "Devise arrondie à un pas plus grossier"),
    "cause.base_product_swapped": ("Another plan’s product", "Produit d’un autre forfait"),
    "cause.tax_included": ("Tax included in the price", "Taxe incluse dans le prix"),
    "cause.price_then": ("Price of then", "Prix d’alors"),
    "cause.usage_billed_twice": ("Usage billed twice", "Utilisation facturée deux fois"),
    "cause.usage_never_billed": ("Usage never billed", "Utilisation jamais facturée"),
    "cause.period_never_billed": ("Period never billed", "Période jamais facturée"),
    "cause.missing_line": ("Line missing", "Ligne manquante"),
    "cause.order_line_added": ("Line added to the order", "Ligne ajoutée à la commande"),
    "cause.discount": ("Discount on the order", "Remise sur la commande"),
    "cause.extra_line": ("Line in excess", "Ligne en trop"),
    "cause.extra_order": ("Order that only Odoo has", "Commande que seul Odoo a"),
    "cause.extra_invoice": ("Invoice that only Odoo has", "Facture que seul Odoo a"),
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
    "cause.fiscal_position": ("Fiscal position", "Position fiscale"),
    "cause.balance_missing": ("Open balance not carried over", "Solde ouvert non repris"),
    "cause.tolerated": ("Within the tolerance", "Dans la tolérance"),
    "cause.unexplained": ("Unexplained", "Inexpliqué"),
    # evidence
    "evidence.order_only_in_odoo": (
        "{what} runs in Odoo ({plan}, next invoice: {next}), and Lago has no subscription of it.",
        "{what} est en cours dans Odoo ({plan}, prochaine facture : {next}), et Lago n’en a aucun abonnement.",
    ),
    "evidence.invoice_only_in_odoo": (
        "{what} of {day} ({state}) is in Odoo, and not in Lago.",
        "{what} du {day} ({state}) est dans Odoo, et pas dans Lago.",
    ),
    "evidence.invoice_of_both": (
        "{what} of {day} ({state}) bills in Odoo what Lago billed on the same day.",
        "{what} du {day} ({state}) facture dans Odoo ce que Lago a facturé le même jour.",
    ),
    "evidence.unmapped": ("The migration left it out: {reason}", "La migration l’a laissé de côté : {reason}"),
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
    "evidence.contradiction": (
        "Lago bills {cents} and states {exact} in the smallest unit as the exact amount of the same line.",
        "Lago facture {cents} et indique {exact} dans la plus petite unité comme montant exact de la même ligne.",
    ),
    "evidence.header_edited": (
        "Lago’s sums exceed what its own lines, coupons and taxes give by {cents}.",
        "Les totaux de Lago dépassent de {cents} ce que donnent ses propres lignes, coupons et taxes.",
    ),
    "evidence.line_taxes": (
        "Odoo’s lines bear {odoo}, Lago’s {lago}.",
        "Les lignes d’Odoo portent {odoo}, celles de Lago {lago}.",
    ),
    "evidence.not_open": (
        "Lago is still owed {cents} of this invoice; nothing of it is open in Odoo.",
        "Il reste dû {cents} de cette facture dans Lago; rien n’en est ouvert dans Odoo.",
    ),
    # words among the values of evidence
    "told.not there": ("not there", "absent"),
    "told.in excess": ("in excess", "en trop"),
    "told.held": ("held", "présent"),
    "told.none": ("none", "aucun"),
    # remedies
    "remedy.close_order": (
        "Close {what} in Odoo; if it was agreed beside Lago, waive it.",
        "Fermez {what} dans Odoo; si c’était convenu hors de Lago, accordez une dérogation.",
    ),
    "remedy.remove_invoice": (
        "Cancel {what} in Odoo, or credit it where the customer has it; if it was agreed beside Lago, waive it.",
        "Annulez {what} dans Odoo, ou créditez-la si le client l’a; si c’était convenu hors de Lago, accordez une "
        "dérogation.",
    ),
    "remedy.mend_usage": (
        "{where} is {what}: {lago}. Set [mapping] usage_since to the first day of the month, then extract, "
        "apply --phase usage, and reconcile again.",
        "{where}, {what} : {lago}. Mettre [mapping] usage_since au premier jour du mois, puis refaire extract et "
        "apply --phase usage, et rapprocher de nouveau.",
    ),
    "remedy.remove_usage": (
        "In Odoo, {where}: delete the records that Lago does not have (it has {lago} of them), and reconcile again.",
        "Dans Odoo, {where} : supprimer ce que Lago n’a pas (il en a {lago}), et rapprocher de nouveau.",
    ),
    "remedy.reload_usage": (
        "In Odoo, {where}: delete the records whose {what} is not Lago’s ({lago}). Then apply --phase usage loads them "
        "anew; reconcile again.",
        "Dans Odoo, {where} : supprimer les enregistrements dont {what} n’est pas celui de Lago ({lago}). Ensuite, "
        "apply --phase usage les charge de nouveau; rapprocher de nouveau.",
    ),
    "remedy.mend_units": (
        "In Odoo, {where}: set units to {lago}, and empty unit_changes in the same write (an import does it): by a "
        "change of today alone, the periods before keep the other units.",
        "Dans Odoo, {where} : mettre units à {lago}, et vider unit_changes dans la même écriture (une importation le "
        "fait) : par un changement d’aujourd’hui seul, les périodes passées gardent les autres unités.",
    ),
    "remedy.price_passed": (
        "Nothing to mend: Odoo has today’s price, Lago billed the price of then. Only a past month shows this.",
        "Rien à corriger : Odoo a le prix d’aujourd’hui, Lago a facturé celui d’alors. Seul un mois passé le montre.",
    ),
    "remedy.mend_rounding": (
        "Set the rounding of {currency} in Odoo to its smallest unit (now {step}).",
        "Régler l’arrondi de {currency} dans Odoo à sa plus petite unité (maintenant {step}).",
    ),
    "remedy.mend_tax_in_price": (
        "Set the tax {tax} in Odoo to be added to the price (Included in Price: Tax Excluded).",
        "Régler la taxe {tax} dans Odoo comme ajoutée au prix (Inclus dans le prix : hors taxe).",
    ),
    "remedy.mend_field": (
        "In Odoo, {where}: set {what} to {lago} (lago2odoo preview shows the field; apply does not overwrite what "
        "somebody changed).",
        "Dans Odoo, {where} : mettre {what} à {lago} (lago2odoo preview montre le champ; apply n’écrase pas ce que "
        "quelqu’un a changé).",
    ),
    "remedy.mend_currency": (
        "Give the order a price list in {currency}.",
        "Donner à la commande une liste de prix en {currency}.",
    ),
    "remedy.raise_precision": (
        "Raise Decimal Accuracy in Odoo (Settings, Technical, Decimal Accuracy).",
        "Augmenter la précision décimale dans Odoo (Paramètres, Technique, Précision décimale).",
    ),
    "remedy.check_rounding": (
        "Check how this side rounds: half a unit goes up.",
        "Vérifier l’arrondi de ce côté : la demie s’arrondit vers le haut.",
    ),
    "remedy.check_boundaries": (
        "Check the periods of this invoice in Lago (billing_periods).",
        "Vérifier les périodes de cette facture dans Lago (billing_periods).",
    ),
    "remedy.check_store": (
        "Remove the repeated events in Lago, or switch deduplication on, and bill a correction.",
        "Supprimer les événements répétés dans Lago, ou activer la déduplication, et facturer une correction.",
    ),
    "remedy.accept_rule": (
        "Nothing to mend in Odoo: waive old_rule for this invoice ({rule}).",
        "Rien à corriger dans Odoo : déroger à old_rule pour cette facture ({rule}).",
    ),
    "remedy.check_edit": (
        "Find out who changed it in Lago and why; a correction belongs in a credit note.",
        "Établir qui l’a modifié dans Lago et pourquoi; une correction se fait par note de crédit.",
    ),
    "remedy.mend_mapping": (
        "Mend what was skipped ({reason}), then preview and apply again.",
        "Corriger ce qui a été ignoré ({reason}), puis refaire preview et apply.",
    ),
    "remedy.remove_duplicate": (
        "Look for two charges (or orders) with the Lago id {item} in Odoo, and delete the one that apply did not make.",
        "Chercher dans Odoo deux tarifs (ou commandes) avec l’identifiant Lago {item}, et supprimer celui qu’apply n’a "
        "pas créé.",
    ),
    "remedy.bill_late_usage": (
        "Lago did not bill this usage: bill it as a correction, or waive it.",
        "Lago n’a pas facturé cette utilisation : la facturer en correction, ou y déroger.",
    ),
    "remedy.load_usage": (
        "Usage of this month may not be loaded in Odoo: set [mapping] usage_since to its first day, then extract, "
        "apply --phase usage, and reconcile again.",
        "L’utilisation de ce mois n’est peut-être pas chargée dans Odoo : mettre [mapping] usage_since à son premier "
        "jour, puis refaire extract et apply --phase usage, et rapprocher de nouveau.",
    ),
    "remedy.mend_price": (
        "Correct the price on the charge or order in Odoo (lago2odoo preview shows the field).",
        "Corriger le prix du tarif ou de la commande dans Odoo (lago2odoo preview montre le champ).",
    ),
    "remedy.mend_dates": (
        "Correct the dates on the order (fusion_started_at, fusion_ended_at, fusion_previous_order_id).",
        "Corriger les dates de la commande (fusion_started_at, fusion_ended_at, fusion_previous_order_id).",
    ),
    "remedy.check_state": (
        "Compare the state of subscription {subscription} in Lago and of its order in Odoo.",
        "Comparer l’état de l’abonnement {subscription} dans Lago et celui de sa commande dans Odoo.",
    ),
    "remedy.find_line": (
        "Look for the charge in Odoo by its Lago id, and run lago2odoo preview.",
        "Chercher le tarif dans Odoo par son identifiant Lago, et lancer lago2odoo preview.",
    ),
    "remedy.remove_charge": (
        "Delete {where} in Odoo, if Lago is right not to bill it.",
        "Supprimer {where} dans Odoo, si Lago a raison de ne pas la facturer.",
    ),
    "remedy.check_line": (
        "Check why this line is billed: its charge may have been deleted in Lago.",
        "Vérifier pourquoi cette ligne est facturée : son tarif a peut-être été supprimé dans Lago.",
    ),
    "remedy.carry_coupon": (
        "Carry coupon {coupon} over (sale.order fusion_coupons), or waive it.",
        "Reporter le coupon {coupon} (sale.order fusion_coupons), ou y déroger.",
    ),
    "remedy.check_order_line": (
        "Ask who added {line} to the order: if it is not agreed with the customer, set its quantity to 0.",
        "Demander qui a ajouté {line} à la commande : si ce n’est pas convenu avec le client, mettre sa quantité à 0.",
    ),
    "remedy.remove_discount": (
        "Ask who gave the discount: if it is not agreed with the customer, set it to 0 on the order’s line.",
        "Demander qui a accordé la remise : si elle n’est pas convenue avec le client, la mettre à 0 sur la ligne.",
    ),
    "remedy.mend_tax": (
        "Correct the mapping of tax {tax}, or the customer’s fiscal position.",
        "Corriger la correspondance de la taxe {tax}, ou la position fiscale du client.",
    ),
    "remedy.mend_line_taxes": (
        "In Odoo, {where}: set the taxes (tax_ids; of an order: those of its lines) to {tax}; the mapping is right.",
        "Dans Odoo, {where} : mettre les taxes (tax_ids; d’une commande : celles de ses lignes) à {tax}; la "
        "correspondance est juste.",
    ),
    "remedy.mend_position": (
        "In Odoo, {where}: replace the fiscal position {position} by that of the customer’s address, then set the "
        "taxes on its lines (tax_ids) to {tax}.",
        "Dans Odoo, {where} : remplacer la position fiscale {position} par celle de l’adresse du client, puis mettre "
        "les taxes de ses lignes (tax_ids) à {tax}.",
    ),
    "remedy.mend_product": (
        "In Odoo, {where}: set product_id to {lago}, and after that, because Odoo computes them anew with the product, "
        "tax_ids to {tax}, the price and the text (lago2odoo preview shows all four).",
        "Dans Odoo, {where} : mettre product_id à {lago}, puis, car Odoo les recalcule avec le produit, tax_ids à "
        "{tax}, le prix et le texte (lago2odoo preview montre les quatre).",
    ),
    "remedy.check_lagos_taxes": (
        "Find out in Lago which taxes are right, this invoice’s or its customer’s of today; correct by a credit note.",
        "Établir dans Lago quelles taxes sont justes, celles de la facture ou du client; corriger par note de crédit.",
    ),
    "remedy.round_globally": (
        "Set the company’s tax rounding to “Round Globally”, or waive tax_rounding.",
        "Régler l’arrondi des taxes de la société sur « Arrondi global », ou déroger à tax_rounding.",
    ),
    "remedy.waive_rounding": (
        "Odoo always rounds each tax: nothing to mend. Waive tax_rounding with max_cents = 1.",
        "Odoo arrondit toujours chaque taxe : rien à corriger. Déroger à tax_rounding avec max_cents = 1.",
    ),
    "remedy.carry_balance": (
        "Apply the phase balances, and settle the invoice with it.",
        "Appliquer la phase balances, et régler la facture avec elle.",
    ),
}
