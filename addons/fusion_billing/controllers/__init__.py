from . import lago
