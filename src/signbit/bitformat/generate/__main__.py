"""Writes the generated files of the source tree in the working folder."""

from pathlib import Path

from signbit.bitformat.generate import generated_files

for path, text in generated_files(Path.cwd()).items():
    path.write_text(text, "utf-8")
    print(path)
