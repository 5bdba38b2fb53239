"""The layers that a network is assembled from: Keras's own, and beside them their stacked twins."""

from collections.abc import Collection
from typing import Any

import keras

from kmlp.config import MLPConfig
from kmlp.config.network_checks import resolved_scaling
from kmlp.config.records import is_on
from kmlp.config.tables.encoding import Encoding
from kmlp.config.tables.widths import has_own_outputs, kernel_shapes, num_kernels
from kmlp.data.dataset import DataSpec
from kmlp.nn.columns.encoding import ENCODING, ColumnEncoding, StackedColumnEncoding
from kmlp.nn.drop_connect import DropConnectDense
from kmlp.nn.feature_layers import UnscaledDropout
from kmlp.nn.normalization import StackedBatchNormalization, StackedLayerNormalization
from kmlp.nn.sharing.initial import inputs_initializer, layer_initializer
from kmlp.nn.sharing.layers import (
    INPUT_FACTORS,
    OUTPUT_FACTORS,
    SeparateDense,
    SharedDense,
    SubnetworkInputs,
    SubnetworkMean,
)
from kmlp.nn.stacked_layers import (
    StackedDense,
    StackedDropConnectDense,
    StackedDropout,
    StackedGaussianNoise,
    StackedScaling,
    StackedStandardization,
)
from kmlp.nn.steps.mixup import StackedMixup
from kmlp.nn.topology import (
    MEAN,
    SUBNETWORKS,
    bias_initializer,
    kernel_initializer,
    penalties,
)


def _of_subnetworks(
    config: MLPConfig, index: int, units: int, name: str, **known: Any
) -> keras.layers.Layer | None:
    """A dense layer of sub-networks; None where they share all of it, or there are none.

    Args:
        config: the network.
        index: of the layer.
        units: of each sub-network.
        name: the layer's.
        known: initializers and the penalty of one network; a stack's members have theirs set.
    """
    m, is_output = config.num_subnetworks, index == num_kernels(config) - 1
    if config.weight_sharing == "none":
        return None
    if is_output and has_own_outputs(config):
        of_factors = ("input_initializer", "output_initializer")
        own = {key: value for key, value in known.items() if key not in of_factors}
        return SeparateDense(units, m, name=name, **own)
    if config.weight_sharing == "tabm_mini":
        return None
    return SharedDense(units, m, scales_inputs=index > 0, name=name, **known)


class PlainLayers:
    """Keras's own layers."""

    def __init__(self, config: MLPConfig, spec: DataSpec, seed: int | None) -> None:
        self.config, self.spec, self.seed = config, spec, seed

    def needs(self, field: str) -> bool:
        return is_on(self.config, field)

    def scaling(self, spec: DataSpec) -> keras.layers.Layer:
        if spec.columns:
            return ColumnEncoding(Encoding.of(self.config, spec), self.seed, name=ENCODING)
        kind = resolved_scaling(self.config.input_scaling, spec)
        if kind == "standard":
            return keras.layers.Normalization(name="scaling")
        return self.rescaling(1 / 255 if kind == "unit" else 1.0, "scaling")

    def rescaling(self, scale: float, name: str) -> keras.layers.Layer:
        return keras.layers.Rescaling(scale, name=name)

    def mixed(self, x: Any) -> Any:
        """As they are: only what trains mixes rows."""
        return x

    def subnetwork_inputs(self, spec: DataSpec) -> keras.layers.Layer:
        initializer = inputs_initializer(self.config, spec, self.seed)
        return SubnetworkInputs(self.config.num_subnetworks, initializer, name=SUBNETWORKS)

    def subnetwork_mean(self, spec: DataSpec) -> keras.layers.Layer:
        return SubnetworkMean(self.config.num_subnetworks, spec.task, name=MEAN)

    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer:
        shared = _of_subnetworks(self.config, index, units, name, **self._shared(index))
        return shared or keras.layers.Dense(units, name=name, **self._kernel(index))

    def drop_connect_dense(
        self, index: int, units: int, activation: str, name: str
    ) -> keras.layers.Layer:
        config = self.config
        return DropConnectDense(
            units,
            config.drop_connect,
            mask=config.drop_connect_mask,
            inference=config.drop_connect_inference,
            activation=activation,
            name=name,
            **self._kernel(index),
        )

    def normalization(self, name: str) -> keras.layers.Layer:
        if self.config.normalization == "batch":
            return keras.layers.BatchNormalization(
                momentum=self.config.normalization_momentum,
                epsilon=self.config.normalization_epsilon,
                name=name,
            )
        return keras.layers.LayerNormalization(epsilon=self.config.normalization_epsilon, name=name)

    def dropout(self, index: int, name: str) -> keras.layers.Layer:
        rates = self.config.layer_dropout
        return self._dropout(rates[index] if rates else self.config.dropout, name)

    def residual_dropout(self, name: str) -> keras.layers.Layer:
        return self._dropout(self.config.residual_dropout, name)

    def input_dropout(self, name: str) -> keras.layers.Layer:
        return self._dropout(self.config.input_dropout, name)

    def _dropout(self, rate: float, name: str) -> keras.layers.Layer:
        scaled = self.config.dropout_scaling == "inference"
        return (UnscaledDropout if scaled else keras.layers.Dropout)(rate, name=name)

    def input_noise(self, name: str) -> keras.layers.Layer:
        return keras.layers.GaussianNoise(self.config.input_noise, name=name)

    def _shared(self, index: int) -> dict[str, Any]:
        """Initializers of a layer of sub-networks, and the penalty of its kernels."""
        num_rows = kernel_shapes(self.config, self.spec)[index][0]
        initial = {
            argument: layer_initializer(self.config, name, index, self.seed, num_rows)
            for argument, name in (
                ("kernel_initializer", "kernel"),
                ("bias_initializer", "bias"),
                ("input_initializer", INPUT_FACTORS),
                ("output_initializer", OUTPUT_FACTORS),
            )
        }
        return {**initial, "kernel_regularizer": self._kernel(index)["kernel_regularizer"]}

    def _kernel(self, index: int) -> dict[str, Any]:
        """Initializers of a layer, penalty and constraint of its kernel."""
        config = self.config
        is_output = index == num_kernels(config) - 1
        bound = None if is_output and not config.output_max_norm else config.max_norm
        num_inputs = kernel_shapes(config, self.spec)[index][0]
        penalized = config.l1 > 0 or config.l2 > 0
        l1, l2 = penalties(config, self.spec)
        return {
            "kernel_initializer": kernel_initializer(config, index, self.seed),
            "bias_initializer": bias_initializer(config, index, self.seed, num_inputs),
            "kernel_regularizer": keras.regularizers.L1L2(l1, l2) if penalized else None,
            "kernel_constraint": keras.constraints.MaxNorm(bound) if bound else None,
        }


