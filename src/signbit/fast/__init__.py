"""Operations of training on the engine's kernels, and the switch that turns them off."""

from signbit.fast.switch import native_ops, use_native_ops

__all__ = ["native_ops", "use_native_ops"]
