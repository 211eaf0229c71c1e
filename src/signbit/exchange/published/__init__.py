"""Networks that others trained and published: a table of what their files call each tensor.

`import_network` turns such a file into a run folder, which every command takes.
"""

from signbit.exchange.published.importing import import_network
from signbit.exchange.published.layout import Published, PublishedGraph
from signbit.exchange.published.table import get, names, register

__all__ = ["Published", "PublishedGraph", "get", "import_network", "names", "register"]
