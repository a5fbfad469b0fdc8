from . import documents, lago
