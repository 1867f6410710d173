"""What pictures and video share: arrays of pictures, frames files, likelihoods, the first stage."""
