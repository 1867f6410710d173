"""Section 4.4 of the paper: frames imagined in latent space, under given actions."""
