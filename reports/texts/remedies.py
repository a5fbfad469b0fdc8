"""What to do about a difference, in a sentence. Braces hold values of the remedy."""

from __future__ import annotations

from collections.abc import Mapping

# name -> (English, French)
REMEDIES: Mapping[str, tuple[str, str]] = {
    "remedy.settle_doubt": (
        "Hold the steps of the re-rate against the plan, the customer’s agreement and the usage. Where both sides are "
        "wrong alike, correct the invoice in Lago and the same in Odoo; where the re-rate is, waive it until its rule "
        "is mended.",
        "Comparez les étapes du recalcul au forfait, à l’entente avec le client et à l’utilisation. Si les deux côtés "
        "ont la même erreur, corrigez la facture dans Lago, et la même chose dans Odoo; si c’est le recalcul, accordez "
        "une dérogation jusqu’à ce que sa règle soit corrigée.",
    ),
    "remedy.close_order": (
        "Close {what} in Odoo; if it was agreed beside Lago, waive it.",
        "Fermez {what} dans Odoo; si c’était convenu hors de Lago, accordez une dérogation.",
    ),
    "remedy.name_order": (
        "{what} is the order of a subscription that Lago has, without its external id: do not close it, give it "
        "{xid} back (in Odoo: Settings, Technical, External Identifiers).",
        "{what} est la commande d’un abonnement que Lago a, sans son identifiant externe : ne pas la fermer, lui "
        "rendre {xid} (dans Odoo : Paramètres, Technique, Identifiants externes).",
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
    "remedy.return_usage": (
        "In Odoo, usage of {lago} is written to {odoo}: set {what} of these records back to {lago} (lago2odoo status "
        "names each; apply does not overwrite what somebody changed), and reconcile again.",
        "Dans Odoo, de l’utilisation de {lago} est inscrite chez {odoo} : remettre {what} de ces enregistrements à "
        "{lago} (lago2odoo status les nomme; apply n’écrase pas ce que quelqu’un a changé), et rapprocher de nouveau.",
    ),
    "remedy.mend_unique": (
        "In Odoo, {where}: set {what} to {lago}. Odoo lets one record have it at a time: if another has it now (two "
        "were swapped), give that one a third value first, then this one {lago}, then the other its own.",
        "Dans Odoo, {where} : mettre {what} à {lago}. Odoo ne l’admet que pour un enregistrement à la fois : si un "
        "autre l’a (échange), donner d’abord à celui-là une troisième valeur, puis {lago} à celui-ci, puis à l’autre "
        "la sienne.",
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
    "remedy.mend_pricelist": (
        "In Odoo, {where}: set {what} to {lago}, the price list in {currency}. A confirmed order keeps its own: set "
        "the order back to a quotation first, and confirm it after.",
        "Dans Odoo, {where} : mettre {what} à {lago}, la liste de prix en {currency}. Une commande confirmée garde la "
        "sienne : la remettre d’abord en devis, et la confirmer ensuite.",
    ),
    "remedy.raise_digits": (
        "In Odoo, {where}: set {what} to {lago} (Settings, Technical, Decimal Accuracy).",
        "Dans Odoo, {where} : mettre {what} à {lago} (Paramètres, Technique, Précision décimale).",
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
    "remedy.settle_in_lago": (
        "Lago bills the same with {invoices}: void one of them there, or credit it, and extract again, before any "
        "balance is carried to Odoo.",
        "Lago facture la même chose avec {invoices} : y annuler l’une d’elles, ou la créditer, puis refaire extract, "
        "avant de reporter un solde dans Odoo.",
    ),
    "remedy.credit_in_lago": (
        "Lago billed too much here: correct it in Lago by a credit note, or waive it. Change nothing in Odoo.",
        "Lago a trop facturé ici : corriger dans Lago par une note de crédit, ou y déroger. Ne rien changer dans Odoo.",
    ),
    "remedy.bill_in_lago": (
        "Lago billed too little here: bill what is missing there (a one-off invoice), or waive it. Change nothing in "
        "Odoo.",
        "Lago a trop peu facturé ici : y facturer ce qui manque (une facture ponctuelle), ou y déroger. Ne rien "
        "changer dans Odoo.",
    ),
    "remedy.check_edit": (
        "Find out who changed it in Lago and why; a correction belongs in a credit note.",
        "Établir qui l’a modifié dans Lago et pourquoi; une correction se fait par note de crédit.",
    ),
    "remedy.mend_coupon_in_lago": (
        "In Lago, invoice {invoice}: coupon {coupon} took off {cents} too much. Void the invoice and have it made "
        "again, or bill the amount by a one-off invoice; find out what credited it.",
        "Dans Lago, facture {invoice} : le bon {coupon} a déduit {cents} de trop. Annuler la facture et la faire "
        "refaire, ou facturer ce montant par une facture ponctuelle; établir d’où vient ce crédit.",
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
    "remedy.check_state": (
        "Compare the state of subscription {subscription} in Lago and of its order in Odoo.",
        "Comparer l’état de l’abonnement {subscription} dans Lago et celui de sa commande dans Odoo.",
    ),
    "remedy.find_line": (
        "Look for the charge in Odoo by its Lago id, and run lago2odoo preview.",
        "Chercher le tarif dans Odoo par son identifiant Lago, et lancer lago2odoo preview.",
    ),
    "remedy.restore_charge": (
        "In Odoo, {where} has lost its {what} ({lago}): lago2odoo preview shows it, and apply makes it anew.",
        "Dans Odoo, {where} a perdu son {what} ({lago}) : lago2odoo preview le montre; apply le recrée.",
    ),
    "remedy.restore_line": (
        "In Odoo, {where} has lost the line of its plan ({lago}): lago2odoo preview shows it, and apply makes it anew.",
        "Dans Odoo, {where} a perdu la ligne de son forfait ({lago}) : lago2odoo preview la montre; apply la recrée.",
    ),
    "remedy.lower_line": (
        "In Odoo, {where} sells another plan and stands above the line of the order’s own: set its product_id to one "
        "that is no plan, and its quantity to 0, if it is not agreed with the customer.",
        "Dans Odoo, {where} vend un autre forfait et se trouve au-dessus de la ligne du forfait de la commande : "
        "mettre son product_id à un produit qui n’est pas un forfait, et sa quantité à 0, si ce n’est pas convenu.",
    ),
    "remedy.remove_charge": (
        "Delete {where} in Odoo, if Lago is right not to bill it.",
        "Supprimer {where} dans Odoo, si Lago a raison de ne pas la facturer.",
    ),
    "remedy.check_line": (
        "Check why this line is billed: its charge may have been deleted in Lago.",
        "Vérifier pourquoi cette ligne est facturée : son tarif a peut-être été supprimé dans Lago.",
    ),
    "remedy.remove_coupon": (
        "In Odoo, {where}: take {what} out of it, and no other; Lago does not hold it.",
        "Dans Odoo, {where} : en retirer {what}, et aucune autre; Lago ne le détient pas.",
    ),
    "remedy.carry_coupon": (
        "Carry coupon {coupon} over (sale.order fusion_coupons), or waive it.",
        "Reporter le coupon {coupon} (sale.order fusion_coupons), ou y déroger.",
    ),
    "remedy.check_order_line": (
        "Ask who added {line} to the order: if it is not agreed with the customer, set its quantity to 0.",
        "Demander qui a ajouté {line} à la commande : si ce n’est pas convenu avec le client, mettre sa quantité à 0.",
    ),
    "remedy.end_order_line": (
        "Ask who added {line} to the order: if it is not agreed with the customer, set the quantity of {where} to 0 in "
        "Odoo.",
        "Demander qui a ajouté {line} à la commande : si ce n’est pas convenu avec le client, mettre la quantité de "
        "{where} à 0 dans Odoo.",
    ),
    "remedy.mend_own_line": (
        "In Odoo, {where}: set product_id back to the product of its charge, and after that, because Odoo computes "
        "them anew with the product, the price and the text (lago2odoo preview shows all of them). Do not delete it.",
        "Dans Odoo, {where} : remettre product_id au produit de son tarif, puis, car Odoo les recalcule avec le "
        "produit, le prix et le texte (lago2odoo preview les montre tous). Ne pas la supprimer.",
    ),
    "remedy.remove_discount": (
        "Ask who gave the discount: if it is not agreed with the customer, set it to 0 on the order’s line.",
        "Demander qui a accordé la remise : si elle n’est pas convenue avec le client, la mettre à 0 sur la ligne.",
    ),
    "remedy.end_discount": (
        "Ask who gave the discount: if it is not agreed with the customer, set discount of {where} to 0 in Odoo.",
        "Demander qui a accordé la remise : si elle n’est pas convenue avec le client, mettre discount de {where} à 0 "
        "dans Odoo.",
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
    "remedy.mend_group": (
        "In Odoo, {where}: set the taxes that it is made of (children_tax_ids) to {tax}; they are {odoo}. The mapping "
        "is right.",
        "Dans Odoo, {where} : mettre les taxes qui la composent (children_tax_ids) à {tax}; ce sont {odoo}. La "
        "correspondance est juste.",
    ),
    "remedy.mend_repartition": (
        "In Odoo, {where}: make its lines of tax in the distribution for invoices (invoice_repartition_line_ids) add "
        "up to 100 % (now {share} %), and those for refunds alike.",
        "Dans Odoo, {where} : faire en sorte que les lignes de taxe de sa répartition pour les factures "
        "(invoice_repartition_line_ids) fassent 100 % (maintenant {share} %), et pour les avoirs de même.",
    ),
    "remedy.mend_term": (
        "In Odoo, {where}: set payment_term_id back (lago2odoo preview shows it), or let the early discount of {term} "
        "reduce the taxes only when it is taken (Cash Discount Tax Reduction: On early payment).",
        "Dans Odoo, {where} : remettre payment_term_id (lago2odoo preview le montre), ou ne laisser l’escompte de "
        "{term} réduire les taxes que s’il est pris (réduction de taxe pour escompte : au paiement anticipé).",
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
    "remedy.mend_line_order": (
        "In Odoo, {where}: set order_id to {lago}, and after that, because Odoo computes them anew with the order, "
        "tax_ids to {tax}, the price and the text (lago2odoo preview shows all four).",
        "Dans Odoo, {where} : mettre order_id à {lago}, puis, car Odoo les recalcule avec la commande, tax_ids à "
        "{tax}, le prix et le texte (lago2odoo preview montre les quatre).",
    ),
    "remedy.return_line": (
        "In Odoo, {where}: set order_id to {lago}, for which the line was made, and after that, because Odoo computes "
        "them anew with the order, its tax_ids, price and text to what lago2odoo preview shows.",
        "Dans Odoo, {where} : mettre order_id à {lago}, pour laquelle la ligne a été créée, puis, car Odoo les "
        "recalcule avec la commande, ses tax_ids, son prix et son texte à ce que lago2odoo preview montre.",
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
    "remedy.bill_by_date": (
        "Odoo bills all usage when the period ends, and no threshold before: nothing to mend. Leave Lago at the end of "
        "a period, or usage that it billed by a threshold is billed again. Waive progressive_credit.",
        "Odoo facture toute l’utilisation en fin de période, sans seuil avant : rien à corriger. Quitter Lago à la fin "
        "d’une période, sinon ce qu’un seuil a fait facturer l’est deux fois. Déroger à progressive_credit.",
    ),
    "remedy.mend_balance": (
        "In Odoo, {where}: the line that the migration made is right; take out the lines that somebody added to it, "
        "and set its currency back.",
        "Dans Odoo, {where} : la ligne créée par la migration est juste; enlever les lignes que quelqu’un a ajoutées, "
        "et remettre sa devise.",
    ),
    "remedy.drop_balance": (
        "{where}: lago2odoo preview shows that it goes, apply takes the draft out of Odoo.",
        "{where} : lago2odoo preview montre qu’il disparaît, apply enlève le brouillon d’Odoo.",
    ),
    "remedy.settle_posted": (
        "{where} is posted, so apply leaves it alone: register in Odoo what Lago was paid, or credit it, until "
        "{lago} is open.",
        "{where} est comptabilisé, donc apply n’y touche pas : enregistrer dans Odoo ce que Lago a reçu, ou le "
        "créditer, jusqu’à ce que {lago} reste ouvert.",
    ),
    "remedy.renew_balance": (
        "lago2odoo preview shows what changes of {what}, apply brings the draft in line with Lago; what somebody "
        "changed in it is set back by hand, and one that is posted is settled in Odoo.",
        "lago2odoo preview montre ce qui change de {what}, apply aligne le brouillon sur Lago; ce que quelqu’un y a "
        "changé se rétablit à la main, et ce qui est comptabilisé se règle dans Odoo.",
    ),
    "remedy.drop_open_usage": (
        "Before the period of {what} is billed, delete in Odoo what was entered there and Lago does not have "
        "(fusion.billing.usage {records}); if it was sent to Odoo alone on purpose, waive it.",
        "Avant la facturation de la période de {what}, supprimer dans Odoo ce qui y a été saisi et que Lago n’a pas "
        "(fusion.billing.usage {records}); si c’est à dessein qu’Odoo seul l’a reçu, accorder une dérogation.",
    ),
    "remedy.raise_balance": (
        "{what}: apply the phase balances, which brings one that is gone and what rose in Lago. In a draft that "
        "somebody changed, set its line back to one unit at {left}, without discount and taxes; to one that is posted, "
        "add in Odoo what lacks.",
        "{what} : appliquer la phase balances, qui ramène ce qui a disparu et ce qui a monté dans Lago. Dans un "
        "brouillon que quelqu’un a changé, remettre sa ligne à une unité à {left}, sans remise ni taxes; à ce qui est "
        "comptabilisé, ajouter dans Odoo ce qui manque.",
    ),
    "remedy.carry_balance": (
        "Apply the phase balances, and settle the invoice with it.",
        "Appliquer la phase balances, et régler la facture avec elle.",
    ),
    # of reports that were made before, which named no record
    "remedy.mend_currency": (
        "Give the order a price list in {currency}.",
        "Donner à la commande une liste de prix en {currency}.",
    ),
    "remedy.raise_precision": (
        "Raise Decimal Accuracy in Odoo (Settings, Technical, Decimal Accuracy).",
        "Augmenter la précision décimale dans Odoo (Paramètres, Technique, Précision décimale).",
    ),
    "remedy.mend_price": (
        "Correct the price on the charge or order in Odoo (lago2odoo preview shows the field).",
        "Corriger le prix du tarif ou de la commande dans Odoo (lago2odoo preview montre le champ).",
    ),
    "remedy.mend_dates": (
        "Correct the dates on the order (fusion_started_at, fusion_ended_at, fusion_previous_order_id).",
        "Corriger les dates de la commande (fusion_started_at, fusion_ended_at, fusion_previous_order_id).",
    ),
}
