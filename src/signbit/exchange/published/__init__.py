"""Networks that others trained and published: a table of what their files call each tensor.

`import_network` turns such a file into a run folder, which every command takes.
"""

from signbit.exchange.published.importing import import_network
from signbit.exchange.published.table import get, names

__all__ = ["get", "import_network", "names"]
