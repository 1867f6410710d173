"""A comparison in bits per dimension as tables: systems, their differences, and what was varied.

`facts` is what `Comparison.run` returns and bits.json holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from recipes.frames.tables import Figures, Number, as_text, made_by, markdown_with_source

PAPER = {"VAE": 4.51, "VQ-VAE": 4.67, "VIMCO": 5.14}  # section 4.1, bits/dim on CIFAR-10
PAPER_DATA = "cifar10"
UNIFORM, LEARNT = "VQ-VAE, uniform prior", "VQ-VAE, learnt prior"


def format_bits(facts: Mapping[str, Any]) -> str:
    """The tables as text, and what made them."""
    return "\n\n".join([*map(as_text, comparison_tables(facts)), made_by(facts)])


def markdown_bits(facts: Mapping[str, Any]) -> str:
    """The tables as Markdown, and what made them."""
    return markdown_with_source(comparison_tables(facts), facts)


def comparison_tables(facts: Mapping[str, Any]) -> list[Figures]:
    """Systems first; differences, sizes and commitment costs as far as there are any."""
    tables = [systems_table(facts), differences_table(facts)]
    first = f"{facts['data']}, one seed"
    grid = [
        (f"{row['groups']}x{row['num_codes']}", row["latent_bits"], row) for row in facts["grid"]
    ]
    betas = [(f"{row['beta']:g}", row["latent_bits"], row) for row in facts["betas"]]
    tables.append(_varied(f"VQ-VAE by codes at a place x K ({first})", "codes", grid))
    tables.append(_varied(f"VQ-VAE by commitment cost ({first})", "beta", betas))
    return [table for table in tables if table.rows]


def ordered_systems(facts: Mapping[str, Any]) -> list[str]:
    """Names in the paper's order of models, those of a model as they were scored."""
    families = [*PAPER]
    return sorted(
        facts["systems"],
        key=lambda name: families.index(_family(name)) if _family(name) in PAPER else len(PAPER),
    )


def paper_figure(system: str) -> float | None:
    """What the paper gives for a system; None for bounds that it does not speak of."""
    is_other_bound = "importance-weighted" in system or system.endswith(", 1 sample")
    return None if is_other_bound else PAPER.get(_family(system))


def is_papers_data(facts: Mapping[str, Any]) -> bool:
    """Whether the paper's figures are of the same pictures."""
    return facts["data"] == PAPER_DATA


def _family(system: str) -> str:
    return system.partition(",")[0]


def systems_table(facts: Mapping[str, Any]) -> Figures:
    """Bits/dim of every system with the error over sources, its parts, and the paper's figure."""
    effective = _effective_samples(facts["runs"])
    paper = "paper, CIFAR-10" if is_papers_data(facts) else "paper, CIFAR-10 (other data)"
    rows = []
    for name in ordered_systems(facts):
        entry = facts["systems"][name]
        rows.append(
            (
                name,
                Number(entry["bits_per_dim"]),
                Number(entry["standard_error"]),
                Number(entry["latent_bits"]),
                Number(entry["pixel_bits"]),
                Number(entry["runs"], "d"),
                Number(entry["sources"], "d"),
                Number(effective.get(name), ".1f"),
                Number(paper_figure(name), ".2f"),
            )
        )
    parts = facts["pictures"]
    return Figures(
        f"{facts['data']}, {facts['size']} x {facts['size']}: {parts['train']} training and "
        f"{parts['test']} test pictures, seeds: {facts['seeds']}",
        (
            *("system", "bits/dim", "± s.e.", "latents", "pixels", "runs", "sources"),
            *("effective samples", paper),
        ),
        tuple(rows),
        tuple(_remarks(facts)),
    )


