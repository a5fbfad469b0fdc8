"""What the page says around its tables: the verdict, four things at a glance, ages, headings, conditions."""

from __future__ import annotations

from collections.abc import Mapping

# name -> (English, French)
PAGE: Mapping[str, tuple[str, str]] = {
    "title": ("Reconciliation {period}", "Rapprochement {period}"),
    "title.all": ("Reconciliation, all periods", "Rapprochement, toutes les périodes"),
    "side": ("Side", "Côté"),
    "side.lago": ("Lago", "Lago"),
    "side.odoo": ("Odoo", "Odoo"),
    "side.rerate": ("Re-rate", "Recalcul"),
    "side.unknown": ("not known", "non établi"),
    # the sentence
    "state_of_run.equal": ("Equal", "Identique"),
    "state_of_run.waived": ("Waived differences only", "Écarts dérogés seulement"),
    "state_of_run.immaterial": ("Explained and immaterial", "Expliqué et non significatif"),
    "state_of_run.to_act": ("To act on", "À traiter"),
    "state_of_run.nothing": ("Nothing compared", "Rien de comparé"),
    "verdict.none": ("Nothing was compared.", "Rien n’a été comparé."),
    "verdict.equal": (
        "{left} and {right} agree to the cent on everything compared: {positions} of {invoices}.",
        "{left} et {right} concordent au cent près sur tout ce qui a été comparé : {positions}, {invoices}.",
    ),
    "verdict.lapsed": (
        "Lago billed twice, or never, what its own invoices cannot show: {count}.",
        "Lago a facturé deux fois, ou jamais, ce que ses propres factures ne montrent pas : {count}.",
    ),
    "verdict.waived": (
        "{sums}. {open} of {positions} differ, and every difference is waived.",
        "{sums}. Écarts : {open} sur {positions}; chacun fait l’objet d’une dérogation.",
    ),
    "verdict.immaterial": (
        "{sums}. {open} of {positions} differ, on {affected} of {invoices}: explained, and nothing to act on.",
        "{sums}. Écarts : {open} sur {positions}, dans {affected} sur {invoices}; tout est expliqué, rien à faire.",
    ),
    "verdict.materiality": (
        "Immaterial: nothing to mend, or less than the {cents} (smallest unit, per currency) declared before the run.",
        "Non significatif : rien à corriger, ou moins que le seuil déclaré d’avance (plus petite unité, par devise) : "
        "{cents}.",
    ),
    "verdict.rest": (
        "{left} and {right} agree to the cent on what was compared: {positions} of {invoices}. Not all is settled.",
        "{left} et {right} concordent au cent près sur ce qui a été comparé ({positions}, {invoices}), mais tout n’est "
        "pas réglé.",
    ),
    "verdict.to_act": (
        "{sums}. {open} of {positions} differ, on {affected} of {invoices}.",
        "{sums}. Écarts : {open} sur {positions}, dans {affected} sur {invoices}.",
    ),
    "verdict.sums": ("{right} bills {deltas} than {left}", "{right} facture {deltas} que {left}"),
    "verdict.more": ("{amount} more", "{amount} de plus"),
    "verdict.less": ("{amount} less", "{amount} de moins"),
    "verdict.and": ("{first} and {last}", "{first} et {last}"),
    "verdict.no_delta": ("{left} and {right} bill the same sums", "{left} et {right} facturent les mêmes sommes"),
    "verdict.unproven": (
        "Differences without a proven cause: {count}.",
        "Écarts sans cause prouvée : {count}.",
    ),
    "verdict.proven": (
        "Every difference has a proven cause.",
        "Chaque écart a une cause prouvée.",
    ),
    "verdict.proven_or_waived": (
        "Every difference has a proven cause, or is waived.",
        "Chaque écart a une cause prouvée ou fait l’objet d’une dérogation.",
    ),
    "verdict.refused": (
        "Invoices that could not be compared in full: {count}.",
        "Factures qui n’ont pas pu être comparées en entier : {count}.",
    ),
    "verdict.untied": (
        "The receivable accounts do not add up to their documents: {amounts}.",
        "Les comptes de créances ne correspondent pas à leurs documents : {amounts}.",
    ),
    "verdict.outside": (
        "Invoices outside the scope, which no subscription bills: {count}.",
        "Factures hors du périmètre, qu’aucun abonnement ne produit : {count}.",
    ),
    "verdict.apart": ("Not compared: {positions} ({reasons}).", "Non comparé : {positions} ({reasons})."),
    "verdict.doubted": (
        "Both sides agree and the re-rate does not, on {positions}: {amounts} in doubt. They may be wrong alike, or "
        "its rule is.",
        "Les deux côtés concordent et le recalcul non, pour {positions} : {amounts} en doute. Ils ont peut-être la "
        "même erreur, ou c’est sa règle qui est fausse.",
    ),
    "verdict.doubt_waived": (
        "Both sides agree and the re-rate does not, on {positions}, and that is waived: {amounts}.",
        "Les deux côtés concordent et le recalcul non, pour {positions}, et une dérogation le couvre : {amounts}.",
    ),
    "verdict.states": (
        "Compared too, though they are no claim and in no total: {what} (Lago).",
        "Comparées aussi, sans être des créances ni compter dans les totaux : {what} (Lago).",
    ),
    "verdict.coverage": (
        "Compared, of what {left} billed: {shares}.",
        "Comparé, sur ce que {left} a facturé : {shares}.",
    ),
    "verdict.elsewhere": (
        "Of the difference, {amounts} is on invoices that are no claim or were compared in part only.",
        "De l’écart, {amounts} porte sur des factures qui ne sont pas des créances, ou comparées en partie seulement.",
    ),
    "verdict.settled": (
        "What was settled differs as well: {amounts} ({right} less {left}).",
        "Les règlements diffèrent aussi : {amounts} ({right} moins {left}).",
    ),
    "coverage": ("Compared", "Comparé"),
    "coverage.of": ("{share} of {sum}", "{share} de {sum}"),
    "outside": ("Outside", "Hors périmètre"),
    "registers": ("Registers of both sides", "Registres des deux côtés"),
    "registers.note": (
        "Each side’s own headers, by month and currency: what it billed before anything was settled. In no sum: drafts "
        "and voided invoices.",
        "Les en-têtes de chaque côté, par mois et devise : ce qui a été facturé avant tout règlement. Dans aucune "
        "somme : les brouillons et les factures annulées.",
    ),
    "net": ("Net", "Net"),
    "taxes": ("Taxes", "Taxes"),
    "billed": ("Billed", "Facturé"),
    "only_here": ("Only here", "Ici seulement"),
    "open_balance": ("Open today", "Ouvert à ce jour"),
    "settlements": ("Settled since", "Réglé depuis"),
    "settled.line": (
        "{currency}, settled in {left}: credit notes {credit_notes}, prepaid credits {prepaid}, which leaves a total "
        "of {total}; payments {paid}, still open {open}.",
        "{currency}, réglé dans {left} : notes de crédit {credit_notes}, crédits prépayés {prepaid}, ce qui laisse un "
        "total de {total}; paiements {paid}, encore ouvert : {open}.",
    ),
    "settled.untied": (
        "{right} holds no open balances of these customers yet.",
        "{right} n’a pas encore de soldes ouverts de ces clients.",
    ),
    "settled.tied": (
        "Open balances in {right} of {invoices}: {theirs} against {ours}, difference {delta}.",
        "Soldes ouverts dans {right} de {invoices} : {theirs} contre {ours}, écart {delta}.",
    ),
    "receivable.line": (
        "{currency}, receivables of all months: Lago is owed {lago} that was brought to Odoo and {missing} that was "
        "not. In Odoo {draft} of it is in drafts and {posted} is posted and open ({paid} was settled there since), "
        "difference {delta}; with {other} of other "
        "documents the receivable accounts hold {account}.",
        "{currency}, créances de tous les mois : on doit à Lago {lago}, repris dans Odoo, et {missing} non repris. "
        "Dans Odoo, {draft} sont en brouillon et {posted} comptabilisés et ouverts ({paid} réglés depuis), "
        "écart {delta}; avec {other} d’autres "
        "pièces, les comptes clients portent {account}.",
    ),
    "credits.line": (
        "Prepaid credits that wait for records in quarantine: {amount} in {wallets}; nobody moved them, and they are "
        "in none of these sums.",
        "Crédits prépayés en attente d’enregistrements en quarantaine : {amount} dans {wallets} ; personne ne les a "
        "repris, et aucune de ces sommes ne les contient.",
    ),
    "credits.unread": (
        "Prepaid credits in quarantine whose amount cannot be read: {wallets}.",
        "Crédits prépayés en quarantaine dont le montant est illisible : {wallets}.",
    ),
    "receivable.astray": (
        "{amount} of what Lago is owed in {currency} is posted in another currency.",
        "{amount} de ce qui est dû à Lago en {currency} est comptabilisé dans une autre devise.",
    ),
    "receivable.astray_here": (
        "{amount} of what the accounts hold in {currency} is owed to Lago in another currency.",
        "{amount} de ce que portent les comptes en {currency} est dû à Lago dans une autre devise.",
    ),
    "receivable.broken": (
        "That does not add up: the accounts hold something else than these documents.",
        "Le compte n’y est pas : les comptes portent autre chose que ces pièces.",
    ),
    "lapses": ("Billed twice, or never", "Facturé deux fois, ou jamais"),
    "lapses.note": (
        "Found in Lago’s own register: no comparison of invoices can show it.",
        "Trouvé dans le registre de Lago : aucune comparaison de factures ne peut le montrer.",
    ),
    # four things at a glance
    "glance": ("At a glance", "En un coup d’œil"),
    "glance.stake": ("Money at stake", "Argent en jeu"),
    "glance.stake.note": ("{share} of what {left} billed", "{share} de ce que {left} a facturé"),
    "glance.stake.none": ("nothing is open", "rien n’est ouvert"),
    "glance.wrong": ("Who is wrong", "Qui se trompe"),
    "glance.wrong.nobody": ("Nobody", "Personne"),
    "glance.none_to_mend": ("Nothing: explained, and immaterial", "Rien : expliqué et non significatif"),
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
    "count.state_voided": ("{n} voided invoice|{n} voided invoices", "{n} facture annulée|{n} factures annulées"),
    "count.state_draft": ("{n} draft|{n} drafts", "{n} brouillon|{n} brouillons"),
    "count.state_failed": ("{n} failed invoice|{n} failed invoices", "{n} facture en échec|{n} factures en échec"),
    "count.state_pending": (
        "{n} pending invoice|{n} pending invoices",
        "{n} facture en attente|{n} factures en attente",
    ),
    "count.wallets": ("{n} wallet|{n} wallets", "{n} portefeuille|{n} portefeuilles"),
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
    "what_to_do.usage_billed_twice": (
        "Credit what was billed twice: by a credit note in Lago, or in Odoo after the cutover; then waive the lapse.",
        "Créditer ce qui a été facturé deux fois : par une note de crédit dans Lago, ou dans Odoo après la bascule; "
        "puis y déroger.",
    ),
    "what_to_do.period_billed_twice": (
        "Void the later invoice in Lago, or credit what was billed twice (in Odoo after the cutover); then waive it.",
        "Annuler la seconde facture dans Lago, ou créditer ce qui a été facturé deux fois (dans Odoo après la "
        "bascule); puis y déroger.",
    ),
    "what_to_do.usage_never_billed": (
        "Bill this usage by a one-off invoice in Lago, or in Odoo after the cutover; or decide not to, and waive it.",
        "Facturer cette utilisation par une facture ponctuelle dans Lago, ou dans Odoo après la bascule; sinon, y "
        "déroger.",
    ),
    "what_to_do.usage_came_late": (
        "Its invoice was final when it came: Lago bills it on no other one, and Odoo neither. Bill it by a one-off "
        "invoice in Lago, or in Odoo after the cutover (an amount below 0: credit it); or decide not to, and waive the "
        "lapse. A grace period in Lago lets usage come later.",
        "Sa facture était définitive quand elle est arrivée : ni Lago ni Odoo ne la factureront sur une autre. La "
        "facturer par une facture ponctuelle dans Lago, ou dans Odoo après la bascule (un montant sous 0 : le "
        "créditer); sinon, y déroger. Un délai de grâce dans Lago laisse à l’utilisation le temps d’arriver.",
    ),
    "what_to_do.period_never_billed": (
        "Have Lago bill this period (its job may be stuck), or bill it by hand; or decide not to, and waive it.",
        "Faire facturer cette période par Lago (sa tâche est peut-être bloquée), ou la facturer à la main; sinon, y "
        "déroger.",
    ),
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
    "settled_difference": ("Difference of settlements", "Écart des règlements"),
    "waivers": ("Waivers", "Dérogations"),
    "rule": ("Rule", "Règle"),
    "reason": ("Reason", "Motif"),
    "author": ("Author", "Auteur"),
    "approver": ("Approver", "Approbateur"),
    "expires": ("Expires", "Échéance"),
    "expired": ("expired: counts again", "échue : l’écart compte de nouveau"),
    "used": ("Covers", "Couvre"),
    "refusals": ("What could not be compared", "Ce qui n’a pas pu être comparé"),
    "refusals.more": ("{detail} And {n} others: see the invoices.", "{detail} Et {n} autres : voir les factures."),
    "detail": ("Detail", "Détail"),
    "explore": ("Every line", "Toutes les lignes"),
    "customers": ("Customers", "Clients"),
    "services": ("Services", "Services"),
    "invoices": ("Invoices", "Factures"),
    "lines": ("Positions", "Positions"),
    "lapse": ("Lago’s register", "Registre de Lago"),
    "lapse.period": ("Period", "Période"),
    "lapse.events": ("Events", "Événements"),
    "lapse.worth": ("Worth", "Valeur"),
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
}
