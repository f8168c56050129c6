"""Settings of the evaluation."""

from typing import Literal

from pydantic import Field, field_validator

from simhand.settings.section import Section

ProtocolName = Literal[
    "simhand",
    "simhand_all_joints",
    "minimalhand_root9",
    "freihand_absolute",
    "freihand_procrustes",
    "procrustes_rotation",
    "dexycb_absolute",
    "dexycb_root_relative",
    "dexycb_procrustes",
    "mmpose_none",
    "mmpose_scale",
    "mmpose_procrustes",
]


class EvaluationSettings(Section):
    """By which protocols predictions are measured."""

    protocols: list[ProtocolName] = Field(
        ["simhand", "freihand_absolute", "freihand_procrustes", "procrustes_rotation"],
        min_length=1,
        description="evaluation protocols; one that needs what was not predicted (absolute root, scale) "
        "stays blank",
    )

    @field_validator("protocols")
    @classmethod
    def _names_no_protocol_twice(cls, protocols: list[ProtocolName]) -> list[ProtocolName]:
        if len(set(protocols)) < len(protocols):
            raise ValueError(f"a protocol stands twice in {protocols}; name each once")
        return protocols
