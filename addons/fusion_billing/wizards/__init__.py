from . import issue_key
