from . import issue_key, replay