class StackedLayers:
    """Their stacked twins.

    Args:
        config: what the members share.
        switched_on: the fields that any member switches on.
        optional: those of them that some member does not.
        rounds_products: whether dense layers multiply bfloat16.
    """

    def __init__(
        self,
        config: MLPConfig,
        switched_on: Collection[str],
        optional: Collection[str] = (),
        *,
        rounds_products: bool = False,
    ) -> None:
        self.config, self.switched_on, self.optional = config, switched_on, optional
        self.rounds_products = rounds_products

    def needs(self, field: str) -> bool:
        return field in self.switched_on

    def scaling(self, spec: DataSpec) -> keras.layers.Layer:
        if spec.columns:
            return StackedColumnEncoding(Encoding.of(self.config, spec), name=ENCODING)
        kind = resolved_scaling(self.config.input_scaling, spec)
        if kind == "standard":
            return StackedStandardization(name="scaling")
        return self.rescaling(1 / 255 if kind == "unit" else 1.0, "scaling")

    def rescaling(self, scale: float, name: str) -> keras.layers.Layer:
        return StackedScaling(scale, name=name)

    def mixed(self, x: Any) -> Any:
        return self._drawing(StackedMixup(name="mixup_0"))(x) if self.needs("mixup") else x

    def subnetwork_inputs(self, spec: DataSpec) -> keras.layers.Layer:
        return SubnetworkInputs(self.config.num_subnetworks, name=SUBNETWORKS)

    def subnetwork_mean(self, spec: DataSpec) -> keras.layers.Layer:
        return SubnetworkMean(self.config.num_subnetworks, spec.task, name=MEAN)

    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer:
        shared = _of_subnetworks(self.config, index, units, name)
        return self._multiplying(shared or StackedDense(units, name=name))

    def drop_connect_dense(
        self, index: int, units: int, activation: str, name: str
    ) -> keras.layers.Layer:
        mask, inference = self.config.drop_connect_mask, self.config.drop_connect_inference
        layer = StackedDropConnectDense(units, mask, inference, activation, name=name)
        return self._multiplying(self._drawing(layer))

    def normalization(self, name: str) -> keras.layers.Layer:
        if self.config.normalization == "batch":
            return StackedBatchNormalization(
                momentum=self.config.normalization_momentum,
                epsilon=self.config.normalization_epsilon,
                name=name,
            )
        return StackedLayerNormalization(epsilon=self.config.normalization_epsilon, name=name)

    def dropout(self, index: int, name: str) -> keras.layers.Layer:
        after_relu = self.config.activation == "relu" and not self.config.parametric_activation
        return self._dropout("dropout", name, after_relu=after_relu)

    def residual_dropout(self, name: str) -> keras.layers.Layer:
        return self._dropout("residual_dropout", name)

    def input_dropout(self, name: str) -> keras.layers.Layer:
        return self._dropout("input_dropout", name)

    def _dropout(self, field: str, name: str, after_relu: bool = False) -> keras.layers.Layer:
        scaling = self.config.dropout_scaling
        return self._drawing(
            StackedDropout(field, after_relu=after_relu, scaling=scaling, name=name)
        )

    def input_noise(self, name: str) -> keras.layers.Layer:
        return self._drawing(StackedGaussianNoise(name=name))

    def _multiplying(self, layer: Any) -> keras.layers.Layer:
        layer.rounds_products = self.rounds_products
        return layer

    def _drawing(self, layer: Any) -> keras.layers.Layer:
        """A layer that draws, or not where no member of a group asks for it."""
        layer.is_optional = layer.field in self.optional
        return layer
