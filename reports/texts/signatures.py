"""What is said of a checked pack and of the signatures of its two people."""

from __future__ import annotations

from collections.abc import Mapping

# name -> (English, French)
SIGNATURES: Mapping[str, tuple[str, str]] = {
    # what proves a pack
    "proof.seal": ("as it was signed", "tel qu’il a été signé"),
    "proof.keys": ("as both people signed it, by their keys", "tel que les deux personnes l’ont signé, par leurs clés"),
    "proof.chain": (
        "as {chain} beside it notes it; who can write here could have changed both: give the seal",
        "tel que {chain} à côté de lui le note; qui peut écrire ici a pu changer les deux : donnez le sceau",
    ),
    "proof.unsealed": (
        "UNSEALED: its hashes fit each other, and anybody can compute those: give the seal (--seal)",
        "SANS SCEAU : ses empreintes concordent, et chacun peut les calculer : donnez le sceau (--seal)",
    ),
    "proof.altered": ("NOT as it was signed", "PAS tel qu’il a été signé"),
    "proof.badly_signed": ("NOT signed as it says", "PAS signé comme il le dit"),
    # the signatures
    "signature.by.preparer": ("prepared by {person}", "préparé par {person}"),
    "signature.by.reviewer": ("reviewed by {person}", "révisé par {person}"),
    "signature.none": ("not signed by a key", "non signé par une clé"),
    "signature.valid": ("signed with the key of {who} ({fingerprint})", "signé avec la clé de {who} ({fingerprint})"),
    "signature.unidentified": (
        "signed with the key {fingerprint}; nothing says whose it is: give --signers",
        "signé avec la clé {fingerprint}; rien ne dit à qui elle est : donnez --signers",
    ),
    "signature.missing_signature": (
        "no signature by a key: {file} is not there",
        "aucune signature par une clé : {file} n’existe pas",
    ),
    "signature.unreadable_signature": ("{file} {detail}", "{file} n’est pas lisible : {detail}"),
    "signature.other_use": (
        "the key {fingerprint} signed for “{detail}”, not a pack of lago2odoo",
        "la clé {fingerprint} a signé pour « {detail} », pas un dossier de lago2odoo",
    ),
    "signature.other_pack": (
        "the signature with the key {fingerprint} is that of {detail}",
        "la signature avec la clé {fingerprint} est celle de {detail}",
    ),
    "signature.changed_pack": (
        "the key {fingerprint} did not sign this: the pack was changed since, or the signature is another pack’s",
        "la clé {fingerprint} n’a pas signé ceci : le dossier a changé depuis, ou la signature est d’un autre dossier",
    ),
    "signature.same_key": (
        "preparer and reviewer signed with one key ({fingerprint})",
        "les deux personnes ont signé avec une seule clé ({fingerprint})",
    ),
    "signature.same_person": (
        "preparer and reviewer are one person: the key {fingerprint} is that of both ({who})",
        "les deux personnes n’en sont qu’une : la clé {fingerprint} est celle des deux ({who})",
    ),
    "signature.revoked_key": ("the key {fingerprint} is revoked", "la clé {fingerprint} est révoquée"),
    "signature.unknown_key": (
        "the key {fingerprint} is nobody’s in {detail}: never in it, or taken out",
        "la clé {fingerprint} n’est à personne dans {detail} : jamais inscrite, ou retirée",
    ),
    "signature.key_not_valid_then": (
        "the key {fingerprint} of {who} was not valid at {detail}, when the pack says it was signed",
        "la clé {fingerprint} de {who} n’était pas valide le {detail}, quand le dossier dit avoir été signé",
    ),
    "signature.other_person": (
        "signed with the key of somebody else: {who} ({fingerprint})",
        "signé avec la clé de quelqu’un d’autre : {who} ({fingerprint})",
    ),
}
