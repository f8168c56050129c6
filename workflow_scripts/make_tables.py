"""Write one of the paper's tables as CSV, Markdown and HTML, measured beside reported."""

import argparse
from pathlib import Path

from simhand.files.atomic import write_text
from simhand.report.comparison import compare, read_reported
from simhand.report.definitions import table_definition
from simhand.report.metrics import concatenate_metrics, summarise
from simhand.report.table_display import display
from simhand.report.table_files import to_csv, to_html, to_markdown
from simhand.settings.tables import TablesSettings
from simhand.stage import run_stage, stage_parser


def make_tables(args: argparse.Namespace) -> None:
    """Summarise the metrics over seeds, look up the paper's numbers and write the three files."""
    settings = TablesSettings.model_validate_json(args.settings)
    definition = table_definition(args.table)
    measured = summarise(concatenate_metrics(args.metrics), definition)
    rows = compare(measured, read_reported(args.reported, definition), definition, settings.compare_with)
    table = display(rows, definition)
    write_text(args.out_dir / f"{definition.name}.csv", to_csv(rows, definition))
    write_text(args.out_dir / f"{definition.name}.md", to_markdown(table))
    write_text(args.out_dir / f"{definition.name}.html", to_html(table))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--table", required=True, help="which table, for example table2")
    parser.add_argument(
        "--metrics", type=Path, nargs="+", required=True, help="metrics tables of its experiments"
    )
    parser.add_argument("--reported", type=Path, required=True, help="the paper's table as CSV")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the tables")
    run_stage(parser, make_tables)
