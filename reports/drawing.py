"""pygal, without the importer that it adds to Python: obsolete, warned about at every later import, and unused here."""

from __future__ import annotations

import sys

from pygal import Bar, HorizontalBar
from pygal.graph.graph import Graph
from pygal.style import Style

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

__all__ = ["Bar", "Graph", "HorizontalBar", "Style"]
