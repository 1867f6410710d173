"""Section 4.4: frames that are imagined in latent space, under given actions."""
