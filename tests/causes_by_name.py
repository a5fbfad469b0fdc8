"""The names of all causes: each has a text, and a row of the docs."""

from reconcile.causes.rules import CAUSES
from reports.data import DOUBT

LEFT_OVER = ("tolerated", "unexplained")  # named by classify, never proposed
NAMES = (*(cause.name for cause in CAUSES), *LEFT_OVER, DOUBT)  # a doubt is named where positions are shown
