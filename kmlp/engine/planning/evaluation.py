"""How many rows are evaluated at once, once a stack has been trained."""

from kmlp.config import MLPConfig
from kmlp.config.tables.encoding import encoded_width
from kmlp.config.tables.widths import layer_shapes, subnetworks
from kmlp.data.dataset import DataSpec

# As many rows as these bytes hold, within these bounds.
EVALUATION_BYTES = 8_000_000
EVALUATION_ROWS = (128, 2000)
_FLOAT = 4


def evaluation_rows(num_members: int, width: int) -> int:
    """How many rows are evaluated at once at the end, so that what is computed on the way stays
    small.

    Args:
        num_members: of the stack.
        width: as `row_width` says.
    """
    least, most = EVALUATION_ROWS
    return min(max(EVALUATION_BYTES // (_FLOAT * num_members * width), least), most)


def row_width(spec: DataSpec, config: MLPConfig) -> int:
    """Values of one row and member at a time: the features and the widest layer's units, of each
    sub-network."""
    hidden = layer_shapes(config, spec)[:-1]
    widest = max((units for _, units in hidden), default=0)
    return subnetworks(config) * (encoded_width(config, spec) + widest)
