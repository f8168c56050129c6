"""Write one table as CSV, Markdown, LaTeX and HTML, measured beside reported."""

import argparse
from pathlib import Path

from simhand.files.atomic import write_text
from simhand.report.comparison import compare, read_reported
from simhand.report.definitions import table_definition
from simhand.report.latex import to_latex
from simhand.report.metrics import concatenate_metrics, files_of_experiments, summarise
from simhand.report.row_origins import row_origins
from simhand.report.table_display import display
from simhand.report.table_files import to_csv, to_html, to_markdown
from simhand.settings.tables import TablesSettings
from simhand.stage import run_stage, stage_parser


def make_tables(args: argparse.Namespace) -> None:
    """Summarise the metrics over seeds, look up the paper's numbers and certificates, write four files."""
    settings = TablesSettings.model_validate_json(args.settings)
    definition = table_definition(args.table)
    measured = summarise(concatenate_metrics(args.metrics), definition, settings)
    reported = read_reported(args.reported, definition) if args.reported else []
    rows = compare(measured, reported, definition, settings.compare_with)
    origins = row_origins(measured, files_of_experiments(args.metrics), definition, settings)
    table = display(rows, definition, origins, settings.titles)
    write_text(args.out_dir / f"{definition.name}.csv", to_csv(rows, definition, origins))
    write_text(args.out_dir / f"{definition.name}.md", to_markdown(table))
    write_text(args.out_dir / f"{definition.name}.tex", to_latex(table))
    write_text(args.out_dir / f"{definition.name}.html", to_html(table))


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--table", required=True, help="which table, for example table2")
    parser.add_argument(
        "--metrics", type=Path, nargs="+", required=True, help="metrics tables of its experiments"
    )
    parser.add_argument(
        "--reported", type=Path, help="the paper's table as CSV; without it nothing is compared"
    )
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the tables")
    run_stage(parser, make_tables)
