"""What the measures of phoneme discovery are called on the page, and how values are written."""

_GROUPS = (
    (
        "Frames read right",
        {
            "accuracy": "accuracy",
            "accuracy_without_silence": "accuracy without silence",
            "majority": "majority phone of the same frames",
            "shuffled": "shuffled codes",
            "majority_without_silence": "majority phone, without silence",
            "shuffled_without_silence": "shuffled codes, without silence",
        },
        "percent",
    ),
    (
        "Codes as clusters of frames",
        {
            "phone_purity": "phone purity",
            "cluster_purity": "cluster purity",
            "pnmi": "PNMI, I / H(phone)",
            "nmi": "NMI, 2 I / (H(phone) + H(code))",
            "v_measure": "V-measure",
            "phone_purity_without_silence": "phone purity, without silence",
            "cluster_purity_without_silence": "cluster purity, without silence",
            "pnmi_without_silence": "PNMI, without silence",
            "nmi_without_silence": "NMI, without silence",
            "v_measure_without_silence": "V-measure, without silence",
        },
        "percent",
    ),
    (
        "Phone error rate, runs merged",
        {
            "per_many_to_one": "many codes to a phone",
            "per_one_to_one": "one code a phone",
            "per_many_to_one_without_silence": "many codes to a phone, without silence",
            "per_one_to_one_without_silence": "one code a phone, without silence",
        },
        "percent",
    ),
    (
        "Boundaries within 20 ms",
        {
            "boundary_precision": "precision",
            "boundary_recall": "recall",
            "boundary_f1": "F1",
            "boundary_over_segmentation": "over-segmentation",
            "boundary_r_value": "R-value",
        },
        "percent",
    ),
    (
        "Bit rate and use",
        {
            "bitrate_nominal": "bits a second, rate × log2 K",
            "bitrate": "bits a second, by entropy",
            "bitrate_merged": "bits a second, runs merged",
            "codes_used": "codes used",
            "perplexity": "perplexity",
            "run_length": "frames a run",
        },
        "number",
    ),
)
OTHER = "Other"
_KNOWN = {
    key: ((number, heading), place, label, form)
    for number, (heading, labels, form) in enumerate(_GROUPS)
    for place, (key, label) in enumerate(labels.items())
}


def measure_label(key: str) -> tuple[tuple[int, str], str]:
    """A measure's group, which sorts, and its label; an unknown one keeps its name."""
    if key not in _KNOWN:
        return (len(_GROUPS), OTHER), key
    group, _, label, _ = _KNOWN[key]
    return group, label


def measure_place(key: str) -> tuple[int, str]:
    """Its place in its group, to sort by."""
    return (_KNOWN[key][1], "") if key in _KNOWN else (0, key)


def format_measure(key: str, value: float) -> str:
    """The value as a percentage or a number, with the digits that such values have."""
    return _format(key, value).replace("-", "\N{MINUS SIGN}", 1 if value < 0 else 0)


def _format(key: str, value: float) -> str:
    form = _KNOWN[key][3] if key in _KNOWN else "unknown"
    if form == "percent":
        return f"{100 * value:.1f} %"
    if form == "number":
        digits = {"codes_used": 0, "run_length": 2}.get(key, 1)
        return f"{value:.{digits}f}"
    return f"{value:.4g}"
