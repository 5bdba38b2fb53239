"""A field's record says once what all else follows from."""

from dataclasses import dataclass

import pytest

from kmlp.config.network import MLPConfig
from kmlp.config.records import described, identity, records_of
from kmlp.config.settings import RECORDS, setting, split, switched_on
from kmlp.config.training import TrainConfig
from kmlp.config.variants import STRENGTHS, VARIANTS, Variant


@dataclass(frozen=True, kw_only=True)
class Tray:
    size: int = 9
    glaze: float = described(0.0, off=0.0, since="2.0")


@dataclass(frozen=True, kw_only=True)
class Oven:
    trays: tuple[Tray, ...] = (Tray(),)
    lamp: bool = described(True, title="light", since="1.1")


def test_an_identity_leaves_out_later_fields_at_their_default_at_every_depth():
    assert identity(Oven()) == {"trays": [{"size": 9}]}
    glazed = Oven(trays=(Tray(), Tray(glaze=0.5)), lamp=False)
    assert identity(glazed) == {
        "trays": [{"size": 9}, {"size": 9, "glaze": 0.5}],
        "lamp": False,
    }


def test_a_title_is_the_name_unless_said():
    titles = {name: record.title for name, record in records_of(TrainConfig).items()}
    assert (titles["min_delta"], titles["gradient_noise"]) == ("min delta", "gradient noise")
    assert records_of(Oven)["lamp"].title == "light"
    assert records_of(Variant)["num_train"].axis == "training rows"


@pytest.mark.parametrize(("name", "record"), RECORDS.items(), ids=list(RECORDS))
def test_a_record_names_only_what_there_is_and_tries_what_can_be_on(name, record):
    conditions = [*record.needs, *(record.search.when if record.search else ())]
    conditions += [one for one in record.acts_with if not isinstance(one, str)]
    others = [one for one in record.acts_with if isinstance(one, str)]
    named = {*others, *record.beside, *(field for field, _ in conditions)}
    assert named <= set(RECORDS)
    assert all(record.is_on(value) for value in (*record.pilot, record.strength) if value)
    assert not record.switch or not record.is_on(record.default), "a switch is off by default"
    assert record.held != "layer" or record.draws, "a layer's strength is that of its draws"
    assert bool(record.pilot) == (name in STRENGTHS)
    assert (record.strength is not None) == (name in VARIANTS)


def test_a_list_of_json_is_the_tuple_that_it_was():
    """Results hold configs as JSON does: no rates at all are off there, too."""
    record = RECORDS["layer_dropout"]
    assert [record.is_on(v) for v in ([], (), [0.5, 0.2])] == [False, False, True]


def test_a_setting_is_found_in_either_config():
    of_model, of_train = split({"max_norm": 3.0, "momentum": 0.9, "num_train": 3})
    assert (of_model, of_train) == ({"max_norm": 3.0}, {"momentum": 0.9})
    model, train = MLPConfig(**of_model), TrainConfig(optimizer="sgd", **of_train)
    assert setting("max_norm", model, train) == 3
    assert setting("momentum", model, train) == 0.9
    on = switched_on(model, train)
    assert RECORDS["max_norm"] in on
    assert RECORDS["dropout"] not in on
