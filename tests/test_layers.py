"""No import points up: the table of layers, held against every import statement."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# part: (parts of vqspeech it may import, outside packages it may import). A part may import itself;
# numpy goes wherever tensors are turned into arrays.
ALLOWED = {
    "errors": ((), ()),
    "files": (("errors",), ()),
    "devices": (("errors",), ("torch",)),
    "environment": (("version",), ("torch",)),
    "nn": ((), ("torch",)),
    "audio": (("errors", "files"), ("numpy", "soundfile", "soxr", "torch", "librosa")),
    "analysis": (("errors",), ("numpy", "scipy", "sklearn", "rapidfuzz")),
    "config": (("errors",), ("pydantic", "yaml")),
    "checkpoint": (("errors", "files"), ("torch", "safetensors")),
    "data": (
        ("audio", "files", "errors"),
        (
            *("numpy", "torch", "praatio", "pocketsphinx"),
            *(
                "faster_whisper",
                "onnxruntime",
                "resemblyzer",
                "speechmos",
            ),  # of the extra `evaluate`
        ),
    ),
    "models": (("nn", "audio", "config", "checkpoint", "errors"), ("torch", "numpy")),
    "generation": (
        ("nn", "models", "audio", "checkpoint", "devices", "files", "errors"),
        ("torch", "numpy", "numba"),
    ),
    "training": (
        ("config", "checkpoint", "devices", "environment", "files", "errors"),
        ("torch", "rich"),
    ),
    "report": (("analysis", "errors", "files"), ("jinja2", "matplotlib", "numpy")),
}
EVERYTHING = tuple(ALLOWED)
ALLOWED["stages"] = (
    (*EVERYTHING, "version"),
    (
        *("torch", "numpy", "soundfile", "librosa", "sklearn", "scipy", "threadpoolctl"),
        *("constriction", "onnxruntime"),
    ),
)
ALLOWED["web"] = (
    ("stages", "generation", "report", "audio", "errors"),
    ("gradio", "fastapi", "uvicorn", "numpy"),
)
# The command line may import torch inside a command, to set its threads; never on the way in.
ALLOWED["cli"] = (
    (
        *("stages", "web", "config", "errors", "devices", "environment", "generation"),
        *("training", "data", "version"),
    ),
    ("typer", "rich", "torch"),
)
# The package's own names, imported on first use, and `python -m vqspeech`.
ALLOWED["__init__"] = ((*EVERYTHING, "stages"), ())
ALLOWED["__main__"] = (("cli",), ())

RECIPE_ALLOWED = (
    "nn",
    "models.vqvae",
    "generation",
    "training",
    "report",
    "config",
    "checkpoint",
    "files",
    "errors",
    "devices",
    "environment",
    "cli.leave",
)
MODULES = sorted((ROOT / "vqspeech").rglob("*.py"))


def imports(path):
    """(line, module) of every import anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module


def breaches(path, part):
    inside, outside = ALLOWED[part]
    for line, module in imports(path):
        names = module.split(".")
        if names[0] == "vqspeech":
            target = names[1] if len(names) > 1 else "version"
            if target != part and target not in inside:
                yield f"{path}:{line}: {part} imports {module}"
        elif names[0] not in sys.stdlib_module_names and names[0] not in outside:
            yield f"{path}:{line}: {part} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_imports_what_its_layer_may_not(path):
    part = path.relative_to(ROOT / "vqspeech").parts[0].removesuffix(".py")
    assert list(breaches(path, part)) == []


def test_an_arrow_that_points_up_is_found(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("def f():\n    from vqspeech.stages.convert import convert_files\n")
    assert list(breaches(module, "nn")) == [f"{module}:2: nn imports vqspeech.stages.convert"]


def test_recipes_import_only_the_core_they_share():
    for path in sorted((ROOT / "recipes").rglob("*.py")):
        recipe = path.relative_to(ROOT / "recipes").parts[0]
        for line, module in imports(path):
            if module.startswith("vqspeech."):
                inside = module.removeprefix("vqspeech.")
                allowed = any(inside == a or inside.startswith(a + ".") for a in RECIPE_ALLOWED)
                assert allowed, f"{path}:{line}: recipes import {module}"
            elif module.startswith("recipes."):
                other = module.split(".")[1]
                assert other in (recipe, "frames"), f"{path}:{line}: {recipe} imports {module}"


def test_modules_are_at_most_300_lines():
    long = {p.name: n for p in MODULES if (n := len(p.read_text().splitlines())) > 300}
    assert long == {}
