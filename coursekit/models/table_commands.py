"""The command `coursekit table`: a network's table, in the terminal."""

import re

import click


@click.command("table")
@click.argument("name_or_pattern")
@click.option("--input", "shape", metavar="CxHxW", help="Size of the picture, such as 3x224x224 [the network's own].")
@click.option("--markdown", is_flag=True, help="Write Markdown.")
@click.option("--every", is_flag=True, help="Show the layers, too, that have nothing to count, such as ReLU.")
def table_command(name_or_pattern: str, shape: str | None, markdown: bool, every: bool) -> None:
    """Print the table of a network: shapes, memory, parameters and multiply-adds, layer by layer.

    NAME_OR_PATTERN is a name such as vgg16, or a pattern such as "INPUT 3x32x32 -> [CONV3-8 -> RELU]*2 -> FC-10" (in
    quotation marks, because of the > in it).
    """
    from coursekit.models import table

    try:
        counted = table(name_or_pattern, _shape(shape))
    except (ValueError, TypeError) as error:
        raise click.ClickException(str(error)) from None
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision"):
            raise
        raise click.ClickException(
            f"{error.name} is not installed here, and networks by name need it: python3 course.py setup brings it. "
            "Patterns are counted without."
        ) from None
    click.echo(counted.to_markdown(every=every) if markdown else counted.to_text(every=every))


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}(x\d{1,9}){0,3}", text, re.ASCII):
        raise click.BadParameter(
            f"{text!r}: expected channels, height and width, such as 3x224x224.", param_hint="--input"
        )
    return tuple(int(number) for number in text.split("x"))
