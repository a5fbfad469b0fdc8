"""Every sentence of the reports, in English and in Canadian French, and numbers as each language writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent

from mappings.money import from_subunits
from reports.data import Evidence, ReportData
from reports.steps import step_name

LOCALES = ("en_CA", "fr_CA")

# name -> (English, French). Braces are filled with values; evidence.* and remedy.* carry those of the evidence.
TEXTS: Mapping[str, tuple[str, str]] = {
    "title": ("Reconciliation {period}", "Rapprochement {period}"),
    "title.all": ("Reconciliation, all periods", "Rapprochement, toutes les périodes"),
    "side": ("Side", "Côté"),
    "side.lago": ("Lago", "Lago"),
    "side.odoo": ("Odoo", "Odoo"),
    "side.rerate": ("Re-rate", "Recalcul"),
    "side.unknown": ("not known", "non établi"),
    # the sentence
    "outcome.equal": ("Equal", "Identique"),
    "outcome.waived": ("Waived differences only", "Écarts dérogés seulement"),
    "outcome.different": ("Different", "Différent"),
    "verdict.none": ("There was nothing to compare.", "Il n’y avait rien à comparer."),
    "verdict.equal": (
        "{left} and {right} agree to the cent on everything compared: {positions} of {invoices}.",
        "{left} et {right} concordent au cent près sur tout ce qui a été comparé : {positions}, {invoices}.",
    ),
    "verdict.waived": (
        "{sums}. {open} of {positions} differ, and every difference is waived.",
        "{sums}. Écarts : {open} sur {positions}; chacun fait l’objet d’une dérogation.",
    ),
    "verdict.different": (
        "{sums}. {open} of {positions} differ, on {affected} of {invoices}.",
        "{sums}. Écarts : {open} sur {positions}, dans {affected} sur {invoices}.",
    ),
    "verdict.sums": ("{right} bills {deltas} than {left}", "{right} facture {deltas} que {left}"),
    "verdict.more": ("{amount} more", "{amount} de plus"),
    "verdict.less": ("{amount} less", "{amount} de moins"),
    "verdict.and": ("{first} and {last}", "{first} et {last}"),
    "verdict.no_delta": ("{left} and {right} bill the same sums", "{left} et {right} facturent les mêmes sommes"),
    "verdict.unexplained": (
        "Unexplained differences: {count}.",
        "Écarts inexpliqués : {count}.",
    ),
    "verdict.proven": (
        "Every difference has a proven cause.",
        "Chaque écart a une cause prouvée.",
    ),
    "verdict.refused": (
        "Invoices that could not be compared in full: {count}.",
        "Factures qui n’ont pas pu être comparées en entier : {count}.",
    ),
    "verdict.outside": (
        "Invoices outside the scope, which no subscription bills: {count}.",
        "Factures hors du périmètre, qu’aucun abonnement ne produit : {count}.",
    ),
    "verdict.apart": ("Not compared: {positions} ({reasons}).", "Non comparé : {positions} ({reasons})."),
    "verdict.model": (
        "Positions on which both sides agree and the re-rate does not, so that its rule must be mended: {count}.",
        "Positions où les deux côtés concordent et le recalcul non, de sorte que sa règle est à corriger : {count}.",
    ),
    "verdict.states": (
        "Included, though they are no claim: {what} (Lago).",
        "Comprises, sans être des créances : {what} (Lago).",
    ),
    # four things at a glance
    "glance": ("At a glance", "En un coup d’œil"),
    "glance.stake": ("Money at stake", "Argent en jeu"),
    "glance.stake.note": ("{share} of what {left} billed", "{share} de ce que {left} a facturé"),
    "glance.stake.none": ("nothing is open", "rien n’est ouvert"),
    "glance.wrong": ("Who is wrong", "Qui se trompe"),
    "glance.wrong.nobody": ("Nobody", "Personne"),
    "glance.wrong.note": ("{side}: {n}", "{side} : {n}"),
    "glance.age": ("Open since", "Ouvert depuis"),
    "glance.age.none": ("Nothing is open", "Rien n’est ouvert"),
    "glance.age.unknown": ("Not followed yet", "Pas encore suivi"),
    "glance.age.note": ("{days}; older than 30 days: {old}", "{days}; plus de 30 jours : {old}"),
    "glance.todo": ("First thing to do", "À faire en premier"),
    "glance.todo.note": ("settles {n}: {amount}", "règle {n} : {amount}"),
    "glance.todo.none": ("Nothing", "Rien"),
    # ages of open items
    "ages": ("How long it has been open", "Depuis quand c’est ouvert"),
    "ages.note": (
        "Counted from the first run that found it; waived differences are left out.",
        "Compté depuis le premier rapprochement qui l’a trouvé; les écarts dérogés n’y sont pas.",
    ),
    "age": ("Open for", "Ouvert depuis"),
    "oldest": ("Oldest", "Le plus ancien"),
    "age.0-30": ("up to 30 days", "30 jours ou moins"),
    "age.31-60": ("31 to 60 days", "de 31 à 60 jours"),
    "age.61-90": ("61 to 90 days", "de 61 à 90 jours"),
    "age.90+": ("more than 90 days", "plus de 90 jours"),
    "age.since": ("Open since {since} ({days}), found by {runs}.", "Ouvert depuis le {since} ({days}), vu par {runs}."),
    "age.reopened": ("It was settled in between: {n}.", "C’était réglé entre-temps : {n}."),
    # counted things: one and several, with a bar between
    "count.positions": ("{n} position|{n} positions", "{n} position|{n} positions"),
    "count.invoices": ("{n} invoice|{n} invoices", "{n} facture|{n} factures"),
    "count.voided": ("{n} voided invoice|{n} voided invoices", "{n} facture annulée|{n} factures annulées"),
    "count.drafts": ("{n} draft|{n} drafts", "{n} brouillon|{n} brouillons"),
    "count.units": ("{n} unit|{n} units", "{n} unité|{n} unités"),
    "count.events": ("{n} event|{n} events", "{n} événement|{n} événements"),
    "count.days": ("{n} day|{n} days", "{n} jour|{n} jours"),
    "count.runs": ("{n} run|{n} runs", "{n} rapprochement|{n} rapprochements"),
    "count.times": ("once|{n} times", "une fois|{n} fois"),
    "count.differences": ("{n} difference|{n} differences", "{n} écart|{n} écarts"),
    "count.levels": ("{n} level|{n} levels", "{n} niveau|{n} niveaux"),
    # parts of the page
    "totals": ("Totals by currency", "Totaux par devise"),
    "currency": ("Currency", "Devise"),
    "difference": ("Difference", "Écart"),
    "positions": ("Positions", "Positions"),
    "equal": ("Equal", "Identiques"),
    "not_compared": ("Not compared", "Non comparé"),
    "causes": ("Causes", "Causes"),
    "causes.none": ("No difference, so no cause.", "Aucun écart, donc aucune cause."),
    "cause": ("Cause", "Cause"),
    "what_to_do": ("What to do", "Que faire"),
    "what_to_do.more": (
        "{remedy} And {n} more like it: see the positions.",
        "{remedy} Et {n} autres du genre : voir les positions.",
    ),
    "what_to_do.unexplained": (
        "Open the positions and hold the steps of the sides against each other.",
        "Ouvrir les positions et comparer les étapes des côtés.",
    ),
    "what_to_do.tolerated": ("Nothing: it is within the tolerance.", "Rien : c’est dans la tolérance."),
    "wrong_side": ("Wrong side", "Côté en cause"),
    "count": ("Number", "Nombre"),
    "gross": ("Absolute sum", "Somme absolue"),
    "proven": ("proven by recomputing", "prouvée par recalcul"),
    "not_proven": ("not proven", "non prouvée"),
    "trend": ("Difference by date of issue", "Écart par date d’émission"),
    "biggest": ("Biggest differences", "Plus grands écarts"),
    "biggest.none": ("No difference.", "Aucun écart."),
    "ties": ("Tie-out", "Concordance des totaux"),
    "ties.line": (
        "{currency} ties out at {levels} ({names}): {positions}, {left}: {left_sum}, {right}: {right_sum}, "
        "difference {delta} = sum of the causes.",
        "{currency} concorde à {levels} ({names}) : {positions}, {left} : {left_sum}, {right} : {right_sum}, "
        "écart {delta} = somme des causes.",
    ),
    "ties.note": (
        "Every level is added up on its own; all agree, and the causes add up to the difference: checked.",
        "Chaque niveau est additionné séparément; tous doivent concorder et les causes doivent donner l’écart. "
        "Vérifié : c’est le cas.",
    ),
    "level": ("Level", "Niveau"),
    "groups": ("Groups", "Groupes"),
    "causes_sum": ("Sum of causes", "Somme des causes"),
    "waivers": ("Waivers", "Dérogations"),
    "rule": ("Rule", "Règle"),
    "reason": ("Reason", "Motif"),
    "author": ("Author", "Auteur"),
    "approver": ("Approver", "Approbateur"),
    "expires": ("Expires", "Échéance"),
    "expired": ("expired: counts again", "échue : l’écart compte de nouveau"),
    "used": ("Covers", "Couvre"),
    "refusals": ("What could not be compared", "Ce qui n’a pas pu être comparé"),
    "detail": ("Detail", "Détail"),
    "explore": ("Every line", "Toutes les lignes"),
    "customers": ("Customers", "Clients"),
    "services": ("Services", "Services"),
    "invoices": ("Invoices", "Factures"),
    "lines": ("Positions", "Positions"),
    "customer": ("Customer", "Client"),
    "invoice": ("Invoice", "Facture"),
    "line": ("Position", "Position"),
    "service": ("Service", "Service"),
    "month": ("Month", "Mois"),
    "date": ("Date", "Date"),
    "status": ("Status", "État"),
    "all": ("all", "tout"),
    "search": ("Search", "Rechercher"),
    "search.hint": ("customer, invoice, line…", "client, facture, ligne…"),
    "at_least": ("At least", "Au moins"),
    "only_open": ("Only differences", "Écarts seulement"),
    "only_material": ("Only material", "Seulement significatifs"),
    "reset": ("Reset", "Réinitialiser"),
    "more": ("Show more", "Afficher plus"),
    "back": ("Back to the list", "Retour à la liste"),
    "shown": ("{n} shown", "{n} affichés"),
    "none": ("Nothing matches these filters.", "Rien ne correspond à ces filtres."),
    "steps": ("How the amount came about", "Calcul du montant"),
    "units": ("units", "unités"),
    "events": ("events", "événements"),
    "unit_price": ("unit price", "prix unitaire"),
    "amount": ("amount", "montant"),
    "unbilled": ("bills nothing here", "ne facture rien ici"),
    "silent": ("does not say", "ne se prononce pas"),
    "grouped": ("{n} lines together", "{n} lignes ensemble"),
    "usage.of": (
        "Usage of {metric} in this period: {events}.",
        "Utilisation de {metric} dans cette période : {events}.",
    ),
    "usage.missing": ("Not in Odoo: {n}.", "Absents d’Odoo : {n}."),
    "usage.more": ("and {n} more", "et {n} autres"),
    "usage.event": ("Event", "Événement"),
    "usage.at": ("Time (UTC)", "Heure (UTC)"),
    "usage.properties": ("Properties", "Propriétés"),
    "usage.in_odoo": ("In Odoo", "Dans Odoo"),
    "usage.yes": ("yes", "oui"),
    "usage.no": ("no", "non"),
    "evidence": ("Evidence", "Preuve"),
    "remedy": ("Remedy", "Correction"),
    "waived_by": ("waived: {rule}", "dérogation : {rule}"),
    "lookalike": (
        "Same amount on the other side, under another key:",
        "Même montant de l’autre côté, sous une autre clé :",
    ),
    "permalink": ("Link to this position", "Lien vers cette position"),
    "steps.left_out": (
        "The steps of equal positions are in the JSON beside this file.",
        "Les étapes des positions identiques sont dans le JSON qui accompagne ce fichier.",
    ),
    "no_script": (
        "The list of all positions needs JavaScript; everything above does not, and the CSV and XLSX have it all.",
        "La liste de toutes les positions nécessite JavaScript; le reste non, et le CSV et le XLSX contiennent tout.",
    ),
    "theme": ("Light or dark", "Clair ou sombre"),
    "print": ("Print", "Imprimer"),
    "skip": ("Skip to the list", "Aller à la liste"),
    "loading": ("Loading…", "Chargement…"),
    "run": ("Conditions of this run", "Conditions de ce rapprochement"),
    "run.cohort": ("Cohort: {cohort}", "Cohorte : {cohort}"),
    "run.period": ("Period", "Période"),
    "run.organization": ("Organization", "Organisation"),
    "run.lago": ("Lago version", "Version de Lago"),
    "run.odoo": ("Odoo version", "Version d’Odoo"),
    "run.tool": ("lago2odoo", "lago2odoo"),
    "run.snapshot": ("Lago read on", "Lago lu le"),
    "run.compared": ("Compared on", "Comparé le"),
    "run.tolerance": ("Tolerance (smallest unit)", "Tolérance (plus petite unité)"),
    "run.materiality": ("Materiality (smallest unit)", "Seuil de signification (plus petite unité)"),
    # columns and sheets
    "column.month": ("Month", "Mois"),
    "column.date": ("Date of issue", "Date d’émission"),
    "column.customer": ("Customer", "Client"),
    "column.customer_name": ("Name", "Nom"),
    "column.invoice": ("Invoice", "Facture"),
    "column.type": ("Type", "Type"),
    "column.state": ("State", "État"),
    "column.service": ("Service", "Service"),
    "column.position": ("Position", "Position"),
    "column.currency": ("Currency", "Devise"),
    "column.difference": ("Difference", "Écart"),
    "column.status": ("Status", "État de la comparaison"),
    "column.reading": ("Reading", "Lecture"),
    "column.causes": ("Causes", "Causes"),
    "column.cause": ("Cause", "Cause"),
    "column.wrong_side": ("Wrong side", "Côté en cause"),
    "column.proven": ("Proof", "Preuve"),
    "column.waiver": ("Waiver", "Dérogation"),
    "column.waived": ("Waived", "Dérogés"),
    "column.open_since": ("Open since", "Ouvert depuis"),
    "column.age_days": ("Days open", "Jours"),
    "column.age_runs": ("Runs", "Rapprochements"),
    "column.reopened": ("Reopened", "Rouvert"),
    "column.age": ("Age", "Ancienneté"),
    "column.oldest": ("Oldest", "Le plus ancien"),
    "column.remedy": ("Remedy", "Correction"),
    "column.id": ("Id", "Identifiant"),
    "column.level": ("Level", "Niveau"),
    "column.positions": ("Positions", "Positions"),
    "column.equal": ("Equal", "Identiques"),
    "column.open": ("Different", "Différents"),
    "column.not_compared": ("Not compared", "Non comparés"),
    "column.causes_sum": ("Sum of causes", "Somme des causes"),
    "column.count": ("Number", "Nombre"),
    "column.gross": ("Absolute sum", "Somme absolue"),
    "column.side": ("Side", "Côté"),
    "column.reason": ("Reason", "Motif"),
    "column.rule": ("Rule of a waiver", "Règle de dérogation"),
    "column.detail": ("Detail", "Détail"),
    "sheet.summary": ("Summary", "Sommaire"),
    "sheet.position": ("Positions", "Positions"),
    "sheet.invoice": ("Invoices", "Factures"),
    "sheet.customer": ("Customers", "Clients"),
    "sheet.service": ("Services", "Services"),
    "sheet.month": ("Months", "Mois"),
    "sheet.cause": ("Causes", "Causes"),
    "sheet.age": ("Ages", "Anciennetés"),
    "sheet.refusal": ("Not compared", "Non comparé"),
    "sheet.check": ("Check", "Contrôle"),
    "sheet.ties": ("ties out", "concorde"),
    "sheet.broken": ("DOES NOT TIE OUT", "NE CONCORDE PAS"),
    # statuses and verdicts of a position
    "status.equal": ("equal", "identique"),
    "status.tolerated": ("within tolerance", "dans la tolérance"),
    "status.differs": ("differs", "différent"),
    "status.only_left": ("only in {left}", "seulement dans {left}"),
    "status.only_right": ("only in {right}", "seulement dans {right}"),
    "status.refused": ("could not be compared", "n’a pas pu être comparé"),
    "status.outside": ("outside the scope", "hors du périmètre"),
    "reading.match": ("All agree.", "Tous concordent."),
    "reading.odoo": ("Lago and the re-rate agree: Odoo is off.", "Lago et le recalcul concordent : Odoo est en cause."),
    "reading.lago": ("Odoo and the re-rate agree: Lago is off.", "Odoo et le recalcul concordent : Lago est en cause."),
    "reading.model": (
        "Lago and Odoo agree, the re-rate does not: its rule must be mended.",
        "Lago et Odoo concordent, le recalcul non : sa règle est à corriger.",
    ),
    "reading.unexplained": ("No two sides agree.", "Aucun côté ne concorde avec un autre."),
    "reading.agreed": (
        "Both agree; the re-rate did not vote.",
        "Les deux concordent; le recalcul ne s’est pas prononcé.",
    ),
    "reading.unvoted": (
        "They differ, and there is no third vote.",
        "Ils diffèrent, et il n’y a pas de troisième avis.",
    ),
    "reading.unknown": ("Not compared.", "Non comparé."),
    # parts of an invoice
    "kind.subscription": ("Subscription fee", "Abonnement"),
    "kind.charge": ("Usage", "Utilisation"),
    "kind.true_up": ("Charge minimum", "Minimum de tarif"),
    "kind.fixed_charge": ("Fixed charge", "Frais fixe"),
    "kind.commitment": ("Minimum commitment", "Engagement minimal"),
    "kind.add_on": ("Add-on", "Supplément"),
    "kind.credit": ("Prepaid credits bought", "Crédits prépayés achetés"),
    "kind.adjustment": ("Header not explained by its lines", "En-tête non expliqué par ses lignes"),
    "kind.coupons": ("Coupons", "Coupons"),
    "kind.tax": ("Tax", "Taxe"),
    "kind.tax_rounding": ("Rounding of the taxes’ sum", "Arrondi de la somme des taxes"),
    "kind.credit_notes": ("Credit notes", "Notes de crédit"),
    "kind.settled": ("Settled since (open balance)", "Réglé depuis (solde ouvert)"),
    "kind.prepaid": ("Prepaid credits", "Crédits prépayés"),
    "type.subscription": ("subscription", "abonnement"),
    "type.one_off": ("one-off", "ponctuelle"),
    "type.add_on": ("add-on", "supplément"),
    "type.credit": ("prepaid credits", "crédits prépayés"),
    "type.advance_charges": ("charges paid before", "frais payés d’avance"),
    "type.progressive_billing": ("progressive billing", "facturation progressive"),
    "state.draft": ("draft", "brouillon"),
    "state.finalized": ("final", "définitive"),
    "state.voided": ("voided", "annulée"),
    "state.failed": ("failed", "échouée"),
    "state.pending": ("pending", "en attente"),
    "position.name": ("{kind}: {label}", "{kind} : {label}"),
    # parts of a position's key
    "key.subscription": ("subscription", "abonnement"),
    "key.kind": ("kind", "genre"),
    "key.item": ("item", "article"),
    "key.filter": ("filter", "filtre"),
    "key.group": ("group", "groupe"),
    "key.event": ("event", "événement"),
    "key.part": ("part of the header:", "partie de l’en-tête :"),
    "key.code": ("code", "code"),
    # levels
    "level.line": ("lines", "lignes"),
    "level.invoice": ("invoices", "factures"),
    "level.customer": ("customers", "clients"),
    "level.service": ("services", "services"),
    "level.month": ("months", "mois"),
    "level.all": ("all", "tout"),
    # causes
    "cause.mapping_gap": ("Not migrated", "Non migré"),
    "cause.duplicate_line": ("Line billed twice", "Ligne facturée en double"),
    "cause.late_events": ("Events that arrived late", "Événements arrivés en retard"),
    "cause.missing_usage": ("Usage missing", "Utilisation manquante"),
    "cause.extra_usage": ("Usage in excess", "Utilisation en trop"),
    "cause.price": ("Another price", "Autre prix"),
    "cause.plan_change_date": ("Date of a plan change", "Date d’un changement de forfait"),
    "cause.subscription_state": ("State of the subscription", "État de l’abonnement"),
    "cause.missing_line": ("Line missing", "Ligne manquante"),
    "cause.extra_line": ("Line in excess", "Ligne en trop"),
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
    # why a side could not give something
    "refusal.addon-missing": ("The addon is not installed in Odoo", "Le module n’est pas installé dans Odoo"),
    "refusal.advance-event": ("Usage paid in advance", "Utilisation payée d’avance"),
    "refusal.amount_out_of_range": ("Amount out of range", "Montant hors limites"),
    "refusal.bad_event_file": ("Unreadable file of events", "Fichier d’événements illisible"),
    "refusal.bad_price": ("Unreadable price", "Prix illisible"),
    "refusal.charge_deleted": ("Charge deleted in Lago", "Tarif supprimé dans Lago"),
    "refusal.commitment": ("Minimum commitment", "Engagement minimal"),
    "refusal.coupon-history": ("Coupon used in part before", "Coupon déjà utilisé en partie"),
    "refusal.currency": ("Other currency", "Autre devise"),
    "refusal.custom_aggregation": ("Metric with code of its own", "Mesure avec son propre code"),
    "refusal.dynamic_without_amount": ("Event without its price", "Événement sans son prix"),
    "refusal.event_missing": ("Event missing", "Événement manquant"),
    "refusal.fee_without_period": ("Fee without a period", "Frais sans période"),
    "refusal.filter_deleted": ("Filter deleted in Lago", "Filtre supprimé dans Lago"),
    "refusal.fixed_charge_units_history": ("Units of a fixed charge changed", "Unités d’un frais fixe modifiées"),
    "refusal.header-does-not-add-up": (
        "The header contradicts itself",
        "L’en-tête se contredit",
    ),
    "refusal.metric-missing": ("Metric missing", "Mesure manquante"),
    "refusal.metric_deleted": ("Metric deleted in Lago", "Mesure supprimée dans Lago"),
    "refusal.no_price_range": ("Price ranges missing", "Paliers de prix manquants"),
    "refusal.not-started": ("Not started in Odoo", "Pas commencé dans Odoo"),
    "refusal.order-missing": ("Order missing in Odoo", "Commande manquante dans Odoo"),
    "refusal.price_range_gap": ("Gap between price ranges", "Trou entre les paliers de prix"),
    "refusal.progressive_credit": ("Credit of progressive billing", "Crédit de facturation progressive"),
    "refusal.provider_taxes": ("Taxes of a tax provider", "Taxes d’un fournisseur de taxes"),
    "refusal.regenerated_invoice": ("Invoice made anew", "Facture refaite"),
    "refusal.subscription_missing": ("Subscription missing", "Abonnement manquant"),
    "refusal.unit_price_out_of_range": ("Unit price out of range", "Prix unitaire hors limites"),
    "refusal.units_out_of_range": ("Units out of range", "Unités hors limites"),
    "refusal.unknown_aggregation": ("Unknown aggregation", "Agrégation inconnue"),
    "refusal.unknown_charge_model": ("Unknown charge model", "Modèle de tarif inconnu"),
    "refusal.unknown_rounding": ("Unknown rounding", "Arrondi inconnu"),
    "refusal.volume_without_range": ("Volume without a price range", "Volume sans palier de prix"),
    "refusal.wallet_transaction_missing": ("Wallet transaction missing", "Opération du portefeuille manquante"),
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
    "remedy.mend_usage": (
        "{where} is {what}: {lago}. Set [mapping] usage_since to the first day of the month, then extract, "
        "apply --phase usage, and reconcile again.",
        "{where}, {what} : {lago}. Mettre [mapping] usage_since au premier jour du mois, puis refaire extract et "
        "apply --phase usage, et rapprocher de nouveau.",
    ),
    "remedy.mend_field": (
        "In Odoo, {where}: set {what} to {lago} (lago2odoo preview shows the field, apply writes it).",
        "Dans Odoo, {where} : mettre {what} à {lago} (lago2odoo preview montre le champ, apply l’écrit).",
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
        "Look for two charges or orders of one Lago record in Odoo; lago2odoo status names what changed since apply.",
        "Chercher dans Odoo deux tarifs ou commandes d’un même objet Lago; lago2odoo status nomme ce qui a changé.",
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
    "remedy.check_line": (
        "Check why this line is billed: its charge may have been deleted in Lago.",
        "Vérifier pourquoi cette ligne est facturée : son tarif a peut-être été supprimé dans Lago.",
    ),
    "remedy.carry_coupon": (
        "Carry coupon {coupon} over (sale.order fusion_coupons), or waive it.",
        "Reporter le coupon {coupon} (sale.order fusion_coupons), ou y déroger.",
    ),
    "remedy.mend_tax": (
        "Correct the mapping of tax {tax}, or the customer’s fiscal position.",
        "Corriger la correspondance de la taxe {tax}, ou la position fiscale du client.",
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


# Values of evidence that are shown with what they count
COUNTED = {"theirs": "units", "ours": "units", "their_events": "events", "our_events": "events", "events": "events"}


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences and number formats of one language."""

    locale: str = "en_CA"

    def __post_init__(self) -> None:
        if self.locale not in LOCALES:
            raise ValueError(f"language {self.locale!r} is not one of {', '.join(LOCALES)}")

    @property
    def tag(self) -> str:
        """For HTML's ``lang``."""
        return self.locale.replace("_", "-")

    def __call__(self, name: str, **values: object) -> str:
        """A sentence, filled. Values are inserted as they are: renderers escape the whole."""
        text = TEXTS[name][LOCALES.index(self.locale)]
        return text.format(**values) if values else text

    def counted(self, name: str, n: int | Decimal) -> str:
        """``1 unit``, ``2 units``: French counts 0 and 1.5 as one, too."""
        one, several = self(f"count.{name}").split("|")
        single = n == 1 if self.locale.startswith("en") else -2 < n < 2
        return (one if single else several).format(n=self.number(n))

    def named(self, group: str, name: str) -> str:
        """The text of ``group.name``, or the name itself: causes of a later version stay readable."""
        return self(f"{group}.{name}") if f"{group}.{name}" in TEXTS else name

    def status(self, status: str, data: ReportData) -> str:
        """A status with the names of the compared sides."""
        left, right = (self.named("side", side) for side in data.run.pair)
        return self(f"status.{status}", left=left, right=right)

    def money(self, cents: int, currency: str, *, sign: bool = False) -> str:
        """``$1,234.50 CAD`` style of the language; with ``sign``, a plus in front of what is positive."""
        text = _money(cents, currency, self.locale)
        return f"+{text}" if sign and cents > 0 else text

    def number(self, value: int | Decimal) -> str:
        return _number(value, self.locale)

    def share(self, part: int, whole: int) -> str:
        """``0.19 %``: two decimals, and never nothing for something."""
        share, least = Decimal(part) / Decimal(whole), Decimal("0.0001")
        text = str(format_percent(max(share, least), format="#,##0.##\xa0%", locale=self.locale))
        return f"<\xa0{text}" if share < least else text

    def day(self, value: date) -> str:
        return _day(value, self.locale)

    def short_day(self, value: date) -> str:
        """``Jul 1``: under a picture, where the year is known."""
        return str(format_skeleton("MMMd", value, locale=self.locale))

    def short_month(self, value: date) -> str:
        """``Jul 2026``."""
        return str(format_skeleton("yMMM", value, locale=self.locale))

    def moment(self, value: datetime) -> str:
        return f"{format_datetime(value, format='medium', locale=self.locale)} UTC"

    def period(self, period: str) -> str:
        """``July 2026`` for ``2026-07``."""
        if period == "all":
            return self("title.all")
        month = date(int(period[:4]), int(period[5:7]), 1)
        return str(format_date(month, format="MMMM y", locale=self.locale))

    def title(self, period: str) -> str:
        return self("title.all") if period == "all" else self("title", period=self.period(period))

    def step(self, label: str) -> str:
        """A step of how an amount came about, with its numbers."""
        return step_name(label, LOCALES.index(self.locale), self.number)

    def evidence(self, group: str, evidence: Evidence, currency: str) -> str:
        """A fact (``group`` evidence or remedy) as a sentence; its ``cents`` are an amount of ``currency``."""
        name = f"{group}.{evidence.name}"
        values = {key: self._value(key, value, currency) for key, value in evidence.values.items()}
        return self(name, **values) if name in TEXTS else f"{evidence.name} {values}"

    def _value(self, key: str, value: str | int | Decimal, currency: str) -> str:
        if isinstance(value, str):
            return self.named("told", value)
        if key in COUNTED:
            return self.counted(COUNTED[key], value)
        return self.money(int(value), currency) if key == "cents" else self.number(value)

    def catalog(self) -> dict[str, str]:
        """All sentences of the language, for the page's script."""
        return {name: both[LOCALES.index(self.locale)] for name, both in TEXTS.items()}


def cause_name(cause: str, locale: str = "en_CA") -> str:
    """A cause's code (``coupon_missing``) as the reports write it."""
    return Texts(locale).named("cause", cause)


def side_name(side: str, locale: str = "en_CA") -> str:
    """A side's code (``rerate``) as the reports write it."""
    return Texts(locale).named("side", side)


@lru_cache(maxsize=4096)
def _number(value: int | Decimal, locale: str) -> str:
    return str(format_decimal(value, locale=locale, decimal_quantization=False))


@lru_cache(maxsize=512)
def _day(value: date, locale: str) -> str:
    return str(format_date(value, format="medium", locale=locale))


@lru_cache(maxsize=4096)
def _money(cents: int, currency: str, locale: str) -> str:
    """The amount with the currency's ISO code: ``$`` alone does not tell Canadian from American dollars."""
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    return str(format_currency(from_subunits(cents, currency), currency, format=_coded(pattern), locale=locale))


def _coded(pattern: str) -> str:
    """A currency pattern that shows the ISO code after the number."""
    positive = pattern.split(";", maxsplit=1)[0].replace("\xa4", "").strip().strip("\xa0\u202f ")
    return f"{positive}\xa0\xa4\xa4"
