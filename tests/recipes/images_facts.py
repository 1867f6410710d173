"""Made-up results of the images recipe, small enough to work out by hand."""

ENVIRONMENT = {
    "vqspeech": "1.2.3",
    "commit": "0123456789",
    "command": "python -m recipes.images.something --out exp",
    "processor": "a processor",
    "threads": 1,
    "gpus": [],
}


def system(bits, error, latents=None):
    pixels = None if latents is None else bits - latents
    return {
        "bits_per_dim": bits,
        "standard_error": error,
        "latent_bits": latents,
        "pixel_bits": pixels,
        "runs": 3,
        "sources": 20,
    }


def bits_facts(data="photos"):
    """VAE, VIMCO and VQ-VAE in the order in which they are scored."""
    row = {
        "groups": 4,
        "num_codes": 64,
        "latent_bits": 1536.0,
        "psnr": 21.04,
        "perplexity": 30.25,
        "codes_used": 60.5,
        "systems": {"VQ-VAE, uniform prior": system(5.25, 0.125, 0.5)},
    }
    learnt = {"VQ-VAE, learnt prior": system(5.0, 0.125, 0.25)}
    return {
        "kind": "bits-per-dim",
        "format": 1,
        "data": data,
        "size": 32,
        "pictures": {"train": 6000, "valid": 600, "test": 500},
        "seeds": 3,
        "histogram_bits": 5.5,
        "systems": {
            "VAE": system(4.5, 0.25, 1.5),
            "VAE, importance-weighted, 50 samples": system(4.25, 0.25),
            "VIMCO, 50 samples": system(5.75, 0.5),
            "VIMCO, 1 sample": system(6.0, 0.5, 0.75),
            "VQ-VAE, uniform prior": system(5.125, 0.125, 0.5),
            "VQ-VAE, learnt prior": system(4.875, 0.125, 0.25),
        },
        "differences": [
            difference("VAE", "VIMCO, 50 samples", 1.25, 20),
            difference("VAE", "VIMCO, 1 sample", 1.5, 20),
            difference("VIMCO, 50 samples", "VQ-VAE, uniform prior", -0.625, 1),
        ],
        "usage": {
            "vqvae-seed0": {
                "codes_used": 50,
                "perplexity": 20.0,
                "psnr": 20.0,
                "latent_bits": 1536,
            },
            "vqvae-seed1": {
                "codes_used": 60,
                "perplexity": 30.0,
                "psnr": 22.0,
                "latent_bits": 1536,
            },
        },
        "grid": [row | {"systems": row["systems"] | learnt}, row],
        "betas": [{"beta": 0.1} | row],
        "near_codes": {
            "pictures": 8,
            "neighbours": 2,
            "evaluations": 513,
            "gain_bits": 0.1234,
            "gain_bits_per_dim": 0.00004,
        },
        "runs": [
            {"system": "VIMCO, 50 samples", "facts": {"samples": 50, "effective_samples": 2.0}},
            {"system": "VIMCO, 50 samples", "facts": {"samples": 50, "effective_samples": 3.0}},
            {"system": "VAE", "facts": {"draws": 4}},
        ],
        "seconds": 7500.0,
        "environment": ENVIRONMENT,
    }


def difference(first, second, gap, larger):
    return {
        "first": first,
        "second": second,
        "difference": gap,
        "standard_error": 0.0625,
        "sources": 20,
        "larger_in": larger,
    }


def first_stage_facts():
    return {
        "kind": "first-stage-scores",
        "data": "photos",
        "size": 128,
        "steps": 300,
        "test_pictures": 60,
        "codes": [32, 32, 1, 512],
        "code_bits": 9216.0,
        "compression": 128 / 3,
        "scores": {
            "pixel_bits": 4.5,
            "nmse": 0.125,
            "psnr": 25.25,
            "perplexity": 100.0,
            "codes_used": 400.0,
        },
        "prior": {
            "bits_a_code": 6.5,
            "uniform_bits_a_code": 9.0,
            "classes": ["near", "far"],
            "bits_a_code_other_class": 6.75,
            "seconds_a_sample": 0.5,
        },
        "environment": ENVIRONMENT | {"gpus": ["an accelerator"]},
    }


def second_stage_facts():
    return {
        "kind": "second-stage-scores",
        "data": "vizdoom",
        "size": 84,
        "test_pictures": 40,
        "bits": 27.0,
        "first_stage_bits": 3969.0,
        "raw_bits": 169344,
        "compression": 6272.0,
        "bits_a_picture": {"with": 2000.0, "without": 2018.5, "shuffled": 2030.0},
        "bits_a_code": {"with": 4.535, "without": 4.577, "shuffled": 4.603},
        "saved": {"bits": 18.5, "low": 16.0, "high": 21.0, "sources": 8},
        "lost_by_shuffling": {"bits": 30.0, "low": 20.0, "high": 40.0, "sources": 8},
        "perplexity": [10.0, 20.5, 30.0],
        "environment": ENVIRONMENT,
    }
