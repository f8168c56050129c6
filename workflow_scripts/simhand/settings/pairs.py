"""Settings of the mining of similar hands."""

from typing import Annotated

from pydantic import Field, field_validator

from simhand.settings.section import Section


class PairsSettings(Section):
    """Which of the similar hands in other recordings are kept as pairs."""

    ranks: list[Annotated[int, Field(ge=1)]] = Field(
        [1],
        min_length=1,
        description="ranks of similarity to keep: 1 is the most similar hand of another recording; "
        "Table 4 needs 1, 2, 5, 10, 50, 100, 500, 1000, 5000",
    )

    @field_validator("ranks")
    @classmethod
    def _in_order_without_repeats(cls, ranks: list[int]) -> list[int]:
        if len(set(ranks)) < len(ranks):
            raise ValueError(f"a rank stands twice in {ranks}; name each once")
        return sorted(ranks)
