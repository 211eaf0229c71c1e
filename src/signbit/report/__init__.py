"""The report of a run or a compiled network: one page that opens anywhere, and pictures of it.

findings.py says what a report knows, gather.py finds it, card.py says what the network is,
charts.py and inside.py draw it, page.py writes the page.
"""

from signbit.report.card import card_of
from signbit.report.findings import Findings
from signbit.report.gather import gather
from signbit.report.page import page_of
from signbit.report.scores import Scores

__all__ = ["Findings", "Scores", "card_of", "gather", "page_of"]
