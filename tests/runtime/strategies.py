"""Hypothesis strategies of cases: each operation alone, fully connected layers, networks of any."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.runtime.random_graphs.fast_paths import (
    banded,
    binarized,
    pooled_stem,
    residual,
    widened,
)
from tests.runtime.random_graphs.networks import int16_network, network, resized, several
from tests.runtime.random_graphs.one_operation import (
    adjusted,
    any_operation,
    binary_conv,
    copied,
    int16_stem,
    linear,
    looked_up,
    multiplied,
    over_channels,
    pool,
    real_conv,
    real_head,
    rearranged,
    sign_sum,
)

SEEDS = st.integers(0, 2**63 - 1)

binary_convs = st.builds(binary_conv, SEEDS)
copieds = st.builds(copied, SEEDS)
adjusteds = st.builds(adjusted, SEEDS)
linears = st.builds(linear, SEEDS)
real_convs = st.builds(real_conv, SEEDS)
real_heads = st.builds(real_head, SEEDS)
int16_stems = st.builds(int16_stem, SEEDS)
looked_ups = st.builds(looked_up, SEEDS)
sign_sums = st.builds(sign_sum, SEEDS)
pools = st.builds(pool, SEEDS)
multiplieds = st.builds(multiplied, SEEDS)
over_channelss = st.builds(over_channels, SEEDS)
any_operations = st.builds(any_operation, SEEDS)
rearrangeds = st.builds(rearranged, SEEDS)
networks = st.builds(network, SEEDS)
int16_networks = st.builds(int16_network, SEEDS)
severals = st.builds(several, SEEDS)
resizeds = st.builds(resized, SEEDS)
bandeds = st.builds(banded, SEEDS)
pooled_stems = st.builds(pooled_stem, SEEDS)
binarizeds = st.builds(binarized, SEEDS)
residuals = st.builds(residual, SEEDS)
wideneds = st.builds(widened, SEEDS)
