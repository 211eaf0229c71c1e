"""Networks as ONNX files: `writing` makes them of compiled networks."""
