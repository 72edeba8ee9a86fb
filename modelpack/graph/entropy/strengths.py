"""How far the inputs of a product reach, and what to divide them by so that they reach more equally far."""

from __future__ import annotations

import numpy as np

from modelpack.graph.recipes.weights import Floats

# Of the difference. MiniLM at 0.99: 8.51 MB of entropy; with three quarters 8.52, with all 8.64: weights take more bits then.
_SHARE = 0.5
_PER_OCTAVE = 2  # half-octaves compress to half a byte each, and octaves round inputs more coarsely
_WIDEST = 12.0  # octaves


def divisors_of(largest: Floats) -> Floats:
    """What to divide each input by, float32 [inputs], in powers of √2: 1 for the one that reaches furthest.

    `largest` float32 [inputs] are the largest magnitudes that samples showed. Inputs that stayed zero count as weak ones.
    """
    furthest = float(largest.max(initial=0))
    if not 0 < furthest < np.inf:
        return np.ones_like(largest)
    octaves = np.log2(np.maximum(largest / furthest, 2.0**-_WIDEST))
    return np.asarray(np.exp2(np.rint(_SHARE * octaves * _PER_OCTAVE) / _PER_OCTAVE), np.float32)
