"""Settings of the mining of similar hands."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from simhand.settings.section import Section, switch


class PairsSettings(Section):
    """Which of the similar hands in other recordings are kept as pairs, and how they are searched for."""

    ranks: list[Annotated[int, Field(ge=1)]] = Field(
        [1],
        min_length=1,
        description="ranks of similarity to keep: 1 is the most similar hand of another recording; "
        "Table 4 needs 1, 2, 5, 10, 50, 100, 500, 1000, 5000",
    )
    within: Literal["set", "source"] = switch(
        "where partners are looked for: in the whole set, or among the hands of the same source, as in the "
        "released annotations",
        ours="set",
        paper="set",
        release="source",
    )
    backend: Literal["tree", "faiss_flat", "faiss_ivf", "torch"] = Field(
        "tree",
        description="how they are searched for: tree (ours, exact), faiss_flat (exact), faiss_ivf (may miss "
        "some; its recall on a sample is reported), torch (exact, for a GPU)",
    )
    probes: int = Field(16, ge=1, description="faiss_ivf: how many of its lists are looked through per hand")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="torch: where to search; auto takes a GPU if there is one"
    )

    @field_validator("ranks")
    @classmethod
    def _in_order_without_repeats(cls, ranks: list[int]) -> list[int]:
        if len(set(ranks)) < len(ranks):
            raise ValueError(f"a rank stands twice in {ranks}; name each once")
        return sorted(ranks)
