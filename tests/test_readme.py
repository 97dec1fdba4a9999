"""The README's Python runs as it stands there, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_python_blocks_run_one_after_the_other():
    scope: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), scope)
    assert scope["mask"].sum() > 0
    assert scope["grad"].shape == (1, 3)
    assert scope["child"].n_params == len(scope["params"])
    assert scope["found"].energy[0] <= scope["children"].energy[scope["children"].best()[0]] + 1e-12
    assert scope["estimate"].mean.shape == scope["energies"].shape == (2,)


def test_commands_and_options_exist():
    import typer

    from search.cli import app

    command = typer.main.get_command(app)
    lines = re.findall(r"\bqas (\w+)((?: [^`\n]+)?)", README)
    assert len(lines) > 6
    for name, rest in lines:
        options = {o for p in command.commands[name].params for o in p.opts}
        for option in re.findall(r"--[\w-]+", rest.split("#")[0]):
            assert option in options, f"qas {name} {option}"


def test_linked_files_exist():
    folder = Path(__file__).parent.parent
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (folder / target).exists(), target
