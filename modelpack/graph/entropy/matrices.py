"""Weights as stacks of matrices: what error feedback and second moments work on.

A stack is float32 [groups, inputs, outputs]: a product has one group, a filter one for each of its own groups, with the
numbers of a patch as inputs. Every other weight has no such form, and is rounded number by number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.recipes.weights import Floats, Weight

Ints = NDArray[np.int8]


def has_matrices(weight: Weight) -> bool:
    """Whether the weight is a plain product or a filter, read by one node."""
    if len(weight.uses) != 1:
        return False
    node = weight.uses[0].node
    return weight.kind == "product" or (node.op_type == "Conv" and weight.uses[0].index == 1)


def groups_of(weight: Weight) -> int:
    """The number of matrices in the weight's stack."""
    node = weight.uses[0].node
    attribute = node.attributes.get("group")
    return attribute.as_int() if node.op_type == "Conv" and attribute is not None else 1


def stack(weight: Weight) -> Floats:
    """The weight as float32 [groups, inputs, outputs]."""
    array = weight.array()
    if weight.kind == "product":
        return np.ascontiguousarray(array if weight.axis == 1 else array.T)[None]
    groups = groups_of(weight)
    rows = array.reshape(groups, len(array) // groups, -1)
    return np.ascontiguousarray(rows.transpose(0, 2, 1))


def unstack(weight: Weight, integers: Ints) -> Ints:
    """Integers [groups, inputs, outputs] in the weight's own shape."""
    if weight.kind == "product":
        matrix = integers[0]
        return np.ascontiguousarray(matrix if weight.axis == 1 else matrix.T)
    return np.ascontiguousarray(integers.transpose(0, 2, 1)).reshape(weight.shape)
