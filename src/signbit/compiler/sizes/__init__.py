"""A file for images of any height and width: what fixes a size is refused, other sizes are tried.

`symbolic` follows the model with both sizes left open and refuses what asks for them; `operations`
looks at each operation of that export. `trials` compiles the model at other sizes, where the same
graph must come out (`same_graph`), and compares the file with PyTorch there.
"""
