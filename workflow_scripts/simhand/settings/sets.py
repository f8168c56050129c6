"""Settings of a pre-training set."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from simhand.settings.section import Section

PaperSet = Literal["ego-50k", "ego-100k", "ego-500k", "ego-1m", "exo-1m", "egoexo-2m"]
"""The pre-training sets of the paper's tables."""


class SetSettings(Section):
    """Which hands make up one pre-training set."""

    kind: Literal["sampled"] = Field("sampled", description="drawn from the hands of this run")
    sources: Literal["all"] | Annotated[list[str], Field(min_length=1)] = Field(
        "all", description="the sources the hands are drawn from: all, or a list of their names"
    )
    size: int | None = Field(None, gt=1, description="number of hands; null takes as many as there are")
    balance_sides: bool = Field(
        True,
        description="as many left as right hands (an odd size has one right hand more; "
        "with size null the rarer side decides)",
    )
    balance_sources: bool = Field(
        False,
        description="as many hands of each source, sides balanced in each "
        "(with size null the source with the fewest decides)",
    )
    ranks: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | None = Field(
        None, description="ranks of similarity to keep of this set; null keeps `pairs.ranks`"
    )
    compare_with: PaperSet | None = Field(
        None, description="the paper's set whose reported numbers stand beside this one's in the tables"
    )

    @field_validator("ranks")
    @classmethod
    def _ranks_in_order_without_repeats(cls, ranks: list[int] | None) -> list[int] | None:
        if ranks is not None and len(set(ranks)) < len(ranks):
            raise ValueError(f"a rank stands twice in {ranks}; name each once")
        return ranks and sorted(ranks)

    @field_validator("sources")
    @classmethod
    def _names_no_source_twice(cls, sources: "Literal['all'] | list[str]") -> "Literal['all'] | list[str]":
        if sources != "all" and len(set(sources)) < len(sources):
            raise ValueError(f"a source stands twice in {sources}; name each once")
        return sources
