"""`unmask verify`: checks an audit record against the files, and asks the model again."""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import rich
import rich.console
import rich.markup
import typer
from rich.table import Table

from data.utils.errors import UsageError
from data.utils.progress import progress_bar
from serving.cli.connection_options import (
    SERVER_HELP,
    ClientCertificate,
    ClientKey,
    RootCertificates,
    TokenFile,
    connect,
)
from serving.prediction import scope_sentences

if TYPE_CHECKING:
    from serving.audit import AuditRecord, Difference
    from serving.client import Client


def _print_schema(schema: bool) -> None:
    if schema:
        from serving.audit import AuditRecord

        typer.echo(json.dumps(AuditRecord.model_json_schema(), indent=2))
        raise typer.Exit


def verify(
    record: Annotated[
        pathlib.Path, typer.Argument(help="What `unmask predict --output record.json` wrote.")
    ],
    input: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Where the files are now: a folder in which their recorded paths, or ends of "
            "these, lead to them; or the file, if the record is about one."
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help=f"Ask again and compare the answers. {SERVER_HELP}"),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, max=1, help="How far probabilities may lie from the recorded ones."),
    ] = 0.01,
    root_certificates: RootCertificates = None,
    client_certificate: ClientCertificate = None,
    client_key: ClientKey = None,
    token_file: TokenFile = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            is_eager=True,
            callback=_print_schema,
            help="Print the record's JSON Schema and end.",
        ),
    ] = False,
) -> None:
    """Check that an audit record still holds.

    The record must be consistent, and each file must have the recorded SHA-256. With
    --server, the model is asked again with the recorded options and must answer the same.
    Ends with 0 if nothing differs, with 1 if something does, with 2 on wrong use.

    Example: unmask verify record.json --server localhost:8500
    """
    from serving import audit

    recorded = audit.read_record(record)
    paths = [video.input.path for video in recorded.videos]
    if input is not None and input.is_dir():
        paths = [str(_find(input, path)) for path in paths]
    elif input is not None:
        if len(paths) != 1:
            raise UsageError(
                f"--input {input}: {record} is about {len(paths)} files; name the folder in which "
                "they are"
            )
        paths = [str(input)]
    differences = audit.check_record(recorded)
    if server is None:
        for video, path in zip(recorded.videos, paths, strict=True):
            differences += audit.check_input(video, path)
    else:
        with connect(
            server, recorded.options, root_certificates, client_certificate, client_key, token_file
        ) as client:
            differences += _ask_again(recorded, paths, client, tolerance)
    _print_differences(recorded, differences, asked=server is not None)
    if differences:
        raise typer.Exit(1)


def _find(folder: pathlib.Path, recorded: str) -> pathlib.Path:
    """Where a recorded path leads to in a folder: of its ends, the longest that is there."""
    parts = [part for part in pathlib.PurePosixPath(recorded).parts if part not in ("/", "..")]
    ends = [folder.joinpath(*parts[start:]) for start in range(len(parts))]
    return next((path for path in ends if path.exists()), ends[0])


def _ask_again(
    recorded: AuditRecord, paths: Sequence[str], client: Client, tolerance: float
) -> list[Difference]:
    """Checks the files, and the model's answers about them."""
    from serving import audit
    from serving.client import ServingError

    differences = []
    console = rich.console.Console(stderr=True)
    with progress_bar("videos", console=console, transient=True) as progress:
        pairs = list(zip(recorded.videos, paths, strict=True))
        for video, path in progress.track(pairs, description="Asking again"):
            differences += audit.check_input(video, path)
            try:
                answer = client.predict(path)
            except ServingError as error:
                raise UsageError(str(error)) from error
            differences += audit.check_answer(video, answer, tolerance)
    return differences


def _print_differences(record: AuditRecord, differences: list[Difference], *, asked: bool) -> None:
    from serving.audit import library_versions

    if differences:
        table = Table(title="Not as recorded", title_justify="left")
        table.add_column("video", overflow="fold")
        table.add_column("difference", overflow="fold")
        for difference in differences:
            table.add_row(
                rich.markup.escape(difference.path or "(the record)"),
                rich.markup.escape(difference.what),
            )
        rich.print(table)
    else:
        count = len(record.videos)
        typer.echo(f"As recorded: {count} file{'' if count == 1 else 's'}.")
    if not asked:
        typer.echo("The model was not asked again; --server does.")
    here = library_versions()
    other = [
        f"{name} {old} (here {here.get(name, 'absent')})"
        for name, old in record.versions.items()
        if here.get(name) != old
    ]
    if other:
        typer.echo(f"Recorded with other versions: {', '.join(other)}")
    scopes = (scope_sentences(video.model_version, video.scope)[1:] for video in record.videos)
    for sentence in dict.fromkeys([record.scope, *itertools.chain.from_iterable(scopes)]):
        typer.echo(sentence)
