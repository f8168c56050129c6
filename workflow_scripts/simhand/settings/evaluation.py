"""Settings of the evaluation."""

from typing import Literal, get_args

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
    "assemblyhands",
    "mmpose_none",
    "mmpose_scale",
    "mmpose_procrustes",
    "mmpose_2d",
]


class EvaluationSettings(Section):
    """By which protocols predictions are measured."""

    protocols: list[ProtocolName] = Field(
        list(get_args(ProtocolName)),
        min_length=1,
        description="evaluation protocols; one that needs what was not predicted (absolute root, scale) "
        "stays blank",
    )
    bootstrap_resamples: int = Field(
        1000, ge=0, description="resamples behind each confidence interval; 0 for none"
    )
    bootstrap_seed: int = Field(0, ge=0, description="seed of the resamples")
    confidence: float = Field(
        0.95, gt=0, lt=1, description="share of the resamples that a confidence interval holds"
    )

    @field_validator("protocols")
    @classmethod
    def _names_no_protocol_twice(cls, protocols: list[ProtocolName]) -> list[ProtocolName]:
        if len(set(protocols)) < len(protocols):
            raise ValueError(f"a protocol stands twice in {protocols}; name each once")
        return protocols
