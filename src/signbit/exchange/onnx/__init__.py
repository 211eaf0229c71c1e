"""Networks as ONNX files: `writing` makes them of compiled networks, `reading` reads any."""