def _effective_samples(runs: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Of each system with weights of samples, on average over its runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if "effective_samples" in run["facts"]:
            found.setdefault(run["system"], []).append(run["facts"]["effective_samples"])
    return {system: fmean(values) for system, values in found.items()}


def _remarks(facts: Mapping[str, Any]) -> list[str]:
    lines = [
        "Upper bounds on held-out pictures; errors are over sources, of which the pictures are cuts"
        " or frames."
    ]
    if is_papers_data(facts):
        lines.append(
            "The paper's figures are of the same pictures; it gives one for VQ-VAE and one for "
            "VIMCO, whatever the prior."
        )
    else:
        lines.append(
            f"The paper's figures are of CIFAR-10, these of {facts['data']}: not to be compared."
        )
    lines.append(_order(facts["systems"]))
    lines.append(_beside_histogram(facts))
    lines += _usage(facts["usage"])
    if near := facts["near_codes"]:
        lines.append(
            f"The {near['neighbours']} next-nearest codes of each latent add "
            f"{near['gain_bits']:.3g} bits a picture ({near['gain_bits_per_dim']:.2g} bits/dim) to "
            f"log p(x|z_q) p(z_q), on average over {near['pictures']} pictures of which each was "
            f"decoded {near['evaluations']} times."
        )
    return [line for line in lines if line]


def _order(systems: Mapping[str, Mapping[str, Any]]) -> str:
    """Those beside a figure of the paper, best first."""
    main = [name for name in systems if paper_figure(name) is not None]
    if len(main) < 2:
        return ""
    main.sort(key=lambda name: systems[name]["bits_per_dim"])
    return f"Order by mean: {' < '.join(main)}. The paper's: {' < '.join(PAPER)}."


def _beside_histogram(facts: Mapping[str, Any]) -> str:
    entropy = facts["histogram_bits"]
    above = [n for n, entry in facts["systems"].items() if entry["bits_per_dim"] >= entropy]
    told = "every system is below it" if not above else f"not below it: {'; '.join(above)}"
    return f"Entropy of the colours' histograms: {entropy:.3f} bits/dim; {told}."


def _usage(usage: Mapping[str, Mapping[str, float]]) -> list[str]:
    """How many codes the VQ-VAEs of each settings file use, on average over its seeds."""
    families: dict[str, list[Mapping[str, float]]] = {}
    for run, scores in usage.items():
        families.setdefault(run.rpartition("-seed")[0], []).append(scores)
    return [
        f"Codes of {name}: {fmean(s['codes_used'] for s in found):.0f} used, perplexity "
        f"{fmean(s['perplexity'] for s in found):.1f}, PSNR {fmean(s['psnr'] for s in found):.1f} "
        "dB."
        for name, found in families.items()
    ]


def differences_table(facts: Mapping[str, Any]) -> Figures:
    """Second minus first, source by source, of systems that stand beside a figure of the paper."""
    place = {name: i for i, name in enumerate(ordered_systems(facts))}
    found = []
    for entry in facts["differences"]:
        first, second, gap = entry["first"], entry["second"], entry["difference"]
        if paper_figure(first) is None or paper_figure(second) is None:
            continue
        larger = entry["larger_in"]
        if place[first] > place[second]:  # scored in another order than they are shown in
            first, second, gap, larger = second, first, -gap, entry["sources"] - larger
        row = (f"{second} - {first}", Number(gap, "+z.3f"), Number(entry["standard_error"]))
        found.append((place[first], place[second], (*row, f"{larger} of {entry['sources']}")))
    return Figures(
        "Paired differences, bits/dim",
        ("systems", "difference", "± s.e.", "larger in sources"),
        tuple(row for *_, row in sorted(found, key=lambda item: item[:2])),
    )


def _varied(
    title: str, column: str, rows: Sequence[tuple[str, float, Mapping[str, Any]]]
) -> Figures:
    """A row for each VQ-VAE: its bits a picture, bits/dim under both priors, and its codes."""

    def cells(system: Mapping[str, Any] | None) -> tuple[Number, Number]:
        entry = system or {"bits_per_dim": None, "standard_error": None}
        return Number(entry["bits_per_dim"]), Number(entry["standard_error"])

    return Figures(
        title,
        (
            *(column, "latent bits a picture", "bits/dim, uniform prior", "± s.e."),
            *("bits/dim, learnt prior", "± s.e.", "PSNR, dB", "perplexity", "codes used"),
        ),
        tuple(
            (
                name,
                Number(bits, ",.0f"),
                *cells(row["systems"][UNIFORM]),
                *cells(row["systems"].get(LEARNT)),
                Number(row["psnr"], ".1f"),
                Number(row["perplexity"], ".1f"),
                Number(row["codes_used"], ".0f"),
            )
            for name, bits, row in rows
        ),
    )
