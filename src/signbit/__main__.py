"""`python -m signbit` is the command `signbit`."""

import sys

from signbit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
