"""The graph's JSON text: written with defaults left out, and read key by key as the table says."""

from signbit.bitformat.schema.reading import from_json, read_resize
from signbit.bitformat.schema.writing import plain_resize, to_json

__all__ = ["from_json", "plain_resize", "read_resize", "to_json"]
