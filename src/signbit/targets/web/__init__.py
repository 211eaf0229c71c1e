"""The package that runs a network in a browser: WebAssembly, an ES module, and a page."""

from signbit.targets.web.package import web_package

__all__ = ["web_package"]
