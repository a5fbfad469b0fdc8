"""What a refusal says in detail. The English is the form that a ``Phrase`` has as text; braces hold its values."""

from __future__ import annotations

from collections.abc import Mapping

from mappings.phrases import Told

_FRENCH: Mapping[Told, str] = {
    # of a refusal: where, and why
    Told.OF_PLACE: "{0} : {1}",
    Told.AND_THEN: "{0} ; {1}",
    Told.FEE: "frais {0}",
    Told.CHARGE_OF: "tarif {0} de {1}",
    Told.FIXED_CHARGE: "tarif fixe {0}",
    Told.COMMITMENT_OF: "engagement de {0}",
    # what Lago's records do not say, or say against themselves
    Told.UNKNOWN_TYPE: "facture de type {0}",
    Told.NO_BASE_PERIOD: "{0} ne dit pas quelle période couvre son montant de base",
    Told.NO_BOUNDARIES: "la facture ne dit ni ce qu’elle facture ni pour quelle période",
    Told.OLD_VERSION: "une facture de version {0}, dont les bons de réduction ont été déduits après les taxes",
    Told.FEES_IN_OTHERS: "une facture en {0} avec des frais en {1}",
    Told.FEE_OF_TYPE: "frais {0} de type {1} : {2} {3}",
    Told.PLAN_IN_OTHER: "une facture en {0} du forfait {1}, qui est en {2}",
    Told.PAYS_IN_OTHER: "l’abonnement {0} paie en {1}, et son forfait {2} est en {3}",
    Told.NO_SUM: "le net {0} et la taxe {1} (en cents) ne font pas {2}",
    Told.LOST_SUBSCRIPTION: "{0} ou son forfait n’est pas dans la copie",
    Told.PROVIDER_TAXES: "un fournisseur de taxes a calculé ses taxes",
    Told.CREDITED_LOST: "la facture progressive qu’elle crédite n’est pas dans la copie, ou a été annulée",
    Told.NAMED_BY_FEES: "citée par des frais et absente de la copie : extraire de nouveau",
    Told.IN_QUARANTINE: "pas comparée, parce que {0} {1} est en quarantaine : champ {2} {3}",
    Told.SELF_IN_QUARANTINE: "en quarantaine : champ {0} {1} ; à corriger dans Lago, puis extraire de nouveau",
    Told.WITH_CENTS: "{0} ; Lago dit {1} cents",
    Told.LEFT_IN_LAGO: "{0} ; non comparé, il reste {1} selon Lago",
    Told.ALL_IN_LAGO: "{0} ; non comparé, {1} en tout selon Lago",
    Told.MAY_CONCERN: "incomplet, et cela peut concerner ce mois : {0}",
    Told.SELLER_UNREAD: "son entité de facturation {0} : champ {1} {2}",
    Told.USAGE_UNREAD: "son utilisation est incomplète : {0}",
    Told.AND_ALSO: "{0} et {1}",
    Told.WITH_TAXES: "{0} et {1} de taxes",
    Told.WITH_TAXES_AND: "{0} et {1} de taxes, {2}",
    Told.A_FEE: "{0} frais",
    Told.FEES: "{0} frais",
    Told.A_NOTE: "{0} note de crédit",
    Told.NOTES: "{0} notes de crédit",
    Told.A_PAYMENT: "{0} paiement",
    Told.SOME_PAYMENTS: "{0} paiements",
    Told.A_COUPON: "{0} bon de réduction",
    Told.COUPONS: "{0} bons de réduction",
    Told.A_PROGRESSIVE_CREDIT: "{0} crédit de facturation progressive",
    Told.PROGRESSIVE_CREDITS: "{0} crédits de facturation progressive",
    Told.A_TRANSACTION: "{0} opération de portefeuille",
    Told.TRANSACTIONS: "{0} opérations de portefeuille",
    Told.INVOICE_LOST: (
        "{0} de Lago citent cette facture, et la copie ne l’a pas (ses frais : {1}) ; extraire de nouveau, et ne la "
        "comparer à rien avant qu’elle y soit"
    ),
    Told.STATED_AND_MADE: "son en-tête dit {0} {1}, et {2} font {3}",
    Told.FEES_AMOUNT: "frais",
    Told.NET_AMOUNT: "sous-total",
    Told.GROSS_AMOUNT: "sous-total avec taxes",
    Told.TOTAL_AMOUNT: "somme à payer",
    Told.ITS_FEES: "ses {0} frais",
    Told.NET_AND_TAXES: "le sous-total {0} et les taxes {1}",
    Told.FEES_LESS_CREDIT: "les frais {0} moins le crédit progressif {1}",
    Told.FEES_LESS_COUPONS: "les frais {0} moins le crédit progressif {1} et les bons {2}",
    Told.GROSS_LESS_SETTLED: "{0} avec taxes moins les notes de crédit {1} et les crédits prépayés {2}",
    Told.GROSS_LESS_COUPONS: "{0} avec taxes moins les notes de crédit {1}, les crédits prépayés {2} et les bons {3}",
    Told.PAID_BY_AMOUNT: "son total de {0} est payé en entier, et son état de paiement dit {1}",
    Told.PAID_AND_OVERDUE: (
        "son état de paiement dit {0}, elle est en retard, et rien ne dit comment {1} en ont été payés"
    ),
    Told.PAID_AND_FEES_NOT: (
        "son état de paiement dit {0}, celui de ses frais {1}, et rien ne dit comment {2} en ont été payés"
    ),
    # what is wrong with a field of a record, as it goes on after the field's name
    Told.IS_NULL: "est nul (null)",
    Told.IS_MISSING: "manque",
    Told.EMPTY: "est vide",
    Told.SHOULD_BE: "devrait être {0}, est {1}",
    Told.AN_OBJECT: "un objet",
    Told.A_LIST: "une liste",
    Told.A_STRING: "un texte",
    Told.AN_INTEGER: "un entier",
    Told.TRUE_OR_FALSE: "true ou false",
    Told.A_DECIMAL: "un nombre décimal",
    Told.A_NUMBER: "un nombre",
    Told.A_MOMENT: "un moment (ISO 8601)",
    Told.A_MOMENT_WITH_OFFSET: "un moment avec son décalage par rapport à UTC",
    Told.A_DAY: "une date (AAAA-MM-JJ)",
    Told.AN_AMOUNT: "un montant en cents",
    Told.WHOLE_CENTS: "un nombre entier de cents",
    Told.OF_TWO_RECORDS: "{0} est celui de deux objets",
    Told.OF_RECORDS: "est celui de {0} objets",
    Told.OF_CUSTOMERS: "est celui de {0} clients : {1}",
    Told.OF_ACTIVE_SUBSCRIPTIONS: "est celui de {0} abonnements actifs : {1}",
    Told.OF_NOBODY: "est {0}, que ni la liste de Lago ni aucune facture ou note de crédit ne montre",
    Told.IS_NO_ID: "est {0}, qui n’est pas un identifiant de Lago",
    Told.SHOWN_OTHERWISE: "n’est pas celui sous lequel Lago le montre",
    Told.NESTED: "est imbriqué sur plus de {0} niveaux",
    Told.HALF_CHARACTER: "contient la moitié d’un caractère (un « surrogate » seul)",
    Told.NUL_CHARACTER: "contient un caractère qu’aucune base de données ne garde (NUL)",
    Told.BEYOND_LAGO: "est plus grand que ce que Lago peut compter",
    Told.UNKEPT_BY_LAGO: "est plus grand ou plus petit que ce que Lago peut garder",
    Told.OUTSIDE_OF_YEARS: "{0} est hors des années {1} à {2}",
    Told.NOT_KNOWN: "{0} n’est pas une valeur que cette version connaît",
    Told.UNKNOWN_ZONE: "{0} est un fuseau horaire que cette machine ne connaît pas",
    Told.UNREADABLE_ZONE: "{0} est un fuseau horaire que cette machine ne peut pas lire",
    Told.IS_NO_CURRENCY: "{0} n’est pas un code de devise",
    Told.BELOW_0: "{0} est sous 0",
    Told.NOT_ABOVE_0: "{0} n’est pas au-dessus de 0",
    Told.MORE_DAYS: "{0} fait plus de {1} jours",
    Told.MORE_MONTHS: "{0} fait plus de {1} mois",
    Told.MORE_PERCENT: "{0} fait plus de {1} %",
    Told.MORE_DIGITS: "{0} fait plus de {1} chiffres",
    Told.MORE_CENTS: "{0} est plus que ce que les nombres d’Odoo tiennent au cent près",
    Told.MORE_UNITS: "{0} fait plus d’unités que ce que les nombres d’Odoo tiennent",
    Told.MORE_THAN_COUNTED: "{0} est plus grand que ce que Lago peut compter",
    Told.NO_DAY_OF_MONTH: "{0} n’est pas un jour du mois",
    Told.TERM_WITHOUT_DAYS: "manque, et une échéance du type {0} compte des jours",
    Told.TERM_WITHOUT_DAY: "manque, et l’échéance est un jour du mois",
    Told.IS_BELOW_0: "est {0}, sous 0",
    Told.IS_NOT_ABOVE_0: "est {0}, pas au-dessus de 0",
    Told.ABOVE_COUPON: "est {0}, et le bon de réduction donne {1}",
    Told.TAKES_BY_IT: "manque, et la réduction en découle",
    Told.NO_START_OF_STATUS: "manque, et l’abonnement est {0}",
    Told.NO_START_OF_BILLED: "manque, et l’abonnement a été facturé à partir de {0}",
    Told.ENDS_BEFORE: "{0} est avant son début, {1}",
    Told.BEGINS_AFTER: "{0} est après ce qui en a été facturé, à partir de {1}",
    Told.IS_NO_PRICE: "est {0}, qui n’est pas un prix",
    Told.IS_NO_NUMBER: "est {0}, pas un nombre",
    Told.IS_BEYOND_DOUBLES: "est {0}, plus que ce que les nombres d’Odoo tiennent",
    Told.IS_NO_RANGES: "est {0}, pas une liste de paliers",
    Told.IS_NO_RANGE: "est {0}, pas un palier",
    Told.IS_NO_NAMES: "est {0}, pas une liste de noms",
    Told.IN_NO_PERIOD: "{0} n’est dans aucune période de facturation",
    Told.UNSTORABLE: "ne peut pas être gardé",
    Told.SHOWS_ANOTHER: "montre un autre objet du même nom : nul ne sait si son forfait lui est propre",
    Told.NO_UNITS_SHOWN: (
        "des tarifs fixes n’est pas montrée, et son forfait en a : nul ne sait combien d’unités il paie"
    ),
    Told.MAYBE_ON_PAGE: "est peut-être sur une page que Lago ne donne pas",
    Told.SELLER_UNLISTED: (
        "{0} est citée par {1}, et la liste des entités de facturation de Lago ne l’a pas : ses taxes ne "
        "sont pas connues"
    ),
    Told.LOST_ON_THE_WAY: "est cité par {0}, et la liste de Lago ({1}) ne l’a pas : perdu en chemin",
    Told.LIST_OF_SUBSCRIPTIONS: "abonnements",
    Told.LIST_OF_CUSTOMERS: "clients",
    Told.LIST_OF_PLANS: "forfaits",
    Told.LIST_OF_COUPONS: "bons de réduction des clients",
    Told.AN_INVOICE: "{0} facture",
    Told.INVOICES: "{0} factures",
    Told.A_CUSTOMER: "{0} client",
    Told.CUSTOMERS: "{0} clients",
    Told.AN_ORDER: "{0} commande dans Odoo",
    Told.ORDERS: "{0} commandes dans Odoo",
    Told.A_RUNNING: "{0} abonnement en cours",
    Told.RUNNING: "{0} abonnements en cours",
    # what Odoo does, or cannot do
    Told.PARTNER_WITHHELD: "Odoo ne montre pas le partenaire {0} à cet utilisateur : on ne sait qui reçoit la facture",
    Told.SEVERAL_CUSTOMERS: "le contact {0} (res.partner {1}) représente plusieurs clients de Lago, comme après une "
    "fusion : {2}; redonner à chacun son propre contact, et à ce contact ses commandes et ses factures ouvertes",
    Told.CONTACT_OF: "{0} (res.partner {1}) est devenu dans Odoo un contact de {2}, qui devrait cette facture; y vider "
    "sa société (parent_id)",
    Told.OTHERS_WOULD_GET: "dans Odoo, {0} recevrait cette facture, pas {1}; remettre à res.partner {2} le client et "
    "l’adresse de facturation (partner_id, partner_invoice_id) de sa commande, et le client de son solde ouvert",
    Told.NEXT_ON: "Odoo facture {0} la prochaine fois le {1}, Lago le {2}",
    Told.NEXT_NEVER: "Odoo ne facture {0} à aucune date prochaine, Lago le {1}",
    Told.FAMILY_SUBSCRIPTION: "abonnement",
    Told.FAMILY_CHARGES: "tarifs",
    Told.FAMILY_FIXED_CHARGES: "tarifs fixes",
    Told.OTHER_PERIOD: "{0} : Odoo facture {1} – {2} UTC, Lago {3} – {4}",
    Told.PERIOD_OF_NONE: "{0} : Odoo facture {1} – {2} UTC, Lago aucune période",
    Told.ADDON_MISSING: "le module fusion_billing n’est pas installé dans cette base d’Odoo",
    Told.REGROUPED: "elle regroupe des frais qui ont été payés avant, un par un",
    Told.NO_THRESHOLDS: "Odoo ne facture pas les seuils d’utilisation",
    Told.NO_SUBSCRIPTIONS: "Lago ne dit pas quels abonnements elle facture",
    Told.NO_ORDER: "pas de sale.order {0} : appliquer la phase subscriptions, ou voir ce qu’elle a laissé de côté",
    Told.OTHER_LAGO_ID: "sale.order {0} est {1}, mais son fusion_lago_id est {2} : le remettre à {3}",
    Told.NO_LAGO_ID: "sale.order {0} est {1}, mais son fusion_lago_id est vide : le remettre à {2}",
    Told.RERUN_FAILED: "Odoo s’arrête sur une erreur en facturant ceci : {0}",
    Told.FINER: "{0} a plus de {1} décimales de {2}",
    Told.ROUNDED_FINER: (
        "{0} : dans Odoo, remettre le facteur d’arrondi de {1} (res.currency, rounding) à {2} ; s’il est de {2}, "
        "mettre à jour le module"
    ),
    Told.UNDOCUMENTED: (
        "ce qu’Odoo refacture de {0} n’est pas ce que le module documente ({1}) : mettre à jour le module"
    ),
    Told.BILLS_OF_IT: "Odoo en facture {0} {1}",
    Told.BALANCE_IN_OTHER: (
        "son solde ouvert dans Odoo est de {0}, la facture de Lago est en {1} : remettre sa devise"
    ),
    Told.POSTED_IN_OTHER: (
        "son solde ouvert dans Odoo est comptabilisé pour {0}, la facture de Lago est en {1} : la remettre en "
        "brouillon, remettre sa devise et la comptabiliser de nouveau"
    ),
    # what only Odoo has
    Told.ONLY_USAGE: (
        "{0} événements de {1} sur {2} depuis le {3} ({4} unités ; fusion.billing.usage {5}) sont dans Odoo "
        "seulement, et pas encore facturés"
    ),
    Told.BILLED_BY_BOTH: "{0} du {1} ({2}) facture ce que Lago a facturé le même jour",
    Told.ONLY_INVOICE: "{0} du {1} ({2}) n’est pas dans Lago",
    Told.ONLY_SALE: "{0} du {1} est confirmée dans Odoo et pas encore toute facturée, et Lago n’en a rien",
    Told.ONLY_CHARGE: "le tarif {0} (fusion.billing.charge {1}) de {2} n’est pas dans Lago",
    Told.ONLY_COUPON: "le bon {0} de la commande {1} n’est pas dans Lago",
    Told.ONLY_ORDER: "{0} est en cours dans Odoo ({1}, prochaine facture : {2}), et Lago n’en a rien",
    Told.ORDER_UNNAMED: (
        "{0} est en cours dans Odoo pour un abonnement que Lago a, sans son identifiant externe : lui rendre {1}"
    ),
    Told.ORDER_OF_LOST: (
        "{0} est en cours dans Odoo ({1}, prochaine facture : {2}) et vient de l’abonnement {3} de Lago, que la "
        "copie n’a pas : ne rien fermer, le chercher dans Lago, extraire de nouveau"
    ),
    Told.ORDER_OF_LOST_WORTH: (
        "{0} est en cours dans Odoo ({1}, prochaine facture : {2}, {3} chaque fois) et vient de l’abonnement {4} de "
        "Lago, que la copie n’a pas : ne rien fermer, le chercher dans Lago, extraire de nouveau"
    ),
    Told.LESS_OPEN: "{0} du {1} est ouvert dans Odoo ({2}) pour moins que les {3} ouverts dans Lago",
    Told.MORE_OPEN: "{0} du {1} est ouvert dans Odoo ({2}) au-delà de ce qui est ouvert dans Lago",
    Told.BILLS_IN_OTHER: "Odoo facture {0} de {1}, qui est en {2}",
    Told.ORDER: "commande {0}",
    Told.OF_PLAN: "forfait {0}",
    # what the re-rate cannot compute
    Told.PAID_BEFORE: "ses frais ont été payés avant, un par un",
    Told.TYPE_OF_OLD: "un type de Lago d’avant sa version 0.30",
    Told.COPIED_FEES: "ses frais ont été copiés d’une facture annulée, pas calculés",
    Told.NO_PERIOD: "Lago n’a enregistré aucune période avec lui",
    Told.CHARGE_GONE: "son tarif n’est plus dans le forfait",
    Told.NOT_EVALUATED: "la mesure {0} a une expression, et les événements sont dans {1}",
    Told.FIXED_CHARGE_GONE: "son tarif fixe n’est plus dans le forfait",
    Told.METRIC_GONE: "sa mesure n’est plus dans le catalogue",
    Told.FILTER_GONE: "son tarif n’a plus ce filtre",
    Told.UNITS_CHANGED: "ses unités ont changé, et l’API ne dit pas quand",
    Told.COLUMN_LACKS: "{0} : la colonne {1} manque, {2} attendu",
    Told.COLUMN_OF_TYPE: "{0} : la colonne {1} est {2}, pas {3}",
    Told.EVENT_ELSEWHERE: "l’événement {0} n’est pas parmi ceux de la période",
    Told.METRIC_ROUNDING: "mesure {0} : rounding_function {1}",
    Told.METRIC_AGGREGATION: "mesure {0} : {1}",
    Told.METRIC_OWN_CODE: "la mesure {0} est calculée par son propre code dans Lago",
    Told.UNITS_BELOW_ZERO: "{0} unités d’un tarif au prorata : Lago échoue ici aussi",
    Told.CENTS_BEYOND: "{0} cents : au-delà des entiers de Lago, qui échoue ici aussi",
    Told.PRICE_BEYOND: "{0} : Lago échoue ici aussi",
    Told.UNKNOWN_MODEL: "modèle de tarif {0} ; connus : {1}",
    Told.ALIKE_GROUPS: "deux groupes qui se ressemblent (vide et null) : Lago échoue ici aussi",
    Told.PACKAGE_SIZE: "package_size est {0}, pas au-dessus de 0",
    Told.NOT_FROM_ZERO: "doivent aller de 0 à une fin ouverte",
    Told.NOT_FOLLOWING: "{0} ne suit pas {1}",
    Told.IS_EMPTY: "{0} est vide",
    Told.NOT_A_NUMBER: "{0} : {1} est {2}, pas un nombre",
    Told.MANY_DIGITS: "un nombre d’événement {0} de plus de {1} chiffres",
    Told.TOO_MANY_DIGITS: "l’utilisation ou les prix donnent plus de chiffres que tout montant de Lago",
    Told.RULE_BEFORE: "tarif {0} : {1}",
    Told.RUNNING_BELOW: "utilisation courante avec un total en cours sous 0",
    Told.PRORATED_NEGATIVES: "somme au prorata avec des valeurs négatives avant elle",
    Told.PRORATED_LATE: "somme au prorata avec avant elle des événements arrivés après leur période",
    Told.PRORATED_ROUNDED: "somme au prorata avec des unités arrondies avant elle",
    Told.PRORATED_UNLISTED: "somme au prorata avec avant elle des événements absents de ses listes",
    Told.GRADUATED_REMOVED: "tarif graduel au prorata avec des éléments retirés avant la période",
    Told.FILTERS_OVERLAP: "filtres qui peuvent retenir le même événement",
    Told.GROUPS_AND_FILTERS: "groupes de prix à côté de ses filtres",
    Told.COMMITMENT_DAYS: "engagement pour {0} jours sur {1}",
    Told.NO_VOLUME: "aucun palier de volume ne contient {0} unités : Lago échoue ici aussi",
    Told.UNFORESEEN: "{0} ; une erreur de lago2odoo : la signaler avec ce que montre « lago2odoo --debug »",
    # what keeps a document out of the books
    Told.BOOKS_NO_ACCOUNT: (
        "aucun compte de produits pour {0} ({1}) : ajouter [[income]] avec match = « service:{2} » à {3}"
    ),
    Told.BOOKS_UNDECIDED: "la comptabilité n’a pas nommé de compte : {0} dans [books] de {1}",
    Told.BOOKS_ACCOUNT_LOST: "Odoo n’a pas de compte de code {0} : à corriger dans {1}",
    Told.BOOKS_UNPLACED: "{0} ont été déduits, et aucun frais ne dit de quoi",
    Told.BOOKS_TAX_UNKNOWN: "aucune part unique de {0} dans Odoo n’est {1} % ({2} de Lago) : corriger [[taxes]] de {3}",
    Told.BOOKS_TAX_UNFIT: "{0} n’est pas dans Odoo, ou n’est pas un pourcentage en sus : corriger [[taxes]] de {1}",
    Told.BOOKS_NOTE_VOIDED: "elle a été annulée, et {0} en avaient servi : saisir à la main ce qui a servi",
    Told.BOOKS_BEYOND_ROUNDING: "ses lignes et ses taxes font {0}, et son total est {1} : plus qu’un arrondi",
    Told.BOOKS_LOCKED: "{0} est dans une période fermée d’Odoo : l’ouvrir, ou saisir à la main",
    Told.BOOKS_NO_RATE: "Odoo n’a pas de taux de {0} au {1} : en saisir un sous Comptabilité, Devises",
    Told.BOOKS_NO_PARTNER: "son client {0} n’est pas dans Odoo : appliquer d’abord la phase des clients",
    Told.BOOKS_VOID_UNDATED: "Lago ne dit pas quand elle a été annulée",
    Told.BOOKS_PAYS_NOTHING: "Lago ne dit pas quelle facture il paie",
    Told.BOOKS_OVERPAID: "{0} ont été payés en tout, et son total est {1}",
    Told.BOOKS_OF_VOID: "sa facture {0} est annulée dans Lago : établir laquelle des deux vaut",
    Told.BOOKS_OF_MISSING: "sa facture {0} n’est pas dans les livres",
    Told.BOOKS_REFUND_UNDATED: (
        "{0} en ont été remboursés ({1}), et Lago ne dit pas quand : saisir ce paiement à la main"
    ),
    Told.BOOKS_DISPUTED: "{0} ont été payés puis repris par la banque : la comptabilité décide s’ils sont dus",
    Told.BOOKS_MARKED: "Lago la dit payée, sans paiement de {0} : nommer marked_as_paid dans [books] de {1}",
    Told.BOOKS_UNKNOWN_TYPE: "de type {0}, que cette version ne connaît pas",
    Told.BOOKS_SELF_BILLED: "elle est due à un partenaire, pas par lui : la saisir comme facture fournisseur",
    Told.BOOKS_IN_OTHER: "elle est en {0}, et sa facture {1} en {2}",
}

DETAILS: Mapping[str, tuple[str, str]] = {f"told.{kind}": (kind.value, french) for kind, french in _FRENCH.items()}
