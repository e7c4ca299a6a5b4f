"""The command line of the models room: `unmask networks`."""


def networks() -> None:
    """Show the networks that a config's `models` can name.

    Input size is that of the network's authors, in pixels a side, with the smallest that it
    takes in brackets. Parameters are those without the top, BatchNormalization's moving
    statistics among them. Where no pretrained weights are named, `weights: imagenet` is an error.

    Example: unmask networks
    """
    from rich.console import Console
    from rich.table import Table

    from models.backbones import registry

    console = Console(highlight=False)
    table = Table("network", box=None, header_style="bold", pad_edge=False)
    for title in ("input", "parameters"):
        table.add_column(title, justify="right")
    table.add_column("pretrained")
    of_paper: dict[str, list[str]] = {}
    for name in registry.names():
        entry = registry.find(name)
        table.add_row(
            name,
            f"{entry.image_size} ({entry.minimum_image_size})",
            f"{entry.parameters:,}",
            entry.pretrained or "none",
        )
        of_paper.setdefault(entry.paper, []).append(name)
    console.print(table)
    for paper, names in of_paper.items():
        # Not wrapped, which would break the links.
        console.print(f"\n[bold]{', '.join(names)}[/bold]\n{paper}", soft_wrap=True)
