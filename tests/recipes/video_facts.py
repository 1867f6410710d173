"""Made-up results of the video recipe, small enough to work out by hand."""

ENVIRONMENT = {
    "vqspeech": "1.2.3",
    "commit": "0123456789",
    "command": "python -m recipes.video.something --out exp",
    "processor": "a processor",
    "threads": 1,
    "gpus": [],
}
FRAMES = 4  # that are drawn


def interval(bits, low, high):
    return {"bits": bits, "low": low, "high": high, "sources": 5}


def over_episodes(mean, low, high):
    return {"mean": mean, "low": low, "high": high, "episodes": 3}


def seen(accuracy, *by_step):
    """How often a judge names the action that was told."""
    return {
        "accuracy": over_episodes(accuracy, accuracy - 0.125, accuracy + 0.0625),
        "by_step": list(by_step),
        "by_action": {"forward": accuracy, "right": None},
        "confusion": [[3, 1], [0, 0]],
    }


def drift(start):
    """By step, each 1 above the one before."""
    names = ("nmse", "changed", "entropy", "perplexity", "used", "divergence", "kept", "sharpness")
    return {name: [start + step for step in range(FRAMES)] for name in names}


def video_facts():
    """A prior that sees 6 frames of 2 x 3 codes of 8 and knows two actions."""
    return {
        "kind": "video-scores",
        "format": 1,
        "data": "vizdoom",
        "codes": [2, 3, 8],
        "settings": {"context": 6, "actions": True},
        "bits": {
            "frames": 40,
            "codes": 6,
            "action_names": ["forward", "right"],
            "bits_a_frame": {
                **{"with": 12.0, "averaged": 12.75, "without": 12.875},
                **{"another": 15.0, "alone": 16.5, "repeat": 17.25},
            },
            "bits_a_code": {
                **{"with": 2.0, "averaged": 2.125, "without": 2.1458},
                **{"another": 2.5, "alone": 2.75, "repeat": 2.875},
            },
            "saved": {
                "averaged": interval(0.75, 0.5, 1.0),
                "without": interval(0.875, 0.25, 1.5),
                "another": interval(3.0, 2.0, 4.0),
                "alone": interval(4.5, 2.5, 6.5),
                "repeat": interval(5.25, 5.0, 5.5),
            },
            "action_bits": interval(0.8125, 0.75, 0.875),
            "told": interval(0.625, 0.5, 0.75) | {"exponent": 0.25, "named": 0.9375},
            "parameters": {"with": 12345, "without": 12000, "alone": 9000},
        },
        "drawn": {
            **{"frames": FRAMES, "windows": 12, "episodes": 3, "seconds_a_clip": 2.345},
            "fidelity": {
                "chance": 0.625,
                "real": seen(0.9375, 1, 0.75, 1, 1),
                "reconstructed": seen(0.875, 1, 1, 0.5, 1),
                "drawn": seen(0.75, 0.5, 1, 0.5, 1),
                "commanded": {
                    "forward": seen(0.8125, 1, 1, 1, 0.25),
                    "right": seen(0.6875, 1, 0.25, 0.5, 1),
                },
            },
            "drift": {"drawn": drift(2), "real": drift(1)},
            "psnr": {
                "drawn": [20.25, 19.0, 18.0, 17.0],
                "repeated": [18.0, 16.0, 15.0, 14.0],
                "reconstructed": [30.0, 29.0, 28.0, 27.0],
                "gain": [
                    over_episodes(2.25, 1.5, 3.0),
                    over_episodes(3.0, -0.01, 6.0),
                    over_episodes(-0.01, -4.0, 3.98),
                ],
            },
        },
        "training_seconds": {"VQ-VAE": 42.0, "prior": 7500.0},
        "environment": ENVIRONMENT,
    }


def scores(psnr):
    return {
        **{"nll": 2.0, "pixel_bits": 3.0, "nmse": 0.125, "psnr": psnr},
        **{"perplexity": 100.25, "codes_used": 400.0},
    }


def clip_facts():
    """Clips of 8 frames of 84 x 84 with a code for two of them, beside frames by themselves."""
    return {
        "kind": "clip-scores",
        "format": 1,
        "data": "vizdoom",
        "size": 84,
        "frames": 8,
        "steps": 2000,
        "test_clips": 30,
        "test_episodes": 5,
        "codes": [4, 21, 21, 1, 512],
        "bits_a_frame": 1984.5,
        "compression": 256 / 3,
        "scores": scores(24.5),
        "beside": {
            "steps": 2500,
            "bits_a_frame": 3969.0,
            "compression": 128 / 3,
            "scores": scores(25.25),
            "psnr_gained": {"decibels": -0.75, "low": -1.5, "high": -0.01, "sources": 5},
        },
        "environment": ENVIRONMENT,
    }
