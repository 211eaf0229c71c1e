"""The graph's JSON text: written with defaults left out, and read key by key as the table says."""

from signbit.bitformat.schema.reading import from_json
from signbit.bitformat.schema.writing import to_json

__all__ = ["from_json", "to_json"]
