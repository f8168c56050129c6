"""A finished table as LaTeX, for a paper: booktabs, and nothing else beyond plain LaTeX."""

from collections.abc import Sequence

from simhand.report.definitions import PROTOCOL_NOTE
from simhand.report.table_display import Cell, DisplayTable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",
    "]": "{]}",
    "\N{EN DASH}": "--",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{UPWARDS ARROW}": r"$\uparrow$",
    "\N{DOWNWARDS ARROW}": r"$\downarrow$",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
}
"""What text needs in place of these; brackets too, since a row must not begin with one."""


def escaped(text: str) -> str:
    """``text`` so that LaTeX prints just that."""
    return "".join(SPECIAL.get(char, char) for char in text)


def to_latex(table: DisplayTable) -> str:
    """The table as a float; the preamble needs the package booktabs."""
    definition = table.definition
    columns = "".join("r" if column.number else "l" for column in table.header)
    notes = [definition.caption, table.shared, *table.notes, PROTOCOL_NOTE]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table*}",
        r"\centering",
        r"\small",
        rf"\caption{{\textbf{{{escaped(definition.title)}.}} {escaped(' '.join(filter(None, notes)))}}}",
        rf"\label{{tab:{definition.name}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *_groups(table),
        _line([escaped(column.label) for column in table.header]),
        r"\midrule",
        *(_line([_cell(cell) for cell in row]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _groups(table: DisplayTable) -> list[str]:
    """The headings over several columns, with a rule under each."""
    cells, rules, first = [], [], 1
    for group, span in table.groups():
        if group:
            cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escaped(group)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{first + span - 1}}}")
        else:
            cells += [""] * span
        first += span
    return [_line(cells), " ".join(rules)] if rules else []


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.kind == "not-run":
        return rf"\textit{{{text}}}"
    return rf"\textbf{{{text}}}" if cell.best else text


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
