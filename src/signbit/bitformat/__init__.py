"""What a bit means and what an `.sbnn` file holds: the one thing compiler and runtime share.

NumPy only; docs/format.md is the specification.
"""

from signbit.bitformat.bits import negative, pack_bits, sign, unpack_bits
from signbit.bitformat.container import decode, encode
from signbit.files import write_file

__all__ = ["decode", "encode", "negative", "pack_bits", "sign", "unpack_bits", "write_file"]
