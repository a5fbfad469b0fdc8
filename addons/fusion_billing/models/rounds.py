"""What is billed together, rated: the lines of each order, and the billings that are made with them."""

from collections import defaultdict


class Round:
    """``jobs``: per invoice its billings and their rated lines."""

    def __init__(self, gathered=None, jobs=()):
        self.gathered = gathered
        self.jobs = jobs
        self.billings = [billing for billings, _lines in jobs for billing in billings]
        self.lines = defaultdict(list)  # order id -> rated lines
        for billings, lines in jobs:
            for line in lines:
                self.lines[billings[line["billing"]]["order"].id].append(line)

    def of(self, order):
        return self.lines.get(order.id, [])


NOTHING = Round()
