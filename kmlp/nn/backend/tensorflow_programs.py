"""Where TensorFlow keeps what XLA has compiled: a resource of each device, under a name."""

import tensorflow as tf
from tensorflow.core.framework.resource_handle_pb2 import ResourceHandleProto
from tensorflow.core.framework.tensor_pb2 import TensorProto

_CONTAINER, _NAME = "localhost", "xla_device_compiler"
# As C++ compilers spell `tensorflow::DeviceCompiler<xla::LocalExecutable, xla::LocalClient>`.
_TYPE = "N10tensorflow14DeviceCompilerIN3xla15LocalExecutableENS1_11LocalClientEEE"
# Numbers below the one are told apart by their remainders of these two.
_BITS, _SMALL = 2**62, 5


def compiled_programs() -> tf.Tensor:
    """The handle of what is compiled for the device of this context, whether there is any or not.

    TensorFlow gives no handle of it away, but reads one that is written down.
    """
    handle = ResourceHandleProto(
        device=tf.constant(0).device, container=_CONTAINER, name=_NAME, hash_code=_hash(_TYPE)
    )
    written = TensorProto(dtype=tf.resource.as_datatype_enum, resource_handle_val=[handle])
    written.tensor_shape.SetInParent()
    return tf.io.parse_tensor(written.SerializeToString(), tf.resource)


def _hash(text: str) -> int:
    """The 64 bits by which TensorFlow names a type, of which an operation tells remainders."""
    low, small = (int(tf.strings.to_hash_bucket(text, n)) for n in (_BITS, _SMALL))
    return next(h for h in range(low, 2**64, _BITS) if h % _SMALL == small)
