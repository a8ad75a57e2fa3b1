"""The stages a plan passes through: prepare, encode, sample, decode, compose, save."""
